import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { LIMITS } from "../model/index.ts";

/**
 * Which paths git tracks, read from the index file itself: starting git for it would cost milliseconds and let the
 * repository's own configuration run programs (core.fsmonitor) outside every sandbox.
 */
export type TrackedPaths = { readonly has: (relative: string) => boolean; readonly hasBelow: (relative: string) => boolean };

type Cached = { readonly stamp: string; readonly paths: TrackedPaths | undefined };

/** Listings by index file, renewed when the file changes. Holds at most `LIMITS.gitIndexes`. */
export class GitIndexes {
  readonly #cache = new Map<string, Cached>();

  /** In: the top of a working tree. Out: its tracked paths; undefined when there is no index or it cannot be read for sure. */
  of(workspace: string): TrackedPaths | undefined {
    const directory = gitDirectory(workspace);
    if (directory === undefined) return undefined;
    const path = join(directory, "index");
    const stamp = stampOf(path);
    if (stamp === undefined) return undefined;
    const cached = this.#cache.get(path);
    if (cached?.stamp === stamp) return cached.paths;
    const paths = usesSha256(directory) ? undefined : readIndex(path);
    if (this.#cache.size >= LIMITS.gitIndexes) this.#cache.clear();
    this.#cache.set(path, { stamp, paths });
    return paths;
  }
}

/** In: the top of a working tree. Out: its git directory, also of a linked worktree; undefined when it has none. */
export function gitDirectory(workspace: string): string | undefined {
  const path = join(workspace, ".git");
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return path;
    if (!stat.isFile() || stat.size > 4096) return undefined;
    const target = /^gitdir: (.+)\n?$/.exec(readFileSync(path, "utf8"))?.[1];
    return target === undefined ? undefined : resolve(workspace, target);
  } catch {
    // Not there or not readable: then there is nothing to say about what git tracks.
    return undefined;
  }
}

function stampOf(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true });
    if (!stat.isFile() || stat.size > BigInt(LIMITS.gitIndexBytes)) return undefined;
    return `${stat.ino}:${stat.size}:${stat.mtimeNs}`;
  } catch {
    // No index: a fresh repository, or it is being replaced right now.
    return undefined;
  }
}

/** Object names of another length would shift every entry. */
function usesSha256(directory: string): boolean {
  try {
    return /objectformat\s*=\s*sha256/i.test(readFileSync(join(directory, "config"), "utf8"));
  } catch {
    // A linked worktree has its configuration elsewhere: there the entries' own consistency decides.
    return false;
  }
}

/** In: an index file of version 2, 3 or 4. Out: its paths; undefined for a split or sparse index and whatever does not add up. */
function readIndex(path: string): TrackedPaths | undefined {
  try {
    return listPaths(readFileSync(path));
  } catch {
    // A truncated or malformed file (RangeError of a read beyond its end): nothing is known.
    return undefined;
  }
}

const ENTRY_FIXED = 62;

function listPaths(bytes: Buffer): TrackedPaths | undefined {
  const version = bytes.readUInt32BE(4);
  if (bytes.toString("latin1", 0, 4) !== "DIRC" || version < 2 || version > 4) return undefined;
  const count = bytes.readUInt32BE(8);
  const paths = new Set<string>();
  const folders = new Set<string>();
  let at = 12;
  let previous = Buffer.alloc(0);
  for (let index = 0; index < count; index += 1) {
    const flags = bytes.readUInt16BE(at + 60);
    const start = at + ENTRY_FIXED + ((flags & 0x4000) !== 0 ? 2 : 0);
    const shared = version === 4 ? readVarint(bytes, start) : { value: 0, end: start };
    const end = bytes.indexOf(0, shared.end);
    if (end < 0) return undefined;
    const own = bytes.subarray(shared.end, end);
    const name = version === 4 ? Buffer.concat([previous.subarray(0, previous.length - shared.value), own]) : own;
    if ((flags & 0xfff) !== 0xfff && (flags & 0xfff) !== name.length) return undefined;
    previous = Buffer.from(name);
    add(name.toString("utf8"), paths, folders);
    at = version === 4 ? end + 1 : at + (((start - at) + name.length + 8) & ~7);
  }
  // `link` (split index) and `sdir` (sparse index) mean that paths are missing here.
  return hasExtension(bytes, at, ["link", "sdir"]) ? undefined : { has: (path) => paths.has(path), hasBelow: (path) => folders.has(path) };
}

function add(name: string, paths: Set<string>, folders: Set<string>): void {
  paths.add(name);
  for (let slash = name.lastIndexOf("/"); slash > 0; slash = name.lastIndexOf("/", slash - 1)) {
    const folder = name.slice(0, slash);
    if (folders.has(folder)) return;
    folders.add(folder);
  }
}

function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly end: number } {
  let at = start;
  let byte = bytes.readUInt8(at);
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0) {
    at += 1;
    byte = bytes.readUInt8(at);
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return { value, end: at + 1 };
}

function hasExtension(bytes: Buffer, start: number, names: readonly string[]): boolean {
  for (let at = start; at + 8 <= bytes.length - 20; ) {
    if (names.includes(bytes.toString("latin1", at, at + 4))) return true;
    at += 8 + bytes.readUInt32BE(at + 4);
  }
  return false;
}
