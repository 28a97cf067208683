import { LIMITS, escapeText, type Effect, type FilePort, type FoundCommand, type LossKind, type PathTarget } from "../model/index.ts";
import { bytesOf, isWithin, type Bytes } from "./names.ts";
import type { Root } from "./place.ts";
import { isCacheName } from "./regenerable.ts";

/** What a line was judged to do, and where. */
export type Deed = {
  readonly effects: readonly Effect[];
  readonly commands: readonly FoundCommand[];
  readonly cwd: string;
  readonly workspace: string;
  readonly files: Pick<FilePort, "kind">;
  /** Git directories of the workspace that lie outside of it, outermost first; asked for only when branches or stash are at stake. */
  readonly gitDirectories: () => readonly string[];
};

/** Which code counts as putting the whole workspace at stake: none · what nobody could read · also the workspace's own (tests, builds). */
export type CodeAtStake = "never" | "unread" | "always";

/**
 * `roots`: what the line itself deletes or overwrites. `code`: what code that it runs may, too. Both empty: nothing is at stake.
 * `uncovered`: what a snapshot cannot bring back, in words that are safe to print.
 */
export type Stake = { readonly roots: readonly Root[]; readonly code: readonly Root[]; readonly uncovered: readonly string[] };

/** Make a name or a time, and change nothing that is there. */
const ONLY_MAKE: ReadonlySet<string> = new Set(["coreutils/mkdir", "coreutils/touch"]);

type Found = { whole: "no" | "tree" | "with-git"; code: boolean; references: boolean; readonly paths: Root[]; readonly companions: Root[]; readonly uncovered: Set<string>; linked: boolean };

/** In: what a line does. Out: what of the workspace it deletes or overwrites. Looks at names it was told, and at nothing else. */
export function stakeOf(deed: Deed, code: CodeAtStake): Stake {
  const found: Found = { whole: "no", code: false, references: false, paths: [], companions: [], uncovered: new Set(), linked: false };
  for (const effect of deed.effects) consider(effect, deed, code, found);
  if (found.linked) found.paths.push(...linksNamed(deed));
  const uncovered = [...found.uncovered].slice(0, LIMITS.undoNamed);
  const workspace = bytesOf(deed.workspace);
  const outside = found.references ? deed.gitDirectories().map(bytesOf) : [];
  const roots: Root[] = outside.map((path) => ({ anchor: outside.find((top) => isWithin(path, top)) ?? path, path, name: undefined, git: "references", top: "git", only: undefined }));
  if (found.whole !== "no" || found.paths.length > MOST_PATHS) {
    // What is kept as a whole, `.git` included, or only exists as a link, is still named.
    const more = found.whole === "with-git" ? [] : found.paths.filter(({ git, only }) => git === "all" || only === "link").slice(0, MOST_PATHS);
    const whole = [treeRoot(workspace, workspace, "references"), ...(found.whole === "with-git" ? [treeRoot(workspace, workspace, "all")] : [])];
    return { roots: [...whole, ...more, ...roots], code: [], uncovered };
  }
  if (found.references) roots.push({ ...treeRoot(workspace, `${workspace}/.git` as Bytes, "references"), top: "git" });
  roots.push(...found.paths);
  const byCode = found.code ? [treeRoot(workspace, workspace, "references")] : [];
  return { roots: roots.length === 0 ? [] : [...roots, ...found.companions].slice(0, MOST_PATHS), code: byCode, uncovered };
}

const MOST_PATHS = 1_000;

function consider(effect: Effect, deed: Deed, code: CodeAtStake, found: Found): void {
  switch (effect.kind) {
    case "delete":
      // What git deletes is gone from its index, too.
      if (effect.by.startsWith("git/")) found.references = true;
      return considerPath(effect, effect.path, deed, found);
    case "write":
      if (ONLY_MAKE.has(effect.by) || effect.path.flags.includes("git")) return;
      if (effect.path.path === deed.workspace && isOfCode(effect, deed.effects)) {
        if (code === "always") found.code = true;
        return;
      }
      return considerPath(effect, effect.path, deed, found);
    case "lose":
      return considerLoss(effect.what, effect.by, deed, found);
    case "exec":
      if (code === "always" || (code === "unread" && (effect.what === "inline" || effect.what === "stdin" || effect.what === "download"))) found.code = true;
      return;
    case "opaque":
      if (code !== "never") found.code = true;
      return;
    case "remote":
      found.uncovered.add("what it changes elsewhere");
      return;
    case "read": case "network": case "process": case "privilege": case "persist": case "secret":
      return;
  }
}

/** "May write anywhere in the workspace", said of a program that runs the workspace's code. What a formatter is told to write, it writes. */
function isOfCode(effect: Effect, all: readonly Effect[]): boolean {
  return all.some((other) => other.kind === "exec" && other.by === effect.by && !other.name.startsWith("plug-ins of"));
}

function considerPath(effect: Extract<Effect, { kind: "delete" | "write" }>, target: PathTarget, deed: Deed, found: Found): void {
  if (target.path === undefined || target.zone === "unknown") {
    found.whole = wider(found.whole, effect.kind === "delete" ? "with-git" : "tree");
    return;
  }
  switch (target.zone) {
    case "workspace":
      if (target.flags.includes("symlink")) found.linked = true;
      return inWorkspace(effect, target.path, target, deed, found);
    case "home": case "system": case "device": case "vetsh":
      if (effect.kind === "delete" || deed.files.kind(target.path) === "file") found.uncovered.add(`\`${escapeText(target.path, { maxLength: LIMITS.shownPiece })}\`, which is outside of the workspace`);
      return;
    case "tmp": case "null":
      return;
  }
}

function inWorkspace(effect: Effect, path: string, { flags }: PathTarget, deed: Deed, found: Found): void {
  const git = effect.kind === "delete" ? "all" : "references";
  const workspace = bytesOf(deed.workspace);
  if (path.slice(deed.workspace.length).split("/").some(isCacheName)) return;
  if (flags.includes("glob")) {
    const base = path.slice(0, path.lastIndexOf("/", path.search(/[*?[]/)));
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!isWithin(base, deed.workspace) || name.includes("**") || /^[*?]+$/.test(name)) {
      if (isWithin(base, deed.workspace) && base !== deed.workspace) found.paths.push(treeRoot(workspace, bytesOf(base), git));
      else found.whole = wider(found.whole, git === "all" ? "with-git" : "tree");
    } else found.paths.push({ ...treeRoot(workspace, bytesOf(base), git), name: bytesOf(name) });
    return;
  }
  if (path === deed.workspace) {
    found.whole = wider(found.whole, git === "all" ? "with-git" : "tree");
    return;
  }
  const root = treeRoot(workspace, bytesOf(path), git);
  if (deed.files.kind(path) === "missing") found.companions.push(root);
  else found.paths.push(root);
}

/** What is lost, and whether a snapshot has it. */
const LOSSES: Readonly<Record<LossKind, "tree" | "references" | string>> = {
  uncommitted: "tree", untracked: "tree", commits: "references", stash: "references",
  "remote-ref": "what it changes elsewhere", database: "rows or tables of a database", volume: "a volume", disk: "a disk", history: "the command history", log: "logs", resource: "what it changes elsewhere", availability: "the machine's availability",
};

function considerLoss(what: LossKind, by: string, deed: Deed, found: Found): void {
  const loss = LOSSES[what];
  switch (loss) {
    case "tree":
      if (by.startsWith("git/")) found.references = true;
      // A tool that says which files it changes puts those at stake, not the whole tree.
      if (by.startsWith("git/") || !deed.effects.some((effect) => (effect.kind === "write" || effect.kind === "delete") && effect.by === by)) found.whole = wider(found.whole, "tree");
      return;
    case "references":
      found.references = true;
      return;
    default:
      found.uncovered.add(loss);
  }
}

/** A link that is named is deleted or replaced itself, and the analysis names what it points to. */
function linksNamed({ commands, cwd, workspace }: Deed): readonly Root[] {
  const anchor = bytesOf(workspace);
  const words = new Set(commands.flatMap(({ words: all }) => all.slice(1).flatMap((word) => word ?? [])).filter((word) => word !== "" && !word.startsWith("-")));
  return [...words].map((word) => normalise(word, cwd)).filter((path) => isWithin(path, workspace) && path !== workspace)
    .map((path) => ({ ...treeRoot(anchor, bytesOf(path), "references"), only: "link" as const }));
}

function normalise(word: string, cwd: string): string {
  const parts: string[] = [];
  for (const part of (word.startsWith("/") ? word : `${cwd}/${word}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function treeRoot(anchor: Bytes, path: Bytes, git: Root["git"]): Root {
  return { anchor, path, name: undefined, git, top: "tree", only: undefined };
}

function wider(one: Found["whole"], other: Found["whole"]): Found["whole"] {
  const order: readonly Found["whole"][] = ["no", "tree", "with-git"];
  return order[Math.max(order.indexOf(one), order.indexOf(other))] ?? "with-git";
}

/** In: a stake. Out: what a person is told before answering; undefined when there is nothing to tell. */
export function undoWords({ roots, code, uncovered }: Stake): string | undefined {
  if (roots.length + code.length > 0) return uncovered.length === 0 ? "can be undone" : `can be undone, but not ${uncovered.join(", ")}`;
  return uncovered.length === 0 ? undefined : `cannot be undone: ${uncovered.join(", ")}`;
}
