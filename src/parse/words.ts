import type { DoubleQuotedChild, Word as ParsedWord, WordPart as ParsedPart } from "unbash";
import type { Span, Word, WordPart } from "../model/index.ts";
import { plainPart } from "./plain-word.ts";
import { spellOutBraces } from "./braces.ts";
import { COVER } from "./cover.ts";
import { buildArithmeticPart } from "./arithmetic.ts";
import { checkPart, checkWord } from "./dialect.ts";
import { BARE, spanOf, type Frame, type Quoting, type WordRole } from "./frame.ts";
import { bareLiterals, doubleLiteral, literal } from "./literal.ts";
import { buildParameter, simpleParameter } from "./parameters.ts";
import { buildNestedScript } from "./nested.ts";
import { splitTildes } from "./tilde.ts";

/** In: a word of the parser and where it stands. Out: our word; what is not understood is noted in the frame. */
export function buildWord(frame: Frame, word: ParsedWord, quoting: Quoting = BARE): Word {
  const span = spanOf(word);
  frame.cover.paint(quoting.double ? COVER.live : COVER.text, span.start, span.end);
  const text = frame.source.slice(span.start, span.end);
  const simple = plainPart(frame, word, text, span, quoting);
  return simple === undefined ? composedWord(frame, word, text, span, quoting) : { kind: "word", span, text, parts: [simple] };
}

/** Apart from the words that are plain, of which a long line has tens of thousands: what is made to build this one would be made for each of them. */
function composedWord(frame: Frame, word: ParsedWord, text: string, span: Span, quoting: Quoting): Word {
  const build = (): Word => {
    const built: Word = { kind: "word", span, text, parts: wordParts(frame, word, quoting) };
    checkWord(frame, built);
    return built;
  };
  return frame.deeper(span, build, (reason) => ({ kind: "word", span, text, parts: [{ kind: "opaque", span, reason }] }));
}

function wordParts(frame: Frame, word: ParsedWord, quoting: Quoting): WordPart[] {
  const span = spanOf(word);
  const parsed = word.parts;
  const parts = parsed === undefined ? textParts(frame, span, quoting) : buildParts(frame, parsed, span, quoting);
  return quoting.double ? parts : expandText(frame, span, parts, quoting.role);
}

/** What bash does to the text of a word before anything else: braces, then tildes. */
function expandText(frame: Frame, span: Span, parts: WordPart[], role: WordRole): WordPart[] {
  switch (role) {
    case "word":
      if (frame.dialect === "bash" && isSubscriptWithTilde(frame.source.slice(span.start, span.end))) return unread(span, parts, "a tilde after a subscript");
      // A word that looks like an assignment gets tildes after `=` only in bash outside its POSIX mode.
      return splitTildes(braces(frame, span, parts), frame.dialect === "bash" ? "word" : "plain");
    case "element":
      if (/^\[.*[=:]~/s.test(frame.source.slice(span.start, span.end))) return unread(span, parts, "a tilde after a subscript");
      return splitTildes(braces(frame, span, parts), "plain");
    case "argument-value": {
      const spelt = braces(frame, span, parts);
      if (spelt.some((part) => part.kind === "brace")) return unread(span, parts, "a brace expansion that makes several assignments");
      return splitTildes(spelt, "value");
    }
    case "value":
    case "plain":
      return splitTildes(parts, role);
  }
}

/** `name[1]=~/x` as an argument: bash expands the tilde, as in an assignment. */
function isSubscriptWithTilde(text: string): boolean {
  return text.includes("~") && text.includes("=") && /^[A-Za-z_]\w*\[/.test(text);
}

/** A word whose value is not worked out; the commands in it stay. */
function unread(span: Span, parts: readonly WordPart[], reason: string): WordPart[] {
  return [...parts.filter((part) => part.kind !== "literal"), { kind: "opaque", span, reason }];
}

/** Dash expands no braces; what is called `sh` may be either. */
function braces(frame: Frame, span: Span, parts: WordPart[]): WordPart[] {
  if (frame.dialect === "dash" || !frame.source.slice(span.start, span.end).includes("{")) return parts;
  const spelt = spellOutBraces(frame, span, parts);
  if (frame.dialect === "sh" && spelt.some((part) => part.kind === "brace")) frame.report("a brace expansion that not every sh knows", span);
  return spelt;
}

/** Builds parts that must tile `span` without a gap; a gap is text that the parser lost, and is noted. */
export function buildParts(frame: Frame, parsed: readonly ParsedPart[], span: Span, quoting: Quoting): WordPart[] {
  const out: WordPart[] = [];
  let at = span.start;
  for (const part of parsed) {
    if (part.pos !== at) frame.report("the pieces of a word do not fit together", { start: Math.min(at, part.pos), end: part.end });
    at = part.end;
    for (const built of buildPart(frame, part, quoting)) {
      checkPart(frame, built);
      out.push(built);
    }
  }
  if (at !== span.end) frame.report("the pieces of a word do not cover it", { start: Math.min(at, span.end), end: span.end });
  return out;
}

function textParts(frame: Frame, span: Span, quoting: Quoting): WordPart[] {
  return quoting.double ? [doubleLiteral(frame.source, span, quoting.hereDocument)] : bareLiterals(frame.source, span);
}

function buildPart(frame: Frame, part: ParsedPart, quoting: Quoting): WordPart[] {
  const span = spanOf(part);
  switch (part.type) {
    case "Literal":
      return textParts(frame, span, quoting);
    case "SingleQuoted":
      return [singleQuoted(frame, span, quoting)];
    case "AnsiCQuoted":
      return [ansiQuoted(frame, span, part.value, quoting)];
    case "DoubleQuoted":
      return doubleQuoted(frame, span, part.parts, quoting);
    case "LocaleString":
      // SECURITY: TEXTDOMAIN and TEXTDOMAINDIR, which the agent may set, decide what `$"ls"` says.
      frame.report("the text of `$\"…\"` depends on message catalogues", span);
      return doubleQuoted(frame, { start: span.start + 1, end: span.end }, part.parts, quoting);
    case "SimpleExpansion":
      return [simpleParameter(frame, span, quoting)];
    case "ParameterExpansion":
      return [buildParameter(frame, part, quoting)];
    case "CommandExpansion":
      return [commandPart(frame, span, part.script, quoting)];
    case "ArithmeticExpansion":
      return [buildArithmeticPart(frame, part, quoting)];
    case "ProcessSubstitution":
      return [processPart(frame, span, part.operator, part.script)];
    case "Glob":
      return globPart(frame, span, part.text, part.parts, quoting);
    case "ExtendedGlob":
      return globPart(frame, span, part.text, part.parts, quoting);
    case "BraceExpansion":
      return bracePart(frame, span, part.parts, quoting);
    default:
      return unknownPart(frame, span, part);
  }
}

/** Its text: where bash expands braces, `spellOutBraces` reads the whole word. */
function bracePart(frame: Frame, span: Span, parts: readonly ParsedPart[] | undefined, quoting: Quoting): WordPart[] {
  if (parts === undefined) return textParts(frame, span, quoting);
  const inner = { start: span.start + 1, end: span.end - 1 };
  const edges = [textParts(frame, { start: span.start, end: inner.start }, quoting), textParts(frame, { start: inner.end, end: span.end }, quoting)];
  return [...(edges[0] ?? []), ...buildParts(frame, parts, inner, quoting), ...(edges[1] ?? [])];
}

function unknownPart(frame: Frame, span: Span, part: never): WordPart[] {
  const reason = `unknown piece of a word \`${String((part as { type?: unknown }).type)}\``;
  frame.report(reason, span);
  return [{ kind: "opaque", span, reason }];
}

function singleQuoted(frame: Frame, span: Span, quoting: Quoting): WordPart {
  if (quoting.quotesKept) return literal(frame.source.slice(span.start, span.end), span.start, span.end, true);
  if (!quoting.quotesLive) frame.cover.paintSpan(COVER.inert, span);
  return literal(frame.source.slice(span.start + 1, span.end - 1), span.start, span.end, true);
}

function ansiQuoted(frame: Frame, span: Span, value: string, quoting: Quoting): WordPart {
  const raw = frame.source.slice(span.start, span.end);
  if (quoting.hereDocument !== "no") return literal(raw, span.start, span.end, true);
  if (!quoting.quotesLive) frame.cover.paintSpan(COVER.inert, span);
  if (frame.dialect === "dash" || frame.dialect === "sh") frame.report("`$'…'` is not known to every sh", span);
  if (!raw.startsWith("$'")) frame.report("a line continuation inside `$'…'`", span);
  // Bash reads `\x{72}` as `\x72`; the parser does not.
  if (/\\x\{/.test(raw)) frame.report("`\\x{…}` in `$'…'`", span);
  if (value.includes("\ufffd") && !raw.includes("\ufffd")) {
    const reason = "`$'…'` makes bytes that are not UTF-8";
    return { kind: "opaque", span, reason };
  }
  return literal(value, span.start, span.end, true);
}

function doubleQuoted(frame: Frame, span: Span, parts: readonly DoubleQuotedChild[], quoting: Quoting): WordPart[] {
  frame.cover.paintSpan(COVER.live, span);
  const inner = { start: span.start + 1, end: span.end - 1 };
  const out = buildParts(frame, parts, inner, { ...quoting, double: true });
  return out.length > 0 ? out : [literal("", span.start, span.end, true)];
}

export function commandPart(frame: Frame, span: Span, script: Parameters<typeof buildNestedScript>[2], quoting: Quoting): WordPart {
  const nested = buildNestedScript(frame, span, script);
  return nested === undefined ? opaquePart(frame, span, "a command substitution that was not read") : { kind: "command", span, quoted: quoting.double, script: nested };
}

function processPart(frame: Frame, span: Span, operator: "<" | ">", script: Parameters<typeof buildNestedScript>[2]): WordPart {
  const apart = [span.start - 1, span.end].every((at) => frame.cover.at(at) === COVER.gap || frame.cover.at(at) === COVER.opener);
  if (!apart) frame.report("a process substitution glued to other text", span);
  const nested = buildNestedScript(frame, span, script);
  return nested === undefined ? opaquePart(frame, span, "a process substitution that was not read") : { kind: "process", span, direction: operator === "<" ? "in" : "out", script: nested };
}

export function opaquePart(frame: Frame, span: Span, reason: string): WordPart {
  frame.report(reason, span);
  return { kind: "opaque", span, reason };
}

function buildInner(frame: Frame, parts: readonly ParsedPart[], quoting: Quoting): WordPart[] {
  const built = parts.flatMap((part) => buildPart(frame, part, quoting));
  for (const part of built) checkPart(frame, part);
  return built;
}

function globPart(frame: Frame, span: Span, pattern: string, parts: readonly ParsedPart[] | undefined, quoting: Quoting): WordPart[] {
  if (quoting.double) return [literal(pattern, span.start, span.end, true)];
  const inner = parts === undefined ? [] : buildInner(frame, parts, quoting);
  if (quoting.role === "value" || quoting.role === "argument-value") return [literal(pattern, span.start, span.end, false), ...inner.filter((part) => part.kind !== "literal")];
  return [{ kind: "glob", span, pattern, parts: inner }];
}
