/**
 * The append-only journal: one writer, one chain of hashes, durable when asked.
 *
 * `append` writes at once (page cache: survives our own death) and returns; `durable` resolves when everything appended
 * before is on disk (survives the machine's). Several waiters share one fdatasync. What nobody waits for is on disk at
 * most LIMITS.journalFlushMs later.
 * INVARIANT: nothing that was written is ever rewritten or cut off. Bytes of a torn write stay, and a `gap` names them.
 * INVARIANT: after a failed fdatasync nothing counts as durable until the journal is opened again (the kernel may have
 * dropped the pages it could not write).
 */
import { chmodSync, closeSync, constants, existsSync, fdatasync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { hash as digest } from "node:crypto";
import { LIMITS } from "../model/index.ts";
import { canonicalJson } from "./canonical.ts";
import { asJson, joinLine, type EntryBody, type OpenRequest } from "./entries.ts";
import { takeLock, type Lock } from "./lock.ts";
import { bootId, processStart, type ProcessIdentity } from "./processes.ts";
import { recover, type Recovered } from "./recovery.ts";
import { segmentPath, type Position } from "./segments.ts";
import type { Signer } from "./signing.ts";

/** Why a record could not be kept. `code` is the system's (`ENOSPC`, `EFBIG`, `EIO`, …), or "closed". */
export type JournalFailure = { readonly ok: false; readonly code: string; readonly message: string };
export type JournalResult = { readonly ok: true } | JournalFailure;

export type JournalOptions = {
  readonly directory: string;
  readonly now: () => number;
  /** Signs the end of the chain; without it there are no checkpoints. */
  readonly signer?: Signer;
  readonly segmentBytes?: number;
  readonly checkpointRecords?: number;
};

const LINE_FEED = Buffer.from("\n");

/** In: where, and the clock. Out: the open journal; the directory is made when missing. Throws JournalInUse or the system's error. */
export function openJournal(options: JournalOptions): Journal {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  chmodSync(options.directory, 0o700);
  const lock = takeLock(options.directory);
  try {
    return new Journal(options, lock, recover(options.directory));
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

export class Journal {
  /** Requests received and not finished, as the journal says; kept up to date by `append`. */
  readonly open: Map<string, OpenRequest>;
  readonly boot: string = bootId();
  /** Whether there was a journal already. */
  readonly continued: boolean;
  readonly #options: JournalOptions;
  readonly #lock: Lock;
  readonly #writer: ProcessIdentity;
  #fd: number;
  #segment: number;
  #seq: number;
  #prev: string;
  #bytes: number;
  /** What stands behind the last good line: bytes of writes that failed half-way. The next write ends that line and names them. */
  #torn: Buffer;
  #broken: JournalFailure | undefined;
  #waiting: ((result: JournalResult) => void)[] = [];
  #syncing = false;
  #flush: NodeJS.Timeout | undefined;
  /** The sequence number behind the last checkpoint. */
  #signed = 0;
  /** In which file the open requests of this writer began. */
  readonly #began = new Map<string, number>();
  /** Descriptors of full files that a running fdatasync may still use. */
  #retired: number[] = [];

  constructor(options: JournalOptions, lock: Lock, found: Recovered) {
    this.#options = options;
    this.#lock = lock;
    this.#writer = { pid: process.pid, start: processStart(process.pid), boot: this.boot };
    this.open = new Map(found.open);
    this.continued = found.seq > 0;
    this.#segment = found.segment;
    this.#seq = found.seq;
    this.#prev = found.prev;
    this.#bytes = found.bytes;
    this.#torn = found.torn;
    this.#fd = this.#openFile();
    this.#signed = found.signed;
    const opened = this.append(this.#opened());
    if (opened.ok) return;
    closeSync(this.#fd);
    throw new Error(`the journal cannot be written: ${opened.message}`);
  }

  /** Where the next line will stand. */
  get position(): Position {
    return { segment: this.#segment, offset: this.#bytes };
  }

  /** In: a body. Out: whether its line stands in the file (not yet: on the disk). What a failed write left is named by the next one. */
  append(body: EntryBody): JournalResult {
    if (this.#broken !== undefined) return this.#broken;
    try {
      if (this.#torn.length > 0) this.#nameTorn();
      if (this.#bytes >= (this.#options.segmentBytes ?? LIMITS.journalSegmentBytes)) this.#rotate();
      this.#write(body);
      if (this.#seq - this.#signed >= (this.#options.checkpointRecords ?? LIMITS.checkpointRecords)) this.checkpoint();
      this.#flush ??= setTimeout(() => { void this.durable(); }, LIMITS.journalFlushMs).unref();
      return { ok: true };
    } catch (cause) {
      return failure(cause);
    }
  }

  /** Signs the end of the chain, when there is anything new behind the last checkpoint. Out: as `append`. */
  checkpoint(): JournalResult {
    const { signer } = this.#options;
    if (this.#broken !== undefined) return this.#broken;
    if (signer === undefined || this.#seq === this.#signed) return { ok: true };
    return this.append({ kind: "checkpoint", ...signer.sign(this.#seq - 1, this.#prev, this.#options.now()) });
  }

  /** The file that is written now, and the first one in which a request began that is still open, as far as this writer knows. */
  get segments(): { readonly current: number; readonly oldestOpen: number } {
    return { current: this.#segment, oldestOpen: Math.min(this.#segment, ...this.#began.values()) };
  }

  /** Out: resolves when all that was appended before this call is on disk; `ok: false` means: assume that it is not. Never rejects. */
  durable(): Promise<JournalResult> {
    if (this.#broken !== undefined) return Promise.resolve(this.#broken);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#syncing) this.#sync();
    });
  }

  /** Flushes and gives the lock back. Later calls answer `closed`. Never rejects. */
  async close(): Promise<JournalResult> {
    if (this.#broken?.code === "closed") return this.#broken;
    this.checkpoint();
    const last = await this.durable();
    this.#broken = { ok: false, code: "closed", message: "the journal is closed" };
    clearTimeout(this.#flush);
    this.#retire(this.#fd);
    this.#lock.release();
    return last;
  }

  /** One fdatasync for everybody who waits when it begins; who comes later waits for the next. */
  #sync(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    this.#syncing = true;
    clearTimeout(this.#flush);
    this.#flush = undefined;
    fdatasync(this.#fd, (error) => {
      this.#syncing = false;
      const result: JournalResult = error === null ? { ok: true } : failure(error);
      if (!result.ok) this.#broken = result;
      for (const descriptor of this.#retired.splice(0)) closeSync(descriptor);
      for (const resolve of waiting) resolve(result);
      if (result.ok) this.#sync();
      else for (const resolve of this.#waiting.splice(0)) resolve(result);
    });
  }

  #opened(): EntryBody {
    return { kind: "opened", format: 1, segment: this.#segment, writer: this.#writer, open: [...this.open.values()] };
  }

  /** The full file is on disk before the next one begins: a chain never has a hole in the middle. */
  #rotate(): void {
    const full = { fd: this.#fd, segment: this.#segment, bytes: this.#bytes };
    try {
      fsyncSync(full.fd);
    } catch (cause) {
      this.#broken = failure(cause);
      throw cause;
    }
    this.#segment = full.segment + 1;
    try {
      this.#fd = this.#openFile();
    } catch (cause) {
      this.#segment = full.segment;
      throw cause;
    }
    this.#bytes = 0;
    this.#retire(full.fd);
    this.#write(this.#opened());
  }

  #retire(descriptor: number): void {
    if (this.#syncing) this.#retired.push(descriptor);
    else closeSync(descriptor);
  }

  #openFile(): number {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const path = segmentPath(this.#options.directory, this.#segment);
    const isNew = !existsSync(path);
    const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    if (!isNew) return fd;
    // A new name must be on disk before what stands under it counts as durable.
    const directory = openSync(this.#options.directory, constants.O_RDONLY);
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
    return fd;
  }

  /** Ends a torn line and says of what bytes it is made, so that readers can tell a crash from an edit. */
  #nameTorn(): void {
    if (this.#torn.at(-1) !== LINE_FEED[0]) this.#writeAll(LINE_FEED);
    const named = this.#torn.subarray(0, -1);
    this.#write({ kind: "gap", reason: "torn write", bytes: named.length, sha256: sha256(named) });
  }

  #write(body: EntryBody): void {
    const hashed = canonicalJson(asJson({ ...body, prev: this.#prev, seq: this.#seq, time: this.#options.now() }));
    const hash = sha256(hashed);
    this.#writeAll(Buffer.from(joinLine(hashed, hash)));
    this.#torn = NOTHING;
    this.#prev = hash;
    this.#seq += 1;
    if (body.kind === "received") {
      this.open.set(body.id, { id: body.id, process: body.process });
      this.#began.set(body.id, this.#segment);
    }
    if (body.kind === "finished") {
      this.open.delete(body.id);
      this.#began.delete(body.id);
    }
    if (body.kind === "checkpoint") this.#signed = this.#seq;
  }

  /** Writes all bytes, or throws and remembers those that stand in the file behind the last good line. */
  #writeAll(bytes: Buffer): void {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done);
    } finally {
      this.#bytes += done;
      if (done < bytes.length || this.#torn.length > 0) this.#torn = Buffer.concat([this.#torn, bytes.subarray(0, done)]);
    }
  }
}

const NOTHING = Buffer.alloc(0);

function sha256(data: string | Buffer): string {
  return digest("sha256", data, "hex");
}

/** A system error becomes a value; anything else is a bug and stays an exception. */
function failure(cause: unknown): JournalFailure {
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return { ok: false, code: cause.code, message: cause.message };
  throw cause;
}
