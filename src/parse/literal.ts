import type { Span, WordPart } from "../model/index.ts";

type Literal = Extract<WordPart, { kind: "literal" }>;

/**
 * Unquoted text of a word after quote removal: `a\ b` is `a`, quoted ` `, `b`; backslash-newline is nothing.
 * In: the source and the piece of it. Out: literals in order, none for an empty piece.
 */
export function bareLiterals(source: string, span: Span): Literal[] {
  // Searched in the piece alone: to look for a backslash up to the end of the source, for each word, would be quadratic.
  const text = source.slice(span.start, span.end);
  if (!text.includes("\\")) return text === "" ? [] : [literal(text, span.start, span.end, false)];
  const out: Literal[] = [];
  let runStart = span.start;
  let at = nextBackslash(text, span.start, runStart);
  while (at !== -1) {
    if (at > runStart) out.push(literal(source.slice(runStart, at), runStart, at, false));
    const next = at + 1;
    if (next >= span.end) {
      out.push(literal("\\", at, next, true));
    } else if (source[next] !== "\n") {
      const end = Math.min(span.end, next + (isHighSurrogate(source.charCodeAt(next)) ? 2 : 1));
      out.push(literal(source.slice(next, end), at, end, true));
    }
    runStart = Math.min(span.end, next + 1 + (isHighSurrogate(source.charCodeAt(next)) ? 1 : 0));
    at = nextBackslash(text, span.start, runStart);
  }
  if (runStart < span.end) out.push(literal(source.slice(runStart, span.end), runStart, span.end, false));
  return out;
}

/** The next backslash of a piece that starts at `offset`, as a place in the source; -1: none. */
function nextBackslash(text: string, offset: number, from: number): number {
  const at = text.indexOf("\\", from - offset);
  return at === -1 ? -1 : at + offset;
}

/** Characters that a backslash escapes inside double quotes, and inside an unquoted here-document. */
const ESCAPED_IN_DOUBLE = '$`"\\\n';
const ESCAPED_IN_HERE_DOCUMENT = "$`\\\n";

/** Text between double quotes (or of a here-document) after quote removal, as one quoted literal. */
export function doubleLiteral(source: string, span: Span, hereDocument: "no" | "plain" | "indented"): Literal {
  const raw = source.slice(span.start, span.end);
  const text = hereDocument === "indented" ? withoutTabs(raw, span.start === 0 || source[span.start - 1] === "\n") : raw;
  return literal(unescapeDouble(text, hereDocument === "no" ? ESCAPED_IN_DOUBLE : ESCAPED_IN_HERE_DOCUMENT), span.start, span.end, true);
}

/** `<<-` takes the tabs from the start of each line; a line continued with a backslash is one line. */
function withoutTabs(raw: string, atLineStart: boolean): string {
  const first = atLineStart ? raw.replace(/^\t+/, "") : raw;
  return first.replace(/((?:^|[^\\])(?:\\\\)*\n)\t+/g, "$1");
}

function unescapeDouble(raw: string, escaped: string): string {
  if (!raw.includes("\\")) return raw;
  let value = "";
  for (let at = 0; at < raw.length; at++) {
    const next = raw[at + 1];
    if (raw[at] !== "\\" || next === undefined || !escaped.includes(next)) {
      value += raw[at];
      continue;
    }
    at += 1;
    if (next !== "\n") value += next;
  }
  return value;
}

export function literal(value: string, start: number, end: number, quoted: boolean): Literal {
  return { kind: "literal", span: { start, end }, value, quoted };
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
