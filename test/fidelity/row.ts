/**
 * One row of the differential suite: something a caller does with a shell. It is done twice in the same place, with the real shells
 * and with the shims under `d/`, and both must give the same. Paths are equal in both runs; only process ids are made equal.
 */
export type ShellName = "bash" | "dash" | "zsh" | "sh";

export type Row = {
  readonly name: string;
  /** The caller: a script of a real bash that starts `$D/bash`, `$D/dash`, … Its own status and output are compared. */
  readonly caller?: string;
  /** Or the shell is started directly by this process: `argv` after argv[0]. */
  readonly shell?: ShellName;
  readonly argv?: readonly string[];
  readonly argv0?: string;
  readonly stdin?: string | Buffer | "null";
  readonly env?: Readonly<Record<string, string>>;
  /** Files made before, relative to the row's folder; `home/` is $HOME. */
  readonly files?: Readonly<Record<string, string>>;
  /** Signals sent by this process once `after` was printed. */
  readonly signal?: { readonly after: string; readonly name: NodeJS.Signals; readonly to: "process" | "group" };
  /** A terminal: what is waited for and what is typed then. The shell (or the caller) leads the session. */
  readonly terminal?: readonly (readonly [expect: string | RegExp, type: string])[];
  /** Text that must appear in the output of both, so that two equal failures do not pass. */
  readonly shows?: string | RegExp;
  /** The status that both must have, in the form `3` or `SIGTERM`. */
  readonly ends?: number | NodeJS.Signals;
  /** Why the two differ here, and nothing can be done about it: the row then asserts that they do. */
  readonly differs?: string;
  /** The shells that must be installed, besides those named by `shell` and `$D/…`. */
  readonly needs?: readonly string[];
};

/** What a run gave. */
export type Seen = { readonly stdout: string; readonly stderr: string; readonly end: string };
