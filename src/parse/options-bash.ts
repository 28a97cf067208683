import { shellName, type OptionsRead } from "./shell-options.ts";

/** Long options without a value; bash takes them with one dash too, and only before the first short option. */
const LONG_FLAGS = new Set(["noediting", "noprofile", "norc", "restricted", "verbose", "debug", "pretty-print", "login", "posix"]);
const LONG_VALUES = new Set(["init-file", "rcfile"]);
const LONG_PRINT = new Set(["help", "version"]);

/** `set` letters that do not change how text is read or what it runs. `-n` reads without running: read all the same. */
const LETTERS = "abehmnprtuvxCEPT";
/** `-o` names of the same kind. Left out: keyword, history, histexpand, onecmd, braceexpand. */
const SET_NAMES = new Set(["allexport", "emacs", "errexit", "errtrace", "functrace", "hashall", "ignoreeof", "interactive-comments", "monitor", "noclobber", "noexec", "nolog", "notify", "nounset", "physical", "pipefail", "posix", "privileged", "verbose", "vi", "xtrace"]);
/** `-O` names of the same kind. Left out: expand_aliases, extdebug, compat levels and whatever is new. */
const SHOPT_NAMES = new Set(["autocd", "cdspell", "checkhash", "checkjobs", "checkwinsize", "cmdhist", "complete_fullquote", "direxpand", "dirspell", "dotglob", "execfail", "extglob", "failglob", "force_fignore", "globasciiranges", "globskipdots", "globstar", "gnu_errfmt", "histappend", "histverify", "hostcomplete", "huponexit", "inherit_errexit", "interactive_comments", "lastpipe", "lithist", "mailwarn", "no_empty_cmd_completion", "nocaseglob", "nocasematch", "nullglob", "progcomp", "promptvars", "shift_verbose", "xpg_echo"]);

type Cursor = { at: number; command: boolean; fromStdin: boolean; interactive: boolean; login: boolean; posix: boolean; rcfile: string | undefined };

/** Source: bash(1) OPTIONS and INVOCATION; checked against bash 5.2. */
export function readBashOptions(argv: readonly string[]): OptionsRead {
  const zeroth = argv[0] ?? "";
  const cursor: Cursor = { at: 1, command: false, fromStdin: false, interactive: false, login: zeroth.startsWith("-"), posix: shellName(zeroth) === "sh", rcfile: undefined };
  const stopped = readLong(argv, cursor) ?? readShort(argv, cursor);
  if (stopped !== undefined) return stopped;
  const { command, fromStdin, interactive, login, posix, rcfile } = cursor;
  return { kind: "options", command, fromStdin, interactive, login, posix, rcfile, operands: argv.slice(cursor.at) };
}

function readLong(argv: readonly string[], cursor: Cursor): OptionsRead | undefined {
  let prints = false;
  for (; ; cursor.at++) {
    const word = argv[cursor.at];
    if (word === undefined || !word.startsWith("-") || word === "-" || word === "--") break;
    const double = word.startsWith("--");
    const name = word.slice(double ? 2 : 1);
    if (LONG_PRINT.has(name)) prints = true;
    else if (LONG_VALUES.has(name)) {
      cursor.at += 1;
      cursor.rcfile = argv[cursor.at];
      if (cursor.rcfile === undefined) return { kind: "opaque", reason: `\`${word}\` without its value` };
    } else if (LONG_FLAGS.has(name)) {
      cursor.login ||= name === "login";
      cursor.posix ||= name === "posix";
    } else if (double || isUnreadLong(name)) return { kind: "opaque", reason: `an option of bash that is not known: \`${word}\`` };
    else break;
  }
  return prints ? { kind: "print" } : undefined;
}

/** Long options that bash has and that are not modelled: with one dash they must not be taken for a cluster. */
function isUnreadLong(name: string): boolean {
  return ["debugger", "dump-po-strings", "dump-strings", "protected", "wordexp"].includes(name);
}

function readShort(argv: readonly string[], cursor: Cursor): OptionsRead | undefined {
  for (;;) {
    const word = argv[cursor.at];
    if (word === undefined || !/^[-+]/.test(word)) return undefined;
    cursor.at += 1;
    if (word === "-" || word === "--") return undefined;
    // Values of `o` and `O` are the words after the cluster, in order.
    for (const letter of word.slice(1)) {
      const reason = readLetter(argv, cursor, word, letter);
      if (reason !== undefined) return { kind: "opaque", reason };
    }
  }
}

function readLetter(argv: readonly string[], cursor: Cursor, word: string, letter: string): string | undefined {
  switch (letter) {
    case "c":
      cursor.command = true;
      return undefined;
    case "s":
      cursor.fromStdin = true;
      return undefined;
    case "l":
      cursor.login = true;
      return undefined;
    case "i":
      cursor.interactive = word.startsWith("-");
      return undefined;
    case "o":
    case "O": {
      const value = argv[cursor.at];
      if (value === undefined) return `\`${word}\` without its value`;
      cursor.at += 1;
      cursor.posix ||= value === "posix" && word.startsWith("-");
      return (letter === "o" ? SET_NAMES : SHOPT_NAMES).has(value) ? undefined : `a shell option that is not known: \`${value}\``;
    }
    default:
      return LETTERS.includes(letter) ? undefined : `an option of bash that is not known: \`${word}\``;
  }
}
