/**
 * How long the journal is kept: whole files go, the oldest first, and the chain says so before they do.
 */
import { rmSync, statSync } from "node:fs";
import { parseEntry, type Entry, type RetiredBody } from "./entries.ts";
import type { Journal, JournalResult } from "./journal.ts";
import { listSegments, readLines, segmentPath } from "./segments.ts";

/** Milliseconds; bytes of all files together. */
export type Keep = { readonly ms: number; readonly bytes: number };

export type Retirement = {
  readonly directory: string;
  readonly journal: Journal;
  readonly keep: Keep;
  readonly now: number;
  /** The first file that something still has to be exported from. */
  readonly undelivered: number;
};

/**
 * Removes files that are older than is kept, or too much; what goes is named in the chain, on disk, first. Kept are the file that
 * is written, those in which a request began that is still open, and, unless there is no more room, what was not exported yet.
 * Out: what was removed. Throws the system's error.
 */
export async function retire({ directory, journal, keep, now, undelivered }: Retirement): Promise<readonly RetiredBody[]> {
  const bodies = choose({ directory, journal, keep, now, undelivered });
  for (const body of bodies) {
    const written: JournalResult = journal.append({ kind: "retired", ...body });
    const durable = written.ok ? await journal.durable() : written;
    if (!durable.ok) throw new Error(`old files of the journal stay: ${durable.message}`);
    for (const segment of body.segments) rmSync(segmentPath(directory, segment));
  }
  return bodies;
}

/** What goes, the oldest first; files that go for the same reason stand in one body. */
function choose({ directory, journal, keep, now, undelivered }: Retirement): readonly RetiredBody[] {
  const limit = journal.segments.oldestOpen;
  const files = listSegments(directory).map((segment) => ({ segment, bytes: statSync(segmentPath(directory, segment)).size }));
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const bodies: RetiredBody[] = [];
  for (const [index, { segment, bytes }] of files.entries()) {
    const next = files[index + 1];
    if (next === undefined || segment >= limit) break;
    const behind = firstEntry(segmentPath(directory, next.segment));
    // A file that does not begin with a record is for `vetsh audit verify` to look at, not for us to remove.
    if (behind === undefined) break;
    const old = behind.time < now - keep.ms && segment < undelivered;
    if (!old && total <= keep.bytes) break;
    total -= bytes;
    const reason = old ? "age" : "size";
    const last = bodies.at(-1);
    const body: RetiredBody = { segments: [segment], through: { seq: behind.seq - 1, hash: behind.prev }, reason, undelivered: segment >= undelivered };
    if (last?.reason === reason && last.undelivered === body.undelivered) bodies.splice(-1, 1, { ...body, segments: [...last.segments, segment] });
    else bodies.push(body);
  }
  return bodies;
}

function firstEntry(path: string): Entry | undefined {
  for (const line of readLines(path)) return line.complete ? parseEntry(line.bytes.toString("utf8")) : undefined;
  return undefined;
}
