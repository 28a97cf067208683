import { LIMITS, escapeText, redact } from "../model/index.ts";
import type { RecordedUndo, Recorder } from "../record/index.ts";
import { gitLayout, type Plan } from "../sandbox/index.ts";
import { stakeOf, undoWords, type ListedSnapshot, type LookAnswer, type Outcome, type Stake, type Taken, type Undo, type UndoAnswer, type UndoLimits } from "../undo/index.ts";
import { sourceOf, type Judgement } from "./pipeline.ts";
import type { InForce, Rulebooks } from "./rulebook.ts";

/** What was done before a command so that it can be undone. `refuse`: why it must not run, by a setting. */
export type Safeguard = { readonly record: RecordedUndo | undefined; readonly refuse: string | undefined };

const NOTHING: Safeguard = { record: undefined, refuse: undefined };

/** Between requests, the person's programs, and the room that keeps snapshots. */
export class UndoDesk {
  readonly #undo: Undo;
  readonly #rulebooks: Rulebooks;
  readonly #recorder: Recorder;
  readonly #log: (message: string) => void;
  /** Commands that run and have a snapshot. */
  readonly #running = new Map<string, { readonly workspace: string; readonly snapshot: string; readonly limits: UndoLimits }>();

  /** Workspaces that are too large to be kept because of unread code. */
  readonly #pausedUntil = new Map<string, number>();

  constructor(undo: Undo, rulebooks: Rulebooks, recorder: Recorder, log: (message: string) => void) {
    this.#undo = undo;
    this.#rulebooks = rulebooks;
    this.#recorder = recorder;
    this.#log = log;
  }

  /** In: a judged line. Out: whether it can be undone, for a question; undefined when there is nothing to say. */
  words(judged: Judgement, inForce: InForce): string | undefined {
    const { use, code } = inForce.loaded.settings.undo;
    return use === "off" ? undefined : undoWords(stakeOfLine(judged, code));
  }

  /**
   * Takes a snapshot when something is at stake. In: the line, what it is given; `hold` tells the waiting shim to be patient.
   * Never rejects. INVARIANT: what cannot be kept is in the record, and with `without = "refuse"` nothing runs.
   */
  async before(judged: Judgement, authority: Plan["authority"], inForce: InForce, nested: boolean, hold: <T>(ms: number, work: () => Promise<T>) => Promise<T>): Promise<Safeguard> {
    const { use, code, without, ...limits } = inForce.loaded.settings.undo;
    if (use === "off" || authority.sandbox === "read-only") return NOTHING;
    // What a script inside a command does is part of that command: only what it names itself is kept again.
    const line = stakeOfLine(judged, nested ? "never" : code);
    const { workspace } = judged.facts;
    const paused = line.code.length > 0 && without === "run" && (this.#pausedUntil.get(workspace) ?? 0) > performance.now();
    const stake = paused ? { ...line, uncovered: [...line.uncovered, "what code that nobody could read changes: the workspace takes too long to keep each time"] } : { ...line, roots: [...line.roots, ...line.code] };
    if (stake.roots.length === 0) return { record: stake.uncovered.length === 0 ? undefined : { outcome: "none", snapshot: undefined, ms: 0, files: 0, bytes: 0, uncovered: stake.uncovered }, refuse: undefined };
    const of = { request: judged.requestId, command: redact((sourceOf(judged) ?? judged.subject.argv.join(" ")).slice(0, LIMITS.shownReason)).text };
    const most = line.roots.length === 0 ? LIMITS.undoCodeMs : LIMITS.undoMs / 2;
    const taken = await hold(LIMITS.undoMs, () => this.#undo.take(workspace, stake.roots, of, limits, most));
    if (line.code.length > 0) this.#pauseCode(workspace, taken);
    switch (taken.outcome) {
      case "nothing":
        return NOTHING;
      case "failed":
        this.#log(`${judged.requestId}: no snapshot: ${escapeText(taken.why, { maxLength: LIMITS.shownReason })}`);
        return { record: { outcome: "failed", snapshot: undefined, ms: taken.ms, files: 0, bytes: 0, uncovered: [taken.why, ...stake.uncovered] }, refuse: without === "refuse" ? `it could not be undone, and settings want that: ${taken.why}` : undefined };
      case "taken": {
        const { id, files, bytes, ms, uncovered } = taken;
        const refuse = without === "refuse" && uncovered.length > 0 ? `not all of it could be undone, and settings want that: ${uncovered[0] ?? ""}` : undefined;
        if (refuse === undefined) this.#running.set(judged.requestId, { workspace, snapshot: id, limits });
        return { record: { outcome: uncovered.length === 0 && !paused ? "kept" : "partly", snapshot: id, ms, files, bytes, uncovered: [...uncovered, ...stake.uncovered] }, refuse };
      }
    }
  }

  /** SECURITY: pauses only what is kept beyond what the line itself names. What was copied stays, so the next try gets further. */
  #pauseCode(workspace: string, taken: Taken): void {
    if (taken.outcome === "nothing" || (taken.outcome === "taken" && taken.complete && taken.ms <= LIMITS.undoCodeMs)) return;
    if (this.#pausedUntil.size >= LIMITS.surveyedDirectories) this.#pausedUntil.clear();
    this.#pausedUntil.set(workspace, performance.now() + LIMITS.undoCodePauseMs);
  }

  /** A command ended: what it left is looked at, so that later work can be told from it. */
  ended(request: string): void {
    const running = this.#running.get(request);
    if (running === undefined) return;
    this.#running.delete(request);
    void this.#undo.after(running.workspace, running.snapshot, running.limits);
  }

  list(): readonly ListedSnapshot[] {
    return this.#undo.list();
  }

  /** What an undo of this snapshot would change. */
  async look(id: string, all: boolean): Promise<Outcome<LookAnswer & { readonly snapshot: ListedSnapshot }>> {
    const snapshot = this.#find(id);
    if (snapshot === undefined) return { ok: false, why: "there is no such snapshot (any more)" };
    const found = await this.#undo.look(snapshot, all);
    return found.ok ? { ok: true, value: { ...found.value, snapshot } } : found;
  }

  /** Does what was shown, and writes it down. */
  async undo(id: string, all: boolean, digest: string, by: string | undefined): Promise<Outcome<UndoAnswer>> {
    const snapshot = this.#find(id);
    if (snapshot === undefined) return { ok: false, why: "there is no such snapshot (any more)" };
    const done = await this.#undo.undo(snapshot, all, digest, this.#rulebooks.base().loaded.settings.undo);
    if (!done.ok) return done;
    const written = this.#recorder.undone({ snapshot: id, workspace: snapshot.workspace, by, ...done.value });
    if (!written.ok) this.#log(`the undo of ${id} was not recorded: ${written.message}`);
    return done;
  }

  close(): void {
    this.#undo.close();
  }

  #find(id: string): ListedSnapshot | undefined {
    return this.#undo.list().find((snapshot) => snapshot.id === id);
  }
}

/** In: a judged line, which code counts. Out: what of the workspace it puts at stake. */
export function stakeOfLine({ effects, analysis, facts }: Judgement, code: Parameters<typeof stakeOf>[1]): Stake {
  const { cwd, workspace, files } = facts;
  return stakeOf({ effects, commands: analysis.commands, cwd, workspace, files, gitDirectories: () => outsideGit(workspace) }, code);
}

/** SECURITY: a `.git` file is the agent's to write: only directories that name this work tree themselves are looked at. */
function outsideGit(workspace: string): readonly string[] {
  const { layout } = gitLayout(workspace);
  return layout.kind === "linked" ? [...new Set([layout.commonDir, layout.gitDir])] : [];
}
