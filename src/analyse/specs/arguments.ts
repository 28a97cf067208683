import type { Option, OptionTable } from "./types.ts";
import { HOLE, field, only, type Field } from "../value.ts";

/** An option that was given, with its value if it takes one. */
export type Given = { readonly option: Option; readonly value: Field | undefined };
/** The arguments of one command, told apart. */
export type Arguments = {
  readonly given: readonly Given[];
  readonly operands: readonly Field[];
  /** Words that are no option of this table, or an option without its value: not understood. */
  readonly unknown: readonly string[];
  /** Index in the argument list of the word that ended the options, for wrappers and subcommands. */
  readonly rest: number;
};

type Collector = { given: Given[]; operands: Field[]; unknown: string[] };

/**
 * Arguments → options and operands, by the table's style (getopt_long(3), Go's flag, X-style long options).
 * In: the fields after the command word. A field whose text is not known counts as an operand: what an unknown word
 * could do is held by the sandbox of the verdict. `stop` ends at the first operand (wrappers, subcommands).
 */
export function readArguments(table: OptionTable, fields: readonly Field[], mode: "all" | "stop"): Arguments {
  const out: Collector = { given: [], operands: [], unknown: [] };
  const posix = mode === "stop" || table.style === "posix" || table.style === "go";
  const dashAlone = table.byName.has("-");
  let at = 0;
  for (; at < fields.length; at += 1) {
    const current = fields[at]!;
    const text = dashAlone && only(current) === "-" ? "-" : optionText(current);
    if (text === undefined || table.style === "words") {
      if (posix) break;
      out.operands.push(current);
      continue;
    }
    if (text === "--") {
      at += 1;
      if (mode === "stop") break;
      for (; at < fields.length; at += 1) out.operands.push(fields[at]!);
      break;
    }
    const taken = readOption(table, text, fields[at + 1], out);
    if (taken === "value") at += 1;
    if (out.given.at(-1)?.option.ends === true) {
      for (at += 1; at < fields.length; at += 1) out.operands.push(fields[at]!);
      return { given: out.given, operands: out.operands, unknown: out.unknown, rest: fields.length };
    }
  }
  if (posix && mode !== "stop") for (let rest = at; rest < fields.length; rest += 1) out.operands.push(fields[rest]!);
  return { given: out.given, operands: out.operands, unknown: out.unknown, rest: at };
}

const DASH = 45;
const PLUS = 43;

/** The text of a word that could be an option: starts with `-` (or `+`), and is not `-` alone. */
function optionText(f: Field): string | undefined {
  const text = f.texts.length === 1 ? f.texts[0]! : undefined;
  if (text === undefined) return f.texts.find((t) => /^-./.test(t) && !t.startsWith(`-${HOLE}`)) === undefined ? undefined : "";
  const first = text.charCodeAt(0);
  return (first === DASH || first === PLUS) && /^[-+]./.test(text) ? text : undefined;
}

function readOption(table: OptionTable, text: string, next: Field | undefined, out: Collector): "alone" | "value" {
  if (text === "") {
    out.unknown.push("a word that may be several options");
    return "alone";
  }
  if (text === "-") return take(table.byName.get(text), text, undefined, next, out);
  if (table.style === "open") return readOpen(table, text, next, out);
  if (table.style === "long") return readSingleDash(table, text, next, out);
  if (table.style === "go") return readSingleDash(table, text.replace(/^--/, "-"), next, out);
  if (text.startsWith("--")) return readLong(table, text, next, out);
  if (text.startsWith("+")) return readPlus(table, text, next, out);
  return readCluster(table, text, next, out);
}

function readLong(table: OptionTable, text: string, next: Field | undefined, out: Collector): "alone" | "value" {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const option = table.byName.get(name) ?? abbreviated(table, name);
  return take(option, name, equals < 0 ? undefined : text.slice(equals + 1), next, out);
}

function abbreviated(table: OptionTable, name: string): Option | undefined {
  if (table.style === "exact" || name.includes(HOLE)) return undefined;
  const matches = new Set(table.longNames.filter((long) => long.startsWith(name)).map((long) => table.byName.get(long)!));
  return matches.size === 1 ? [...matches][0] : undefined;
}

function take(option: Option | undefined, name: string, attached: string | undefined, next: Field | undefined, out: Collector): "alone" | "value" {
  if (option === undefined || (attached !== undefined && option.value === "none")) {
    out.unknown.push(name);
    return "alone";
  }
  if (attached !== undefined || option.value !== "required") {
    out.given.push({ option, value: attached === undefined ? undefined : field([attached]) });
    return "alone";
  }
  if (next === undefined) {
    out.unknown.push(name);
    return "alone";
  }
  out.given.push({ option, value: next });
  return "value";
}

function readSingleDash(table: OptionTable, text: string, next: Field | undefined, out: Collector): "alone" | "value" {
  const whole = table.byName.get(text);
  if (whole !== undefined) return take(whole, text, undefined, next, out);
  const equals = text.indexOf("=");
  if (equals > 0) {
    const option = table.byName.get(text.slice(0, equals)) ?? table.byName.get(`-${text.slice(0, equals)}`);
    return take(option, text.slice(0, equals), text.slice(equals + 1), next, out);
  }
  const doubled = table.byName.get(`-${text}`);
  if (doubled !== undefined) return take(doubled, text, undefined, next, out);
  // `-O2`, `-Iinclude`: a one-letter option with its value attached.
  const short = table.byName.get(text.slice(0, 2));
  if (short !== undefined && short.value !== "none" && !text.startsWith("--")) return take(short, text.slice(0, 2), text.slice(2), next, out);
  out.unknown.push(text);
  return "alone";
}

/**
 * Options of a program that runs code of the workspace anyway: the listed ones mean what they say, the others can do no
 * more than that code can. What is attached to them may be a file, so it counts as an operand.
 */
function readOpen(table: OptionTable, text: string, next: Field | undefined, out: Collector): "alone" | "value" {
  const whole = table.byName.get(text);
  if (whole !== undefined && (next !== undefined || whole.value !== "required")) return take(whole, text, undefined, next, out);
  const equals = text.indexOf("=");
  const named = equals > 0 ? table.byName.get(text.slice(0, equals)) : undefined;
  if (named !== undefined && named.value !== "none") return take(named, text, text.slice(equals + 1), next, out);
  const short = text.startsWith("--") ? undefined : table.byName.get(text.slice(0, 2));
  if (short !== undefined && short.value !== "none") return take(short, text.slice(0, 2), text.slice(2), next, out);
  if (equals > 0) out.operands.push(field([text.slice(equals + 1)]));
  return "alone";
}

function readPlus(table: OptionTable, text: string, next: Field | undefined, out: Collector): "alone" | "value" {
  const option = table.byName.get(text.slice(0, 2));
  if (option === undefined) {
    out.operands.push(field([text]));
    return "alone";
  }
  return take(option, text.slice(0, 2), text.length > 2 ? text.slice(2) : undefined, next, out);
}

/** `-abc`, `-ofile`, `-n5`, `-5`. */
function readCluster(table: OptionTable, text: string, next: Field | undefined, out: Collector): "alone" | "value" {
  if (table.number !== undefined && /^-[0-9]+$/.test(text)) {
    out.given.push({ option: table.number, value: field([text.slice(1)]) });
    return "alone";
  }
  const exact = table.byName.get(text);
  if (exact !== undefined && text.length > 2) return take(exact, text, undefined, next, out);
  for (let at = 1; at < text.length; at += 1) {
    const option = table.byName.get(`-${text[at]}`);
    if (option === undefined) {
      out.unknown.push(at === 1 ? text : `-${text[at]}`);
      return "alone";
    }
    const attached = text.slice(at + 1);
    if (option.value === "required") return take(option, `-${text[at]}`, attached === "" ? undefined : attached, next, out);
    if (option.value === "optional" && attached !== "") return take(option, `-${text[at]}`, attached, next, out);
    out.given.push({ option, value: undefined });
  }
  return "alone";
}

/** Whether an option of this name (any spelling) was given. */
export function wasGiven(args: Arguments, name: string): boolean {
  return args.given.some((g) => g.option.names.includes(name));
}

/** The known value of an option, if it was given with one. */
export function valueOf(args: Arguments, name: string): string | undefined {
  return only(args.given.find((g) => g.option.names.includes(name))?.value);
}
