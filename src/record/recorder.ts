/**
 * The recorder: what the broker calls for each request, in this order: `traceFor`, `received`, `decided`, `started`, `finished`.
 * INVARIANT: each request that was received gets exactly one finished record (I6): a second `finished` changes nothing, and
 * those that a dead broker left are closed when their process is gone.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hash, randomBytes } from "node:crypto";
import { LIMITS, type Outcome, type Request } from "../model/index.ts";
import { connectionBody, connectionDecidedBody, decidedBody, finishedBody, grantedBody, intentBody, receivedBody, Scrubber, undoneBody, type ConnectionDecision, type DecidedContext, type ReceivedContext } from "./bodies.ts";
import type { AttachedBody, BypassBody, ConnectionBody, FinishedBody, GrantedBody, IntentBody, OpenRequest, PublishedBody, RevokedBody, UndoneBody } from "./entries.ts";
import { SpanExport } from "./export.ts";
import type { Clock } from "./forwarder.ts";
import { openJournal, type Journal, type JournalResult } from "./journal.ts";
import { checkpointKeyFile, journalDirectory, redactionKeyFile } from "./place.ts";
import { isRunning } from "./processes.ts";
import { retire, type Keep } from "./retention.ts";
import { openSigner } from "./signing.ts";
import { Traces, type Trace } from "./trace.ts";
import { Unrecorded } from "./unrecorded.ts";

/** What may be configured. INVARIANT: nothing of it comes from an environment. */
export type RecordSettings = {
  /** Version of vetsh, for `service.version`. */
  readonly version: string;
  /** Where it goes besides the local files: full URLs of what is wanted there (spans: `http://127.0.0.1:4318/v1/traces`), headers, milliseconds per attempt. */
  readonly otlp: { readonly url?: string; readonly logsUrl?: string; readonly metricsUrl?: string; readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number } | undefined;
  /** How long the journal is kept; left out: for ever. */
  readonly keep?: Keep;
  /** What becomes of a request when the journal cannot be written: nothing runs, or it runs and the gap is recorded. Left out: refuse. */
  readonly whenFull?: "refuse" | "run";
};

export type RecorderOptions = {
  /** `ROOT/state`: made when missing, 0700. */
  readonly stateDir: string;
  readonly settings: RecordSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told, in one line, what could not be recorded or exported. Must not throw. */
  readonly onError: (message: string) => void;
  /** For tests: size at which a journal file is full, in bytes, and waits of the exporters, in milliseconds. */
  readonly segmentBytes?: number;
  /** For tests: records between checkpoints. */
  readonly checkpointRecords?: number;
  readonly retry?: { readonly firstMs: number; readonly mostMs: number };
  readonly clock?: Clock;
};

/** Where the order of calls was not kept: not a system error, a bug or a hostile report. */
const NOT_OPEN = { ok: false, code: "not-open", message: "no such request is open" } as const;

export class Recorder {
  readonly #journal: Journal;
  readonly #options: RecorderOptions;
  readonly #scrub: Scrubber;
  readonly #traces = new Traces();
  /** Requests of earlier brokers whose process still runs, and whether the last sweep missed it. */
  readonly #orphans: Map<string, { readonly request: OpenRequest; gone: boolean }>;
  /** Ends that could not be written (disk full): tried again before each write and by the clock. */
  readonly #unwritten = new Map<string, FinishedBody>();
  readonly #clock: NodeJS.Timeout;
  readonly #checkpoints: NodeJS.Timeout;
  readonly #retirement: NodeJS.Timeout;
  readonly #unrecorded = new Unrecorded();
  #closing = false;
  #retiring: Promise<void> | undefined;
  readonly #export: SpanExport;
  /** Requests on their way to the disk, while they are judged. */
  readonly #arriving = new Map<string, Promise<JournalResult>>();

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#journal = openRecorderJournal(options);
    this.#scrub = new Scrubber(redactionKey(options.stateDir));
    this.#export = new SpanExport({
      stateDir: options.stateDir, settings: options.settings, onError: options.onError, now: options.now, ...(options.clock === undefined ? {} : { clock: options.clock }),
      retry: options.retry ?? { firstMs: LIMITS.exportRetryMs, mostMs: LIMITS.exportRetryMostMs },
    });
    if (this.#journal.continued) this.#export.resume();
    this.#orphans = new Map([...this.#journal.open.values()].map((request) => [request.id, { request, gone: true }]));
    this.#sweep();
    this.#clock = setInterval(() => { this.#retryUnwritten(); this.#sweep(); }, LIMITS.sweepMs);
    this.#clock.unref();
    this.#checkpoints = setInterval(() => this.checkpoint(), LIMITS.checkpointMs).unref();
    this.#retirement = setInterval(() => { void this.retire(); }, LIMITS.retireMs).unref();
    setImmediate(() => { void this.retire(); });
  }

  /** Signs the end of the journal, if there is anything new: at the end of an agent's session, and by the clock. */
  checkpoint(): void {
    if (this.#journal.checkpoint().ok) this.#export.wake();
  }

  /** Removes files of the journal that need not be kept any longer; by the clock. Never rejects. */
  retire(): Promise<void> {
    this.#retiring ??= this.#retire().finally(() => { this.#retiring = undefined; });
    return this.#retiring;
  }

  async #retire(): Promise<void> {
    const { keep } = this.#options.settings;
    if (keep === undefined || this.#closing) return;
    try {
      const gone = await retire({ directory: journalDirectory(this.#options.stateDir), journal: this.#journal, keep, now: this.#options.now(), undelivered: this.#export.needed });
      for (const { segments, undelivered } of gone) if (undelivered) this.#options.onError(`${segments.length} files of the journal were removed for lack of room (\`journal.keep_mb\`) before all of them was exported`);
    } catch (cause) {
      this.#options.onError(`old files of the journal were not removed: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  /** In: the request. Out: its ids, and the TRACEPARENT for its command. Call once per request. */
  traceFor(request: Request): Trace {
    return this.#traces.traceFor(request);
  }

  /** In: a request that just arrived. Out: whether that is written; if not, the request must be refused. It goes to the disk while it is judged. */
  received(request: Request, context: ReceivedContext): JournalResult {
    if (this.#journal.open.has(request.id)) return { ok: false, code: "not-open", message: "this request was received already" };
    const written = this.#append({ kind: "received", ...receivedBody(request, context, this.#journal.boot, this.#scrub) });
    if (written.ok) this.#arriving.set(request.id, this.#journal.durable());
    return written.ok ? written : this.#excused(written, { id: request.id, sha256: context.text === undefined ? undefined : hash("sha256", context.text, "hex"), what: "request" });
  }

  /**
   * In: the decision. Out: resolves when it may be acted upon; `ok: false` ⇒ nothing may run: fail closed.
   * INVARIANT: by then the request (its exact text, where, by whom) is on disk, and the decision is written: it survives us.
   * On disk, before anything runs, is also every decision that cannot be worked out again from the request and the rules (somebody was
   * asked), and that of a command that may reach other machines. What a rule allowed here and now goes to the disk a little
   * later (`Journal.append`): a machine that stops in between leaves a request without a decision, never a command without a request.
   */
  async decided(id: string, context: DecidedContext): Promise<JournalResult> {
    if (this.#unrecorded.has(id)) return { ok: true };
    if (!this.#journal.open.has(id)) return NOT_OPEN;
    const arriving = this.#arriving.get(id);
    const written = this.#append({ kind: "decided", ...decidedBody(id, context, this.#scrub) });
    const durable = !written.ok ? written : arriving === undefined || mustBeOnDisk(context) ? await this.#journal.durable() : await arriving;
    return durable.ok ? durable : this.#excused(durable, { id, sha256: undefined, what: "decision" });
  }

  /** In: what could not be written. Out: that it does not matter, where settings say so; it is recorded when something can be again. */
  #excused(failure: Extract<JournalResult, { readonly ok: false }>, missed: Parameters<Unrecorded["note"]>[0]): JournalResult {
    if (this.#options.settings.whenFull !== "run" || failure.code === NOT_OPEN.code || failure.code === "closed") return failure;
    if (this.#unrecorded.body === undefined) this.#options.onError(`commands run without a record from here on: ${failure.message}`);
    this.#unrecorded.note(missed, failure.code, this.#options.now());
    return { ok: true };
  }

  /** In: pid of the child that the shim started. Out: whether that is written; it changes nothing for the command. */
  started(id: string, pid: number): JournalResult {
    return this.#journal.open.has(id) ? this.#append({ kind: "started", id, pid }) : NOT_OPEN;
  }

  /** In: something that the command tried in the network, when it is over. Out: as `started`. */
  connection(id: string, connection: Omit<ConnectionBody, "id">): JournalResult {
    return this.#journal.open.has(id) ? this.#append({ kind: "connection", ...connectionBody(id, connection, this.#scrub) }) : NOT_OPEN;
  }

  /** In: what was decided about a host that a running command asked for. Out: resolves when that is on disk; `ok: false` ⇒ it must not be reached. */
  async connectionDecided(id: string, decided: ConnectionDecision): Promise<JournalResult> {
    if (!this.#journal.open.has(id)) return NOT_OPEN;
    const written = this.#append({ kind: "connection-decided", ...connectionDecidedBody(id, decided, this.#scrub) });
    return written.ok ? this.#journal.durable() : written;
  }

  /** In: why the command runs, as its agent wrote it down; also when it has ended. The prompt is kept as a digest. Out: as `started`. */
  intent(body: IntentBody): JournalResult {
    if (this.#unrecorded.has(body.id)) return { ok: true };
    const written = this.#append({ kind: "intent", ...intentBody(body, this.#scrub) });
    if (written.ok) this.#export.wake();
    return written;
  }

  /** In: protected names that the command made, where they were moved to. Out: as `started`. */
  planted(id: string, paths: readonly string[], moved?: string): JournalResult {
    return this.#journal.open.has(id) ? this.#append({ kind: "planted", id, paths: this.#scrub.words(paths.slice(0, LIMITS.recordedWords)), ...(moved === undefined ? {} : { moved }) }) : NOT_OPEN;
  }

  /** In: what a person brought back. Out: whether that is written. */
  undone(body: UndoneBody): JournalResult {
    return this.#append({ kind: "undone", ...undoneBody(body, this.#scrub) });
  }

  /** In: a shell that went past us. Out: whether that is written. */
  bypass(body: BypassBody): JournalResult {
    return this.#append({ kind: "bypass", pid: body.pid, program: this.#scrub.text(body.program), command: this.#scrub.text(body.command) });
  }

  /** In: an agent that a person started, and by which ways its shells come to us. Out: whether that is written. */
  attached(body: AttachedBody): JournalResult {
    return this.#append({ kind: "attached", pid: body.pid, agent: this.#scrub.text(body.agent), ways: this.#scrub.words(body.ways) });
  }

  /** In: leave beyond one run. Out: whether that is written; if not, it must not count. */
  granted(body: GrantedBody): JournalResult {
    return this.#append({ kind: "granted", ...grantedBody(body, this.#scrub) });
  }

  /** In: leave that was taken back. Out: as `granted`. */
  revoked(body: RevokedBody): JournalResult {
    return this.#append({ kind: "revoked", ...body });
  }

  /** In: a port that can be reached from here on. Out: whether that is written. */
  published(body: PublishedBody): JournalResult {
    return this.#append({ kind: "published", ...body, workspace: this.#scrub.text(body.workspace) });
  }

  /** In: a port that can no longer be reached, and why. Out: as `published`. */
  unpublished(body: Omit<PublishedBody, "by"> & { readonly reason: string }): JournalResult {
    return this.#append({ kind: "unpublished", ...body, workspace: this.#scrub.text(body.workspace) });
  }

  /** In: how a request ended. The first call counts, later ones change nothing. A write that fails is repeated until it succeeds. */
  finished(id: string, outcome: Outcome): JournalResult {
    return this.#end(id, finishedBody(id, outcome, this.#scrub, { late: false }));
  }

  /** Requests of earlier brokers that may still report their end. */
  orphans(): readonly OpenRequest[] {
    return [...this.#orphans.values()].map((orphan) => orphan.request);
  }

  /** In: a late report. Out: as `finished`; `not-open` when no earlier broker left such a request without an end. */
  late(id: string, outcome: Outcome): JournalResult {
    if (!this.#orphans.has(id)) return NOT_OPEN;
    return this.#end(id, finishedBody(id, outcome, this.#scrub, { late: true }));
  }

  /** Writes what is left, exports what can be exported within `deadlineMs`, and closes. Requests without an end stay open for the next broker. Never rejects. */
  async shutdown(deadlineMs: number): Promise<void> {
    this.#closing = true;
    for (const timer of [this.#clock, this.#checkpoints, this.#retirement]) clearInterval(timer);
    this.#retryUnwritten();
    this.#journal.checkpoint();
    await this.#retiring;
    await this.#export.stop(deadlineMs);
    const closed = await this.#journal.close();
    if (!closed.ok) this.#options.onError(`the journal was not closed cleanly: ${closed.message}`);
  }

  #end(id: string, body: FinishedBody): JournalResult {
    this.#unrecorded.ended(id);
    if (!this.#journal.open.has(id) || this.#unwritten.has(id)) return { ok: true };
    this.#orphans.delete(id);
    this.#arriving.delete(id);
    const written = this.#append({ kind: "finished", ...body });
    if (written.ok) this.#export.wake();
    else {
      this.#unwritten.set(id, body);
      this.#options.onError(`the end of ${id} is not recorded yet: ${written.message}`);
    }
    return written;
  }

  #append(body: Parameters<Journal["append"]>[0]): JournalResult {
    this.#retryUnwritten();
    return this.#journal.append(body);
  }

  #retryUnwritten(): void {
    for (const [id, body] of this.#unwritten) {
      if (!this.#journal.append({ kind: "finished", ...body }).ok) return;
      this.#unwritten.delete(id);
      this.#export.wake();
    }
    const missed = this.#unrecorded.body;
    if (missed !== undefined && this.#journal.append({ kind: "unrecorded", ...missed }).ok) this.#unrecorded.written();
  }

  /** Closes orphans whose process is gone. After the first look at start, one must be missed twice: its report may be on its way. */
  #sweep(): void {
    for (const [id, orphan] of this.#orphans) {
      const running = isRunning(orphan.request.process, this.#journal.boot);
      if (!running && orphan.gone) this.#end(id, finishedBody(id, { kind: "lost", reason: "the broker and the shell ended before the command's end was reported" }, this.#scrub, { late: true }));
      orphan.gone = !running;
    }
  }
}

function openRecorderJournal({ stateDir, now, segmentBytes, checkpointRecords }: RecorderOptions): Journal {
  const directory = journalDirectory(stateDir);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const signer = openSigner(checkpointKeyFile(stateDir));
  return openJournal({ directory, now, signer, ...(segmentBytes === undefined ? {} : { segmentBytes }), ...(checkpointRecords === undefined ? {} : { checkpointRecords }) });
}

function mustBeOnDisk({ decision, authority }: DecidedContext): boolean {
  return decision.source !== "rule" || (authority !== undefined && authority.network.length > 0);
}

/** The key of this installation for marks of secrets; made at the first start. */
function redactionKey(stateDir: string): Buffer {
  const path = redactionKeyFile(stateDir);
  if (!existsSync(path)) writeFileSync(path, randomBytes(32), { mode: 0o600, flag: "wx" });
  const key = readFileSync(path);
  if (key.length !== 32) throw new Error(`\`${path}\` is not a key: remove it to have a new one made`);
  return key;
}
