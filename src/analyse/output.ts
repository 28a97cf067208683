import { LIMITS } from "../model/index.ts";
import { HOLE, SEGMENT, bounded, concat, isKnown, known, type Field, type Origin } from "./value.ts";
import type { Call } from "./call.ts";

/** What a command prints on its standard output, as far as that is known. */
export type Output = { readonly texts: readonly string[] | undefined; readonly origin: Origin | undefined; /** The files whose names are printed, as patterns. */ readonly files?: Field | undefined; /** Something was printed to a number that may lead to an output around this one. */ readonly leaks?: boolean; /** All of it is code for shells, which this program prints. */ readonly code?: string | undefined };

export const NOTHING: Output = { texts: [""], origin: undefined };
export const SOMETHING: Output = { texts: undefined, origin: undefined };

/** Two commands one after the other. */
export function sequence(a: Output, b: Output): Output {
  if (a === NOTHING) return b;
  if (b === NOTHING) return a;
  const both = { texts: a.texts === undefined || b.texts === undefined ? undefined : concat(a.texts, b.texts), origin: a.origin ?? b.origin, code: b.code === undefined ? undefined : a.code };
  return leaking(a) || leaking(b) ? { ...both, leaks: true } : both;
}

/** One of two commands. */
export function either(a: Output, b: Output): Output {
  const code = a === NOTHING ? b.code : b === NOTHING || b.code !== undefined ? a.code : undefined;
  const one = { texts: a.texts === undefined || b.texts === undefined ? undefined : bounded([...a.texts, ...b.texts]), origin: a.origin ?? b.origin, code };
  return leaking(a) || leaking(b) ? { ...one, leaks: true } : one;
}

function leaking(output: Output): boolean {
  return output.leaks === true;
}

/** What is read back of an output into which other numbers may have printed as well. */
export function readable(output: Output): Output {
  return leaking(output) ? { texts: undefined, origin: output.origin } : output;
}

type Printer = (call: Call) => readonly string[] | undefined;

/** Programs whose output follows from their arguments. Texts may hold HOLE and SEGMENT. */
const PRINTERS: ReadonlyMap<string, Printer> = new Map<string, Printer>([
  ["echo", (call) => echo(call.args)],
  ["printf", (call) => printf(call.args)],
  ["pwd", (call) => call.directories],
  ["basename", (call) => paths(call, (path) => path.replace(/\/+$/, "").replace(/^.*\//, ""))],
  ["dirname", (call) => paths(call, (path) => (path.includes("/") ? path.replace(/\/+[^/]*\/*$/, "") || "/" : "."))],
  ["realpath", (call) => paths(call, (path) => path)],
  ["readlink", (call) => (call.args.length > 1 ? paths(call, (path) => path) : undefined)],
  ["mktemp", (call) => (call.args.every((a) => known(a)?.every((t) => t === "-d" || t === "-q")) ? [`/tmp/tmp.${SEGMENT}`] : undefined)],
  ["which", (call) => programPath(call.args)],
  ["command", (call) => (call.only(0) === "-v" ? programPath(call.args.slice(1)) : undefined)],
  ["git", (call) => (call.only(0) === "rev-parse" ? gitRevParse(call) : undefined)],
  ["true", () => [""]],
  ["date", (call) => date(call)],
  ["expr", (call) => (call.args.some((a) => a.many || a.texts.some((t) => /^(?:[:|&]|match|substr|index|\+$)$/.test(t) && t !== "+")) || !call.args.some((a) => a.texts.some((t) => /^[-+*/%]$/.test(t))) ? undefined : [SEGMENT])],
  // `-f` and `-s` are text of the line, and names of files are printed beside what is counted.
  ["seq", (call) => (call.args.every((a) => known(a)?.every((t) => /^[-+\d.]+$/.test(t)) ?? !a.many) ? [SEGMENT] : undefined)],
  ...["wc", "sha256sum", "md5sum"].map((name): [string, Printer] => [name, (call) => (call.args.every((a) => known(a)?.every((t) => t.startsWith("-"))) ? [SEGMENT] : undefined)]),
  ...["whoami", "hostname", "nproc", "uname", "id", "uuidgen", "getconf", "arch"].map((name): [string, Printer] => [name, () => [SEGMENT]]),
]);

/** date(1): the format is printed as it stands, with something in the place of each `%x`. */
function date(call: Call): readonly string[] | undefined {
  if (call.args.some((a) => a.many)) return undefined;
  const format = call.args.flatMap((a) => a.texts).filter((text) => text.startsWith("+") || text.startsWith(HOLE));
  if (format.length === 0) return [SEGMENT];
  return format.length > 1 || format[0]!.includes(HOLE) ? undefined : [format[0]!.slice(1).replaceAll("%%", "%").replaceAll(/%[-_0^#]?[+\d]*[EO]?:{0,3}[A-Za-z]/g, SEGMENT).replaceAll("%n", "\n")];
}

/** What a program prints, when that is known from its words. Pass-through programs are the pipeline's business. */
export function printed(call: Call): readonly string[] | undefined {
  return PRINTERS.get(call.name)?.(call);
}

/** Programs that hand their input on unchanged when they have no operands. */
export const PASS_THROUGH: ReadonlySet<string> = new Set(["cat", "tee"]);

/** Programs whose purpose is to turn text into other text: what comes out was hidden in what went in. */
export const DECODERS: ReadonlySet<string> = new Set(["base64", "base32", "basenc", "xxd", "uudecode", "openssl", "gpg", "rev", "tr", "gunzip", "zcat", "bzcat", "xzcat", "zstdcat", "bunzip2", "unxz", "gzip", "od", "hexdump"]);

function echo(args: readonly Field[]): readonly string[] | undefined {
  let from = 0;
  let newline = "\n";
  let escapes = false;
  for (; from < args.length; from += 1) {
    const flag = known(args[from]!)?.[0];
    if (flag === undefined || !/^-[neE]+$/.test(flag)) break;
    if (flag.includes("n")) newline = "";
    if (flag.includes("e")) escapes = true;
  }
  const text = wordsText(args.slice(from));
  if (text === undefined) return undefined;
  return text.map((t) => (escapes ? unescape(t) : t) + newline);
}

function wordsText(args: readonly Field[]): readonly string[] | undefined {
  const certain = certainText(args);
  if (certain !== undefined) return [certain];
  let texts: readonly string[] = [""];
  for (const [index, arg] of args.entries()) {
    if (arg.many) return undefined;
    texts = concat(texts, index === 0 ? arg.texts : concat([" "], arg.texts));
  }
  return texts;
}

/** Words of which each is one text, joined at once: as piece by piece, without a list for each piece. */
function certainText(args: readonly Field[]): string | undefined {
  if (!args.every((arg) => !arg.many && arg.texts.length === 1)) return undefined;
  const text = args.map((arg) => arg.texts[0]!).join(" ");
  return text.length > LIMITS.wordLength ? undefined : text;
}

/** `%s`, `%b`, `%%`, `%d` and escapes; the format is used again while arguments are left (printf(1)). */
/** What printf(1) prints with these words, when that is known. */
export function printf(args: readonly Field[]): readonly string[] | undefined {
  const words = args.map((a) => (a.many || a.texts.length !== 1 ? undefined : a.texts[0]!));
  const start = words[0] === "--" ? 1 : 0;
  const format = words[start];
  if (format === undefined || format.includes(HOLE) || format.startsWith("-v")) return undefined;
  const values = words.slice(start + 1);
  if (values.some((v) => v === undefined)) return undefined;
  let out = "";
  let at = 0;
  for (let round = 0; round < 64 && (round === 0 || at < values.length); round += 1) {
    const before = at;
    let bad = false;
    out += unescape(format).replace(/%(%|[-0-9.]*[a-zA-Z])/g, (_, spec: string) => {
      if (spec === "%") return "%";
      const value = values[at] ?? "";
      at += 1;
      if (spec === "s" || spec === "d" || spec === "i") return value as string;
      if (spec === "b") return unescape(value as string);
      bad = true;
      return "";
    });
    if (bad) return undefined;
    if (at === before) break;
  }
  return [out];
}

/** Backslash escapes of `echo -e`, `printf` and `$'…'`. */
export function unescape(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{1,2})|0?([0-7]{1,3})|u([0-9a-fA-F]{1,4})|([abefnrtv\\'"]))/g, (_all, hex?: string, octal?: string, unicode?: string, letter?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    if (unicode !== undefined) return String.fromCharCode(Number.parseInt(unicode, 16));
    return { a: "\x07", b: "\b", e: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }[letter!] ?? letter!;
  });
}

function paths(call: Call, change: (path: string) => string): readonly string[] | undefined {
  const operand = call.args.findLast((a) => !a.texts[0]!.startsWith("-"));
  if (operand === undefined || operand.many) return undefined;
  return operand.texts.map((text) => (text.includes(HOLE) ? HOLE : change(text)));
}

function programPath(args: readonly Field[]): readonly string[] | undefined {
  const name = args.length === 1 ? known(args[0]!) : undefined;
  return name?.every((n) => /^[\w.+-]+$/.test(n)) ? name.map((n) => `/usr/bin/${n}`) : undefined;
}

function gitRevParse(call: Call): readonly string[] | undefined {
  const what = call.only(1);
  if (what === "--show-toplevel") return [call.context.facts.workspace];
  return what !== undefined && isKnown(what) ? [SEGMENT] : undefined;
}

/** base64 of known text, decoded. Out: undefined when it is not valid. */
export function decodeBase64(texts: readonly string[]): readonly string[] | undefined {
  const decoded = texts.map((text) => {
    const clean = text.replaceAll(/\s/g, "");
    if (!isKnown(text) || clean === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(clean) || clean.length % 4 === 1) return undefined;
    const bytes = Uint8Array.from(atob(clean), (c) => c.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  });
  return decoded.every((t) => t !== undefined) ? (decoded as string[]) : undefined;
}
