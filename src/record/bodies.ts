/**
 * From the values of the pipeline to the lines of the journal: everything from outside is redacted and bounded here.
 */
import { createHmac, hash } from "node:crypto";
import { LIMITS, redact, redactWords, type Decision, type EffectClass, type Intent, type Outcome, type PlanHash, type RedactOptions, type Request } from "../model/index.ts";
import type { ConnectionBody, ConnectionDecidedBody, DecidedBody, FinishedBody, GrantedBody, IntentBody, ReceivedBody, RecordedAuthority, RecordedTrace, RecordedUndo, ScriptText, UndoneBody } from "./entries.ts";
import { processStart } from "./processes.ts";
import type { Trace } from "./trace.ts";

/** What the broker knows of a request when it arrives. */
export type ReceivedContext = {
  /** `Invocation.mode`: command, file, stdin, interactive, print or opaque. */
  readonly mode: string;
  /** The exact text that would run; undefined when it is not in the request (stdin, interactive). */
  readonly text: string | undefined;
  readonly workspace: string | undefined;
  readonly intent: Intent | undefined;
  /** Name of the agent, when it is known. */
  readonly agent: string | undefined;
  /** What the agent calls its session, and the call that this is; claims of its environment. */
  readonly session?: string | undefined;
  readonly call?: string | undefined;
  readonly trace: Trace;
};

/** What was decided, and what the command was really given. */
export type DecidedContext = {
  readonly decision: Decision;
  readonly classes: readonly EffectClass[];
  /** From the sandbox's plan; undefined when nothing runs. */
  readonly authority: RecordedAuthority | undefined;
  readonly planHash: PlanHash | undefined;
  /** Microseconds of our own work for this decision, waiting for reviewer and human left out; undefined when not measured. */
  readonly overheadUs: number | undefined;
  /** What was kept of what the command may lose. */
  readonly undo?: RecordedUndo | undefined;
};

/** Redacts with marks that only this installation can make: equal secrets can be joined, short ones cannot be guessed from outside. */
export class Scrubber {
  readonly #options: RedactOptions;
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
    this.#options = { mark: (secret) => createHmac("sha256", key).update(secret).digest("hex").slice(0, 8) };
  }

  /** What stands for a text that is not kept at all. */
  digest(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("hex");
  }

  /** One short text, at most `LIMITS.shownCommand`. */
  text(text: string): string {
    return this.script(text).text;
  }

  /** A few more characters than are kept are looked at, so that a secret across the cut is still seen as one. */
  script(text: string): { readonly text: string; readonly truncated: boolean; readonly redacted: number } {
    const clean = redact(text.slice(0, LIMITS.shownCommand + LIMITS.redactionOverlap), this.#options);
    return { text: clean.text.slice(0, LIMITS.shownCommand), truncated: clean.text.length > LIMITS.shownCommand || text.length > LIMITS.shownCommand, redacted: clean.found };
  }

  /** Words that together are at most `LIMITS.shownCommand` long; the rest is counted in a last word. */
  words(words: readonly string[]): readonly string[] {
    const cut = words.map((word) => word.slice(0, LIMITS.shownCommand + LIMITS.redactionOverlap));
    const kept: string[] = [];
    let room: number = LIMITS.shownCommand;
    for (const word of redactWords(cut.slice(0, LIMITS.recordedWords), this.#options).words) {
      if (word.length > room) break;
      kept.push(word);
      room -= word.length;
    }
    return kept.length === words.length ? kept : [...kept, `[${words.length - kept.length} more]`];
  }
}

export function receivedBody(request: Request, context: ReceivedContext, boot: string, scrub: Scrubber): ReceivedBody {
  const { text } = context;
  const scriptAt = text === undefined || text === "" ? -1 : request.argv.indexOf(text);
  return {
    id: request.id,
    receivedAt: request.receivedAt,
    shell: request.shell,
    argv: scrub.words(request.argv.map((word, index) => (index === scriptAt ? "" : word))),
    scriptAt: scriptAt < 0 ? undefined : scriptAt,
    mode: context.mode,
    cwd: scrub.text(request.cwd),
    workspace: context.workspace === undefined ? undefined : scrub.text(context.workspace),
    uid: request.uid,
    ppid: request.ppid,
    process: { pid: request.pid, start: processStart(request.pid), boot },
    tty: { stdin: request.tty.stdin, stdout: request.tty.stdout, stderr: request.tty.stderr },
    agent: context.agent === undefined ? undefined : scrub.text(context.agent),
    session: context.session === undefined ? undefined : scrub.text(context.session),
    call: context.call === undefined ? undefined : scrub.text(context.call),
    script: text === undefined ? undefined : scriptText(text, scrub),
    intent: context.intent === undefined ? undefined : { ...context.intent, text: scrub.text(context.intent.text) },
    trace: recordedTrace(context.trace, scrub),
  };
}

function scriptText(text: string, scrub: Scrubber): ScriptText {
  return { ...scrub.script(text), length: text.length, sha256: hash("sha256", text, "hex") };
}

function recordedTrace(trace: Trace, scrub: Scrubber): RecordedTrace {
  const { traceId, spanId, parentSpanId } = trace.context;
  return {
    traceId, spanId, parentSpanId, processSpanId: trace.processSpanId, depth: trace.depth, parent: trace.parent,
    inherited: trace.inherited === undefined ? undefined : scrub.text(trace.inherited),
  };
}

export function decidedBody(id: string, context: DecidedContext, scrub: Scrubber): DecidedBody {
  const { decision } = context;
  const { evaluation, review, approval } = decision;
  const { claim } = evaluation;
  return {
    id,
    final: decision.final,
    verdict: evaluation.verdict,
    source: decision.source,
    reason: scrub.text(decision.reason),
    instead: decision.instead === undefined ? undefined : scrub.text(decision.instead),
    policy: evaluation.policy,
    planHash: context.planHash,
    classes: context.classes,
    rules: evaluation.matches.slice(0, LIMITS.recordedRules).map(({ id: rule, tier, file, line, verdict }) => ({ id: rule, tier, file, line, verdict })),
    claim: { sandbox: claim.sandbox, writable: scrub.words(claim.writable), network: network(claim.network, scrub), privileged: claim.privileged },
    authority: context.authority === undefined ? undefined : { ...context.authority, writable: scrub.words(context.authority.writable), network: network(context.authority.network, scrub) },
    review: review === undefined ? undefined : { ...review, rationale: scrub.text(review.rationale) },
    approval: approval === undefined ? undefined : { ...approval, message: approval.message === undefined ? undefined : scrub.text(approval.message) },
    ...(decision.grant === undefined ? {} : { grant: decision.grant }),
    overheadUs: context.overheadUs === undefined ? undefined : Math.round(context.overheadUs),
    undo: context.undo === undefined ? undefined : { ...context.undo, uncovered: scrub.words(context.undo.uncovered) },
  };
}

function network(hosts: readonly string[] | "any", scrub: Scrubber): readonly string[] | "any" {
  return hosts === "any" ? "any" : scrub.words(hosts);
}

export function connectionBody(id: string, { protocol, host, port, outcome, reason, sent, received }: Omit<ConnectionBody, "id">, scrub: Scrubber): ConnectionBody {
  return { id, protocol, host: host === undefined ? undefined : scrub.text(host), port, outcome, reason: reason === undefined ? undefined : scrub.text(reason), sent, received };
}

/** What is known of a decision about a connection. */
export type ConnectionDecision = { readonly decision: Decision; readonly host: string; readonly port: number; readonly method: string; readonly waitedMs: number };

export function connectionDecidedBody(id: string, { decision, host, port, method, waitedMs }: ConnectionDecision, scrub: Scrubber): ConnectionDecidedBody {
  const { final, verdict, source, reason, rules, review, approval } = decidedBody(id, { decision, classes: [], authority: undefined, planHash: undefined, overheadUs: undefined }, scrub);
  return { id, host: scrub.text(host), port, method: scrub.text(method), final: final === "run" ? "allow" : "refuse", verdict, source, reason, rules, review, approval, waitedMs: Math.round(waitedMs) };
}

export function intentBody({ id, text, source, trust, call, prompt }: IntentBody, scrub: Scrubber): IntentBody {
  return { id, text: scrub.text(text), source, trust, call: call === undefined ? undefined : scrub.text(call), prompt: prompt === undefined ? undefined : scrub.digest(prompt) };
}

export function undoneBody(undone: UndoneBody, scrub: Scrubber): UndoneBody {
  return { ...undone, workspace: scrub.text(undone.workspace), problems: scrub.words(undone.problems) };
}

export function grantedBody(granted: GrantedBody, scrub: Scrubber): GrantedBody {
  return { ...granted, command: scrub.text(granted.command), cwd: scrub.text(granted.cwd) };
}

export function finishedBody(id: string, outcome: Outcome, scrub: Scrubber, report: { readonly late: boolean }): FinishedBody {
  const base = { id, late: report.late, code: undefined, signal: undefined, reason: undefined, usage: undefined };
  switch (outcome.kind) {
    case "exited": return { ...base, outcome: "exited", code: outcome.code, usage: outcome.usage };
    case "signalled": return { ...base, outcome: "signalled", signal: outcome.signal, usage: outcome.usage };
    case "refused": return { ...base, outcome: "refused", code: outcome.code };
    case "lost": return { ...base, outcome: "lost", reason: scrub.text(outcome.reason) };
  }
}
