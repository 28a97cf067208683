import { isSettled, lineOf, type Entry, type Kept, type Seen } from "./entry.ts";
import { LIMITS } from "../model/index.ts";
import { textOf, type Bytes } from "./names.ts";
import { PackError, PackWriter } from "./pack.ts";
import type { Root, TakeLimits, Uncovered } from "./place.ts";
import type { ArtefactNames } from "./regenerable.ts";
import { scan } from "./scan.ts";
import { packPath, writeManifest, type Header, type Snapshot } from "./store.ts";

type File = Extract<Seen, { kind: "file" }>;

/** Files whose content is kept already, with the line that says so: an unchanged file costs one look. */
export class Known {
  readonly #files = new Map<Bytes, { readonly entry: File & Kept; readonly line: string }>();

  add(path: Bytes, entry: File & Kept, line: string): void {
    this.#files.set(path, { entry, line });
  }

  /** Out: what is kept of exactly this file; undefined when it may have changed or its pack is gone. */
  find(path: Bytes, seen: File, packs: ReadonlySet<string>): { readonly entry: File & Kept; readonly line: string } | undefined {
    const known = this.#files.get(path);
    if (known === undefined) return undefined;
    const { entry } = known;
    const same = entry.changed === seen.changed && entry.modified === seen.modified && entry.size === seen.size && entry.inode === seen.inode && entry.mode === seen.mode;
    return same && packs.has(entry.pack) && isSettled(entry.changed, entry.readAt, LIMITS.undoSettleMs) ? known : undefined;
  }

  clear(): void {
    this.#files.clear();
  }
}

export type TakeRequest = { readonly id: string; readonly workspace: string; readonly of: Header["of"]; readonly roots: readonly Root[]; readonly limits: TakeLimits };

const MOST_UNCOVERED = 5_000;

/** One snapshot while it is taken. */
class Taking {
  readonly entries = new Map<Bytes, Entry>();
  readonly lines: string[] = [];
  readonly uncovered: Uncovered[] = [];
  readonly usedPacks = new Set<string>();
  readonly #pack: PackWriter;
  readonly #request: TakeRequest;
  readonly #known: Known;
  readonly #packs: ReadonlySet<string>;
  readonly #started = performance.now();
  files = 0;
  bytes = 0;
  complete = true;

  constructor(request: TakeRequest, pack: PackWriter, known: Known, packs: ReadonlySet<string>) {
    this.#request = request;
    this.#pack = pack;
    this.#known = known;
    this.#packs = packs;
  }

  get ms(): number {
    return Math.round((performance.now() - this.#started) * 10) / 10;
  }

  found(path: Bytes, name: Bytes, seen: Seen): boolean {
    const { limits } = this.#request;
    this.files += 1;
    if (this.files > limits.files) return this.#giveUp(path, `more than ${limits.files} files`);
    if (this.files % 256 === 0 && this.ms > limits.ms) return this.#giveUp(path, `it takes longer than ${limits.ms} ms`);
    switch (seen.kind) {
      case "file": this.#file(path, name, seen); break;
      case "directory": case "link": this.#add(path, seen, lineOf(path, seen)); break;
      case "other": this.missed(path, "it is a pipe, a socket or a device"); break;
    }
    return true;
  }

  missed(path: Bytes, why: string): void {
    if (this.uncovered.length < MOST_UNCOVERED) this.uncovered.push({ path, why });
    else this.complete = false;
  }

  #giveUp(path: Bytes, why: string): false {
    this.complete = false;
    this.missed(path, `${why}: neither it nor what comes after it`);
    return false;
  }

  #file(path: Bytes, name: Bytes, seen: File): void {
    const known = this.#known.find(path, seen, this.#packs);
    if (known !== undefined) {
      this.#use(path, known.entry, known.line);
      return;
    }
    const kept = this.#pack.keep(name, this.#request.limits.bytes - this.#pack.size);
    if (!kept.ok) return this.missed(path, kept.why);
    const line = lineOf(path, kept.entry);
    this.#known.add(path, kept.entry, line);
    this.#use(path, kept.entry, line);
  }

  #use(path: Bytes, entry: File & Kept, line: string): void {
    this.usedPacks.add(entry.pack);
    this.bytes += entry.size;
    this.#add(path, entry, line);
  }

  #add(path: Bytes, entry: Entry, line: string): void {
    this.entries.set(path, entry);
    this.lines.push(line);
  }
}

/**
 * Takes a snapshot of everything at stake. Out: undefined when there is nothing.
 * Throws when it cannot be written; then nothing of it is left.
 */
export function take(request: TakeRequest, directory: string, known: Known, packs: ReadonlySet<string>, artefacts: ArtefactNames): Snapshot | undefined {
  const pack = new PackWriter(packPath(directory, request.id), request.id);
  const taking = new Taking(request, pack, known, packs);
  try {
    scan(request.roots, { artefacts, as: "judge" }, {
      found: (path, name, seen) => taking.found(path, name, seen),
      problem: (path, why) => taking.missed(path, why),
    });
    pack.close();
    // Before an undo also "nothing was there" is worth knowing: it is what a redo goes back to.
    if (request.of.kind === "command" && taking.entries.size === 0 && taking.uncovered.length === 0) return undefined;
    const header: Header = {
      format: 1, id: request.id, workspace: request.workspace, time: Date.now(), of: request.of, roots: request.roots, packs: [...taking.usedPacks], entries: taking.entries.size,
      bytes: taking.bytes, written: pack.size, ms: taking.ms, uncovered: taking.uncovered, complete: taking.complete,
    };
    writeManifest(directory, header, taking.lines);
    return { header, entries: taking.entries };
  } catch (error) {
    pack.discard();
    // What was read into this pack is gone with it.
    known.clear();
    if (error instanceof PackError) throw error;
    throw new PackError(`the snapshot cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** In: what was left out. Out: it in words, for records: the first ones, and how many more. */
export function uncoveredWords(uncovered: readonly Uncovered[]): readonly string[] {
  const named = uncovered.slice(0, LIMITS.undoNamed).map(({ path, why }) => `${textOf(path)}: ${why}`);
  return uncovered.length <= named.length ? named : [...named, `and ${uncovered.length - named.length} more`];
}
