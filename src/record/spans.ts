/**
 * From the life of one request to its spans: pure, so that the same journal gives the same spans (and the same ids) again.
 */
import { createHash } from "node:crypto";
import { LIMITS } from "../model/index.ts";
import type { Life } from "./assemble.ts";
import { ATTRIBUTES, EVENTS, type AttributeValue, type AttributeValues, type SpanName } from "./attributes.ts";
import type { RecordedApproval, RecordedReview } from "./entries.ts";
import { finalDecision } from "./logs.ts";
import { commandText } from "./records.ts";

/** One span, ready for any encoder. Times in milliseconds since the epoch. `failed`: undefined unless its status is ERROR. */
export type SpanData = {
  readonly what: SpanName;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: { readonly spanId: string; readonly remote: boolean } | undefined;
  readonly start: number;
  readonly end: number;
  readonly attributes: { readonly [name: string]: AttributeValue };
  readonly failed: string | undefined;
  /** What happened meanwhile, in order. */
  readonly events: readonly SpanEvent[];
};

export type SpanEvent = { readonly name: string; readonly time: number; readonly attributes: { readonly [name: string]: AttributeValue } };

/** In: one finished request. Out: its span and the spans below it, the command first. */
export function spansOf(life: Life): readonly SpanData[] {
  const { decided } = life;
  return [
    commandSpan(life),
    ...(decided?.review === undefined ? [] : [reviewSpan(life, decided.review)]),
    ...(decided?.approval === undefined ? [] : [approvalSpan(life, decided.approval)]),
    ...processSpan(life),
  ];
}

function commandSpan(life: Life): SpanData {
  const { received, finished } = life;
  const { trace } = received;
  const failed = failure(life);
  return {
    what: "command",
    name: "execute_tool shell",
    traceId: trace.traceId,
    spanId: trace.spanId,
    parent: trace.parentSpanId === undefined ? undefined : { spanId: trace.parentSpanId, remote: true },
    start: received.receivedAt,
    end: Math.max(received.receivedAt, finished.time),
    attributes: named({
      operation: "execute_tool", tool: "shell", agent: received.agent, session: received.session, call: received.call ?? life.intent?.call, id: received.id, sha256: received.script?.sha256, text: commandText(received),
      truncated: received.script?.truncated ?? false, depth: trace.depth, parent: trace.parent, mode: received.mode, shell: received.shell, inherited: trace.inherited,
      directory: received.cwd, parentPid: received.ppid, ...intentAttributes(life),
      ...decisionAttributes(life), ...networkAttributes(life), planted: life.planted.length === 0 ? undefined : life.planted, outcome: finished.outcome, late: finished.late, exitCode: exitCode(life), error: failed,
    }),
    failed,
    events: life.asked.slice(0, LIMITS.spanEvents).map(connectionEvent),
  };
}

/** What was decided about a host that the command asked for while it ran. */
function connectionEvent({ time, host, port, method, final, verdict, source, reason, rules, approval, waitedMs }: Life["asked"][number]): SpanEvent {
  return {
    name: EVENTS.connection.name, time,
    attributes: named({
      address: host, port, method, decision: final === "allow" ? "allow" : approval?.outcome === "pending" ? "ask_timeout" : approval?.outcome === "denied" ? "ask_denied" : "deny",
      verdict, source, reason, rules: rules.map(({ id }) => id), approvalId: approval?.id, channel: approval?.channel, approver: approval?.by, waited: waitedMs,
    }),
  };
}

/** What the agent wrote in its transcript says more than a comment in the line. */
function intentAttributes({ received, intent }: Life): AttributeValues {
  const { text, source, trust } = intent ?? received.intent ?? {};
  return { intent: text, intentSource: source, intentTrust: trust, prompt: intent?.prompt };
}

function decisionAttributes({ decided }: Life): AttributeValues {
  if (decided === undefined) return {};
  const { authority, rules, undo } = decided;
  return {
    verdict: decided.verdict, decision: finalDecision(decided), source: decided.source, reason: decided.reason, policy: decided.policy, classes: decided.classes,
    rules: rules.map((rule) => rule.id), rulePlaces: rules.map((rule) => `${rule.tier} ${rule.file}:${rule.line}`), overhead: decided.overheadUs, approver: decided.approval?.by,
    undoId: undo?.snapshot, undoOutcome: undo?.outcome, undoTime: undo === undefined ? undefined : Math.round(undo.ms * 1000), undoFiles: undo?.files, undoUncovered: undo === undefined || undo.uncovered.length === 0 ? undefined : undo.uncovered,
    sandbox: authority?.sandbox, writable: authority?.writable, missing: authority?.missing, network: authority?.network === "any" ? ["any"] : authority?.network,
  };
}

/** Nothing when nothing was tried. */
function networkAttributes({ connections }: Life): AttributeValues {
  if (connections.length === 0) return {};
  const places = (outcome: "allowed" | "refused"): readonly string[] | undefined => {
    const found = [...new Set(connections.filter((one) => one.outcome === outcome).map(({ host, port }) => (host === undefined ? "?" : `${host.includes(":") ? `[${host}]` : host}:${port}`)))];
    return found.length === 0 ? undefined : found.slice(0, LIMITS.recordedWords);
  };
  const sum = (of: "sent" | "received"): number => connections.reduce((total, one) => total + one[of], 0);
  return { reached: places("allowed"), stopped: places("refused"), sentBytes: sum("sent"), receivedBytes: sum("received") };
}

function reviewSpan(life: Life, review: RecordedReview): SpanData {
  return child(life, "review", `chat ${review.model}`, review.startedAt, review.startedAt + review.ms, review.error, {
    operation: "chat", provider: "openai", requestModel: review.model, outputType: "json", inputTokens: review.usage?.input, outputTokens: review.usage?.output,
    reviewOutcome: review.outcome, risk: review.risk, rationale: review.rationale, error: review.error,
  });
}

function approvalSpan(life: Life, approval: RecordedApproval): SpanData {
  return child(life, "approval", "await_approval", approval.startedAt, approval.startedAt + approval.ms, undefined, {
    approvalId: approval.id, approvalOutcome: approval.outcome, channel: approval.channel, approver: approval.by,
  });
}

/** None when nothing ran. A process whose start was not recorded still ran when its end says so. */
function processSpan(life: Life): readonly SpanData[] {
  const { received, started, finished } = life;
  if (started === undefined && (finished.outcome === "refused" || finished.outcome === "lost")) return [];
  const wall = finished.usage === undefined ? undefined : finished.usage.wallUs / 1000;
  const start = started?.time ?? finished.time - (wall ?? 0);
  const failed = failure(life);
  return [child(life, "process", received.shell, start, wall === undefined ? finished.time : start + wall, failed, {
    executable: received.shell, pid: started?.pid, exitCode: exitCode(life), signal: finished.signal, error: failed,
    userTime: finished.usage?.userUs, systemTime: finished.usage?.systemUs, memory: finished.usage?.maxRssKb,
  })];
}

function child(life: Life, what: SpanName, name: string, start: number, end: number, failed: string | undefined, values: AttributeValues): SpanData {
  const { trace } = life.received;
  return {
    what, name, traceId: trace.traceId, start, end: Math.max(start, end), failed, attributes: named(values), events: [],
    spanId: what === "process" ? trace.processSpanId : derivedId(trace.spanId, what),
    parent: { spanId: trace.spanId, remote: false },
  };
}

/** The same span has the same id each time it is sent, so that a receiver can tell a repetition. */
function derivedId(spanId: string, what: SpanName): string {
  return createHash("sha256").update(`${spanId}/${what}`).digest("hex").slice(0, 16);
}

function exitCode({ finished }: Life): number | undefined {
  return finished.outcome === "signalled" ? 128 + (finished.signal ?? 0) : finished.code;
}

/** Out: `error.type`, or undefined when all went well. */
function failure({ decided, finished }: Life): string | undefined {
  switch (finished.outcome) {
    case "exited": return finished.code === 0 ? undefined : String(finished.code);
    case "signalled": return `signal ${finished.signal ?? 0}`;
    case "refused": return decided !== undefined && finalDecision(decided) === "ask_timeout" ? "timeout" : "denied";
    case "lost": return "lost";
  }
}

function named(values: AttributeValues): { readonly [name: string]: AttributeValue } {
  const result: { [name: string]: AttributeValue } = {};
  for (const [key, { name }] of Object.entries(ATTRIBUTES)) {
    const value = values[key as keyof AttributeValues];
    if (value !== undefined) result[name] = value;
  }
  return result;
}
