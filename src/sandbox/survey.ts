import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { LIMITS } from "../model/index.ts";
import { namedPaths } from "./git-config.ts";
import { gitLayout, nestedGit } from "./git-layout.ts";
import { entriesOf, isDenied, kindOf, linkOf, read, readable, realPathOf, remembered, type Memory } from "./looks.ts";
import { isBelow } from "./mounts.ts";
import { namesIn } from "./names.ts";
import { PROTECTED_IN_WORKSPACE, RUN_KEPT, SECRET_IN_HOME, SECRET_IN_SYSTEM } from "./paths.ts";
import type { PathKind, Survey, Watched } from "./place.ts";

export type SurveyRequest = {
  readonly workspace: string;
  readonly cwd: string;
  readonly home: string;
  /** Files and directories of vetsh outside its root. */
  readonly guarded: readonly string[];
  /** `writable` and `secrets` of the claim. */
  readonly writable: readonly string[];
  readonly secrets: readonly string[];
};

/** What stands at the places that do not change from command to command; remembered as long as it is so. */
const memories = { workspaces: new Map() as Memory<ReturnType<typeof lookAtWorkspace>>, machine: new Map() as Memory<Pick<Survey, "hidden" | "replaced">>, kept: new Map() as Memory<readonly string[]>, guarded: new Map() as Memory<readonly string[]> };

/**
 * In: where a command is to run and what it claims. Out: what of all that exists, with symlinks resolved. What was found before and cannot have
 * changed is not looked at again (looks.ts); the search for nested repositories is kept for LIMITS.surveyMs. The same object as long as all is as it was.
 * Errors: throws only for faults of the file system (EIO); a path that cannot be looked at counts as missing.
 */
export function survey(request: SurveyRequest): Survey {
  const parts: Parts = {
    own: remembered(memories.workspaces, request.workspace, () => lookAtWorkspace(request.workspace)),
    machine: remembered(memories.machine, request.home, () => ({ hidden: hiddenPaths(request.home), replaced: ["/run", "/var/run", "/var/tmp"].filter((path) => kindOf(path) === "directory") })),
    kept: remembered(memories.kept, request.cwd, () => [...RUN_KEPT.filter(exists), ...keptCwd(request.cwd)]),
    guarded: remembered(memories.guarded, request.guarded.join("\0"), () => request.guarded.map(realPathOf).filter(exists)),
    nested: undefined,
  };
  const nested = nestedRepositories(parts.own.workspace, parts.own.git.protected.length + parts.own.names.protected.length);
  const isPlain = request.writable.length === 0 && request.secrets.length === 0 && nested === NONE;
  return isPlain ? assembled(request, parts) : assemble(request, { ...parts, nested });
}

type Parts = { readonly own: ReturnType<typeof lookAtWorkspace>; readonly machine: Pick<Survey, "hidden" | "replaced">; readonly kept: readonly string[]; readonly guarded: readonly string[]; readonly nested: Nested | undefined };

const lastOf = new WeakMap<Parts["own"], { readonly parts: Parts; readonly survey: Survey }>();

/** The survey that was made of the very same parts. */
function assembled(request: SurveyRequest, parts: Parts): Survey {
  const last = lastOf.get(parts.own);
  if (last !== undefined && last.parts.machine === parts.machine && last.parts.kept === parts.kept && last.parts.guarded === parts.guarded) return last.survey;
  const made = assemble(request, parts);
  lastOf.set(parts.own, { parts, survey: made });
  return made;
}

function assemble(request: SurveyRequest, { own: { workspace, git, names, isDirectory }, machine, kept, guarded, nested = NONE }: Parts): Survey {
  return {
    workspace,
    git: git.layout,
    protected: [...new Set([...git.protected, ...names.protected, ...nested.protected, ...guarded])],
    watched: [...git.watched.map((path): Watched => ({ path, link: undefined })), ...names.watched, ...nested.watched.map((path): Watched => ({ path, link: undefined }))],
    ...machine,
    kept,
    writable: request.writable.map(lookAt),
    secrets: request.secrets.filter((path) => path.startsWith("/")).map(lookAt),
    refused: [...git.refused, ...(isDirectory ? [] : ["the workspace is not a directory"])],
    notes: [...git.notes, ...names.notes, ...nested.notes],
  };
}

function lookAtWorkspace(path: string) {
  const workspace = realPathOf(path);
  const git = gitLayout(workspace);
  const named = git.protected.filter((one) => basename(one) === "config").flatMap((one) => namedPaths(read(one) ?? "", dirname(one), workspace));
  return { workspace, git, names: protectedPaths(workspace, PROTECTED_IN_WORKSPACE, named.filter((one) => isBelow(one, workspace))), isDirectory: kindOf(workspace) === "directory" };
}

/**
 * In: a survey made before a command. Out: protected names that have appeared since, and links that were exchanged: what the
 * sandbox could not keep from happening because there was nothing to mount on.
 */
export function findPlanted(before: Survey): readonly string[] {
  // Most names were not there and are not there now: one listing of the workspace says so of all of them.
  const mayBeThere = namesIn(before.workspace);
  const missing = (path: string): boolean => isBelow(path, before.workspace) && !mayBeThere(path.slice(before.workspace.length + 1));
  return before.watched.filter(({ path, link }) => (link === undefined ? !missing(path) && exists(path) : linkOf(path) !== link)).map(({ path }) => path);
}

function protectedPaths(workspace: string, names: readonly string[], more: readonly string[]): { readonly protected: readonly string[]; readonly watched: readonly Watched[]; readonly notes: readonly string[] } {
  const found = { protected: [] as string[], watched: [] as Watched[], notes: [] as string[] };
  const mayBeThere = namesIn(workspace);
  const missing = new Set(names.filter((name) => !mayBeThere(name)).map((name) => join(workspace, name)));
  for (const path of new Set([...names.map((name) => join(workspace, name)), ...more])) {
    const kind = missing.has(path) ? "missing" : kindOf(path);
    if (kind === "missing") found.watched.push({ path, link: undefined });
    else if (kind === "link" || !isSame(path)) {
      // SECURITY: a mount would land on the target, and the link could be exchanged: protect the target, watch the link.
      found.watched.push({ path, link: linkOf(path) });
      found.notes.push(`\`${path}\` is or lies behind a symbolic link: it can be exchanged`);
      const real = realPathOf(path);
      if (isBelow(real, workspace) && exists(real)) found.protected.push(real);
    } else found.protected.push(path);
  }
  return found;
}

/** In: a home directory. Out: what exists of secrets in it and in the system, real paths. */
export function hiddenPaths(home: string): Survey["hidden"] {
  const candidates = [...SECRET_IN_HOME.filter(namesIn(home)).map((name) => join(home, name)), ...SECRET_IN_SYSTEM].filter(exists);
  const found = new Map<string, "file" | "directory">();
  for (const candidate of candidates) {
    const path = realPathOf(candidate);
    const kind = kindOf(path);
    // What we may not read ourselves, a sandboxed command may not either.
    if (kind === "missing" || !readable(path)) continue;
    found.set(path, kind === "directory" ? "directory" : "file");
  }
  return [...found].map(([path, kind]) => ({ path, kind }));
}

/** A working directory below /tmp stays visible, unless another program listens in it (ssh-agent, tmux, X11). */
function keptCwd(cwd: string): readonly string[] {
  const real = realPathOf(cwd);
  if (!["/tmp", "/var/tmp"].some((directory) => isBelow(real, directory)) || kindOf(real) !== "directory") return [];
  return entriesOf(real)?.some((entry) => entry.isSocket()) === false ? [real] : [];
}

const NONE: Nested = { protected: [], watched: [], notes: [] };
type Nested = { readonly protected: readonly string[]; readonly watched: readonly string[]; readonly notes: readonly string[] };
const nestedFound = new Map<string, { readonly at: number; readonly paths: readonly string[]; readonly cut: boolean }>();

/** Work trees below the workspace: their hooks and configuration, or their whole `.git` when they are many. */
function nestedRepositories(workspace: string, taken: number): Nested {
  const known = nestedFound.get(workspace);
  const found = known !== undefined && performance.now() - known.at < LIMITS.surveyMs ? known : { at: performance.now(), ...search(workspace) };
  nestedFound.set(workspace, found);
  if (nestedFound.size > 64) nestedFound.delete(nestedFound.keys().next().value ?? "");
  if (found.paths.length === 0 && !found.cut) return NONE;
  const paths = found.paths.filter(exists);
  // Each nested repository costs about six mounts with its parts, two as a whole.
  const whole = taken + paths.length * 6 > LIMITS.sandboxBinds;
  const parts = paths.map((path) => nestedGit(path, { whole }));
  return {
    protected: parts.flatMap((part) => part.protected),
    watched: parts.flatMap((part) => part.watched),
    notes: [...parts.flatMap((part) => part.notes), ...(found.cut ? ["the workspace has more directories than were searched for nested repositories"] : [])],
  };
}

function search(workspace: string): { readonly paths: readonly string[]; readonly cut: boolean } {
  const paths: string[] = [];
  let queue = [workspace];
  let looked = 0;
  for (let depth = 0; depth <= LIMITS.surveyDepth && queue.length > 0; depth += 1) {
    const next: string[] = [];
    for (const directory of queue) {
      if ((looked += 1) > LIMITS.surveyDirectories) return { paths, cut: true };
      for (const entry of entriesOf(directory) ?? []) {
        if (entry.name === ".git" && depth > 0) paths.push(join(directory, entry.name));
        else if (entry.isDirectory() && entry.name !== ".git" && entry.name !== "node_modules") next.push(join(directory, entry.name));
      }
    }
    queue = next;
  }
  return { paths, cut: false };
}

function lookAt(asked: string): { readonly asked: string; readonly real: string; readonly kind: PathKind } {
  const real = realPathOf(asked);
  try {
    const info = statSync(real, { throwIfNoEntry: false });
    return { asked, real, kind: info === undefined ? "missing" : info.isDirectory() ? "directory" : info.isFile() ? "file" : "other" };
  } catch (error) {
    if (isDenied(error)) return { asked, real, kind: "missing" };
    throw error;
  }
}

function isSame(path: string): boolean {
  return realPathOf(path) === path;
}

function exists(path: string): boolean {
  return kindOf(path) !== "missing";
}

