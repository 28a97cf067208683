/**
 * The journal's files: `journal-00000001.jsonl`, `journal-00000002.jsonl`, … in one directory, each continuing the chain
 * of the one before. Reading is streaming and tolerant: what is no line is reported as damage, never thrown.
 */
import { closeSync, openSync, readSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseEntry, type Entry } from "./entries.ts";

const NAME = /^journal-(\d{8})\.jsonl$/;
const CHUNK = 64 * 1024;

/** In: the journal's directory. Out: numbers of its files, ascending; none when the directory is not there. */
export function listSegments(directory: string): readonly number[] {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
    throw cause;
  }
  return names.flatMap((name) => { const digits = NAME.exec(name)?.[1]; return digits === undefined ? [] : [Number(digits)]; }).sort((a, b) => a - b);
}

export function segmentPath(directory: string, number: number): string {
  return join(directory, `journal-${String(number).padStart(8, "0")}.jsonl`);
}

/** A piece of a file: `[start, end)` in bytes, the line feed included when `complete`. `bytes` holds until the next line is asked for. */
export type Line = { readonly start: number; readonly end: number; readonly bytes: Buffer; readonly complete: boolean };

/**
 * In: a file, and the byte to begin at. Out: its lines one by one; the last may be incomplete (torn, or still being
 * written). Memory: one chunk and one line. Throws the system's error when the file cannot be read.
 */
export function* readLines(path: string, from = 0): Generator<Line> {
  const fd = openSync(path, "r");
  const chunk = Buffer.allocUnsafe(CHUNK);
  try {
    let rest = Buffer.alloc(0);
    let at = from;
    for (;;) {
      const got = readSync(fd, chunk, 0, CHUNK, at + rest.length);
      if (got === 0) break;
      let data = rest.length === 0 ? chunk.subarray(0, got) : Buffer.concat([rest, chunk.subarray(0, got)]);
      for (let feed = data.indexOf(10); feed >= 0; feed = data.indexOf(10)) {
        yield { start: at, end: at + feed + 1, bytes: data.subarray(0, feed), complete: true };
        at += feed + 1;
        data = data.subarray(feed + 1);
      }
      rest = Buffer.from(data);
    }
    if (rest.length > 0) yield { start: at, end: at + rest.length, bytes: rest, complete: false };
  } finally {
    closeSync(fd);
  }
}

/** One entry and where it stands, so that a reader can resume behind it. */
export type Located = { readonly entry: Entry; readonly segment: number; readonly start: number; readonly end: number };
export type Position = { readonly segment: number; readonly offset: number };

/**
 * In: the journal's directory, and where to begin. Out: all entries from there on, over all files; lines that are none are
 * left out (`verifyJournal` names them), an incomplete last line too.
 */
export function* readEntries(directory: string, from: Position = { segment: 0, offset: 0 }): Generator<Located> {
  for (const segment of listSegments(directory)) {
    if (segment < from.segment) continue;
    for (const line of readLines(segmentPath(directory, segment), segment === from.segment ? from.offset : 0)) {
      const entry = line.complete ? parseEntry(line.bytes.toString("utf8")) : undefined;
      if (entry !== undefined) yield { entry, segment, start: line.start, end: line.end };
    }
  }
}
