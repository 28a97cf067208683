import { statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { LIMITS, nothingKnown, type Facts, type Layout } from "../model/index.ts";
import type { Handover } from "../config/index.ts";
import { sessionTmpOf } from "./directories.ts";
import { openFilePort, type OwnTmp } from "./file-port.ts";
import { namedInTmp } from "./handover.ts";
import { GitIndexes } from "./git-index.ts";

/** What facts are gathered for: where a line would run, and with which variables. */
export type Situation = {
  readonly cwd: string;
  readonly env: ReadonlyMap<string, string>;
  /** Given by whoever asks (`vetsh check`); undefined: found from `cwd`. */
  readonly workspace: string | undefined;
  /** "none": the directories need not exist here, files are not looked at. */
  readonly files: "real" | "none";
};

/** Gathers facts; remembers for LIMITS.workspaceMs which workspace a directory belongs to. */
export class Surveyor {
  readonly #layout: Layout;
  readonly #noWorkspace: string;
  readonly #handovers: readonly Handover[];
  readonly #now: () => number;
  readonly #indexes = new GitIndexes();
  readonly #workspaces = new Map<string, { readonly workspace: string; readonly until: number }>();
  #lastTmp: { readonly workspace: string; readonly cwd: string; readonly tmp: OwnTmp } | undefined;

  /** `handovers`: which of the host's files in /tmp commands are given; without them none. */
  constructor(layout: Layout, noWorkspace: string, now: () => number, handovers: readonly Handover[] = []) {
    this.#layout = layout;
    this.#noWorkspace = noWorkspace;
    this.#now = now;
    this.#handovers = handovers;
  }

  factsFor(situation: Situation): Facts {
    const { home, root, config, managed } = this.#layout;
    const workspace = situation.workspace ?? this.#workspaceOf(situation.cwd);
    const files = situation.files === "none" ? nothingKnown : openFilePort(workspace, this.#indexes, this.#tmpOf(workspace, situation.cwd));
    return { cwd: situation.cwd, workspace, home, env: situation.env, vetsh: [root, config, managed], files };
  }

  /** Most lines come from where the last one did. */
  #tmpOf(workspace: string, cwd: string): OwnTmp {
    if (this.#lastTmp?.workspace !== workspace || this.#lastTmp.cwd !== cwd) this.#lastTmp = { workspace, cwd, tmp: this.#tmpFrom(workspace, cwd) };
    return this.#lastTmp.tmp;
  }

  #tmpFrom(workspace: string, cwd: string): OwnTmp {
    const { home, root } = this.#layout;
    const shown = [workspace, cwd, home, root].filter((path) => path !== "/tmp" && isWithin(path, "/tmp"));
    // Asked for only where a line runs something in /tmp: its name costs a hash.
    return { session: () => sessionTmpOf(join(root, "state"), workspace), shown, comes: (path) => namedInTmp([path], this.#handovers, []).some(({ comes }) => comes) };
  }

  #workspaceOf(cwd: string): string {
    const known = this.#workspaces.get(cwd);
    if (known !== undefined && known.until > this.#now()) return known.workspace;
    const workspace = findWorkspace(cwd, this.#layout) ?? this.#noWorkspace;
    if (this.#workspaces.size >= LIMITS.surveyedDirectories) this.#workspaces.clear();
    this.#workspaces.set(cwd, { workspace, until: this.#now() + LIMITS.workspaceMs });
    return workspace;
  }
}

/** Directories of the system: nothing below them is ever a workspace. */
const SYSTEM = ["/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys", "/usr"];

/** Tops under which workspaces lie, but which are none themselves. */
const TOPS = ["/", "/home", "/mnt", "/media", "/opt", "/root", "/srv", "/tmp", "/var", "/var/tmp", "/var/lib", "/var/log", "/var/cache"];

/**
 * In: a directory, and where things are. Out: the top of the git working tree that holds it, else the directory itself;
 * undefined when that would be a place that nobody works in.
 * SECURITY: the directory is the agent's choice, and everything in a workspace may be written without asking. So the
 * system, the home directory as a whole, hidden directories of the home (keys, settings) and vetsh itself never are one.
 */
export function findWorkspace(cwd: string, layout: Layout): string | undefined {
  if (!cwd.startsWith("/") || normalize(cwd) !== cwd) return undefined;
  for (let at = cwd; mayBeWorkspace(at, layout); at = dirname(at)) {
    if (exists(join(at, ".git"))) return at;
  }
  return mayBeWorkspace(cwd, layout) && !isBelowHidden(cwd, layout.home) ? cwd : undefined;
}

function mayBeWorkspace(path: string, { home, root, config, managed }: Layout): boolean {
  if (TOPS.includes(path) || SYSTEM.some((top) => isWithin(path, top))) return false;
  if (isWithin(home, path)) return false;
  return ![root, config, managed].some((own) => isWithin(path, own) || isWithin(own, path));
}

function isBelowHidden(path: string, home: string): boolean {
  return path.startsWith(`${home}/.`);
}

/** In: two absolute, normalised paths. Out: whether the first is the second or lies below it. */
function isWithin(path: string, top: string): boolean {
  return path === top || path.startsWith(top.endsWith("/") ? top : `${top}/`);
}

function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // Not allowed to look: then it is no place of ours to work in.
    return false;
  }
}
