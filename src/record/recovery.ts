/**
 * What the journal on disk says before a writer continues it: the end of the chain, requests without an end, a torn tail.
 */
import { parseEntry, GENESIS, type OpenRequest } from "./entries.ts";
import { listSegments, readLines, segmentPath } from "./segments.ts";

export type Recovered = {
  /** The file to continue, its size, and the bytes behind its last good line. */
  readonly segment: number;
  readonly bytes: number;
  readonly torn: Buffer;
  /** The next sequence number, and the hash of the last good line. */
  readonly seq: number;
  readonly prev: string;
  /** The sequence number behind the last checkpoint that was read. */
  readonly signed: number;
  readonly open: ReadonlyMap<string, OpenRequest>;
};

type Progress = { seq: number; prev: string; signed: number; readonly open: Map<string, OpenRequest> };

/**
 * In: the journal's directory. Out: where to go on. Reads the last file only, and those before it when its first line is
 * missing. The chain is not verified here (`verifyJournal`): a broken one is continued and stays visible.
 */
export function recover(directory: string): Recovered {
  const segments = listSegments(directory);
  const last = segments.at(-1);
  const progress: Progress = { seq: 0, prev: GENESIS, signed: 0, open: new Map() };
  if (last === undefined) return { segment: 1, bytes: 0, torn: Buffer.alloc(0), ...progress };
  let from = segments.length - 1;
  while (from > 0 && !beginsWithOpened(segmentPath(directory, segments[from] ?? last))) from -= 1;
  let end = { bytes: 0, torn: Buffer.alloc(0) };
  for (const segment of segments.slice(from)) end = follow(segmentPath(directory, segment), progress);
  return { segment: last, ...end, ...progress };
}

function beginsWithOpened(path: string): boolean {
  for (const line of readLines(path)) return line.complete && parseEntry(line.bytes.toString("utf8"))?.kind === "opened";
  return false;
}

/** Reads one file into `progress`. Out: its size and the bytes behind its last good line. */
function follow(path: string, progress: Progress): { bytes: number; torn: Buffer<ArrayBuffer> } {
  let bytes = 0;
  let torn: Buffer[] = [];
  for (const line of readLines(path)) {
    bytes = line.end;
    const entry = line.complete ? parseEntry(line.bytes.toString("utf8")) : undefined;
    if (entry === undefined) {
      torn.push(Buffer.from(line.bytes), Buffer.from(line.complete ? "\n" : ""));
      continue;
    }
    torn = [];
    progress.seq = entry.seq + 1;
    progress.prev = entry.hash;
    if (entry.kind === "opened") {
      progress.open.clear();
      for (const request of entry.open) progress.open.set(request.id, request);
    }
    if (entry.kind === "checkpoint") progress.signed = entry.seq + 1;
    if (entry.kind === "received") progress.open.set(entry.id, { id: entry.id, process: entry.process });
    if (entry.kind === "finished") progress.open.delete(entry.id);
  }
  return { bytes, torn: Buffer.concat(torn) };
}
