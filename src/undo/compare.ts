import { isSame, type Entry, type Seen } from "./entry.ts";
import type { Bytes } from "./names.ts";
import type { Snapshot } from "./store.ts";

/** What was different after the command; `undefined`: gone. A path that is not named was as before. */
export type After = ReadonlyMap<Bytes, Seen | undefined>;

/** One path that an undo would change. */
export type Change = {
  readonly path: Bytes;
  /** What it would become again; undefined: it was not there. */
  readonly was: Entry | undefined;
  readonly is: Seen | undefined;
  /** Not as the command left it: somebody worked on it since, or nobody knows how the command left it. */
  readonly since: boolean;
};

/** `others`: paths that are not as they were, but not by the command. */
export type Changes = { readonly changes: readonly Change[]; readonly others: number };

/**
 * In: what was before, what was after (undefined when nobody could look), what is now; whether also paths that the command
 * left alone are wanted. Out: what to change. Pure.
 * INVARIANT: where the look before was not complete, nothing counts as new, so nothing is removed.
 */
export function compare({ header, entries }: Snapshot, after: After | undefined, now: ReadonlyMap<Bytes, Seen>, want: { readonly all: boolean }): Changes {
  const changes: Change[] = [];
  let others = 0;
  const unknown = new Set(header.uncovered.map(({ path }) => path));
  for (const path of new Set([...entries.keys(), ...now.keys()])) {
    const was = entries.get(path);
    const is = now.get(path);
    if (isSame(was, is) || (was === undefined && (!header.complete || isBelowAny(path, unknown)))) continue;
    const left = after?.has(path) === true ? after.get(path) : was;
    if (after !== undefined && isSame(left, was) && !want.all) {
      others += 1;
      continue;
    }
    changes.push({ path, was, is, since: after === undefined || !isSame(left, is) });
  }
  return { changes, others };
}

/** In: what was before, what is now. Out: the difference. */
export function difference(entries: ReadonlyMap<Bytes, Entry>, now: ReadonlyMap<Bytes, Seen>): After {
  const found = new Map<Bytes, Seen | undefined>();
  for (const [path, was] of entries) if (!isSame(was, now.get(path))) found.set(path, now.get(path));
  for (const [path, is] of now) if (!entries.has(path)) found.set(path, is);
  return found;
}

function isBelowAny(path: string, tops: ReadonlySet<string>): boolean {
  if (tops.size === 0) return false;
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) if (tops.has(at)) return true;
  return false;
}
