/**
 * Rows of the other tables once more, inside a sandbox: with bwrap and vetsh-init in front of the real shell, and in a warm one
 * that is entered; each in the caller's session, and apart.
 */
import type { Row } from "./row.ts";
import { COMMON_ROWS } from "./rows-common.ts";
import { SHELL_ROWS } from "./rows-shells.ts";
import { SIGNAL_ROWS } from "./rows-signals.ts";
import { TERMINAL_ROWS } from "./rows-terminal.ts";

const COMMON = /^(bash|zsh): (exit 42|not found: 127|\$0 and parameters|stdout and stderr|stdin is read as far|a script on stdin|10 MB out|10 MB through stdin|a trap on EXIT|what is left of a|closed std|umask is|ulimit is|ignored signals|timeout's|timeout in the|in a command substitution|by a #! line|invalid UTF-8 in the script)/;
const SIGNALS = /^(bash|dash|zsh): (TERM|INT|HUP|USR1) to the (process|group), a trap that ends|^bash: (TERM|INT) to the (process|group) (while|with)|^bash: a trap counts|^bash: (a queue|kill of a shell|INT is ignored)/;
const SHELLS = /^bash: (argv\[0\] -bash|-l reads|BASH_ENV|functions in the environment)/;
const TERMINALS = /^terminal: (size and name|the exit status|a line is read|Ctrl-C with a trap|Ctrl-C only|bash -i|settings made)|^human's shell: (a shell in front|Ctrl-Z twice|Ctrl-C to a pipeline)/;

/** Rows in which the shell itself dies of a signal, and the caller can tell. */
const DIES = /: INT to the group with a program in front|: Ctrl-C to a pipeline/;
const DIES_WHY = "a death by signal inside arrives as bwrap's exit status, 128+n, and no longer as the signal";

type Box = "same" | "apart" | "warm" | "warm apart";

const pick = (rows: readonly Row[], names: RegExp, box: Box): Row[] =>
  rows.filter((row) => names.test(row.name)).map((row) => ({ ...row, name: `sandboxed (${box}): ${row.name}`, env: { ...row.env, BOX: box }, ...(DIES.test(row.name) && !box.startsWith("warm") ? { differs: DIES_WHY } : {}) }));

const inBox = (same: Box, apart: Box): readonly Row[] => [
  ...pick(COMMON_ROWS, COMMON, same), ...pick(SHELL_ROWS, SHELLS, same), ...pick(SIGNAL_ROWS, SIGNALS, same), ...pick(TERMINAL_ROWS, TERMINALS, same),
  ...pick(SIGNAL_ROWS, SIGNALS, apart),
];

export const BOXED_ROWS: readonly Row[] = [...inBox("same", "apart"), ...inBox("warm", "warm apart")];
