import { shellName, type OptionsRead } from "./shell-options.ts";

/** Letters that do not change how text is read: err_exit, no_rcs, global_rcs, login, monitor, no_exec, no_unset, verbose, xtrace. */
const LETTERS = "defmnuvx";
/** The same as names, without `_`, in lower case, without a leading `no`. */
const NAMES = new Set(["errexit", "errreturn", "rcs", "globalrcs", "monitor", "exec", "unset", "verbose", "xtrace", "pipefail", "nomatch", "bgnice", "notify", "hup", "checkjobs", "clobber", "beep"]);

/**
 * Source: zshoptions(1), zsh(1); checked against zsh 5.9. Almost every option of zsh changes its grammar, so only a few
 * are known here. A zsh called by another name emulates another shell, and is not understood.
 */
export function readZshOptions(argv: readonly string[]): OptionsRead {
  const zeroth = argv[0] ?? "";
  if (shellName(zeroth) !== "zsh") return { kind: "opaque", reason: "zsh under another name emulates another shell" };
  const found = { command: false, fromStdin: false, interactive: false, login: zeroth.startsWith("-") };
  let at = 1;
  for (;;) {
    const word = argv[at];
    if (word === undefined || !/^[-+]/.test(word)) break;
    at += 1;
    if (word === "-" || word === "+" || word === "--") break;
    if (at === 2 && (word === "--version" || word === "--help")) return { kind: "print" };
    if (word.startsWith("--")) {
      const reason = nameReason(word.slice(2));
      if (reason !== undefined) return { kind: "opaque", reason };
      continue;
    }
    for (let index = 1; index < word.length; index++) {
      const letter = word[index] ?? "";
      if (letter === "c") found.command = true;
      else if (letter === "s") found.fromStdin = word.startsWith("-");
      else if (letter === "i") found.interactive = word.startsWith("-");
      else if (letter === "l") found.login = word.startsWith("-");
      else if (letter === "o") {
        const attached = word.slice(index + 1);
        const reason = nameReason(attached !== "" ? attached : (argv[at] ?? ""));
        if (reason !== undefined) return { kind: "opaque", reason };
        if (attached === "") at += 1;
        break;
      } else if (!LETTERS.includes(letter)) return { kind: "opaque", reason: `an option of zsh that is not known: \`${word}\`` };
    }
  }
  if (found.command && found.fromStdin) return { kind: "opaque", reason: "`-c` together with `-s`" };
  return { kind: "options", ...found, posix: false, rcfile: undefined, operands: argv.slice(at) };
}

function nameReason(name: string): string | undefined {
  const plain = name.toLowerCase().replace(/[-_]/g, "");
  if (NAMES.has(plain) || NAMES.has(plain.replace(/^no/, ""))) return undefined;
  return `a shell option that is not known: \`${name}\``;
}
