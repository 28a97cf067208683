import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { LIMITS, type FilePort } from "../model/index.ts";
import type { GitIndexes } from "./git-index.ts";
import { readBelow } from "./held-directory.ts";

/** The command's own /tmp; the directories below the host's that are shown as they are; which of its files come in. */
export type OwnTmp = { readonly session: () => string; readonly shown: readonly string[]; readonly comes: (path: string) => boolean };

/**
 * In: the workspace, listings of what git tracks, the command's own /tmp where it has one. Out: a file port over the real file system, for one request:
 * it answers the same question twice with the same answer, and looks at most LIMITS.fileLooks times; then nothing is known.
 */
export function openFilePort(workspace: string, indexes: GitIndexes, tmp?: OwnTmp): FilePort {
  return new RequestFiles(workspace, indexes, tmp);
}

/** Most lines ask one or two of its questions: what it remembers is made when it is first asked. */
class RequestFiles implements FilePort {
  readonly #workspace: string;
  readonly #indexes: GitIndexes;
  readonly #tmp: OwnTmp | undefined;
  #looks = 0;
  #seen: Seen | undefined;
  #noted = false;
  readonly #answers: { resolved?: Map<string, string | undefined>; kinds?: Map<string, ReturnType<FilePort["kind"]>>; scripts?: Map<string, ReturnType<FilePort["readScript"]>>; tracked?: Map<string, ReturnType<FilePort["tracked"]>> } = {};

  constructor(workspace: string, indexes: GitIndexes, tmp: OwnTmp | undefined) {
    this.#workspace = workspace;
    this.#indexes = indexes;
    this.#tmp = tmp;
  }

  resolve(path: string): string | undefined {
    return this.#look((this.#answers.resolved ??= new Map()), path, () => this.#resolve(path), undefined);
  }

  kind(path: string): ReturnType<FilePort["kind"]> {
    return this.#look((this.#answers.kinds ??= new Map()), path, () => kindOf(path), "unknown");
  }

  readScript(path: string): ReturnType<FilePort["readScript"]> {
    return this.#look((this.#answers.scripts ??= new Map()), path, () => this.#read(path), undefined);
  }

  tracked(path: string): ReturnType<FilePort["tracked"]> {
    return this.#look((this.#answers.tracked ??= new Map()), path, () => trackedState(path, this.#workspace, this.#indexes), "unknown");
  }

  #look<T>(cache: Map<string, T>, path: string, ask: () => T, unknown: T): T {
    const known = cache.get(path);
    if (known !== undefined || cache.has(path)) return known as T;
    this.#looks += 1;
    if (this.#looks > LIMITS.fileLooks || isOfTheReader(path)) return unknown;
    const answer = ask();
    cache.set(path, answer);
    return answer;
  }

  #resolve(path: string): string | undefined {
    this.#seen ??= { plain: new Set(), missing: new Set(), top: undefined };
    if (!this.#noted && path.startsWith(this.#workspace)) {
      this.#noted = true;
      noteWay(this.#workspace, this.#seen);
    }
    return resolveLinks(path, { left: LIMITS.linkDepth }, this.#seen);
  }

  #read(path: string): ReturnType<FilePort["readScript"]> {
    const tmp = this.#tmp;
    const asItIs = tmp === undefined || !path.startsWith("/tmp/") || tmp.shown.some((own) => path.startsWith(`${own}/`));
    return asItIs ? readScript(path) : readInTmp(path, tmp);
  }
}

/** SECURITY: `/proc/self`, `/dev/fd` and the like name things of whoever looks: here that would be the broker, not the command. */
function isOfTheReader(path: string): boolean {
  return path === "/proc" || path.startsWith("/proc/") || path.startsWith("/dev/fd") || path.startsWith("/dev/std") || path === "/dev/tty";
}

/** What this request has found already: names that are no links, and names that do not exist. The paths of a line share most of their way. */
type Seen = { readonly plain: Set<string>; readonly missing: Set<string>; /** A directory without links on the way to it. */ top: string | undefined };

/** Whether there are links on the way to a directory, asked once instead of name by name: a path that is its own real path has none. */
function noteWay(directory: string, seen: Seen): void {
  try {
    if (realpathSync.native(directory) !== directory) return;
  } catch {
    // Not there, or not ours to look at: then each name is asked about.
    return;
  }
  for (let at = directory; at !== "/"; at = dirname(at)) seen.plain.add(at);
  seen.top = directory;
}

/** Most paths have no link in them: then they are what they say. In and out as `followLinks`, which reads all others. */
function resolveLinks(path: string, links: { left: number }, seen: Seen): string | undefined {
  if (!path.startsWith("/") || UNPLAIN.test(path) || path.startsWith("/dev/")) return followLinks(path, links, seen);
  let end = seen.top !== undefined && path.startsWith(`${seen.top}/`) ? seen.top.length : 0;
  while (end < path.length) {
    const slash = path.indexOf("/", end + 1);
    end = slash < 0 ? path.length : slash;
    const target = linkTarget(slash < 0 ? path : path.slice(0, end), seen);
    // Below a name that does not exist there are no links.
    if (target === MISSING) return path;
    if (target !== undefined) return followLinks(path, links, seen);
  }
  return path;
}

/** A name that is empty, `.` or `..`. */
const UNPLAIN = /\/\.{0,2}(?:\/|$)/;

/**
 * Symlinks resolved as far as the path exists; a dangling link counts as where it points, for that is what a write would make.
 * Name by name, because only that shows whether the way leads through a name that means the reader: a link to
 * `/proc/self/cwd` is our directory for us, and the command's for the command.
 */
function followLinks(path: string, links: { left: number }, seen: Seen): string | undefined {
  let at = "/";
  const names = namesOf(path);
  while (names.length > 0) {
    const name = names.shift() ?? "";
    if (name === ".") continue;
    at = name === ".." ? dirname(at) : at === "/" ? `/${name}` : `${at}/${name}`;
    if (isOfTheReader(at)) return undefined;
    const target = linkTarget(at, seen);
    // Below a name that does not exist there are no links: the rest is as it is written.
    if (target === MISSING && !names.includes("..")) return names.length === 0 ? at : join(at, ...names);
    if (target === undefined || target === MISSING) continue;
    links.left -= 1;
    if (links.left <= 0) return undefined;
    names.unshift(...namesOf(target));
    at = target.startsWith("/") ? "/" : dirname(at);
  }
  return at;
}

function namesOf(path: string): string[] {
  const names = path.split("/");
  if (names[0] === "") names.shift();
  return names.includes("") ? names.filter((name) => name !== "") : names;
}

const MISSING = Symbol("missing");

function linkTarget(path: string, seen: Seen): string | typeof MISSING | undefined {
  if (seen.plain.has(path)) return undefined;
  if (seen.missing.has(path)) return MISSING;
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) {
      seen.missing.add(path);
      return MISSING;
    }
    if (stat.isSymbolicLink()) return readlinkSync(path);
    seen.plain.add(path);
    return undefined;
  } catch {
    // A file where a directory should be, or no right to look: not a link that we could follow.
    return undefined;
  }
}

function kindOf(path: string): ReturnType<FilePort["kind"]> {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return "missing";
    if (stat.isFile()) return "file";
    return stat.isDirectory() ? "directory" : "other";
  } catch (error) {
    return codeOf(error) === "ENOTDIR" ? "missing" : "unknown";
  }
}

/**
 * What a command will find at a path in /tmp: its own file, or the host's where that is handed in. Where both are there and differ, only
 * a host's that is newer and comes in is known to be the one: a command without a sandbox would find the other.
 */
function readInTmp(path: string, { session, comes }: OwnTmp): ReturnType<FilePort["readScript"]> {
  const own = readBelow(session(), path.slice("/tmp/".length), LIMITS.scriptBytes);
  const hosts = readScript(path);
  if (own === undefined || own === "other") return own === undefined ? hosts : undefined;
  const text = scriptOf(own.content);
  if (hosts === undefined || text?.sha256 === hosts.sha256) return text;
  const host = statSync(path, { throwIfNoEntry: false });
  return host !== undefined && host.mtimeMs > own.stat.mtimeMs && comes(path) ? hosts : undefined;
}

function scriptOf(content: Buffer): ReturnType<FilePort["readScript"]> {
  return isUtf8(content) ? { text: content.toString("utf8"), sha256: createHash("sha256").update(content).digest("hex") } : undefined;
}

/** SECURITY: opened without blocking and only read when it is a plain file: a FIFO or device would hold up every other request. */
function readScript(path: string): ReturnType<FilePort["readScript"]> {
  let fd: number | undefined;
  try {
    // Most words that could be a script are no file at all: asking is cheaper than an error.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > LIMITS.scriptBytes) return undefined;
    // One byte more than it says it has, to notice a file that grows.
    const bytes = Buffer.alloc(stat.size + 1);
    const size = readSync(fd, bytes, 0, bytes.length, 0);
    const content = bytes.subarray(0, size);
    return size === stat.size ? scriptOf(content) : undefined;
  } catch {
    // Not readable: its text is not known, which analysis reports as opaque.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function trackedState(path: string, workspace: string, indexes: GitIndexes): ReturnType<FilePort["tracked"]> {
  const inside = relative(workspace, path);
  if (inside === "" || inside.startsWith("..")) return "unknown";
  const listing = indexes.of(workspace);
  if (listing === undefined) return "unknown";
  if (listing.has(inside)) return "tracked";
  // A directory with tracked files may hold others too.
  return listing.hasBelow(inside) ? "unknown" : "untracked";
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
