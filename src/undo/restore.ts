import { randomBytes } from "node:crypto";
import { closeSync, constants, fchmodSync, fstatSync, futimesSync, lstatSync, mkdirSync, openSync, readSync, renameSync, rmdirSync, symlinkSync, unlinkSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Change } from "./compare.ts";
import { MODE_BITS, type Entry, type Kept, type Seen } from "./entry.ts";
import { below, forSystem, isWithin, nameOf, parentOf, textOf, type Bytes } from "./names.ts";
import { readKept } from "./pack.ts";
import type { Root } from "./place.ts";
import { packPath } from "./store.ts";
import { codeOf, standingIn } from "./walk.ts";

type File = Extract<Seen, { kind: "file" }> & Kept;

export type Restored = { readonly restored: number; readonly removed: number; readonly problems: readonly string[] };

/**
 * Makes every changed path what it was. A path that cannot be changed is a problem of its own; the others go on.
 * SECURITY: runs with the human's rights while the agent may still exchange names: every step stands in a directory that was
 * entered without following a link, so nothing outside of the anchors is written or removed.
 */
export function restore(changes: readonly Change[], roots: readonly Root[], directory: string): Restored {
  const work = new Restoring(roots, directory);
  const deepestFirst = [...changes].sort((a, b) => b.path.length - a.path.length);
  for (const { path, was, is } of deepestFirst) if (is !== undefined && (was === undefined || was.kind !== is.kind)) work.remove(path, is, was === undefined);
  const back = changes.flatMap(({ path, was }) => (was === undefined ? [] : [{ path, was }])).sort((a, b) => a.path.length - b.path.length);
  for (const { path, was } of back) if (was.kind === "directory") work.directory(path);
  for (const { path, was } of back) if (was.kind !== "directory") work.leaf(path, was);
  // Last: a directory that nobody may write in has to be filled first.
  for (const { path, was } of [...back].reverse()) if (was.kind === "directory") work.mode(path, was.mode);
  work.close();
  return { restored: work.restored, removed: work.removed, problems: work.problems };
}

class Restoring {
  readonly problems: string[] = [];
  readonly #roots: readonly Root[];
  readonly #directory: string;
  readonly #packs = new Map<string, number>();
  restored = 0;
  removed = 0;

  constructor(roots: readonly Root[], directory: string) {
    this.#roots = roots;
    this.#directory = directory;
  }

  remove(path: Bytes, is: Seen, counts: boolean): void {
    this.#in(path, (name) => {
      if (is.kind === "directory") rmdirSync(forSystem(name));
      else unlinkSync(forSystem(name));
      if (counts) this.removed += 1;
    });
  }

  directory(path: Bytes): void {
    this.#in(path, (name) => {
      const there = lstatSync(forSystem(name), { throwIfNoEntry: false });
      if (there?.isDirectory() === true) return;
      mkdirSync(forSystem(name), { mode: 0o700 });
      this.restored += 1;
    });
  }

  mode(path: Bytes, mode: number): void {
    this.#in(path, (name) => {
      const fd = openSync(forSystem(name), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        fchmodSync(fd, mode & MODE_BITS);
      } finally {
        closeSync(fd);
      }
    });
  }

  leaf(path: Bytes, was: Exclude<Entry, { kind: "directory" }>): void {
    this.#in(path, (name) => {
      // Beside it first, then over it: whoever reads it meanwhile sees the one or the other.
      const beside = `.vetsh-undo-${randomBytes(6).toString("hex")}`;
      try {
        if (was.kind === "link") symlinkSync(forSystem(was.target), beside);
        else this.#write(beside, was);
        renameSync(beside, forSystem(name));
      } catch (error) {
        removeIfThere(beside);
        throw error;
      }
      this.restored += 1;
    });
  }

  close(): void {
    for (const fd of this.#packs.values()) closeSync(fd);
  }

  #write(name: string, was: File): void {
    const fd = openSync(name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    try {
      if (was.size > 0) readKept(this.#pack(was.pack), was, (piece) => { for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at); });
      fchmodSync(fd, was.mode & MODE_BITS);
      futimesSync(fd, was.modified / 1000, was.modified / 1000);
    } finally {
      closeSync(fd);
    }
  }

  #pack(name: string): number {
    const known = this.#packs.get(name);
    if (known !== undefined) return known;
    const fd = openSync(packPath(this.#directory, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    this.#packs.set(name, fd);
    return fd;
  }

  /** Stands in the directory of a path and does something there. */
  #in(path: Bytes, work: (name: Bytes) => void): void {
    const anchor = this.#roots.map((root) => root.anchor).filter((top) => isWithin(path, top) && path !== top).sort((a, b) => b.length - a.length)[0];
    if (anchor === undefined) return;
    try {
      let result = standingIn(anchor, parentOf(path), () => work(nameOf(path)));
      if (!result.ok && result.missing && makeDirectories(anchor, parentOf(path))) result = standingIn(anchor, parentOf(path), () => work(nameOf(path)));
      if (!result.ok) this.problems.push(`${textOf(path)}: ${result.why}`);
    } catch (error) {
      this.problems.push(`${textOf(path)}: ${error instanceof Error && "code" in error ? codeOf(error) : error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Directories above a single file that were removed since, and that nobody looked at before. Out: whether they are there now. */
function makeDirectories(anchor: Bytes, directory: Bytes): boolean {
  let at = anchor;
  for (const name of directory.slice(anchor.length + 1).split("/")) {
    const made = standingIn(anchor, at, () => {
      if (lstatSync(forSystem(name as Bytes), { throwIfNoEntry: false }) === undefined) mkdirSync(forSystem(name as Bytes), { mode: 0o755 });
    });
    if (!made.ok) return false;
    at = below(at, name);
  }
  return true;
}

function removeIfThere(name: string): void {
  try {
    unlinkSync(name);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** Whether the file at a path has the content that is kept, whatever its stamp says. Only for files of the same size and mode. */
export function hasKeptContent(path: Bytes, anchor: Bytes, entry: File): boolean {
  const result = standingIn(anchor, parentOf(path), () => {
    let fd: number | undefined;
    try {
      fd = openSync(forSystem(nameOf(path)), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
      const stat = fstatSync(fd);
      return stat.isFile() && stat.size === entry.size && checksum(fd) === entry.crc;
    } catch (error) {
      // Not readable or gone: then it is not the same.
      codeOf(error);
      return false;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  });
  return result.ok && result.value;
}

function checksum(fd: number): number {
  const chunk = Buffer.allocUnsafe(1_048_576);
  let crc = 0;
  for (let at = 0; ; ) {
    const count = readSync(fd, chunk, 0, chunk.length, at);
    if (count === 0) return crc;
    crc = crc32(chunk.subarray(0, count), crc);
    at += count;
  }
}
