import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { valueOf, wasGiven } from "../specs/arguments.ts";
import { HOLE, UNKNOWN, field, isKnown, type Field } from "../value.ts";

/**
 * `xargs [options] COMMAND`: words of standard input are added to the command, or replace `{}` (xargs(1)).
 * Known input gives known words; unknown input gives unknown ones, which as command word or delete target are opaque.
 */
export function xargs(args: Arguments, call: Call): void {
  if (args.operands.length === 0) return;
  const replace = valueOf(args, "-I") ?? valueOf(args, "-J") ?? (wasGiven(args, "-i") ? (valueOf(args, "-i") ?? "{}") : undefined);
  const words = inputWords(call);
  const listed = call.input.kind === "unknown" ? call.input.files : undefined;
  // A name may hold blanks and quotes, and is whole only where names end with NUL or line feed.
  const whole = wasGiven(args, "-0") || wasGiven(args, "-d");
  const options = { input: { kind: "unknown", origin: undefined, span: call.span } as const };
  if (replace !== undefined) {
    const replaced = args.operands.map((word) => substitute(word, replace, words, listed, whole));
    if (interpreterText(args.operands, replace)) call.opaque("`xargs` puts unknown text into a command that a shell reads", "unknown");
    return call.run.argv(replaced, call, options);
  }
  // `-n 1` and its like start the command once for some of the words.
  const some = words !== undefined && words.length > 0 && ["-n", "-L", "-l", "-s"].some((name) => wasGiven(args, name)) ? [valueOf(args, "-n") === "1" ? field(words.flatMap((w) => w.texts)) : { ...field(words.flatMap((w) => w.texts)), many: true }] : undefined;
  const named: readonly Field[] = listed === undefined ? [] : [listed];
  const added: readonly Field[] = some ?? words ?? (whole && listed !== undefined ? undefined : [...named, { ...UNKNOWN, many: true, origin: call.input.kind === "unknown" ? call.input.origin : undefined }]) ?? named;
  call.run.argv([...args.operands, ...added], call, options);
}

/** `sh -c '… {} …'`: the shell parses what was put in. */
function interpreterText(words: readonly Field[], replace: string): boolean {
  return words.some((word) => word.texts.some((text) => text.includes(replace) && text !== replace && /\s/.test(text)));
}

function inputWords(call: Call): readonly Field[] | undefined {
  if (call.input.kind !== "text" || call.input.texts.length !== 1 || !isKnown(call.input.texts[0]!)) return undefined;
  return call.input.texts[0]!.split(/\s+/).filter((word) => word !== "").map((word) => field([word]));
}

function substitute(word: Field, replace: string, words: readonly Field[] | undefined, listed: Field | undefined, whole: boolean): Field {
  if (!word.texts.some((text) => text.includes(replace))) return word;
  if (words === undefined && listed !== undefined) return { ...field(word.texts.flatMap((text) => [...listed.texts, ...(whole ? [] : [HOLE])].map((value) => text.replaceAll(replace, value)))), glob: true };
  const values = words === undefined ? [HOLE] : words.flatMap((w) => w.texts);
  return field(word.texts.flatMap((text) => values.map((value) => text.replaceAll(replace, value))));
}
