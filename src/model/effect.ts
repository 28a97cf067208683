import type { Span } from "./source.ts";

/**
 * What a command line does, one effect per cause. Made by `analyse`, matched by `policy`.
 * `sure` is "certain" when the effect happens if the line runs to its end, else "possible" (branches, globs, loops).
 */
export type Effect = EffectBody & { readonly span: Span; readonly sure: "certain" | "possible"; /** Which spec, built-in or construct says so: `coreutils/rm`, `redirection`, `shell/eval`. */ readonly by: string };

export type EffectBody =
  | { readonly kind: "read"; readonly path: PathTarget }
  | { readonly kind: "write"; readonly path: PathTarget }
  | { readonly kind: "delete"; readonly path: PathTarget; readonly recursive: boolean }
  /** Runs code whose meaning is not in the line: `what` says whose code. */
  | { readonly kind: "exec"; readonly what: ExecKind; readonly name: string }
  | { readonly kind: "network"; readonly host: string | undefined; readonly port: number | undefined; readonly direction: "out" | "in"; readonly loopback: boolean; readonly sends: boolean; readonly connection?: ConnectionFacts }
  /** Signals, services, containers: state of other processes. */
  | { readonly kind: "process"; readonly action: string; readonly target: string | undefined }
  | { readonly kind: "privilege"; readonly via: string }
  /** Leaves something that runs later without being asked again. */
  | { readonly kind: "persist"; readonly via: string; readonly path: PathTarget | undefined }
  /** Secret material is read: a file, or an environment variable (or all of the environment: `name` "*"). */
  | { readonly kind: "secret"; readonly path: PathTarget | undefined; readonly variable: string | undefined }
  /** State that a named object loses: uncommitted work, a remote ref, database rows, a volume. */
  | { readonly kind: "lose"; readonly what: LossKind; readonly target: string | undefined }
  /** Changes something that is not a file here: a published package, a remote ref, a cloud resource, a database. */
  | { readonly kind: "remote"; readonly what: string; readonly target: string | undefined }
  | { readonly kind: "opaque"; readonly reason: string; readonly severity: OpaqueSeverity };

/**
 * What is known of a connection that a running command asks for, beyond what its line says. `method`: of plain HTTP, else "CONNECT":
 * what goes on is not seen. `beside`: the hosts that its command was given.
 */
export type ConnectionFacts = { readonly method: string; readonly beside: readonly string[] };

export const EFFECT_KINDS = ["read", "write", "delete", "exec", "network", "process", "privilege", "persist", "secret", "lose", "remote", "opaque"] as const;
export type EffectKind = (typeof EFFECT_KINDS)[number];

/**
 * workspace: code of the repository (scripts, tests, builds, hooks, plug-ins of linters) ·
 * help: a program without a spec is asked for its help or version, and for nothing else · inline: code given in the line (`python -c`) · package: fetched from a registry ·
 * download: fetched from a URL and run · stdin: read from a pipe whose content is not known · program: a local program without a spec.
 */
export const EXEC_KINDS = ["workspace", "help", "inline", "package", "download", "stdin", "program", "remote"] as const;
export type ExecKind = (typeof EXEC_KINDS)[number];

export const LOSS_KINDS = ["uncommitted", "untracked", "commits", "stash", "remote-ref", "database", "volume", "disk", "history", "log", "resource", "availability"] as const;
export type LossKind = (typeof LOSS_KINDS)[number];

/** "unknown": could be anything (a computed command). "unmodelled": a known tool used in a way no spec covers. "suspicious": made to hide (decoded blobs, split names). */
export const OPAQUE_SEVERITIES = ["unmodelled", "unknown", "suspicious"] as const;
export type OpaqueSeverity = (typeof OPAQUE_SEVERITIES)[number];

/**
 * Where a path lies, as far as it is known before the command runs.
 * Exactly one zone; `unknown` when the text is not known. `flags` add what else is true.
 */
export const ZONES = ["workspace", "tmp", "home", "system", "device", "null", "vetsh", "unknown"] as const;
export type Zone = (typeof ZONES)[number];

/**
 * protected: runs or configures something later (hooks, CI, agent settings, shell start-up files) · secret: credentials · public: lies among credentials and is made to be shown (`~/.ssh/id.pub`) ·
 * artefact: can be made again (node_modules, dist, caches) · root: the zone's own top (`.`, `~`, `/`) · glob: stands for several files ·
 * git: inside a .git directory · leads-out: a name of the workspace that is, or may be, a file elsewhere · by-option: written through an option of a program that otherwise only reads · tracked / untracked / missing: what the file port said, absent when it was not asked.
 */
export const PATH_FLAGS = ["protected", "secret", "public", "artefact", "root", "glob", "git", "tracked", "untracked", "missing", "directory", "symlink", "leads-out", "by-option"] as const;
export type PathFlag = (typeof PATH_FLAGS)[number];

export type PathTarget = {
  /** Absolute, normalised; a glob keeps its pattern characters. Undefined when unknown. */
  readonly path: string | undefined;
  readonly zone: Zone;
  readonly flags: readonly PathFlag[];
};

/** The words a user thinks in; a summary of the effects, computed only by `analyse/classes.ts`. */
export const CLASSES = ["read-only", "write-workspace", "write-outside", "network", "destructive", "exec-code", "privilege", "persist", "secret", "opaque"] as const;
export type EffectClass = (typeof CLASSES)[number];

/** What analysis returns for one request. */
export type Analysis = {
  readonly effects: readonly Effect[];
  readonly classes: readonly EffectClass[];
  /** Simple commands found, nested ones included, in the order in which they stand. */
  readonly commands: readonly FoundCommand[];
  /** Workspace scripts that were read for this analysis, with the SHA-256 of what was read. */
  readonly scripts: readonly { readonly path: string; readonly sha256: string }[];
  /** The canonical rendering that approvals bind to: resolved words, one simple command a line. */
  readonly canonical: string;
};

/** A simple command after expansion: each word's possible values, or undefined when unknown. */
export type FoundCommand = { readonly words: readonly (readonly string[] | undefined)[]; readonly span: Span; readonly depth: number; readonly spec: string | undefined };
