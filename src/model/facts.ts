/** Everything analysis may know about the world; gathered outside, so that the same facts give the same answer. */
export type Facts = {
  readonly cwd: string;
  readonly workspace: string;
  readonly home: string;
  /** Variables the command inherits. SECURITY: claims of the agent (I5): values tighten (LD_PRELOAD), never loosen. */
  readonly env: ReadonlyMap<string, string>;
  /** Directories that belong to vetsh itself: its root, state, configuration. */
  readonly vetsh: readonly string[];
  readonly files: FilePort;
  /** What a shell that runs already holds, as far as the text names it: for lines of a gated shell. */
  readonly shell?: ShellState;
};

/**
 * What a running shell said of itself: values of variables and aliases, definitions of functions as shell text.
 * SECURITY: said by the gate inside the shell; what tampers with that can also lie here, and stays in the shell's sandbox.
 */
export type ShellState = { readonly variables: ReadonlyMap<string, string>; readonly aliases: ReadonlyMap<string, string>; readonly functions: readonly string[] };

/** How analysis looks at files. `check` without a file system uses `nothingKnown`, and both must be safe. */
export type FilePort = {
  /** Symlinks resolved as far as the path exists. Undefined when that cannot be found out. */
  resolve(path: string): string | undefined;
  kind(path: string): "file" | "directory" | "other" | "missing" | "unknown";
  /** Text of a script, at most LIMITS.scriptBytes. */
  readScript(path: string): { readonly text: string; readonly sha256: string } | undefined;
  /** Whether git tracks the path: only asked for delete and overwrite targets in the workspace. */
  tracked(path: string): "tracked" | "untracked" | "unknown";
};

/** A file port that knows nothing: paths are what they say, nothing exists for sure. */
export const nothingKnown: FilePort = {
  resolve: () => undefined,
  kind: () => "unknown",
  readScript: () => undefined,
  tracked: () => "unknown",
};
