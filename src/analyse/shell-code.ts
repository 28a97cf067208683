import type { Call } from "./call.ts";
import { only, type Field } from "./value.ts";

/**
 * Programs that print code for the shell that started them: what sets them up, or completes their words. Running it is running
 * that program. From their manuals.
 */
const PRINTERS: readonly { readonly names: RegExp; readonly words: RegExp }[] = [
  { names: /^(?:fnm|volta|asdf|mise|rtx|direnv|pyenv|rbenv|nodenv|goenv|jenv|plenv|phpenv|proto|devbox)$/, words: /^(?:init|virtualenv-init|hook|hook-env|activate|env|export|shellenv|stdlib|sh-[\w-]+)(?: |$)/ },
  { names: /^brew$/, words: /^shellenv(?: \w+)?$/ },
  { names: /^(?:conda|mamba|micromamba)$/, words: /^shell(?:\.\w+| )/ },
  { names: /^(?:starship|zoxide|atuin|mcfly|navi|oh-my-posh|sheldon|scmpuff|jump|pazi)$/, words: /^(?:init|shell|widget|source)(?: |$)/ },
  { names: /^opam$/, words: /^(?:env|config env)(?: |$)/ },
  { names: /^luarocks$/, words: /^path(?: |$)/ },
  { names: /^thefuck$/, words: /^(?:-a|--alias)(?: |$)/ },
  { names: /^(?:dircolors|register-python-argcomplete3?|lesspipe)$/, words: /^/ },
  { names: /^fzf$/, words: /^--(?:bash|zsh)$/ },
  { names: /^[\w.-]+$/, words: /^(?:-s )?(?:completions?|shell-completions?|generate-shell-completion|completion-script)(?: (?:-s|--shell|--bash|--zsh|bash|zsh|script))*$/ },
];

/**
 * Unknown text that is such code and nothing else, with who prints it. Kept by the word itself, not by its value: a word that was put
 * together, cut or changed is another one, and nothing is known of it.
 */
const code = new WeakMap<Field, string>();

/** In: a call whose output is not known. Out: what it prints code for, if it is one of these. */
export function shellCodeOf(call: Call): string | undefined {
  const words = call.args.map((arg) => only(arg) ?? "?").join(" ");
  return PRINTERS.some(({ names, words: fits }) => names.test(call.name) && fits.test(words)) ? `${call.name} ${words}`.trimEnd() : undefined;
}

/** In: a word made just now for the whole output of a command, and who printed it. Out: the same word. */
export function markCode(word: Field, by: string | undefined): Field {
  if (by === undefined) return word;
  const own = { ...word };
  code.set(own, by);
  return own;
}

/** In: a word. Out: whose code it is, when it is that and nothing else. */
export function codeOf(word: Field): string | undefined {
  return code.get(word);
}
