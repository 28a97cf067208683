import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { fileSeen, isSame, type Kept, type Seen } from "./entry.ts";
import { forSystem, type Bytes } from "./names.ts";
import { codeOf } from "./walk.ts";

const CHUNK = 1_048_576;
const FLUSH_AT = 4 * CHUNK;

type File = Extract<Seen, { kind: "file" }>;

/** Nothing more fits, or the pack cannot be written (disk full): the snapshot as a whole fails. */
export class PackError extends Error {
  override readonly name = "PackError";
}

/**
 * Contents of files, one after the other, in one file of our own: one file per snapshot instead of one per file makes the
 * first one three times as quick. Made when the first content arrives.
 */
export class PackWriter {
  readonly #path: string;
  readonly #name: string;
  readonly #chunk = Buffer.allocUnsafe(CHUNK);
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #fd: number | undefined;
  #size = 0;

  /** In: where the pack is to be, and its name in manifests. */
  constructor(path: string, name: string) {
    this.#path = path;
    this.#name = name;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * In: the name of a plain file in the directory where the process stands. Out: what was read, and where it is kept; or
   * why it was not. A file that changes while it is read is read once more.
   * SECURITY: opened without following a link and without blocking; what is read is what the descriptor is.
   */
  keep(name: Bytes, room: number): { readonly ok: true; readonly entry: File & Kept } | { readonly ok: false; readonly why: string } {
    let fd: number | undefined;
    try {
      fd = openSync(forSystem(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
      for (let round = 0; ; round += 1) {
        const before = fstatSync(fd);
        if (!before.isFile()) return { ok: false, why: "it is no plain file any more" };
        if (before.size > room) return { ok: false, why: "too large for a snapshot" };
        const readAt = Date.now();
        const at = this.#size;
        const { crc, size } = this.#copy(fd, before.size);
        const after = fstatSync(fd);
        const seen = fileSeen(after);
        if (isSame(seen, fileSeen(before)) && size === seen.size) return { ok: true, entry: { ...seen, pack: this.#name, at, crc, readAt } };
        if (round === 1) return { ok: false, why: "it changes all the time" };
      }
    } catch (error) {
      if (error instanceof PackError) throw error;
      return { ok: false, why: `it cannot be read: ${codeOf(error)}` };
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** Writes what is left. Throws PackError. */
  close(): void {
    this.#flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Takes everything back. */
  discard(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#waiting = [];
    try {
      unlinkSync(this.#path);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  /** At most `expected` bytes and one more, which shows that the file grew. */
  #copy(fd: number, expected: number): { readonly crc: number; readonly size: number } {
    let crc = 0;
    let size = 0;
    while (size <= expected) {
      const count = readSync(fd, this.#chunk, 0, Math.min(CHUNK, expected + 1 - size), size);
      if (count === 0) break;
      const piece = Buffer.from(this.#chunk.subarray(0, count));
      crc = crc32(piece, crc);
      size += count;
      this.#add(piece);
    }
    return { crc, size };
  }

  #add(piece: Buffer): void {
    this.#waiting.push(piece);
    this.#waitingBytes += piece.length;
    this.#size += piece.length;
    if (this.#waitingBytes >= FLUSH_AT) this.#flush();
  }

  #flush(): void {
    if (this.#waitingBytes === 0) return;
    const all = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      this.#fd ??= openSync(this.#path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
      for (let at = 0; at < all.length; ) at += writeSync(this.#fd, all, at);
    } catch (error) {
      throw new PackError(`the snapshot cannot be written: ${codeOf(error)}`, { cause: error });
    }
  }
}

/** In: an open pack, where a file lies in it. Out: its content. Throws when it is not what was written. */
export function readKept(fd: number, entry: File & Kept, each: (piece: Buffer) => void): void {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, entry.size)));
  let crc = 0;
  for (let done = 0; done < entry.size; ) {
    const count = readSync(fd, chunk, 0, Math.min(chunk.length, entry.size - done), entry.at + done);
    if (count === 0) throw new Error("the snapshot is damaged: it ends too early");
    const piece = Buffer.from(chunk.subarray(0, count));
    crc = crc32(piece, crc);
    done += count;
    each(piece);
  }
  if (crc !== entry.crc) throw new Error("the snapshot is damaged: its checksum differs");
}
