/**
 * Finished records, one object per request, for `vetsh log`. The names are public: they are added to, not changed.
 */
import { shellWord } from "../model/index.ts";
import { Assembler, type Life } from "./assemble.ts";
import type { DecidedBody, ReceivedBody, RecordedApproval, RecordedAuthority, RecordedReview, RecordedUndo } from "./entries.ts";
import { journalDirectory } from "./place.ts";
import { readEntries } from "./segments.ts";

export type FinishedRecord = {
  readonly id: string;
  /** When the request arrived, ISO 8601, UTC. */
  readonly time: string;
  /** The script as it was given, redacted and cut; for a start without one, the argument list. */
  readonly cmd: string;
  readonly cwd: string;
  /** Null in records of versions that did not know it. */
  readonly workspace: string | null;
  /** The argument list as it was given, redacted and cut; the script stands where it stood. */
  readonly argv: readonly string[];
  /** Secrets that were replaced in the script. */
  readonly redacted: number;
  /** The verdict, in the words of `vetsh check`: allow, review, ask or deny. Null when no decision was reached. */
  readonly decision: string | null;
  /** What became of it: run or refuse. */
  readonly final: "run" | "refuse" | null;
  /** Exit status as the caller saw it (128 + n after signal n); null when the end was not seen. */
  readonly exit: number | null;
  readonly intent: string | null;
  readonly trace_id: string;
  readonly signal: number | null;
  readonly outcome: "exited" | "signalled" | "refused" | "lost";
  readonly duration_ms: number | null;
  readonly classes: readonly string[];
  readonly rules: DecidedBody["rules"];
  /** Who gave the final answer: rule, reviewer, human, grant or fallback. */
  readonly source: string | null;
  readonly approver: string | null;
  readonly authority: RecordedAuthority | null;
  readonly reason: string | null;
  readonly depth: number;
  /** Id of the command inside which this one ran. */
  readonly parent: string | null;
  readonly span_id: string;
  readonly intent_source: string | null;
  readonly intent_trust: string | null;
  readonly agent: string | null;
  readonly shell: string;
  readonly mode: string;
  readonly sha256: string | null;
  readonly truncated: boolean;
  readonly review: RecordedReview | null;
  readonly approval: RecordedApproval | null;
  /** The earlier yes by which it ran. */
  readonly grant: { readonly id: string; readonly by: string; readonly keep: string } | null;
  /** Microseconds of user and system time, and KiB at the peak; null when nothing ran or the end was not seen. */
  readonly usage: { readonly wallUs: number; readonly userUs: number; readonly systemUs: number; readonly maxRssKb: number } | null;
  readonly late: boolean;
  /** What it tried beyond the authority that its verdict claimed, each thing once: the verdict, and so a rule or a spec, was too narrow, or the command was up to something. */
  readonly surprises: readonly Surprise[];
  /** What was kept before it ran; null when nothing was at stake. */
  readonly undo: RecordedUndo | null;
};

/** connection: stopped, or held until somebody granted it. planted: a protected name that was made, because nothing was there to protect. */
export type Surprise = { readonly kind: "connection" | "planted"; readonly target: string; readonly reason: string | null };

/** What to leave out. `since`, `until`: milliseconds since the epoch, by arrival. */
export type RecordFilter = { readonly since?: number; readonly until?: number; readonly id?: string; readonly decision?: string; readonly surprising?: boolean };

/**
 * In: `ROOT/state`. Out: finished records in the order in which they finished, read as they are asked for; a torn or
 * damaged line is passed over. Safe beside a running broker. Throws the system's error when a file cannot be read.
 */
export function* readRecords(stateDir: string, filter: RecordFilter = {}): Generator<FinishedRecord> {
  const assembler = new Assembler();
  for (const located of readEntries(journalDirectory(stateDir))) {
    const life = assembler.push(located);
    if (life !== undefined && passes(life, filter)) yield finishedRecord(life);
  }
}

function passes(life: Life, filter: RecordFilter): boolean {
  const { receivedAt, id } = life.received;
  return (filter.since === undefined || receivedAt >= filter.since) && (filter.until === undefined || receivedAt < filter.until)
    && (filter.id === undefined || id === filter.id) && (filter.decision === undefined || life.decided?.verdict === filter.decision) && (filter.surprising !== true || surprisesOf(life).length > 0);
}

/** In: a request. Out: what it tried beyond its claim. A connection that the network refused for itself (`failed`) is none: it was within the claim. */
export function surprisesOf({ connections, asked, planted }: Life): readonly Surprise[] {
  const found = new Map<string, Surprise>();
  const placeOf = (host: string, port: number | undefined): string => `${host.includes(":") ? `[${host}]` : host}:${port ?? "?"}`;
  // Asked for beyond the claim, and granted.
  for (const { host, port, final, source, reason } of asked) if (final === "allow" && source !== "rule") found.set(placeOf(host, port), { kind: "connection", target: placeOf(host, port), reason });
  for (const { outcome, host, port, reason } of connections) {
    const target = host === undefined ? "?" : placeOf(host, port);
    if (outcome === "refused" && !found.has(target)) found.set(target, { kind: "connection", target, reason: reason ?? null });
  }
  return [...found.values(), ...planted.map((path): Surprise => ({ kind: "planted", target: path, reason: "it configures or runs something later, and nobody judged that" }))];
}

function finishedRecord(life: Life): FinishedRecord {
  const { received, decided, finished } = life;
  return {
    id: received.id,
    time: new Date(received.receivedAt).toISOString(),
    cmd: commandText(received),
    cwd: received.cwd,
    workspace: received.workspace ?? null,
    argv: received.argv.map((word, index) => (index === received.scriptAt ? (received.script?.text ?? "") : word)),
    redacted: received.script?.redacted ?? 0,
    decision: decided?.verdict ?? null,
    final: decided?.final ?? null,
    exit: finished.outcome === "signalled" ? 128 + (finished.signal ?? 0) : finished.code ?? null,
    intent: received.intent?.text ?? null,
    trace_id: received.trace.traceId,
    signal: finished.signal ?? null,
    outcome: finished.outcome,
    duration_ms: finished.usage === undefined ? null : finished.usage.wallUs / 1000,
    classes: decided?.classes ?? [],
    rules: decided?.rules ?? [],
    source: decided?.source ?? null,
    approver: decided?.approval?.by ?? null,
    authority: decided?.authority ?? null,
    reason: decided?.reason ?? finished.reason ?? null,
    depth: received.trace.depth,
    parent: received.trace.parent ?? null,
    span_id: received.trace.spanId,
    intent_source: received.intent?.source ?? null,
    intent_trust: received.intent?.trust ?? null,
    agent: received.agent ?? null,
    shell: received.shell,
    mode: received.mode,
    sha256: received.script?.sha256 ?? null,
    truncated: received.script?.truncated ?? false,
    review: decided?.review ?? null,
    approval: decided?.approval ?? null,
    grant: decided?.grant ?? null,
    usage: finished.usage ?? null,
    late: finished.late,
    surprises: surprisesOf(life),
    undo: decided?.undo ?? null,
  };
}

/** For reading only: an argument list is quoted so that its words can be told apart. */
export function commandText(received: ReceivedBody): string {
  if (received.mode === "command" && received.script !== undefined) return received.script.text;
  return received.argv.map(shellWord).join(" ");
}
