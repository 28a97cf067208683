import { mkdirSync, statSync, type Dirent } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { entriesOf, isDenied, kindOf, namesOfFile, read, realPathIfThere } from "./looks.ts";
import { PROTECTED_IN_GIT } from "./paths.ts";
import type { GitLayout } from "./place.ts";

/** What is found about one git directory or one `.git` of a workspace. */
export type GitFound = {
  readonly layout: GitLayout;
  readonly protected: readonly string[];
  readonly watched: readonly string[];
  readonly refused: readonly string[];
  readonly notes: readonly string[];
};

/**
 * In: a real directory that may be the top of a git work tree. Out: where its git directories are and what of them must stay
 * read-only. Makes `hooks` and `info` in a git directory of the workspace when they are missing, so that there is something to
 * protect (git does not show them).
 * SECURITY: a `.git` file is the agent's to write; the directory it names becomes writable only when that directory names this
 * work tree itself, which nobody can arrange from inside the workspace.
 */
export function gitLayout(workspace: string): GitFound {
  const dotGit = join(workspace, ".git");
  switch (kindOf(dotGit)) {
    case "missing": return { ...nothing, watched: [dotGit] };
    case "directory": return { ...checkout(dotGit), layout: { kind: "checkout", gitDir: dotGit } };
    case "file": return linked(workspace, dotGit);
    case "link": return { ...nothing, refused: ["`.git` is a symbolic link: what it names could be exchanged"] };
    case "other": return { ...nothing, refused: ["`.git` is neither a file nor a directory"] };
  }
}

const nothing: GitFound = { layout: { kind: "none" }, protected: [], watched: [], refused: [], notes: [] };

function checkout(gitDir: string): Omit<GitFound, "layout"> {
  const found = [partsOf(gitDir, { create: true }), ...submoduleDirectories(join(gitDir, "modules"), 0).map((path) => partsOf(path, { create: true })), ...worktreeParts(gitDir)];
  return merge(found);
}

function linked(workspace: string, dotGit: string): GitFound {
  const outside: GitFound = { ...nothing, protected: [dotGit], notes: ["the git directory of this work tree does not name it: it stays read-only"] };
  const gitDir = pointer(dotGit, "gitdir: ", workspace);
  if (gitDir === undefined || kindOf(gitDir) !== "directory") return outside;
  const commonDir = pointer(join(gitDir, "commondir"), "", gitDir);
  if (commonDir === undefined) {
    const back = /^\s*worktree\s*=\s*(.+?)\s*$/m.exec(read(join(gitDir, "config")) ?? "")?.[1]?.replace(/^"(.*)"$/, "$1");
    if (back === undefined || realPathIfThere(resolve(gitDir, back)) !== workspace || !looksLikeRepository(gitDir)) return outside;
    const parts = merge([partsOf(gitDir, { create: true }), ...submoduleDirectories(join(gitDir, "modules"), 0).map((path) => partsOf(path, { create: true }))]);
    return { ...parts, protected: [dotGit, ...parts.protected], layout: { kind: "linked", gitDir, commonDir: gitDir } };
  }
  const namesUs = pointer(join(gitDir, "gitdir"), "", gitDir) === dotGit;
  if (!namesUs || dirname(gitDir) !== join(commonDir, "worktrees") || !looksLikeRepository(commonDir)) return outside;
  const parts = checkout(commonDir);
  return { ...parts, protected: [dotGit, ...parts.protected], layout: { kind: "linked", gitDir, commonDir } };
}

/** The protected parts of one git directory. A part that is a link makes the whole directory read-only: a link can be exchanged. */
function partsOf(gitDir: string, options: { readonly create: boolean }): Omit<GitFound, "layout"> {
  if (options.create) for (const name of ["hooks", "info"]) makeDirectory(join(gitDir, name));
  const parts = PROTECTED_IN_GIT.map((name) => join(gitDir, name)).map((path) => ({ path, kind: kindOf(path) }));
  const link = parts.find(({ kind }) => kind === "link");
  if (link !== undefined) return { protected: [gitDir], watched: [], refused: [], notes: [`\`${link.path}\` is a symbolic link: its git directory stays read-only`] };
  const shared = parts.filter(({ path, kind }) => kind === "file" && namesOfFile(path) > 1).map(({ path }) => path);
  return {
    protected: parts.filter(({ kind }) => kind !== "missing").map(({ path }) => path),
    watched: parts.filter(({ kind }) => kind === "missing").map(({ path }) => path),
    refused: [],
    notes: shared.map((path) => `\`${path}\` has another name (hard link): a writable one would write through`),
  };
}

/** Git directories of submodules below `modules`, whose names may contain slashes. */
function submoduleDirectories(directory: string, depth: number): readonly string[] {
  if (depth > 3 || kindOf(directory) !== "directory") return [];
  return directoriesIn(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    return looksLikeRepository(path) ? [path, ...submoduleDirectories(join(path, "modules"), depth + 1)] : submoduleDirectories(path, depth + 1);
  });
}

/** `commondir` and `gitdir` of linked work trees say where git reads configuration: a few one by one, many as a whole. */
function worktreeParts(gitDir: string): readonly Omit<GitFound, "layout">[] {
  const directory = join(gitDir, "worktrees");
  if (kindOf(directory) !== "directory") return [];
  const names = directoriesIn(directory).map((entry) => join(directory, entry.name));
  if (names.length > 4) return [{ protected: [directory], watched: [], refused: [], notes: ["many linked work trees: their common list stays read-only"] }];
  return names.map((path) => {
    const parts = ["commondir", "gitdir", "config.worktree"].map((name) => join(path, name));
    return { protected: parts.filter((part) => kindOf(part) === "file"), watched: parts.filter((part) => kindOf(part) === "missing"), refused: [], notes: [] };
  });
}

/** A work tree inside the workspace (nested clone, submodule): `.git` directory or file. Out: what to keep read-only of it. */
export function nestedGit(dotGit: string, options: { readonly whole: boolean }): Omit<GitFound, "layout"> {
  if (kindOf(dotGit) === "directory" && !options.whole) return partsOf(dotGit, { create: false });
  return { protected: [dotGit], watched: [], refused: [], notes: [] };
}

/** SECURITY: hooks in what cannot be listed could not be protected: then nothing runs. */
function directoriesIn(directory: string): readonly Dirent[] {
  const entries = entriesOf(directory);
  if (entries === undefined) throw new Error(`a git directory cannot be listed: ${directory}`);
  return entries.filter((entry) => entry.isDirectory());
}

function looksLikeRepository(path: string): boolean {
  return kindOf(join(path, "HEAD")) === "file" && kindOf(join(path, "objects")) === "directory" && kindOf(join(path, "config")) === "file";
}

/** The real path a small text file names, relative to `base`; undefined when it names none. */
function pointer(file: string, start: string, base: string): string | undefined {
  const text = read(file)?.trimEnd();
  if (text === undefined || !text.startsWith(start) || text.includes("\n")) return undefined;
  const target = resolve(base, text.slice(start.length));
  const directory = realPathIfThere(dirname(target));
  return directory === undefined ? undefined : realPathIfThere(target) ?? join(directory, target.slice(dirname(target).length + 1));
}

function makeDirectory(path: string): void {
  if (kindOf(path) !== "missing") return;
  try {
    mkdirSync(path, { mode: statSync(dirname(path)).mode & 0o777 });
  } catch (error) {
    if (!isDenied(error)) throw error;
  }
}

function merge(found: readonly Omit<GitFound, "layout">[]): Omit<GitFound, "layout"> {
  return { protected: found.flatMap((part) => part.protected), watched: found.flatMap((part) => part.watched), refused: found.flatMap((part) => part.refused), notes: found.flatMap((part) => part.notes) };
}

