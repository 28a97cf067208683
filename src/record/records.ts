/**
 * Finished records, one object per request, for `vetsh log`. The names are public: they are added to, not changed.
 */
import { LIMITS, shellWord } from "../model/index.ts";
import { Assembler, type Life } from "./assemble.ts";
import { parseEntry, type DecidedBody, type IntentBody, type ReceivedBody, type RecordedApproval, type RecordedAuthority, type RecordedReview, type RecordedUndo } from "./entries.ts";
import { journalDirectory } from "./place.ts";
import { listSegments, readEntries, readLines, segmentPath, type Position } from "./segments.ts";

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
  /** Keyed digest of what the person had asked last. */
  readonly prompt: string | null;
  readonly agent: string | null;
  /** The agent's own name for its session, or `pid-N` of the process that started the shell; a command inside another has that one's. */
  readonly session: string;
  /** The agent's name for its call. */
  readonly call: string | null;
  /** Of the request: who, and the process that started the shell. */
  readonly uid: number;
  readonly ppid: number;
  /** Hash of the rules and settings that decided. */
  readonly policy: string | null;
  /** Of the process that ran. */
  readonly pid: number | null;
  /** What it tried in the network, in order, and what was decided about hosts it had not been given. */
  readonly connections: readonly RecordedConnection[];
  readonly questions: readonly { readonly host: string; readonly port: number; readonly final: "allow" | "refuse"; readonly source: string; readonly reason: string; readonly approver: string | null }[];
  /** First and last record of the journal that are about it. */
  readonly seq: { readonly first: number; readonly last: number };
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

export type RecordedConnection = { readonly host: string | null; readonly port: number | null; readonly outcome: "allowed" | "refused" | "failed"; readonly reason: string | null; readonly sent: number; readonly received: number };

/** What to leave out. `path`: ran in it or below, or names it · `host`: judged, given, tried or asked for. `since`, `until`: milliseconds since the epoch, by arrival. */
export type RecordFilter = { readonly since?: number; readonly until?: number; readonly id?: string; readonly decision?: string; readonly surprising?: boolean; readonly agent?: string; readonly class?: string; readonly host?: string; readonly path?: string; readonly session?: string };

/**
 * In: `ROOT/state`. Out: finished records in the order in which they finished, read as they are asked for; a torn or
 * damaged line is passed over. Safe beside a running broker. Throws the system's error when a file cannot be read.
 */
export function* readRecords(stateDir: string, filter: RecordFilter = {}): Generator<FinishedRecord> {
  yield* new RecordReader(stateDir).next(filter);
}

/** Reads on where it stopped: for following a journal that grows. */
export class RecordReader {
  readonly #assembler = new Assembler();
  readonly #stateDir: string;
  /** Sessions of the commands seen lately, so that what runs inside one belongs to it. */
  readonly #sessions = new Map<string, string>();
  #read: Position = { segment: 0, offset: 0 };

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  /** Out: records that finished since the last call, as `readRecords`. */
  *next(filter: RecordFilter = {}): Generator<FinishedRecord> {
    const late = intentsFrom(journalDirectory(this.#stateDir), this.#read);
    for (const located of readEntries(journalDirectory(this.#stateDir), this.#read)) {
      this.#read = { segment: located.segment, offset: located.end };
      if (located.entry.kind === "received") this.#remember(located.entry);
      const life = this.#assembler.push(located);
      if (life === undefined) continue;
      const record = finishedRecord({ ...life, intent: life.intent ?? late.get(life.received.id) }, this.#sessions.get(life.received.id) ?? `pid-${life.received.ppid}`);
      if (passes(record, life.received.receivedAt, filter)) yield record;
    }
  }

  #remember({ id, trace, session, ppid }: ReceivedBody): void {
    const around = trace.parent === undefined ? undefined : this.#sessions.get(trace.parent);
    this.#sessions.set(id, around ?? session ?? `pid-${ppid}`);
    if (this.#sessions.size <= LIMITS.rememberedSpans) return;
    const oldest = this.#sessions.keys().next();
    if (!oldest.done) this.#sessions.delete(oldest.value);
  }
}

/** Why commands ran, where that was found only after they had ended. A cheap look at each line first: there are few. */
function intentsFrom(directory: string, from: Position): ReadonlyMap<string, IntentBody> {
  const found = new Map<string, IntentBody>();
  for (const segment of listSegments(directory)) {
    if (segment < from.segment) continue;
    for (const line of readLines(segmentPath(directory, segment), segment === from.segment ? from.offset : 0)) {
      const entry = line.complete && line.bytes.includes('"kind":"intent"') ? parseEntry(line.bytes.toString("utf8")) : undefined;
      if (entry?.kind === "intent") found.set(entry.id, entry);
    }
  }
  return found;
}

function passes(record: FinishedRecord, receivedAt: number, filter: RecordFilter): boolean {
  const { since = -Infinity, until = Infinity } = filter;
  const equal = { id: record.id, decision: record.decision, agent: record.agent, session: record.session };
  return receivedAt >= since && receivedAt < until
    && (["id", "decision", "agent", "session"] as const).every((name) => filter[name] === undefined || filter[name] === equal[name])
    && (filter.class === undefined || record.classes.includes(filter.class))
    && (filter.host === undefined || hostsOf(record).includes(filter.host.toLowerCase()))
    && (filter.path === undefined || isAbout(record, filter.path))
    && (filter.surprising !== true || record.surprises.length > 0);
}

function hostsOf({ connections, questions, authority }: FinishedRecord): readonly string[] {
  const given = authority === null || authority.network === "any" ? [] : authority.network;
  return [...given.map((host) => host.replace(/:\d+$/, "")), ...connections.flatMap(({ host }) => (host === null ? [] : [host])), ...questions.map(({ host }) => host)].map((host) => host.toLowerCase());
}

function isAbout({ cwd, cmd, authority, surprises }: FinishedRecord, path: string): boolean {
  const below = (one: string): boolean => one === path || one.startsWith(path.endsWith("/") ? path : `${path}/`);
  return below(cwd) || cmd.includes(path) || (authority?.writable.some((one) => below(one)) ?? false) || surprises.some(({ kind, target }) => kind === "planted" && below(target));
}

/** In: a request. Out: what it tried beyond its claim. A connection that the network refused for itself (`failed`) is none: it was within the claim. */
export function surprisesOf({ connections, asked, planted, moved }: Life): readonly Surprise[] {
  const found = new Map<string, Surprise>();
  const placeOf = (host: string, port: number | undefined): string => `${host.includes(":") ? `[${host}]` : host}:${port ?? "?"}`;
  // Asked for beyond the claim, and granted.
  for (const { host, port, final, source, reason } of asked) if (final === "allow" && source !== "rule") found.set(placeOf(host, port), { kind: "connection", target: placeOf(host, port), reason });
  for (const { outcome, host, port, reason } of connections) {
    const target = host === undefined ? "?" : placeOf(host, port);
    if (outcome === "refused" && !found.has(target)) found.set(target, { kind: "connection", target, reason: reason ?? null });
  }
  return [...found.values(), ...planted.map((path): Surprise => ({ kind: "planted", target: path, reason: `it configures or runs something later, and nobody judged that${moved === undefined ? "" : `; moved to ${moved}`}` }))];
}

function finishedRecord(life: Life, session: string): FinishedRecord {
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
    intent: (life.intent ?? received.intent)?.text ?? null,
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
    intent_source: (life.intent ?? received.intent)?.source ?? null,
    intent_trust: (life.intent ?? received.intent)?.trust ?? null,
    prompt: life.intent?.prompt ?? null,
    agent: received.agent ?? null,
    session,
    call: received.call ?? life.intent?.call ?? null,
    uid: received.uid,
    ppid: received.ppid,
    policy: decided?.policy ?? null,
    pid: life.started?.pid ?? null,
    connections: life.connections.map(({ host, port, outcome, reason, sent, received: got }) => ({ host: host ?? null, port: port ?? null, outcome, reason: reason ?? null, sent, received: got })),
    questions: life.asked.map(({ host, port, final, source, reason, approval }) => ({ host, port, final, source, reason, approver: approval?.by ?? null })),
    seq: { first: received.seq, last: finished.seq },
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
  // A line that was typed into a shell has no command line of its own.
  if (received.mode === "line" && received.script !== undefined) return received.script.text.trimEnd();
  return received.argv.map(shellWord).join(" ");
}
