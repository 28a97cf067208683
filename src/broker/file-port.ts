import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { LIMITS, type FilePort } from "../model/index.ts";
import type { GitIndexes } from "./git-index.ts";

/**
 * In: the workspace, and listings of what git tracks. Out: a file port over the real file system, for one request:
 * it answers the same question twice with the same answer, and looks at most LIMITS.fileLooks times; then nothing is known.
 */
export function openFilePort(workspace: string, indexes: GitIndexes): FilePort {
  let looks = 0;
  const look = <T>(cache: Map<string, T>, path: string, ask: () => T, unknown: T): T => {
    const known = cache.get(path);
    if (known !== undefined) return known;
    looks += 1;
    if (looks > LIMITS.fileLooks || isOfTheReader(path)) return unknown;
    const answer = ask();
    cache.set(path, answer);
    return answer;
  };
  const resolved = new Map<string, string | undefined>();
  const kinds = new Map<string, ReturnType<FilePort["kind"]>>();
  const scripts = new Map<string, ReturnType<FilePort["readScript"]>>();
  const tracked = new Map<string, ReturnType<FilePort["tracked"]>>();
  return {
    resolve: (path) => look(resolved, path, () => resolveLinks(path, LIMITS.linkDepth), undefined),
    kind: (path) => look(kinds, path, () => kindOf(path), "unknown"),
    readScript: (path) => look(scripts, path, () => readScript(path), undefined),
    tracked: (path) => look(tracked, path, () => trackedState(path, workspace, indexes), "unknown"),
  };
}

/** SECURITY: `/proc/self`, `/dev/fd` and the like name things of whoever looks: here that would be the broker, not the command. */
function isOfTheReader(path: string): boolean {
  return path === "/proc" || path.startsWith("/proc/") || path.startsWith("/dev/fd") || path.startsWith("/dev/std") || path === "/dev/tty";
}

/** Symlinks resolved as far as the path exists; a dangling link counts as where it points, for that is what a write would make. */
function resolveLinks(path: string, depth: number): string | undefined {
  if (depth <= 0) return undefined;
  try {
    const real = realpathSync.native(path);
    return isOfTheReader(real) ? undefined : real;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") return undefined;
  }
  const parent = dirname(path);
  if (parent === path) return undefined;
  const above = resolveLinks(parent, depth - 1);
  if (above === undefined) return undefined;
  const here = join(above, basename(path));
  const target = linkTarget(here);
  if (target === undefined) return here;
  const next = resolve(above, target);
  return isOfTheReader(next) ? undefined : resolveLinks(next, depth - 1);
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    // Nothing there: not a link.
    return undefined;
  }
}

function kindOf(path: string): ReturnType<FilePort["kind"]> {
  try {
    const stat = statSync(path);
    if (stat.isFile()) return "file";
    return stat.isDirectory() ? "directory" : "other";
  } catch (error) {
    const code = codeOf(error);
    return code === "ENOENT" || code === "ENOTDIR" ? "missing" : "unknown";
  }
}

/** SECURITY: opened without blocking and only read when it is a plain file: a FIFO or device would hold up every other request. */
function readScript(path: string): ReturnType<FilePort["readScript"]> {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > LIMITS.scriptBytes) return undefined;
    // One byte more than it says it has, to notice a file that grows.
    const bytes = Buffer.alloc(stat.size + 1);
    const size = readSync(fd, bytes, 0, bytes.length, 0);
    const content = bytes.subarray(0, size);
    if (size !== stat.size || !isUtf8(content)) return undefined;
    return { text: content.toString("utf8"), sha256: createHash("sha256").update(content).digest("hex") };
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
