import { unescape } from "../../output.ts";
import { HOLE, SEGMENT } from "../../value.ts";

/** One argument of a call in inline code: a text (HOLE where it is not known), or a list of them. */
export type Argument = { readonly text: string; readonly list: readonly string[] | undefined; readonly source: string };

/** Names that a text gives one literal value. */
export type Constants = ReadonlyMap<string, string>;

const MAX_ARGUMENTS = 32;
const MAX_LENGTH = 4_096;
const STRING = /^(?:[frbuFRBU]{0,2})("""[^]*?"""|'''[^]*?'''|"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'|`(?:\\[^]|[^`\\])*`|q[qw]?(?:\([^)]*\)|\{[^}]*\}|\/[^/]*\/))/;

/** What stands between the parentheses of a call, or after a name that takes its arguments without them, up to the end of the statement. */
export function argumentsAt(text: string, from: number, constants: Constants, home: string): readonly Argument[] {
  const blank = /^[ \t]*/.exec(text.slice(from, from + MAX_LENGTH))![0].length;
  const inParentheses = text[from + blank] === "(";
  const start = from + blank + (inParentheses ? 1 : 0);
  return split(text.slice(start, start + MAX_LENGTH), inParentheses ? /[)]/ : /[;\n})]|\b(?:if|unless|for|foreach|or|and|do)\b/).map((source) => argument(source, constants, home));
}

/** Pieces between top-level commas, until a top-level `end`. */
function split(text: string, end: RegExp): readonly string[] {
  const pieces: string[] = [];
  let depth = 0;
  let piece = "";
  for (let at = 0; at < text.length && pieces.length < MAX_ARGUMENTS; ) {
    const rest = text.slice(at);
    const string = STRING.exec(rest)?.[0];
    if (string !== undefined && !/[\w$]$/.test(piece)) {
      piece += string;
      at += string.length;
      continue;
    }
    const word = /^\w+/.exec(rest)?.[0] ?? rest[0]!;
    if (depth === 0 && (end.test(rest[0]!) || (word.length > 1 && end.test(word) && piece.trim() !== ""))) break;
    if (/^[([{]$/.test(word)) depth += 1;
    else if (/^[)\]}]$/.test(word)) depth -= 1;
    if (depth === 0 && word === ",") {
      pieces.push(piece);
      piece = "";
    } else piece += word;
    at += word.length;
  }
  if (piece.trim() !== "") pieces.push(piece);
  return pieces.map((one) => one.trim());
}

function argument(source: string, constants: Constants, home: string): Argument {
  const list = /^[[(]([^]*)[\])]$/.exec(source)?.[1];
  const elements = list === undefined || (source.startsWith("(") && !list.includes(",")) ? undefined : split(list, /$^/).map((element) => textOf(element, constants, home));
  return { text: textOf(source, constants, home), list: elements, source };
}

/** A value in the code as a text: literals, names of literals, joined pieces; anything else is a hole. */
export function textOf(source: string, constants: Constants, home: string): string {
  const pieces = source.split(/\s*(?:\+|\s\.\s|(?<=["'])\.(?=["'$]))\s*/);
  if (pieces.length > 1 && pieces.every((piece) => piece !== "") && STRING.test(pieces[0]!)) return pieces.map((piece) => textOf(piece, constants, home)).join("");
  const wrapped = /^(?:(?:pathlib\.)?Path|os\.path\.(?:expanduser|abspath|join|normpath)|path\.(?:join|resolve)|File\.(?:expand_path|join)|String|str|URI(?:\.parse)?|new URL|(?:urllib\.request\.)?Request)\s*\(([^()]*)\)(?:\.expanduser\(\))?$/.exec(source)?.[1];
  if (wrapped !== undefined) return split(wrapped, /$^/).map((piece) => textOf(piece, constants, home)).join("/");
  const string = STRING.exec(source);
  if (string !== null && string[0].length === source.length) return decoded(source, string[1]!, home);
  if (source === "sys.executable") return "python3";
  return constants.get(source.replace(/^[$@]/, "")) ?? HOLE;
}

function decoded(source: string, quoted: string, home: string): string {
  const triple = /^(?:"""|''')/.test(quoted);
  const body = quoted.startsWith("q") ? quoted.replace(/^q[qw]?./, "").slice(0, -1) : triple ? quoted.slice(3, -3) : quoted.slice(1, -1);
  const raw = /^[a-zA-Z]*r/i.test(source.slice(0, 2)) && !source.startsWith("q");
  const formatted = /^[a-zA-Z]*f["']/i.test(source) ? body.replaceAll(/\{[^{}]*\}/g, HOLE) : body;
  // What is put into a literal when it is made: `${x}`, `#{x}`, `$x` and `@x` in double quotes.
  const filled = /^[`"q]/.test(quoted) ? formatted.replaceAll(/\$\{[^}]*\}|#\{[^}]*\}/g, HOLE).replaceAll(/(?<!\\)\$[A-Za-z_]\w*/g, HOLE) : formatted;
  return (raw ? filled : unescape(filled)).replace(/^~(?=\/|$)/, home);
}

const ASSIGNED = /(?:^|[\n;({])[ \t]*(?:const |let |var |my |local )?[$]?([A-Za-z_]\w*)[ \t]*=[ \t]*(?=["'`]|[frbu]["']|(?:pathlib\.)?Path\(|os\.path\.|path\.|[\w.]*(?:mkdtemp|mktmpdir|TemporaryDirectory|mkstemp|NamedTemporaryFile|gettempdir|tmpdir))([^\n;]*)/g;

/** Names with exactly one assignment, of a literal or of a new place for temporary files. */
export function constantsOf(text: string, home: string): Constants {
  const found = new Map<string, string>();
  const again = new Set<string>();
  for (const match of text.matchAll(ASSIGNED)) {
    const name = match[1]!;
    if (found.has(name)) again.add(name);
    const source = match[2]!.replace(/\s*(?:#|\/\/).*$/, "").trim();
    found.set(name, /mkdtemp|mktmpdir|TemporaryDirectory|mkstemp|NamedTemporaryFile|gettempdir|tmpdir/.test(source) ? `/tmp/tmp.${SEGMENT}` : textOf(source, found, home));
  }
  for (const name of found.keys()) if (again.has(name) || new RegExp(String.raw`\b${name}\s*(?:[-+*/.|]=|=(?!=)[^]*\b${name}\s*=(?!=))|\bfor\s+${name}\b|\b${name}\s*\+=`).test(text)) found.delete(name);
  return found;
}
