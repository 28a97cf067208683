import type { Root, TakeLimits } from "./place.ts";
import type { Header, Keep } from "./store.ts";

/** What a keeper is asked, one JSON object a line, one answer to each, in order. */
export type KeeperRequest =
  | { readonly op: "take"; readonly id: string; readonly of: Header["of"]; readonly roots: readonly Root[]; readonly limits: TakeLimits }
  /** Looks at what the command left. */
  | { readonly op: "after"; readonly id: string; readonly keep: Keep }
  /** What an undo would change. */
  | { readonly op: "look"; readonly id: string; readonly all: boolean }
  /** Does it, when it would still change exactly what `digest` names. `redo`: the id of the snapshot that is taken first. */
  | { readonly op: "undo"; readonly id: string; readonly all: boolean; readonly digest: string; readonly redo: string; readonly limits: TakeLimits; readonly keep: Keep };

export type TakenAnswer =
  | { readonly outcome: "nothing" }
  | { readonly outcome: "taken"; readonly id: string; readonly files: number; readonly bytes: number; readonly written: number; readonly ms: number; readonly uncovered: readonly string[]; /** Whether everything could be looked at. */ readonly complete: boolean };

/** One change, in words and safe to compare: paths are as they were found, escape before showing. */
export type ShownChange = {
  readonly path: string;
  readonly does: "brings back" | "removes" | "sets back";
  /** Somebody worked on it after the command. */
  readonly since: boolean;
  /** Lines that would go and lines that would come, for short texts that were worked on; else undefined. */
  readonly difference: readonly string[] | undefined;
};

export type LookAnswer = {
  readonly changes: readonly ShownChange[];
  readonly total: number;
  readonly since: number;
  /** Paths that are different, but not by the command. */
  readonly others: number;
  readonly uncovered: readonly string[];
  /** False when the end of the command was not seen: then every change counts as work since. */
  readonly sawEnd: boolean;
  readonly digest: string;
};

export type UndoAnswer = { readonly restored: number; readonly removed: number; readonly problems: readonly string[]; readonly redo: string };

export type KeeperAnswers = { readonly take: TakenAnswer; readonly after: { readonly changes: number; readonly tooMuch: boolean }; readonly look: LookAnswer; readonly undo: UndoAnswer };

export type KeeperReply = { readonly ok: true; readonly value: KeeperAnswers[KeeperRequest["op"]] } | { readonly ok: false; readonly why: string };
