/**
 * Is the journal what was written? Names the first record that is not.
 * Alone it finds edits, insertions, deletions, reordering, files that are exchanged or missing. A cut-off end and a whole that was
 * written anew are found by checkpoints that were exported before (`against`): they are what the journal is compared with.
 */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { GENESIS, parseEntry, splitLine, type Entry } from "./entries.ts";
import type { Exported } from "./exported.ts";
import { listSegments, readLines, segmentPath } from "./segments.ts";
import { isSigned } from "./signing.ts";

export type ChainEnd = { readonly seq: number; readonly hash: string };

/** A damaged place. `line`: 1-based, of `file`. `id`: the request that the record belongs to, when it says one. */
export type Damage = { readonly ok: false; readonly file: string; readonly line: number; readonly seq: number | undefined; readonly id: string | undefined; readonly reason: string };

/** `records`: how many; `seq`, `time`, `reason`: the last record that says so. */
export type Removed = { readonly records: number; readonly seq: number; readonly time: number; readonly reason: string };

export type Verification =
  /** `gaps`: torn writes that the journal itself names. `end`: undefined for an empty file. `tornTail`: bytes of a last line that is not whole. `keys`: whose checkpoints it has. `removed`: what the chain says was removed before its first record. */
  | { readonly ok: true; readonly removed?: Removed | undefined; readonly records: number; readonly gaps: number; readonly tornTail: number; readonly end: ChainEnd | undefined; readonly checkpoints: number; readonly keys: readonly string[] }
  | Damage;

/** Looks at each record in order. Out: what is wrong with it. */
type Witness = (entry: Entry, file: string, line: number) => string | undefined;

/** In: one file of the journal; what stands before it (left out: the file begins the chain, or its first line is taken at its word). */
export function verifyJournal(file: string, before?: ChainEnd, witness: Witness = () => undefined): Verification {
  let end = before;
  let number = 0;
  const sum = { records: 0, gaps: 0, checkpoints: 0 };
  const keys = new Set<string>();
  let damage: { readonly line: number; readonly parts: Buffer[] } | undefined;
  for (const line of readLines(file)) {
    number += 1;
    if (!line.complete) return damage === undefined ? { ok: true, ...sum, tornTail: line.bytes.length, end, keys: [...keys] } : notALine(file, damage.line);
    const text = line.bytes.toString("utf8");
    const entry = parseEntry(text);
    if (entry === undefined) {
      damage ??= { line: number, parts: [] };
      damage.parts.push(Buffer.from(line.bytes));
      continue;
    }
    const bad = (reason: string): Damage => ({ ok: false, file, line: number, seq: entry.seq, id: "id" in entry ? entry.id : undefined, reason });
    const reason = wrongHash(line.bytes, text) ?? wrongLink(entry, end) ?? wrongCheckpoint(entry) ?? witness(entry, file, number);
    if (reason !== undefined) return bad(reason);
    if (entry.kind === "gap") {
      if (damage === undefined || !isNamedBy(damage.parts, entry.sha256)) return bad("names bytes that do not stand before it");
      damage = undefined;
      sum.gaps += 1;
    }
    if (damage !== undefined) return notALine(file, damage.line);
    if (entry.kind === "checkpoint") {
      sum.checkpoints += 1;
      keys.add(entry.key);
    }
    sum.records += 1;
    end = { seq: entry.seq, hash: entry.hash };
  }
  return damage === undefined ? { ok: true, ...sum, tornTail: 0, end, keys: [...keys] } : notALine(file, damage.line);
}

/**
 * In: the journal's directory, and checkpoints that were exported from it. Out: the same for all its files as one chain, which must
 * begin with the first record, or behind files that the chain itself says were removed, and hold what each checkpoint covers.
 */
export function verifyJournals(directory: string, { against = [] }: { readonly against?: readonly Exported[] } = {}): Verification {
  const comparison = new Comparison(against);
  const start = new Start();
  let end: ChainEnd | undefined;
  let last = { file: directory, line: 0 };
  const sum = { records: 0, gaps: 0, tornTail: 0, checkpoints: 0 };
  const keys = new Set<string>();
  const segments = listSegments(directory);
  for (const [index, segment] of segments.entries()) {
    const file = segmentPath(directory, segment);
    const result = verifyJournal(file, end, (entry, _file, line) => {
      last = { file, line };
      start.see(entry, file, line);
      return comparison.see(entry);
    });
    if (!result.ok) return result;
    if (result.tornTail > 0 && index < segments.length - 1) return notALine(file, result.records + 1);
    end = result.end ?? end;
    for (const what of ["records", "gaps", "checkpoints"] as const) sum[what] += result[what];
    sum.tornTail = result.tornTail;
    for (const key of result.keys) keys.add(key);
  }
  const missing = start.missing() ?? comparison.missing(end?.seq);
  if (missing !== undefined) return { ok: false, ...last, seq: end?.seq, id: undefined, ...missing };
  return { ok: true, ...sum, end, keys: [...keys], removed: start.removed() };
}

/** A chain that does not begin with its first record must say itself which records were removed, and why. */
class Start {
  #first: { readonly entry: Entry; readonly file: string; readonly line: number } | undefined;
  #named = false;
  #said: { readonly seq: number; readonly time: number; readonly reason: string } | undefined;

  see(entry: Entry, file: string, line: number): void {
    this.#first ??= { entry, file, line };
    const { seq, prev } = this.#first.entry;
    if (entry.kind !== "retired") return;
    // Somebody who died on the way removed fewer than was said.
    if (entry.through.seq > seq - 1 || (entry.through.seq === seq - 1 && entry.through.hash === prev)) this.#named = true;
    this.#said = { seq: entry.seq, time: entry.time, reason: entry.reason };
  }

  /** SECURITY: whoever owns the journal can have it say so: a person sees how much is gone, and since when. */
  removed(): Removed | undefined {
    return this.#first === undefined || this.#first.entry.seq === 0 || this.#said === undefined ? undefined : { records: this.#first.entry.seq, ...this.#said };
  }

  missing(): { readonly file: string; readonly line: number; readonly seq: number; readonly reason: string } | undefined {
    if (this.#first === undefined || this.#first.entry.seq === 0 || this.#named) return undefined;
    const { entry, file, line } = this.#first;
    return { file, line, seq: entry.seq, reason: `${entry.seq} records before this one are missing, and no record says that they were removed` };
  }
}

/** The journal beside what was exported of it. */
class Comparison {
  readonly #expected: readonly Exported[];
  readonly #keys: ReadonlySet<string>;
  #next = 0;
  #begun = false;
  #agreed: number | undefined;

  constructor(exported: readonly Exported[]) {
    this.#expected = exported.toSorted((a, b) => a.covers - b.covers);
    this.#keys = new Set(exported.map(({ key }) => key));
  }

  see(entry: Entry): string | undefined {
    if (entry.kind === "checkpoint" && this.#keys.size > 0 && !this.#keys.has(entry.key)) return `it is signed by a key that no exported checkpoint has (\`${entry.key}\`)`;
    if (!this.#begun) {
      this.#begun = true;
      // What the files no longer hold cannot be compared; that they may lack it, the chain says.
      while ((this.#expected[this.#next]?.covers ?? entry.seq) < entry.seq) this.#next += 1;
    }
    for (let want = this.#expected[this.#next]; want !== undefined && want.covers === entry.seq; want = this.#expected[this.#next]) {
      if (want.head !== entry.hash) {
        const from = this.#agreed === undefined ? "from the first record" : `behind record ${this.#agreed}`;
        return `it is not the record that the checkpoint of ${when(want)} covers (${want.file}:${want.line}): it, or something ${from}, was written anew`;
      }
      this.#agreed = want.covers;
      this.#next += 1;
    }
    return undefined;
  }

  missing(end: number | undefined): { readonly reason: string } | undefined {
    const want = this.#expected.at(-1);
    if (want === undefined) return undefined;
    if (this.#next >= this.#expected.length) {
      // SECURITY: a chain written anew could claim that all which anybody could compare was removed.
      return this.#agreed === undefined ? { reason: "every exported checkpoint is about records that are no longer kept: nothing could be compared" } : undefined;
    }
    return { reason: `the journal ends ${end === undefined ? "without a record" : `with record ${end}`}, and the checkpoint of ${when(want)} covers record ${want.covers} (${want.file}:${want.line}): its end was cut off` };
  }
}

function when({ at }: Exported): string {
  return Number.isFinite(at) && Math.abs(at) < 8.64e15 ? new Date(at).toISOString() : "an unknown time";
}

function notALine(file: string, line: number): Damage {
  return { ok: false, file, line, seq: undefined, id: undefined, reason: "not a record, and no gap names it" };
}

/** SECURITY: bytes that are no UTF-8 are all read as the same mark: their exchange would not show in the text. */
function wrongHash(bytes: Uint8Array, text: string): string | undefined {
  const split = isUtf8(bytes) ? splitLine(text) : undefined;
  const real = split === undefined ? undefined : createHash("sha256").update(split.hashed).digest("hex");
  return split === undefined || split.hash !== real ? "the hash does not fit the record" : undefined;
}

function wrongLink(entry: Entry, before: ChainEnd | undefined): string | undefined {
  if (before === undefined) return entry.seq === 0 && entry.prev !== GENESIS ? "the first record names one before it" : undefined;
  if (entry.prev !== before.hash) return "does not follow the record before it";
  return entry.seq === before.seq + 1 ? undefined : "the sequence number does not follow";
}

function wrongCheckpoint(entry: Entry): string | undefined {
  if (entry.kind !== "checkpoint") return undefined;
  if (entry.covers !== entry.seq - 1 || entry.head !== entry.prev) return "the checkpoint is about other records than those before it";
  return isSigned(entry) ? undefined : "the checkpoint's signature does not fit";
}

function isNamedBy(parts: readonly Buffer[], digest: string): boolean {
  const hash = createHash("sha256");
  for (const [index, part] of parts.entries()) hash.update(index === 0 ? part : Buffer.concat([Buffer.from("\n"), part]));
  return hash.digest("hex") === digest;
}
