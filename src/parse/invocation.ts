import type { Dialect, Invocation, Startup } from "../model/index.ts";
import { readBashOptions } from "./options-bash.ts";
import { readDashOptions } from "./options-dash.ts";
import { readZshOptions } from "./options-zsh.ts";
import type { OptionsRead } from "./shell-options.ts";

/**
 * In: which shell, its argv (argv[0] included), whether standard input is a terminal.
 * Out: what that start of the shell would execute. `parameters[n]` is what the script sees as `$n`, `$0` included.
 * An option that is not known, or that changes how text is read, makes the mode opaque.
 * Source: bash(1), dash(1), zshmisc(1) and what the shells do.
 */
export function readInvocation(shell: Dialect, argv: readonly string[], stdin: { readonly tty: boolean }): Invocation {
  const zeroth = argv[0];
  if (zeroth === undefined) return { mode: "opaque", dialect: shell, reason: "a shell started without even its own name" };
  if (shell !== "sh") return toInvocation(shell, zeroth, readOptions(shell, argv), stdin);
  // INVARIANT: `sh` is dash on some systems and bash on others; only what both read alike is understood.
  const dash = toInvocation(shell, zeroth, readDashOptions(argv), stdin);
  const bash = toInvocation(shell, zeroth, readBashOptions(argv), stdin);
  if (bash.mode === "print" || JSON.stringify(dash) === JSON.stringify(bash)) return bash;
  const reason = bash.mode === "opaque" ? bash.reason : dash.mode === "opaque" ? dash.reason : "options that shells called sh read differently";
  return { mode: "opaque", dialect: shell, reason };
}

function readOptions(shell: Exclude<Dialect, "sh">, argv: readonly string[]): OptionsRead {
  switch (shell) {
    case "bash":
      return readBashOptions(argv);
    case "dash":
      return readDashOptions(argv);
    case "zsh":
      return readZshOptions(argv);
  }
}

function toInvocation(dialect: Dialect, zeroth: string, read: OptionsRead, stdin: { readonly tty: boolean }): Invocation {
  if (read.kind === "print") return { mode: "print", dialect };
  if (read.kind === "opaque") return { mode: "opaque", dialect, reason: read.reason };
  const { command, fromStdin, operands, login, rcfile } = read;
  const startup: Startup = { login, interactive: read.interactive, posix: read.posix || dialect === "sh" || dialect === "dash", rcfile };
  const [first, ...rest] = operands;
  if (command) {
    if (first === undefined) return { mode: "opaque", dialect, reason: "`-c` without a command" };
    return { mode: "command", dialect, text: first, parameters: rest.length > 0 ? rest : [zeroth], startup };
  }
  if (first !== undefined && !fromStdin) return { mode: "file", dialect, path: first, parameters: operands, startup };
  if (read.interactive || stdin.tty) return { mode: "interactive", dialect, startup: { ...startup, interactive: true } };
  return { mode: "stdin", dialect, parameters: [zeroth, ...operands], startup };
}
