import type { SimpleCommand, Word } from "../model/index.ts";
import { BUILTINS } from "./builtins.ts";
import type { Context } from "./context.ts";
import type { State } from "./state.ts";
import { only, type Field } from "./value.ts";

/** Words written so as not to be recognised: `r\\m`, `w''ho`, `-e\\xec`, `{/etc/passwd,}`. Plain words need no quoting. */
export function spelling(command: SimpleCommand, context: Context): void {
  for (let at = 0; at < command.words.length; at += 1) {
    const word = command.words[at]!;
    // A word that is its own text was spelt without quotes and braces.
    if (word.kind === "word" && isPlain(word)) continue;
    if (word.kind !== "word" || word.parts.some((part) => part.kind !== "literal" && part.kind !== "brace")) continue;
    const hidden = /[A-Za-z-](?:\\[a-z]|''|"")|(?:^|[^\\])(?:''|"")[a-z]|^'[a-z]+'[a-z]/.test(word.text) && /^[\w./:-]+$/.test(word.parts.map((part) => (part.kind === "literal" ? part.value : "")).join(""));
    const lone = word.parts.length === 1 && word.parts[0]!.kind === "brace" && /^\{,|,\}$|,,/.test(word.text);
    if (hidden || lone) context.opaque("a word is spelt so as to hide what it is", word.span, "shell/spelling", "unknown");
  }
}

function isPlain(word: Word): boolean {
  const part = word.parts.length === 1 ? word.parts[0]! : undefined;
  return part?.kind === "literal" && part.value === word.text;
}

/**
 * `echo x >(tee later.sh)`: the shell's own commands, and programs that only read, write to none of their words. What stands in
 * the substitution runs all the same, and looks as if it took what is printed.
 */
export function sinks(command: SimpleCommand, name: Field, state: State, context: Context): void {
  const sink = command.words.find(isSink);
  const program = sink === undefined ? undefined : only(name);
  if (sink === undefined || program === undefined || state.functions.has(program)) return;
  if (BUILTINS.has(program) ? !RUNS_WORDS.has(program) : ONLY_READ.has(program)) context.opaque(`\`${program}\` does not write to the command that its word names`, sink.span, "shell/process-substitution", "unknown");
}
function isSink(word: SimpleCommand["words"][number]): boolean {
  if (word.kind !== "word") return false;
  for (const part of word.parts) if (part.kind === "process" && part.direction === "out") return true;
  return false;
}
const RUNS_WORDS = new Set(["eval", "exec", "command", "builtin", "source", ".", "export", "declare", "typeset", "local", "readonly"]);
const ONLY_READ = new Set(["cat", "ls", "head", "tail", "wc", "grep", "file", "stat", "sort", "cut", "less", "more", "md5sum", "sha256sum", "od", "xxd", "base64", "basename", "dirname", "realpath", "readlink", "date", "seq", "sleep", "whoami", "id"]);
