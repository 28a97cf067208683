import type { Dialect, SimpleCommand } from "../model/index.ts";

/** Shell options under which later text means something else than this room reads. */
const BASH_OPTIONS = new Set(["expand_aliases", "posix", "keyword", "braceexpand", "histexpand", "history", "extdebug", "compat31", "compat32", "compat40", "compat41", "compat42", "compat43", "compat44"]);
const ZSH_OPTIONS = new Set(["errexit", "errreturn", "pipefail", "nounset", "xtrace", "verbose", "nomatch", "nonomatch", "noclobber", "clobber", "localoptions"]);
const ZSH_CHANGES = new Set(["alias", "emulate", "disable", "enable", "zmodload", "autoload"]);

const READERS = new Set(["shopt", "set", "alias", "setopt", "unsetopt", ...ZSH_CHANGES]);

/**
 * In: a simple command. Out: why the text after it may be read differently (an alias, an option of the grammar),
 * or undefined. A word that is computed counts as the worst, where the command is one of these at all.
 */
export function readerChange(node: SimpleCommand, dialect: Dialect): string | undefined {
  const name = plain(node.words[0]);
  if (name === undefined || !READERS.has(name)) return undefined;
  const rest = node.words.slice(1).map(plain);
  const reason = `\`${name}\` here changes how later text is read`;
  switch (dialect) {
    case "bash":
      if (name === "shopt") return rest.some((word) => word === undefined || BASH_OPTIONS.has(word)) ? reason : undefined;
      return name === "set" && setChanges(rest, (option) => BASH_OPTIONS.has(option), /[kBH]/) ? reason : undefined;
    case "sh":
    case "dash":
      return name === "alias" && rest.length > 0 ? reason : undefined;
    case "zsh":
      if (name === "setopt" || name === "unsetopt") return rest.every((word) => word !== undefined && ZSH_OPTIONS.has(word.toLowerCase().replaceAll("_", ""))) ? undefined : reason;
      if (name === "set") return setChanges(rest, (option) => !ZSH_OPTIONS.has(option), /[^-+euxvo]/) ? reason : undefined;
      return ZSH_CHANGES.has(name) && rest.length > 0 ? reason : undefined;
  }
}

/** The options of `set`, up to `--` or the first operand. */
function setChanges(words: readonly (string | undefined)[], named: (option: string) => boolean, letters: RegExp): boolean {
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) return true;
    if (word === "--" || word === "-" || !/^[-+]/.test(word)) return false;
    if (letters.test(word.slice(1))) return true;
    if (!word.includes("o")) continue;
    at += 1;
    const option = words[at];
    if (at < words.length && (option === undefined || named(option))) return true;
  }
  return false;
}

function plain(word: SimpleCommand["words"][number] | undefined): string | undefined {
  if (word === undefined || word.kind === "assignment") return word?.text;
  let text = "";
  for (const part of word.parts) {
    if (part.kind !== "literal") return undefined;
    text += part.value;
  }
  return text;
}
