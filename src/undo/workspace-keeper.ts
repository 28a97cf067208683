import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { LIMITS } from "../model/index.ts";
import { compare, difference, type After, type Change, type Changes } from "./compare.ts";
import { lineOf, type Entry, type Seen } from "./entry.ts";
import type { KeeperAnswers, KeeperReply, KeeperRequest, LookAnswer, ShownChange, TakenAnswer, UndoAnswer } from "./messages.ts";
import { isWithin, textOf, type Bytes } from "./names.ts";
import type { Root } from "./place.ts";
import type { ArtefactNames } from "./regenerable.ts";
import { hasKeptContent, restore } from "./restore.ts";
import { scan } from "./scan.ts";
import { afterPath, claim, headers, packNames, packPath, prune, readSnapshot, removeForgotten, writeWhole, type Header, type Keep, type Snapshot } from "./store.ts";
import { Known, take, uncoveredWords } from "./take.ts";
import { textDifference } from "./text-difference.ts";
import { codeOf } from "./walk.ts";

/** Snapshots whose contents are remembered at start. */
const REMEMBERED = 3;
/** Differences that are shown. */
const MOST_DIFFERENCES = 10;

/** The snapshots of one workspace: taken, compared, brought back, one thing at a time. */
export class WorkspaceKeeper {
  readonly #workspace: string;
  readonly #directory: string;
  readonly #artefacts: ArtefactNames;
  readonly #known = new Known();
  #lookedAround = false;
  /** Of commands that run now. */
  readonly #running = new Map<string, Snapshot>();

  constructor(workspace: string, directory: string, artefacts: ArtefactNames) {
    this.#workspace = workspace;
    this.#directory = directory;
    this.#artefacts = artefacts;
    claim(directory);
    for (const id of worthRemembering(headers(directory))) this.#remember(id);
  }

  /** Never throws: what goes wrong is the answer. */
  answer(request: KeeperRequest): KeeperReply {
    try {
      return { ok: true, value: this.#do(request) };
    } catch (error) {
      return { ok: false, why: error instanceof Error ? error.message : String(error) };
    }
  }

  #do(request: KeeperRequest): KeeperAnswers[KeeperRequest["op"]] {
    switch (request.op) {
      case "take": return this.#take(request);
      case "after": return this.#after(request.id, request.keep);
      case "look": return this.#look(request.id, request.all);
      case "undo": return this.#undo(request);
    }
  }

  #take({ id, of, roots, limits }: Pick<Extract<KeeperRequest, { op: "take" }>, "id" | "of" | "roots" | "limits">): TakenAnswer {
    // Looked at each time: another keeper may have forgotten this workspace meanwhile.
    claim(this.#directory);
    const snapshot = take({ id, of, roots, limits, workspace: this.#workspace }, this.#directory, this.#known, new Set(packNames(this.#directory)), this.#artefacts);
    if (snapshot === undefined) return { outcome: "nothing" };
    this.#running.set(id, snapshot);
    const { entries, bytes, written, ms, uncovered, complete } = snapshot.header;
    return { outcome: "taken", id, files: entries, bytes, written, ms, uncovered: uncoveredWords(uncovered), complete };
  }

  /** Writes down what the command left, and makes room. */
  #after(id: string, keep: Keep): KeeperAnswers["after"] {
    const snapshot = this.#running.get(id) ?? readSnapshot(this.#directory, id);
    this.#running.delete(id);
    const found = difference(snapshot.entries, this.#now(snapshot));
    const lines = [...found].map(([path, seen]) => JSON.stringify([path, seen ?? null]));
    writeWhole(afterPath(this.#directory, id), `${JSON.stringify({ changes: found.size })}\n${lines.join("\n")}\n`);
    if (!this.#lookedAround) removeForgotten(this.#directory, { ms: keep.ms, bytes: LIMITS.undoTotalBytes }, Date.now());
    this.#lookedAround = true;
    const tooMuch = prune(this.#directory, keep, Date.now());
    if (tooMuch) this.#known.clear();
    return { changes: found.size, tooMuch };
  }

  #look(id: string, all: boolean): LookAnswer {
    const snapshot = readSnapshot(this.#directory, id);
    const after = readAfter(this.#directory, id);
    const found = this.#changes(snapshot, after, all);
    const { changes, others } = found;
    const shown = [...changes].sort((a, b) => Number(b.since) - Number(a.since) || (a.path < b.path ? -1 : 1)).slice(0, LIMITS.undoShown);
    return {
      changes: shown.map((change, index) => this.#shown(change, snapshot, { difference: index < MOST_DIFFERENCES })),
      total: changes.length, since: changes.filter(({ since }) => since).length, others, uncovered: uncoveredWords(snapshot.header.uncovered), sawEnd: after !== undefined, digest: digestOf(found),
    };
  }

  #undo({ id, all, digest, redo, limits, keep }: Extract<KeeperRequest, { op: "undo" }>): UndoAnswer {
    const snapshot = readSnapshot(this.#directory, id);
    const found = this.#changes(snapshot, readAfter(this.#directory, id), all);
    if (digestOf(found) !== digest) throw new Error("files changed since you looked");
    const { roots } = snapshot.header;
    // Everything that is about to change, whatever the limits of an ordinary snapshot are: an undo can be taken back.
    const before = this.#take({ id: redo, of: { kind: "undo", snapshot: id }, roots, limits: { ...limits, bytes: Number.MAX_SAFE_INTEGER, files: Number.MAX_SAFE_INTEGER } });
    const lacking = found.changes.filter(({ path, is }) => is !== undefined && is.kind !== "other" && this.#running.get(redo)?.entries.has(path) !== true);
    if (lacking.length > 0) throw new Error(`what would be replaced cannot be kept first: ${textOf(lacking[0]?.path ?? ("" as Bytes))}`);
    const restored = restore(found.changes, roots, this.#directory);
    if (before.outcome === "taken") this.#after(redo, keep);
    return { ...restored, problems: restored.problems.slice(0, LIMITS.undoNamed), redo };
  }

  /** Files whose stamp differs but whose content does not are no change. */
  #changes(snapshot: Snapshot, after: After | undefined, all: boolean): Changes {
    const { changes, others } = compare(snapshot, after, this.#now(snapshot), { all });
    return { others, changes: changes.filter(({ path, was, is }) => !(was?.kind === "file" && is?.kind === "file" && was.size === is.size && was.mode === is.mode && hasKeptContent(path, anchorOf(path, snapshot.header.roots), was))) };
  }

  #now(snapshot: Snapshot): ReadonlyMap<Bytes, Seen> {
    const now = new Map<Bytes, Seen>();
    scan(snapshot.header.roots, { artefacts: this.#artefacts, as: snapshot.entries }, {
      found: (path, _name, seen) => { now.set(path, seen); return true; },
      problem: () => undefined,
    });
    return now;
  }

  #shown({ path, was, is, since }: Change, { header }: Snapshot, want: { readonly difference: boolean }): ShownChange {
    const anchor = anchorOf(path, header.roots);
    const text = want.difference && since && was?.kind === "file" && is?.kind === "file" ? textDifference(path, anchor, was, packPath(this.#directory, was.pack)) : undefined;
    return { path: textOf(path), does: was === undefined ? "removes" : is === undefined ? "brings back" : "sets back", since, difference: text };
  }

  /** A damaged one is not remembered: its files are read again. */
  #remember(id: string): void {
    try {
      const { entries } = readSnapshot(this.#directory, id);
      for (const [path, entry] of entries) if (entry.kind === "file") this.#known.add(path, entry, lineOf(path, entry));
    } catch (error) {
      process.stderr.write(`snapshot ${id} cannot be read: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

/** The last few, and the last wide one: narrow ones after it must not make everything new again. */
function worthRemembering(all: readonly Header[]): readonly string[] {
  const most = Math.max(0, ...all.map(({ entries }) => entries));
  const wide = all.findLast(({ entries }) => entries * 2 >= most);
  const last = all.slice(-REMEMBERED);
  return (wide === undefined || last.includes(wide) ? last : [wide, ...last]).map(({ id }) => id);
}

function anchorOf(path: Bytes, roots: readonly Root[]): Bytes {
  return roots.map(({ anchor }) => anchor).filter((anchor) => isWithin(path, anchor)).sort((a, b) => b.length - a.length)[0] ?? path;
}

/** Binds a yes to what was shown: the same paths, to the same end, from the same state. */
function digestOf({ changes }: Changes): string {
  const hash = createHash("sha256");
  for (const { path, was, is, since } of [...changes].sort((a, b) => (a.path < b.path ? -1 : 1))) hash.update(JSON.stringify([path, describe(was), is ?? null, since]));
  return hash.digest("hex");
}

function describe(entry: Entry | undefined): string | null {
  return entry === undefined ? null : lineOf("" as Bytes, entry);
}

/** Out: undefined when the end of the command was not seen. */
function readAfter(directory: string, id: string): After | undefined {
  let text: string;
  try {
    text = readFileSync(afterPath(directory, id), "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const rows = text.split("\n").slice(1).filter((line) => line !== "").map((line) => JSON.parse(line) as readonly [Bytes, Seen | null]);
  return new Map(rows.map(([path, seen]) => [path, seen ?? undefined]));
}
