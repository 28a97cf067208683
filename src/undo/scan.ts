import type { Stats } from "node:fs";
import { fileSeen, type Seen } from "./entry.ts";
import { nameOf, type Bytes } from "./names.ts";
import { NOT_REFERENCES, type Root } from "./place.ts";
import { isCacheName, type ArtefactNames, IgnoreRules } from "./regenerable.ts";
import { linkTarget, walk } from "./walk.ts";
import { fits } from "./wildcard.ts";

export type ScanTold = {
  /** Something that is at stake; the process stands in its directory. Out: false ends the scan. */
  readonly found: (path: Bytes, name: Bytes, seen: Seen) => boolean;
  readonly problem: (path: Bytes, why: string) => void;
};

/**
 * What is left out because tools make it again. "judge": by name and `.gitignore`, before a command. Known paths: whatever
 * has such a name and was not kept then, for looks after it: rules that changed meanwhile must not make files look new or gone.
 */
export type LeaveOut = { readonly artefacts: ArtefactNames; readonly as: "judge" | { has(path: Bytes): boolean } };

/** Looks at everything at stake, each path once. */
export function scan(roots: readonly Root[], leaveOut: LeaveOut, told: ScanTold): void {
  const rules = new IgnoreRules();
  // One root meets each path once anyway.
  const seen = roots.length > 1 ? new Set<Bytes>() : undefined;
  let going = true;
  for (const root of widestFirst(roots)) {
    if (!going) return;
    const tell = (path: Bytes, name: Bytes, stat: Stats): void => {
      if (!going || seen?.has(path) === true || !wanted(root, path, name, stat)) return;
      const what = seenOf(name, stat);
      if (what === undefined) return;
      seen?.add(path);
      going = told.found(path, name, what);
    };
    walk(root.anchor, root.path, {
      ...(leaveOut.as === "judge" ? { enter: (directory: Bytes, names: readonly Bytes[] | undefined) => rules.enter(directory, names) } : {}),
      directory: (path, name, stat) => {
        if (!going || root.only === "link") return false;
        if (isGitDetail(path, root)) return false;
        if (isLeftOut(path, name, "directory", root, rules, leaveOut)) return false;
        tell(path, name, stat);
        return true;
      },
      leaf: (path, name, stat) => {
        if (!isGitDetail(path, root) && !isLeftOut(path, name, "file", root, rules, leaveOut)) tell(path, name, stat);
      },
      problem: told.problem,
    });
  }
}

/** Files before git's objects: when there is too much, what is in no commit is kept first. Trees before patterns and single names. */
function widestFirst(roots: readonly Root[]): readonly Root[] {
  const width = (root: Root): number => (root.only === "link" ? 3 : root.name !== undefined ? 2 : root.git === "all" ? 1 : 0);
  return [...roots].sort((a, b) => width(a) - width(b) || a.path.length - b.path.length);
}

function wanted(root: Root, path: Bytes, name: Bytes, stat: Stats): boolean {
  if (root.only === "link") return stat.isSymbolicLink();
  if (root.name === undefined) return true;
  // What lies in a directory that fits goes with it.
  return fits(root.name, name) || path.slice(root.path.length + 1).split("/").some((part) => fits(root.name ?? "", part));
}

function isLeftOut(path: Bytes, name: Bytes, kind: "file" | "directory", root: Root, rules: IgnoreRules, { artefacts, as }: LeaveOut): boolean {
  if (root.top === "git" || !artefacts.has(name) || /(?:^|\/)\.git(?:\/|$)/.test(path.slice(root.anchor.length))) return false;
  if (as === "judge") return isCacheName(name) || rules.ignores(path, kind, root.anchor);
  return !as.has(path);
}

/** Objects and the like: of the git directory that the root is, or of any `.git` on the way. */
function isGitDetail(path: Bytes, root: Root): boolean {
  if (root.git === "all") return false;
  const at = root.top === "git" ? root.path.length + 1 : path.lastIndexOf("/.git/") + 6;
  if (at < 6 || at >= path.length) return false;
  return NOT_REFERENCES.has(path.slice(at).split("/", 1)[0] ?? "") || nameOf(path).endsWith(".lock");
}

/** In: a name in the directory where the process stands. */
export function seenOf(name: Bytes, stat: Stats): Seen | undefined {
  if (stat.isFile()) return fileSeen(stat);
  if (stat.isDirectory()) return { kind: "directory", mode: stat.mode & 0o7777 };
  if (!stat.isSymbolicLink()) return { kind: "other" };
  const target = linkTarget(name);
  return target === undefined ? undefined : { kind: "link", target };
}
