import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { readLine, type Entry } from "./entry.ts";
import type { Bytes } from "./names.ts";
import type { Root, Uncovered } from "./place.ts";

/** The first line of a manifest. Times in milliseconds since the epoch. */
export type Header = {
  readonly format: 1;
  readonly id: string;
  readonly workspace: string;
  readonly time: number;
  /** What was about to run: a command, or an undo of another snapshot. */
  readonly of: { readonly kind: "command"; readonly request: string; readonly command: string } | { readonly kind: "undo"; readonly snapshot: string };
  readonly roots: readonly Root[];
  readonly packs: readonly string[];
  readonly entries: number;
  /** Bytes of the files it can bring back, and bytes that were written for it. */
  readonly bytes: number;
  readonly written: number;
  readonly ms: number;
  readonly uncovered: readonly Uncovered[];
  /** False when not everything could be looked at: then nothing counts as new. */
  readonly complete: boolean;
};

export type Snapshot = { readonly header: Header; readonly entries: ReadonlyMap<Bytes, Entry> };

/** In: the directory of all snapshots, a workspace. Out: where its snapshots lie. */
export function directoryFor(top: string, workspace: string): string {
  return join(top, createHash("sha256").update(workspace).digest("hex").slice(0, 24));
}

/** Makes a directory of ours, 0700. */
export function claim(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

export function packPath(directory: string, name: string): string {
  return join(directory, `${name}.pack`);
}

export function afterPath(directory: string, id: string): string {
  return join(directory, `${id}.after`);
}

/** Out: how many paths a command changed; undefined when its end was not seen. */
export function readAfterCount(directory: string, id: string): number | undefined {
  const line = firstLine(afterPath(directory, id));
  return line === undefined ? undefined : (JSON.parse(line) as { readonly changes: number }).changes;
}

/** Written as a whole or not at all. */
export function writeManifest(directory: string, header: Header, lines: readonly string[]): void {
  writeWhole(join(directory, `${header.id}.snapshot`), `${JSON.stringify(header)}\n${lines.join("\n")}\n`);
}

export function writeWhole(path: string, text: string): void {
  try {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    rmSync(`${path}.new`, { force: true });
    throw error;
  }
}

/** In: a directory of snapshots. Out: their first lines, the oldest first. What is no manifest is passed over. */
export function headers(directory: string): readonly Header[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) => name.endsWith(".snapshot")).flatMap((name) => {
    const header = readHeader(join(directory, name));
    return header === undefined ? [] : [header];
  }).sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
}

/** In: the directory of all snapshots. Out: all first lines, the oldest first. */
export function allHeaders(top: string): readonly Header[] {
  if (!existsSync(top)) return [];
  return readdirSync(top).flatMap((name) => headers(join(top, name))).sort((a, b) => a.time - b.time);
}

/** In: the id of a snapshot. Throws when it is not there or damaged. */
export function readSnapshot(directory: string, id: string): Snapshot {
  const [first, ...lines] = readFileSync(join(directory, `${id}.snapshot`), "utf8").split("\n");
  const entries = new Map<Bytes, Entry>();
  for (const line of lines) {
    if (line === "") continue;
    const [path, entry] = readLine(line);
    entries.set(path, entry);
  }
  const header = JSON.parse(first ?? "") as Header;
  if (entries.size !== header.entries) throw new Error("the snapshot is damaged: lines are missing");
  return { header, entries };
}

/** Whether a snapshot was undone, and that not undone again. */
export function isUndone(id: string, all: readonly Header[]): boolean {
  return all.some(({ id: other, of }) => of.kind === "undo" && of.snapshot === id && !isUndone(other, all));
}

export type Keep = { readonly bytes: number; readonly ms: number; readonly count: number };

/**
 * Removes what is too old, too many or too much, the oldest first, and packs that nobody needs any more.
 * Out: true when even the newest alone is too much: then the next one has to be written afresh.
 */
export function prune(directory: string, keep: Keep, now: number): boolean {
  let kept = headers(directory).filter((header) => {
    if (header.time >= now - keep.ms) return true;
    drop(directory, header.id);
    return false;
  });
  while (kept.length > keep.count || (kept.length > 1 && sizeOf(directory, kept) > keep.bytes)) {
    const [oldest, ...rest] = kept;
    if (oldest !== undefined) drop(directory, oldest.id);
    kept = rest;
  }
  const needed = new Set([...kept.flatMap(({ packs }) => packs).map((name) => packPath(directory, name)), ...kept.flatMap(({ id }) => [join(directory, `${id}.snapshot`), afterPath(directory, id)])]);
  for (const name of readdirSync(directory)) if (!needed.has(join(directory, name))) rmSync(join(directory, name), { force: true });
  return sizeOf(directory, kept) > keep.bytes;
}

/**
 * Removes all snapshots of workspaces in which nothing happened for so long that they are too old, and while all together are
 * too much, of those used least recently. `own` stays: SECURITY: an agent that goes from directory to directory fills no disk.
 */
export function removeForgotten(own: string, limits: { readonly ms: number; readonly bytes: number }, now: number): void {
  const top = dirname(own);
  const others = readdirSync(top).map((name) => join(top, name)).filter((path) => path !== own).map((path) => ({ path, used: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0, bytes: bytesIn(path) }));
  let total = bytesIn(own) + others.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, used, bytes } of others.sort((a, b) => a.used - b.used)) {
    if (used >= now - limits.ms && total <= limits.bytes) continue;
    rmSync(path, { recursive: true, force: true });
    total -= bytes;
  }
}

function bytesIn(directory: string): number {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory).reduce((sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

export function packNames(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) => name.endsWith(".pack")).map((name) => name.slice(0, -5));
}

function drop(directory: string, id: string): void {
  for (const path of [join(directory, `${id}.snapshot`), afterPath(directory, id)]) rmSync(path, { force: true });
}

function sizeOf(directory: string, kept: readonly Header[]): number {
  const files = [...new Set(kept.flatMap(({ packs }) => packs))].map((name) => packPath(directory, name));
  const all = [...files, ...kept.flatMap(({ id }) => [join(directory, `${id}.snapshot`), afterPath(directory, id)])];
  return all.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

const FIRST_LINE = 65_536;

function readHeader(path: string): Header | undefined {
  try {
    const line = firstLine(path);
    return line === undefined ? undefined : JSON.parse(line) as Header;
  } catch (error) {
    // Torn by a crash while it was written: then it is none.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Out: undefined when there is no such file, or no whole line in it. */
function firstLine(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const fd = openSync(path, "r");
  try {
    const pieces: Buffer[] = [];
    for (let at = 0; ; ) {
      const chunk = Buffer.alloc(FIRST_LINE);
      const count = readSync(fd, chunk, 0, chunk.length, at);
      if (count === 0) return undefined;
      const end = chunk.subarray(0, count).indexOf(10);
      pieces.push(chunk.subarray(0, end < 0 ? count : end));
      if (end >= 0) return Buffer.concat(pieces).toString("utf8");
      at += count;
    }
  } finally {
    closeSync(fd);
  }
}
