import { closeSync, constants, fchmodSync, fstatSync, futimesSync, linkSync, lstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync, type Stats } from "node:fs";
import { randomBytes } from "node:crypto";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const PLAIN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** A plain file and its content. */
export type Plain = { readonly stat: Stats; readonly content: Buffer };

/**
 * A directory that is held open: names are looked up in it and nowhere else, whatever happens to the path that led there.
 * SECURITY: somebody hostile may write in it meanwhile. No link is ever followed, and nothing that exists is written into:
 * files are made under a new name and then take their place.
 */
export class HeldDirectory {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** In: an absolute path of our own. Throws the system's error. */
  static open(path: string): HeldDirectory {
    return new HeldDirectory(openSync(path, DIRECTORY));
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** A directory in it that this user owns and nobody else may write in; made 0700 when missing and `make`. Undefined when there is none such. */
  enter(name: string, options: { readonly make: boolean }): HeldDirectory | undefined {
    const path = this.#at(name);
    if (options.make && lstatSync(path, { throwIfNoEntry: false }) === undefined) quietly(() => mkdirSync(path, { mode: 0o700 }));
    const fd = quietly(() => openSync(path, DIRECTORY));
    if (fd === undefined) return undefined;
    const stat = fstatSync(fd);
    if (stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0) return new HeldDirectory(fd);
    closeSync(fd);
    return undefined;
  }

  /** What stands under a name, links not followed. */
  look(name: string): Stats | undefined {
    return quietly(() => lstatSync(this.#at(name), { throwIfNoEntry: false }));
  }

  /** A plain file of this user that has no second name and at most `most` bytes; else undefined. */
  read(name: string, most: number): Plain | undefined {
    const fd = quietly(() => openSync(this.#at(name), PLAIN));
    if (fd === undefined) return undefined;
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile() || stat.uid !== process.getuid?.() || stat.nlink !== 1 || stat.size > most) return undefined;
      const content = Buffer.alloc(stat.size);
      let filled = 0;
      for (let count = 1; count > 0 && filled < content.length; filled += count) count = readSync(fd, content, filled, content.length - filled, filled);
      return { stat, content: content.subarray(0, filled) };
    } finally {
      closeSync(fd);
    }
  }

  /** Puts a copy under a name, times and permissions of its owner included. "fresh": only if nothing stands there. Out: the copy, or undefined. */
  put(name: string, { stat, content }: Plain, how: "fresh" | "replace"): Stats | undefined {
    const passing = this.#at(`.vetsh-${randomBytes(8).toString("hex")}`);
    const fd = quietly(() => openSync(passing, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600));
    if (fd === undefined) return undefined;
    try {
      for (let written = 0; written < content.length;) written += writeSync(fd, content, written);
      fchmodSync(fd, stat.mode & 0o700);
      futimesSync(fd, stat.atime, stat.mtime);
      // A link is made only where nothing stands; a renamed file takes the place of what does, a link included.
      const done = quietly(() => (how === "fresh" ? linkSync(passing, this.#at(name)) : renameSync(passing, this.#at(name)), true));
      // Taking the passing name away changes the file's ctime.
      rmSync(passing, { force: true });
      return done === undefined ? undefined : fstatSync(fd);
    } finally {
      closeSync(fd);
      rmSync(passing, { force: true });
    }
  }

  /** Removes a name that is no directory. */
  remove(name: string): void {
    quietly(() => rmSync(this.#at(name), { force: true }));
  }

  /** The kernel resolves this to the directory itself, also when it was renamed. */
  #at(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }
}

/** In: a directory of our own, a path below it, the most bytes it may have. Out: the plain file there, as `HeldDirectory.read`; "other" when something else stands there; no link is followed on the way. */
export function readBelow(top: string, path: string, most: number): Plain | "other" | undefined {
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === "..")) return undefined;
  let at = quietly(() => HeldDirectory.open(top));
  for (const [index, name] of names.entries()) {
    if (at === undefined) break;
    const held = at;
    try {
      if (index === names.length - 1) return held.read(name, most) ?? (held.look(name) === undefined ? undefined : "other");
      at = held.enter(name, { make: false });
      if (at === undefined && held.look(name) !== undefined) return "other";
    } finally {
      held.close();
    }
  }
  return undefined;
}

const EXPECTED = new Set(["ENOENT", "EEXIST", "ENOTDIR", "ELOOP", "EACCES", "EPERM", "EISDIR", "ENXIO", "ENOTEMPTY", "EROFS", "ENOSPC", "EDQUOT", "ENAMETOOLONG"]);

/** What somebody else's names may make of a call is no fault: undefined. Anything else is thrown. */
function quietly<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && "code" in error && EXPECTED.has(String(error.code))) return undefined;
    throw error;
  }
}
