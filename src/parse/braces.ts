import type { WordPart as ParsedPart } from "unbash";
import type { Span, WordPart } from "../model/index.ts";
import type { Frame, Quoting } from "./frame.ts";
import { bareLiterals } from "./literal.ts";
import { buildParts, opaquePart } from "./words.ts";

/** A brace expansion. In places where bash expands none, its text. */
export function expandBrace(frame: Frame, span: Span, parts: readonly ParsedPart[] | undefined, quoting: Quoting): WordPart[] {
  const inner = { start: span.start + 1, end: span.end - 1 };
  if (quoting.role !== "word" || quoting.double) {
    const inside = parts === undefined ? bareLiterals(frame.source, inner) : buildParts(frame, parts, inner, quoting);
    const [open, close] = [bareLiterals(frame.source, { start: span.start, end: inner.start }), bareLiterals(frame.source, { start: inner.end, end: span.end })];
    return [...open, ...inside, ...close];
  }
  if (parts !== undefined) {
    const inside = buildParts(frame, parts, inner, quoting).filter((part) => part.kind !== "literal");
    return [...inside, opaquePart(frame, span, "a brace expansion with expansions inside")];
  }
  const alternatives = frame.source.slice(inner.start, inner.end).split(",");
  if (alternatives.length < 2 || /[\\{}]/.test(alternatives.join(""))) return [opaquePart(frame, span, "a brace expansion that is not spelt out")];
  let at = inner.start;
  const words = alternatives.map((text) => {
    const own = { start: at, end: at + text.length };
    at = own.end + 1;
    return { kind: "word" as const, span: own, text, parts: bareLiterals(frame.source, own) };
  });
  return [{ kind: "brace", span, alternatives: words }];
}
