/**
 * Is the journal what was written? Names the first line that is not.
 * Finds edits, insertions, deletions and reordering; a cut-off end and a re-hashed whole need an exported checkpoint.
 */
import { createHash } from "node:crypto";
import { GENESIS, parseEntry, splitLine, type Entry } from "./entries.ts";
import { listSegments, readLines, segmentPath } from "./segments.ts";

export type ChainEnd = { readonly seq: number; readonly hash: string };

export type Verification =
  /** `gaps`: torn writes that the journal itself names. `end`: undefined for an empty file. `tornTail`: bytes of a last line that is not whole. */
  | { readonly ok: true; readonly records: number; readonly gaps: number; readonly tornTail: number; readonly end: ChainEnd | undefined }
  /** `line`: 1-based, of `file`. */
  | { readonly ok: false; readonly file: string; readonly line: number; readonly seq: number | undefined; readonly reason: string };

/** In: one file of the journal; what stands before it (left out: the file begins the chain, or its first line is taken at its word). */
export function verifyJournal(file: string, before?: ChainEnd): Verification {
  let end = before;
  let records = 0;
  let gaps = 0;
  let number = 0;
  let damage: { readonly line: number; readonly parts: Buffer[] } | undefined;
  for (const line of readLines(file)) {
    number += 1;
    if (!line.complete) return damage === undefined ? { ok: true, records, gaps, tornTail: line.bytes.length, end } : notALine(file, damage.line);
    const text = line.bytes.toString("utf8");
    const entry = parseEntry(text);
    const reason = entry === undefined ? "not a record" : wrongHash(text) ?? wrongLink(entry, end);
    if (entry === undefined) {
      damage ??= { line: number, parts: [] };
      damage.parts.push(Buffer.from(line.bytes));
      continue;
    }
    if (reason !== undefined) return { ok: false, file, line: number, seq: entry.seq, reason };
    if (entry.kind === "gap") {
      if (damage === undefined || !isNamedBy(damage.parts, entry.sha256)) return { ok: false, file, line: number, seq: entry.seq, reason: "names bytes that do not stand before it" };
      damage = undefined;
      gaps += 1;
    }
    if (damage !== undefined) return notALine(file, damage.line);
    records += 1;
    end = { seq: entry.seq, hash: entry.hash };
  }
  return damage === undefined ? { ok: true, records, gaps, tornTail: 0, end } : notALine(file, damage.line);
}

/** In: the journal's directory. Out: the same for all its files as one chain. */
export function verifyJournals(directory: string): Verification {
  let end: ChainEnd | undefined;
  const sum = { records: 0, gaps: 0, tornTail: 0 };
  const segments = listSegments(directory);
  for (const [index, segment] of segments.entries()) {
    const result = verifyJournal(segmentPath(directory, segment), end);
    if (!result.ok) return result;
    if (result.tornTail > 0 && index < segments.length - 1) return notALine(segmentPath(directory, segment), result.records + 1);
    end = result.end;
    sum.records += result.records;
    sum.gaps += result.gaps;
    sum.tornTail = result.tornTail;
  }
  return { ok: true, ...sum, end };
}

function notALine(file: string, line: number): Verification {
  return { ok: false, file, line, seq: undefined, reason: "not a record, and no gap names it" };
}

function wrongHash(text: string): string | undefined {
  const split = splitLine(text);
  const real = split === undefined ? undefined : createHash("sha256").update(split.hashed).digest("hex");
  return split === undefined || split.hash !== real ? "the hash does not fit the record" : undefined;
}

function wrongLink(entry: Entry, before: ChainEnd | undefined): string | undefined {
  if (before === undefined) return entry.seq === 0 && entry.prev !== GENESIS ? "the first record names one before it" : undefined;
  if (entry.prev !== before.hash) return "does not follow the record before it";
  return entry.seq === before.seq + 1 ? undefined : "the sequence number does not follow";
}

function isNamedBy(parts: readonly Buffer[], digest: string): boolean {
  const hash = createHash("sha256");
  for (const [index, part] of parts.entries()) hash.update(index === 0 ? part : Buffer.concat([Buffer.from("\n"), part]));
  return hash.digest("hex") === digest;
}
