import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { LIMITS } from "../model/index.ts";
import { below, forSystem, isWithin, type Bytes } from "./names.ts";

/** Told what is found; the process stands in the directory that holds `name`. */
export type Visitor = {
  /** The process stands in a directory, on the way to where the walk begins or in the walk. `names`: what is in it, if it was listed. */
  readonly enter?: (directory: Bytes, names: readonly Bytes[] | undefined) => void;
  /** Out: whether to look at what is in it. */
  readonly directory: (path: Bytes, name: Bytes, stat: Stats) => boolean;
  readonly leaf: (path: Bytes, name: Bytes, stat: Stats) => void;
  /** What cannot be looked at. */
  readonly problem: (path: Bytes, why: string) => void;
};

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Does `work` standing in a directory, then leaves it. Out: what it returned, or why it cannot be entered.
 * SECURITY: names are the agent's, and it may exchange them while we look. Each step opens one name relative to a directory
 * that is held open and follows no link, so no way leads out of `anchor`: neither what is read nor what is written back.
 */
export function standingIn<T>(anchor: Bytes, directory: Bytes, work: (fd: number) => T, enter?: Visitor["enter"]): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly missing: boolean; readonly why: string } {
  let fd: number | undefined;
  let at = anchor;
  try {
    fd = openSync(forSystem(anchor), DIRECTORY);
    standOn(fd);
    for (const name of namesBetween(anchor, directory)) {
      enter?.(at, undefined);
      const next = openSync(forSystem(name), DIRECTORY);
      closeSync(fd);
      fd = next;
      standOn(fd);
      at = below(at, name);
    }
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    process.chdir("/");
    const code = codeOf(error);
    return { ok: false, missing: code === "ENOENT", why: code === "ENOTDIR" || code === "ELOOP" ? "a symbolic link or a file stands on the way to it" : `its directory cannot be entered: ${code}` };
  }
  try {
    return { ok: true, value: work(fd) };
  } finally {
    process.chdir("/");
    closeSync(fd);
  }
}

/** Walks one path, and everything below it when it is a directory that `visitor` wants. A path that does not exist is no problem. */
export function walk(anchor: Bytes, path: Bytes, visitor: Visitor): void {
  if (path === anchor) {
    report(standingIn(anchor, anchor, (fd) => list(anchor, fd, 0, visitor), visitor.enter), path, visitor);
    return;
  }
  const parent = path.slice(0, path.lastIndexOf("/")) as Bytes;
  const name = path.slice(parent.length + 1) as Bytes;
  report(standingIn(anchor, parent, (fd) => {
    visitor.enter?.(parent, undefined);
    const stat = look(name, path, visitor);
    if (stat !== undefined) one(path, name, stat, fd, 0, visitor);
  }, visitor.enter), path, visitor);
}

function report(result: ReturnType<typeof standingIn>, path: Bytes, visitor: Visitor): void {
  if (!result.ok && !result.missing) visitor.problem(path, result.why);
}

function one(path: Bytes, name: Bytes, stat: Stats, fd: number, depth: number, visitor: Visitor): void {
  if (!stat.isDirectory()) return visitor.leaf(path, name, stat);
  if (visitor.directory(path, name, stat)) descend(path, name, fd, depth, visitor);
}

/** SECURITY: the directory is listed by a descriptor that followed no link: what is exchanged meanwhile is not followed either. */
function descend(path: Bytes, name: Bytes, parent: number, depth: number, visitor: Visitor): void {
  if (depth >= LIMITS.undoDepth) return visitor.problem(path, "it lies too deep");
  let fd: number;
  try {
    standOn(parent);
    fd = openSync(forSystem(name), DIRECTORY);
  } catch (error) {
    return visitor.problem(path, `it cannot be listed: ${codeOf(error)}`);
  }
  try {
    list(path, fd, depth + 1, visitor);
  } finally {
    closeSync(fd);
  }
}

function list(directory: Bytes, fd: number, depth: number, visitor: Visitor): void {
  let names: readonly Bytes[];
  try {
    standOn(fd);
    names = readdirSync(".", "latin1") as Bytes[];
  } catch (error) {
    return visitor.problem(directory, `it cannot be listed: ${codeOf(error)}`);
  }
  visitor.enter?.(directory, names);
  const directories: Bytes[] = [];
  for (const name of names) {
    const path = below(directory, name);
    const stat = look(name, path, visitor);
    if (stat === undefined) continue;
    if (!stat.isDirectory()) visitor.leaf(path, name, stat);
    else if (visitor.directory(path, name, stat)) directories.push(name);
  }
  for (const name of directories) descend(below(directory, name), name, fd, depth, visitor);
}

function look(name: Bytes, path: Bytes, visitor: Visitor): Stats | undefined {
  try {
    return lstatSync(forSystem(name), { throwIfNoEntry: false });
  } catch (error) {
    visitor.problem(path, `it cannot be looked at: ${codeOf(error)}`);
    return undefined;
  }
}

/** In: the name of a link in the directory where the process stands. Out: its target; undefined when it is none any more. */
export function linkTarget(name: Bytes): Bytes | undefined {
  try {
    return readlinkSync(forSystem(name), "latin1") as Bytes;
  } catch (error) {
    if (["ENOENT", "EINVAL", "ENOTDIR", "EACCES"].includes(codeOf(error))) return undefined;
    throw error;
  }
}

export function standOn(fd: number): void {
  process.chdir(`/proc/self/fd/${fd}`);
}

export function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  throw error;
}

function namesBetween(anchor: Bytes, path: Bytes): readonly Bytes[] {
  if (!isWithin(path, anchor)) throw new Error("a path outside of its anchor");
  return path === anchor ? [] : (path.slice(anchor.length + 1).split("/") as Bytes[]);
}
