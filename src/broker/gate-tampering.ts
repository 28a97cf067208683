import type { Dialect, FoundCommand } from "../model/index.ts";

/** Names of the gate in the shell, and what it hangs on. A line that says one of them is not about anything else. */
const NAMES = /__vetsh|\bvetsh-refused\b|\bPROMPT_COMMAND\b(?=\s*(?:\+?=|\[))|\b(?:unset|declare|typeset|local|readonly|export|read|mapfile|readarray|printf)\b[^;&|\n]*\bPROMPT_COMMAND\b/;

/** Builtins that the gate is written with: a function of such a name would stand in their place. */
const OWN = "builtin|command|printf|read|trap|shopt|declare|typeset|pwd|local|return|bind|history|unset|set|kill|exit|enable|test|eval";
const REDEFINED = new RegExp(`(?:^|[;&|({\\n]|\\b(?:then|do|else)\\b)\\s*(?:function\\s+(?:${OWN})\\b|(?:${OWN})\\s*\\(\\s*\\))`, "m");

type Word = readonly string[] | undefined;

/** `unknown`: what a word counts as that nobody knows. */
const some = (words: readonly Word[], test: (text: string) => boolean, unknown: boolean): boolean => words.some((word) => (word === undefined ? unknown : word.some(test)));

/** Per command: whether these arguments change what the gate hangs on. Queries of the same builtins are none of its business. */
const COMMANDS: ReadonlyMap<string, (args: readonly Word[]) => boolean> = new Map<string, (args: readonly Word[]) => boolean>([
  // A trap may run while the gate does, and is not looked at then: so it is what stands here, or comes at the end. SECURITY: a variable may change afterwards.
  ["trap", (args) => !some(args.slice(0, 1), (text) => text === "-p" || text === "-l", false) && (some(args.slice(0, 1), (text) => /[$`]/.test(text), true) && some(args.slice(1), (text) => !/^(?:0|(?:sig)?exit)$/i.test(text), true) || args.length === 1 || some(args.slice(1), (text) => /^(?:sig)?debug$/i.test(text) || /[\0\x01]/.test(text), true))],
  ["shopt", (args) => some(args, (text) => /^-[a-z]*[su]/.test(text), true) && some(args, (text) => /^(?:extdebug|functrace|expand_aliases|emacs|vi)$/.test(text), true)],
  ["set", (args) => args.some((word, at) => word?.some((text) => /^\+[a-zA-Z]*o$/.test(text)) === true && some(args.slice(at + 1, at + 2), (text) => /^(?:emacs|vi)$/.test(text), true)) || some(args.slice(0, Math.max(0, args.findIndex((word) => word?.[0] === "--")) || args.length), (text) => /^\+[a-zA-Z]*T|^-[a-zA-Z]*H|^(?:functrace|histexpand|posix|privileged|restricted)$/.test(text), false)],
  ["bind", (args) => args.length > 0 && !args.every((word) => word !== undefined && word.every((text) => /^-[lpPsSvVX]+$/.test(text)))],
  ["enable", (args) => some(args, (text) => /^-[a-z]*[nfd]/.test(text), true)],
  ["alias", (args) => some(args, (text) => text.includes("="), true)],
  ["complete", (args) => some(args, (text) => /^-[CF]/.test(text), true)],
  ["unset", (args) => some(args, (text) => /^(?:PROMPT_COMMAND|PS0|FUNCNAME|BASH_COMMAND|BASHPID|BASH_SUBSHELL|SRANDOM)$/.test(text), false)],
]);

const SHELL_PATH = /\/(?:r?bash|sh|dash|ash|zsh|ksh|ksh93|mksh|fish|busybox|yash)$/;

/**
 * In: a line that a gated shell is about to run, with what was found in it. Out: how it bends the gate, or undefined.
 * It keeps honest shells honest, and those that are talked into something: what gets past it is in the sandbox all the same.
 */
export function tampering(text: string, commands: readonly FoundCommand[], dialect: Dialect): string | undefined {
  const named = NAMES.exec(text) ?? REDEFINED.exec(text);
  if (named !== null) return `\`${named[0].trim()}\` belongs to the gate that reads this shell's lines`;
  if (/(?:^|[^\d])61[<>]|[<>]&?\s*61(?!\d)|\/fd\/61\b/.test(text)) return "descriptor 61 belongs to the gate that reads this shell's lines";
  for (const command of commands) {
    const words = unwrapped(command.words);
    const name = words[0]?.length === 1 ? words[0][0] : undefined;
    if (name === undefined) continue;
    const args = words.slice(1);
    if (COMMANDS.get(name)?.(args) === true) return `\`${name}\` would change how this shell's lines are read`;
    if (name === "<") return "`exec` would have this shell read its lines from where nobody reads them first";
    if (SHELL_PATH.test(name) && isToTypeInto(args)) return `\`${name}\` is a shell whose lines nobody would read; start \`${dialect}\` without a path`;
  }
  return undefined;
}

/** `builtin`, `command`, `exec -a x` in front of what is meant. */
function unwrapped(words: readonly Word[]): readonly Word[] {
  let at = 0;
  for (; at < words.length - 1; at += 1) {
    const text = words[at]?.[0];
    if (text === undefined || !/^(?:builtin|command|exec|-[pcl]|--)$/.test(text)) {
      if (text === "-a" && words[at - 1]?.[0] === "exec") at += 1;
      else break;
    }
  }
  return words.slice(at);
}

/** No `-c`, no script: whatever comes in is run. */
function isToTypeInto(args: readonly Word[]): boolean {
  if (args.some((word) => word === undefined)) return true;
  if (args.some((word) => word?.some((text) => /^-[a-z]*c/.test(text)))) return false;
  return args.every((word) => word?.every((text) => text.startsWith("-")));
}
