import type { Dialect } from "./source.ts";

/** What the shim tells about one start of a shell. SECURITY: every field is a claim of the agent's side (I5). */
export type Request = {
  /** UUIDv7, given by the broker. */
  readonly id: string;
  /** Milliseconds since the epoch, the broker's clock. */
  readonly receivedAt: number;
  /** The name the shim was installed under and started as. */
  readonly shell: Dialect;
  /** argv as the shim got it, argv[0] included. Text is display only: the shim keeps the bytes that run (I3). */
  readonly argv: readonly string[];
  /** False when an argument, cwd or script was not valid UTF-8: then the request is opaque. */
  readonly validUtf8: boolean;
  readonly cwd: string;
  readonly env: ReadonlyMap<string, string>;
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly tty: Tty;
};

export type Tty = {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Device path of the controlling terminal, if there is one. */
  readonly controlling: string | undefined;
};

/** What one start of a shell would execute; made by `parse/invocation`. `parameters[n]` is what the script sees as `$n`, `$0` included. */
export type Invocation =
  | { readonly mode: "command"; readonly dialect: Dialect; readonly text: string; readonly parameters: readonly string[]; readonly startup: Startup }
  | { readonly mode: "file"; readonly dialect: Dialect; readonly path: string; readonly parameters: readonly string[]; readonly startup: Startup }
  | { readonly mode: "stdin"; readonly dialect: Dialect; readonly parameters: readonly string[]; readonly startup: Startup }
  | { readonly mode: "interactive"; readonly dialect: Dialect; readonly startup: Startup }
  /** `--version`, `--help`: prints and ends. */
  | { readonly mode: "print"; readonly dialect: Dialect }
  /** An option grammar that was not understood. */
  | { readonly mode: "opaque"; readonly dialect: Dialect; readonly reason: string };

/** What the shell reads before the command itself. */
export type Startup = { readonly login: boolean; readonly interactive: boolean; readonly posix: boolean; readonly rcfile: string | undefined };
