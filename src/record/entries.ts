/**
 * The lines of the journal. One request is `received`, `decided`, perhaps `started`, and exactly once `finished`.
 * INVARIANT: every text that came from outside has been through `redact` before it stands here (a chain cannot be scrubbed).
 */
import type { Json } from "./canonical.ts";
import type { ProcessIdentity } from "./processes.ts";

/** What every line holds, besides its own body. `time`: milliseconds since the epoch. */
export type Chained = { readonly hash: string; readonly prev: string; readonly seq: number; readonly time: number };

export type Entry = Chained & EntryBody;

export type EntryBody =
  /** A writer began here: at each start, and as the first line of each further file. `open`: requests that have no end yet. */
  | { readonly kind: "opened"; readonly format: 1; readonly segment: number; readonly writer: ProcessIdentity; readonly open: readonly OpenRequest[] }
  | ({ readonly kind: "received" } & ReceivedBody)
  | ({ readonly kind: "decided" } & DecidedBody)
  | { readonly kind: "started"; readonly id: string; readonly pid: number }
  | ({ readonly kind: "connection" } & ConnectionBody)
  /** A person started an agent with `vetsh run`: by which ways its shells come to us. Again when it found another broker. */
  | ({ readonly kind: "attached" } & AttachedBody)
  /** A shell in an agent's view that no shim of ours started. */
  | ({ readonly kind: "bypass" } & BypassBody)
  /** A person brought back what a command had changed. */
  | ({ readonly kind: "undone" } & UndoneBody)
  /** A person gave leave beyond one run, or took it back. */
  | ({ readonly kind: "granted" } & GrantedBody)
  | ({ readonly kind: "revoked" } & RevokedBody)
  /** A port of a warm sandbox can be reached on this machine's loopback, or no longer. */
  | ({ readonly kind: "published" } & PublishedBody)
  | { readonly kind: "unpublished"; readonly port: number; readonly as: number; readonly workspace: string; readonly reason: string }
  | ({ readonly kind: "connection-decided" } & ConnectionDecidedBody)
  /** Protected names that the command made, or links that it exchanged: the sandbox had nothing there to mount on. `moved`: the directory that has some of them now. */
  | { readonly kind: "planted"; readonly id: string; readonly paths: readonly string[]; readonly moved?: string }
  | ({ readonly kind: "finished" } & FinishedBody)
  /** What the agent itself wrote about why; found while the command ran, or later. */
  | ({ readonly kind: "intent" } & IntentBody)
  /** The end of the chain, signed. */
  | ({ readonly kind: "checkpoint" } & CheckpointBody)
  /** Files of the journal that are removed next. */
  | ({ readonly kind: "retired" } & RetiredBody)
  /** Requests that ran while nothing could be written. */
  | ({ readonly kind: "unrecorded" } & UnrecordedBody)
  /** Bytes before this line that are no line: a torn write. `sha256` is over them, without the line feed that ends them. */
  | { readonly kind: "gap"; readonly reason: string; readonly bytes: number; readonly sha256: string };

/** `prompt`: keyed digest of what the person had asked last, so that commands of one wish can be joined. `call`: the agent's name for the call. */
export type IntentBody = { readonly id: string; readonly text: string; readonly source: string; readonly trust: string; readonly call: string | undefined; readonly prompt: string | undefined };

/** All up to record `covers`, whose hash is `head`. `at`: milliseconds since the epoch. `key`, `signature`: Ed25519, base64url. */
export type CheckpointBody = { readonly covers: number; readonly head: string; readonly at: number; readonly key: string; readonly signature: string };

/** The chain goes on behind `through`, which is the last record of the removed files. `undelivered`: something in them had not been exported yet. */
export type RetiredBody = { readonly segments: readonly number[]; readonly through: { readonly seq: number; readonly hash: string }; readonly reason: "age" | "size"; readonly undelivered: boolean };

/** `code`: why nothing could be written. `requests`: the first of them; `sha256` is of the text. `since`, `until`: milliseconds since the epoch. */
export type UnrecordedBody = {
  readonly code: string; readonly since: number; readonly until: number; readonly count: number;
  readonly requests: readonly { readonly id: string; readonly sha256: string | undefined; readonly what: "request" | "decision" }[];
};

export type OpenRequest = { readonly id: string; readonly process: ProcessIdentity };

export type ReceivedBody = {
  readonly id: string;
  readonly receivedAt: number;
  readonly shell: string;
  /** The argument that is the script stands as "" at `scriptAt`. */
  readonly argv: readonly string[];
  readonly scriptAt: number | undefined;
  readonly mode: string;
  readonly cwd: string;
  readonly workspace: string | undefined;
  readonly uid: number;
  readonly ppid: number;
  readonly process: ProcessIdentity;
  readonly tty: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly agent: string | undefined;
  /** The agent's own names for its session and for the call that this is, as its environment says. */
  readonly session?: string | undefined;
  readonly call?: string | undefined;
  readonly script: ScriptText | undefined;
  readonly intent: { readonly text: string; readonly source: string; readonly trust: string } | undefined;
  readonly trace: RecordedTrace;
};

/** `sha256`, `length`: of the exact text (UTF-8 bytes, UTF-16 code units). `text`: redacted, at most LIMITS.shownCommand. */
export type ScriptText = { readonly text: string; readonly truncated: boolean; readonly redacted: number; readonly length: number; readonly sha256: string };

export type RecordedTrace = {
  readonly traceId: string;
  readonly spanId: string;
  readonly processSpanId: string;
  readonly parentSpanId: string | undefined;
  /** The raw TRACEPARENT that was inherited: evidence only. */
  readonly inherited: string | undefined;
  readonly depth: number;
  /** The request inside which this one was started, when we gave out that span ourselves. */
  readonly parent: string | undefined;
};

export type DecidedBody = {
  readonly id: string;
  readonly final: "run" | "refuse";
  readonly verdict: string;
  readonly source: string;
  readonly reason: string;
  readonly instead: string | undefined;
  readonly policy: string;
  readonly planHash: string | undefined;
  readonly classes: readonly string[];
  readonly rules: readonly { readonly id: string; readonly tier: string; readonly file: string; readonly line: number; readonly verdict: string }[];
  readonly claim: { readonly sandbox: string; readonly writable: readonly string[]; readonly network: readonly string[] | "any"; readonly privileged: boolean };
  readonly authority: RecordedAuthority | undefined;
  readonly review: RecordedReview | undefined;
  readonly approval: RecordedApproval | undefined;
  /** The earlier yes by which it ran. */
  readonly grant?: { readonly id: string; readonly by: string; readonly keep: string } | undefined;
  /** Microseconds from receiving the request to this line, without waiting for reviewer and human. */
  readonly overheadUs: number | undefined;
  /** Undefined when nothing was at stake, or undo is off. */
  readonly undo: RecordedUndo | undefined;
};

/** kept: all that is at stake in the workspace · partly: `uncovered` says what is not · failed: nothing is · none: only what no snapshot can hold. */
export type RecordedUndo = {
  readonly outcome: "kept" | "partly" | "failed" | "none";
  /** For `vetsh undo`. */
  readonly snapshot: string | undefined;
  readonly ms: number;
  readonly files: number;
  readonly bytes: number;
  readonly uncovered: readonly string[];
};

/** `program`: what /proc says it executes. */
export type BypassBody = { readonly pid: number; readonly program: string; readonly command: string };

export type AttachedBody = { readonly pid: number; readonly agent: string; readonly ways: readonly string[] };

export type UndoneBody = {
  readonly snapshot: string;
  /** The snapshot that takes the undo back. */
  readonly redo: string;
  readonly workspace: string;
  readonly restored: number;
  readonly removed: number;
  readonly problems: readonly string[];
  readonly by: string | undefined;
};

export type GrantedBody = {
  /** Uses name it (`decided.grant`). */
  readonly id: string;
  /** session: exactly this plan · always: rules were written. */
  readonly keep: "session" | "always";
  readonly by: string;
  readonly channel: string;
  readonly planHash: string;
  readonly command: string;
  readonly cwd: string;
  /** Milliseconds since the epoch; undefined for rules. */
  readonly expiresAt: number | undefined;
  /** Ids of the rules that were written. */
  readonly rules: readonly string[];
};

export type RevokedBody = { readonly id: string; readonly by: string };

export type PublishedBody = {
  /** Inside, and on the host's loopback. */
  readonly port: number;
  readonly as: number;
  readonly workspace: string;
  /** Who asked for it, or that settings did. */
  readonly by: string | undefined;
};

export type RecordedAuthority = { readonly sandbox: string; readonly writable: readonly string[]; readonly network: readonly string[] | "any"; readonly missing: readonly string[] };

export type RecordedReview = {
  readonly outcome: string; readonly rationale: string; readonly risk: string; readonly model: string; readonly startedAt: number; readonly ms: number;
  readonly error: string | undefined; readonly usage: { readonly input: number; readonly output: number } | undefined;
};

export type RecordedApproval = {
  readonly id: string; readonly outcome: string; readonly channel: string; readonly by: string | undefined; readonly message: string | undefined;
  readonly startedAt: number; readonly ms: number; readonly keep?: string | undefined;
};

/** One thing that a command tried in the network, written when it is over. */
export type ConnectionBody = {
  readonly id: string;
  readonly protocol: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly outcome: "allowed" | "refused" | "failed";
  readonly reason: string | undefined;
  readonly sent: number;
  readonly received: number;
};

/** What was decided about a host that a running command asked for and was not given; once for each answer, not for each connection. */
export type ConnectionDecidedBody = {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly final: "allow" | "refuse";
  readonly verdict: string;
  readonly source: string;
  readonly reason: string;
  readonly rules: DecidedBody["rules"];
  readonly review: RecordedReview | undefined;
  readonly approval: RecordedApproval | undefined;
  /** How long the connection was held, in milliseconds. */
  readonly waitedMs: number;
};

export type FinishedBody = {
  readonly id: string;
  readonly outcome: "exited" | "signalled" | "refused" | "lost";
  readonly code: number | undefined;
  readonly signal: number | undefined;
  readonly reason: string | undefined;
  readonly usage: { readonly wallUs: number; readonly userUs: number; readonly systemUs: number; readonly maxRssKb: number } | undefined;
  /** Reported to another broker than the one that started it. */
  readonly late: boolean;
};

/** What the first line of the first file names as the hash before it. */
export const GENESIS = "0".repeat(64);

const KINDS: ReadonlySet<string> = new Set(["opened", "received", "decided", "started", "connection", "connection-decided", "planted", "attached", "bypass", "undone", "granted", "revoked", "published", "unpublished", "finished", "intent", "checkpoint", "retired", "unrecorded", "gap"] satisfies EntryBody["kind"][]);
const LINE = /^\{"hash":"([0-9a-f]{64})",/;

/**
 * In: one line without its line feed. Out: the entry, or undefined when it is none. The body's shape is trusted when the
 * writer was ours, which only the chain proves: use `hashOfLine` and `verifyJournal` where that matters.
 */
export function parseEntry(line: string): Entry | undefined {
  if (!LINE.test(line)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
  return isEntry(value) ? value : undefined;
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null || !("kind" in value) || !("seq" in value) || !("prev" in value) || !("time" in value)) return false;
  return typeof value.kind === "string" && KINDS.has(value.kind) && Number.isSafeInteger(value.seq) && typeof value.prev === "string" && typeof value.time === "number";
}

/** In: a line without its line feed. Out: the hash it claims and the text that the hash is over; undefined when it is no such line. */
export function splitLine(line: string): { readonly hash: string; readonly hashed: string } | undefined {
  const found = LINE.exec(line);
  return found === null || found[1] === undefined ? undefined : { hash: found[1], hashed: `{${line.slice(found[0].length)}` };
}

/** In: canonical JSON of an entry without its hash, and the hash. Out: the line, line feed included. */
export function joinLine(hashed: string, hash: string): string {
  return `{"hash":"${hash}",${hashed.slice(1)}\n`;
}

/** Marks a body as JSON for `canonicalJson`: every member of the types above is JSON or undefined. */
export function asJson(body: EntryBody & { readonly prev: string; readonly seq: number; readonly time: number }): Json {
  return body as unknown as Json;
}
