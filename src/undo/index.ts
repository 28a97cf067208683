/**
 * undo: what a command deletes or overwrites in the workspace comes back. Goes in: what a line was judged to do (`stakeOf`), and
 * when it ended. Comes out: snapshots with an id, what an undo would change, and that change made.
 * What holds: nothing at stake, nothing done. No program is started but our own keeper, and nothing of the workspace is
 * ever configuration: git is not run, its directory is kept as the files it is made of. No name is followed through a link, reading or
 * writing. What cannot be kept is named. An undo changes only what the command touched, never silently what was worked on since, and
 * takes a snapshot itself. Snapshots lie in vetsh's own state, 0700, out of every sandbox's sight. One thing at a time per workspace.
 */
import { randomInt } from "node:crypto";
import { LIMITS } from "../model/index.ts";
import { KeeperProcess, type KeeperStart } from "./keeper-process.ts";
import type { LookAnswer, TakenAnswer, UndoAnswer } from "./messages.ts";
import type { Root } from "./place.ts";
import { allHeaders, directoryFor, isUndone, readAfterCount, type Header } from "./store.ts";

/** Bytes, files, milliseconds. */
export type UndoLimits = { readonly snapshotBytes: number; readonly snapshotFiles: number; readonly keepBytes: number; readonly keepMs: number };

export type Taken = TakenAnswer | { readonly outcome: "failed"; readonly why: string; readonly ms: number };

/** A snapshot as a list shows it. Time in milliseconds since the epoch; texts are to be escaped. */
export type ListedSnapshot = {
  readonly id: string;
  readonly workspace: string;
  readonly time: number;
  /** The command, or undefined for the snapshot that an undo took; then `undoOf` is what it undid. */
  readonly command: string | undefined;
  readonly undoOf: string | undefined;
  readonly files: number;
  readonly bytes: number;
  readonly uncovered: number;
  /** Paths that the command changed; undefined when its end was not seen. */
  readonly changed: number | undefined;
  readonly undone: boolean;
};

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** The snapshots of all workspaces. */
export class Undo {
  readonly #top: string;
  readonly #start: KeeperStart;
  readonly #log: (message: string) => void;
  readonly #keepers = new Map<string, KeeperProcess>();

  /** In: where snapshots lie, how keepers are started, where failures are told. */
  constructor(top: string, start: KeeperStart, log: (message: string) => void) {
    this.#top = top;
    this.#start = start;
    this.#log = log;
  }

  /** Takes a snapshot before a command. Never rejects: a failure is an outcome. `command`: redacted. */
  async take(workspace: string, roots: readonly Root[], of: { readonly request: string; readonly command: string }, limits: UndoLimits, ms: number = LIMITS.undoMs / 2): Promise<Taken> {
    const started = performance.now();
    const reply = await this.#keeper(workspace).ask({ op: "take", id: newId(), of: { kind: "command", ...of }, roots, limits: { ...takeLimits(limits), ms } }, LIMITS.undoMs);
    return reply.ok ? reply.value : { outcome: "failed", why: reply.why, ms: Math.round(performance.now() - started) };
  }

  /** Looks at what a command left behind, when it ended. */
  async after(workspace: string, id: string, limits: UndoLimits): Promise<void> {
    const reply = await this.#keeper(workspace).ask({ op: "after", id, keep: keepOf(limits) }, LIMITS.undoMs);
    if (!reply.ok) this.#log(`snapshot ${id}: what the command left was not looked at: ${reply.why}`);
  }

  /** Out: all snapshots that are kept, the oldest first. */
  list(): readonly ListedSnapshot[] {
    const all = allHeaders(this.#top);
    return all.map((header) => this.#listed(header, all));
  }

  /** What bringing back would change. `all`: also what the command did not touch. */
  async look(snapshot: ListedSnapshot, all: boolean): Promise<Outcome<LookAnswer>> {
    return this.#keeper(snapshot.workspace).ask({ op: "look", id: snapshot.id, all }, LIMITS.undoApplyMs);
  }

  /** Brings back exactly what `look` showed under `digest`; first a snapshot is taken of what will be replaced. */
  async undo(snapshot: ListedSnapshot, all: boolean, digest: string, limits: UndoLimits): Promise<Outcome<UndoAnswer>> {
    return this.#keeper(snapshot.workspace).ask({ op: "undo", id: snapshot.id, all, digest, redo: newId(), limits: takeLimits(limits), keep: keepOf(limits) }, LIMITS.undoApplyMs);
  }

  /** Ends the keepers. */
  close(): void {
    for (const keeper of this.#keepers.values()) keeper.end();
    this.#keepers.clear();
  }

  #listed({ id, workspace, time, of, entries, bytes, uncovered }: Header, all: readonly Header[]): ListedSnapshot {
    return {
      id, workspace, time, files: entries, bytes, uncovered: uncovered.length, changed: readAfterCount(directoryFor(this.#top, workspace), id), undone: isUndone(id, all),
      command: of.kind === "command" ? of.command : undefined, undoOf: of.kind === "undo" ? of.snapshot : undefined,
    };
  }

  #keeper(workspace: string): KeeperProcess {
    const known = this.#keepers.get(workspace);
    if (known !== undefined) return known;
    if (this.#keepers.size >= LIMITS.undoKeepers) {
      const idle = [...this.#keepers].filter(([, { busy }]) => !busy).sort(([, a], [, b]) => a.lastUsed - b.lastUsed)[0];
      idle?.[1].end();
      if (idle !== undefined) this.#keepers.delete(idle[0]);
    }
    const keeper = new KeeperProcess(this.#start, workspace, directoryFor(this.#top, workspace));
    this.#keepers.set(workspace, keeper);
    return keeper;
  }
}

function takeLimits({ snapshotBytes, snapshotFiles }: UndoLimits): { readonly files: number; readonly bytes: number; readonly ms: number } {
  return { files: snapshotFiles, bytes: snapshotBytes, ms: LIMITS.undoMs / 2 };
}

function keepOf({ keepBytes, keepMs }: UndoLimits): { readonly bytes: number; readonly ms: number; readonly count: number } {
  return { bytes: keepBytes, ms: keepMs, count: LIMITS.undoSnapshots };
}

/** Short enough to type. */
function newId(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  return Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join("");
}

export { stakeOf, undoWords, type CodeAtStake, type Deed, type Stake } from "./stake.ts";
export type { LookAnswer, ShownChange, UndoAnswer } from "./messages.ts";
export type { Root } from "./place.ts";
