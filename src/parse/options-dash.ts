import type { OptionsRead } from "./shell-options.ts";

/** Letters that do not change how text is read. Left out: f (patterns become text). */
const LETTERS = "abemnuvxCEIV";
const NAMES = new Set(["allexport", "notify", "errexit", "monitor", "noexec", "nounset", "verbose", "xtrace", "noclobber", "emacs", "ignoreeof", "vi", "nolog"]);

/** Source: dash(1); checked against dash 0.5.12. Dash has no long options. */
export function readDashOptions(argv: readonly string[]): OptionsRead {
  const found = { command: false, fromStdin: false, interactive: false, login: (argv[0] ?? "").startsWith("-") };
  let at = 1;
  for (;;) {
    const word = argv[at];
    if (word === undefined || !/^[-+]/.test(word)) break;
    at += 1;
    if (word === "-" || word === "--") break;
    for (const letter of word.slice(1)) {
      if (letter === "c") found.command = true;
      else if (letter === "s") found.fromStdin = word.startsWith("-");
      else if (letter === "i") found.interactive = word.startsWith("-");
      else if (letter === "l") found.login = true;
      else if (letter === "o") {
        const name = argv[at];
        if (name === undefined || !NAMES.has(name)) return { kind: "opaque", reason: `a shell option that is not known: \`${name ?? word}\`` };
        at += 1;
      } else if (!LETTERS.includes(letter)) return { kind: "opaque", reason: `an option of dash that is not known: \`${word}\`` };
    }
  }
  // Dash runs the command of `-c`, then what standard input says.
  if (found.command && found.fromStdin) return { kind: "opaque", reason: "`-c` together with `-s`" };
  return { kind: "options", ...found, posix: true, rcfile: undefined, operands: argv.slice(at) };
}
