import type { Claim, DecisionSource } from "../model/index.ts";
import type { EnvironmentPolicy } from "./environment.ts";

/** What `plan` reads of a permit. `decide/permit.ts` makes the real ones. */
export type PermitView = { readonly claim: Claim; readonly source: DecisionSource };

/** Where a command runs: made by the broker for one request. All paths absolute and normalised. */
export type Place = {
  readonly workspace: string;
  readonly cwd: string;
  /** From the password database, never from the environment. */
  readonly home: string;
  /** The installation. */
  readonly root: string;
  /** Other directories and files of vetsh: configuration of all tiers. Never writable inside. */
  readonly guarded: readonly string[];
  /** A directory of the host, mode 0700, one per session: becomes /tmp inside. */
  readonly sessionTmp: string;
  /** Where tools keep their caches: a directory of the host for this workspace, and the variable and path below it of each. */
  readonly caches?: { readonly from: string; readonly variables: readonly { readonly variable: string; readonly directory: string }[] } | undefined;
  /** The real shell that vetsh-init executes. */
  readonly shell: string;
  /** What an agent's view of the file system shows something else for, and under which path the view has the original: put back for the command. Empty outside of views. */
  readonly putBack?: readonly { readonly at: string; readonly original: string }[] | undefined;
  /** Which socket of the host stands at ROOT/run/shim.sock inside. A socket of its own tells the broker that a request comes from a sandbox. */
  readonly shimSocket: string;
  /** Where the socket of this command's own filtering proxy will stand on the host; "open" when settings filter nothing. */
  readonly proxySocket: string | "open";
  /** Whether this very command was stopped so often at hosts that were not claimed that a person should be asked. */
  readonly wasStopped: boolean;
  /** What to show instead of the system's ssh_config to a command that has a way out; undefined: nothing (see `prepareSsh`). */
  readonly sshConfig?: { readonly at: string; readonly from: string } | undefined;
  /** Variables the command would inherit. */
  readonly environment: ReadonlyMap<string, string>;
  /** Which of them settings keep or drop. */
  readonly inherit: EnvironmentPolicy;
  /** True when stdin, stdout or stderr is a terminal: the command keeps its controlling terminal and job control. */
  readonly terminal: boolean;
  /** True when the line starts jobs that are to outlive it (`&`, nohup, setsid, disown). */
  readonly background: boolean;
  /** True when user or managed settings say that commands run without a sandbox. */
  readonly unconfined: boolean;
  /** Where no sandbox works: "judged" when the verdict was made knowing that (`host.sandboxed` false), else nothing runs. */
  readonly withoutSandbox: "refuse" | "judged";
  readonly survey: Survey;
  /** Where there are no namespaces: paths that are together everything but secrets (see `readableHere`); undefined: not looked, or too many. */
  readonly readable?: readonly string[] | undefined;
};

export type PathKind = "file" | "directory" | "other" | "missing";

/** What exists, as `survey` found it. Paths are real paths (symlinks resolved). */
export type Survey = {
  readonly workspace: string;
  readonly git: GitLayout;
  /** Existing paths to keep read-only, in the workspace and in git directories. */
  readonly protected: readonly string[];
  /** Protected names that do not exist yet, and links: to compare after the command (see `findPlanted`). */
  readonly watched: readonly Watched[];
  /** Existing paths to hide. */
  readonly hidden: readonly { readonly path: string; readonly kind: "file" | "directory" }[];
  /** Existing directories of the machine whose content is replaced: /run, /var/tmp. */
  readonly replaced: readonly string[];
  /** Existing paths below them that stay readable. */
  readonly kept: readonly string[];
  /** What stands at each path of the claim. */
  readonly writable: readonly { readonly asked: string; readonly real: string; readonly kind: PathKind }[];
  readonly secrets: readonly { readonly asked: string; readonly real: string; readonly kind: PathKind }[];
  /** Why the workspace cannot be made writable without opening a hole; empty when it can. */
  readonly refused: readonly string[];
  readonly notes: readonly string[];
};

export type GitLayout =
  | { readonly kind: "none" }
  /** `.git` is a directory of the workspace. */
  | { readonly kind: "checkout"; readonly gitDir: string }
  /** `.git` is a file: linked worktree or submodule. Both directories lie outside and name this workspace themselves. */
  | { readonly kind: "linked"; readonly gitDir: string; readonly commonDir: string };

/** `link` is where a symbolic link pointed, undefined for a name that did not exist. */
export type Watched = { readonly path: string; readonly link: string | undefined };

/** What this host can do, each tried by a real canary. */
export type HostProbe = {
  /** True when everything that is required works. */
  readonly sandboxed: boolean;
  /** Absolute path of bubblewrap. */
  readonly bwrap: string | undefined;
  readonly version: string | undefined;
  readonly disableUserns: boolean;
  readonly gaps: readonly Gap[];
  /** Where no namespaces can be had, but Landlock holds what only reads: the vetsh-init that was tried. */
  readonly landlock?: { readonly init: string } | undefined;
};

export type Feature = "bubblewrap" | "namespaces" | "write-refused" | "network-refused" | "capabilities-dropped" | "kernel-settings-refused" | "nested-namespaces-refused" | "landlock";

/** Something that does not hold here: why, and what to do. Both are safe to print. */
export type Gap = { readonly feature: Feature; readonly required: boolean; readonly reason: string; readonly remedy: string };

/** How a command is started, and the authority it really gets. */
export type Plan = {
  /** Words before the shell's own argv; empty: run without a sandbox. */
  readonly prefix: readonly string[];
  readonly closeFds: boolean;
  /** Names to remove and values to set before anything is executed. */
  readonly unset: readonly string[];
  readonly set: readonly string[];
  readonly authority: {
    readonly sandbox: "none" | "read-only" | "workspace" | "custom";
    readonly writable: readonly string[];
    readonly network: readonly string[] | "any";
  };
  /**
   * The filtering proxy that must listen, with these hosts and no others, before the command starts; undefined when none is
   * needed. INVARIANT: the command's own network namespace has no other way out.
   */
  readonly proxy: { readonly socket: string; readonly hosts: readonly string[] } | undefined;
  /** The warm sandbox that gives exactly the same; undefined: this command gets one of its own, by `prefix`. */
  readonly room: RoomPlan | undefined;
  /** What the claim asks for and cannot be given. INVARIANT: not empty ⇒ the caller runs nothing. */
  readonly missing: readonly string[];
  /** What is weaker than one might think; for the record. */
  readonly notes: readonly string[];
};

/**
 * A plan in two parts: the sandbox, which commands of the same authority share, and how one command enters it.
 * INVARIANT: whatever decides about authority is in `words`; a room is entered only by plans with the same.
 */
export type RoomPlan = {
  /** bubblewrap with mounts, namespaces and network, without a command. */
  readonly words: readonly string[];
  /** What is executed inside to hold it. */
  readonly init: string;
  /** Rooms of one session share a limit: the directory that is its /tmp. */
  readonly session: string;
  /** Whose commands are in it; to tell rooms apart for a person. */
  readonly workspace: string;
  /** Where the command starts. */
  readonly directory: string;
  /** False with a terminal, whose session the command keeps. */
  readonly ownSession: boolean;
  /** Set inside alone: what may not be in the environment of programs outside. */
  readonly set: readonly string[];
};
