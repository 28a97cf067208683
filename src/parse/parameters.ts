import type { ParameterExpansionPart, ParameterOperation as ParsedOperation, Word as ParsedWord } from "unbash";
import type { ParameterOperation, Span, Word, WordPart } from "../model/index.ts";
import { COVER } from "./cover.ts";
import { ARITHMETIC, spanOf, type Frame, type Quoting } from "./frame.ts";
import { buildWord, opaquePart } from "./words.ts";

/** `$x`, `$1`, `$@`. */
export function simpleParameter(frame: Frame, span: Span, quoting: Quoting): WordPart {
  const text = frame.source.slice(span.start, span.end);
  if (!/^\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])$/.test(text)) return opaquePart(frame, span, "a parameter that was not read");
  return { kind: "parameter", span, quoted: quoting.double, name: text.slice(1), indirect: false, length: false, index: undefined, operation: undefined };
}

/** `${…}` with every operation bash has; an operation the parser does not know is noted and opaque. */
export function buildParameter(frame: Frame, part: ParameterExpansionPart, quoting: Quoting): WordPart {
  const span = spanOf(part);
  frame.cover.paintSpan(quoting.double ? COVER.live : COVER.text, span);
  if (frame.source[span.end - 1] !== "}") return opaquePart(frame, span, "a parameter expansion without its end");
  if (part.operation?.type === "Unknown") return opaquePart(frame, span, "an unknown operation on a parameter");
  if (!/^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])$/.test(part.parameter)) return opaquePart(frame, span, "a parameter that was not read");
  const index = part.index === undefined ? undefined : buildWord(frame, part.index, { ...ARITHMETIC, double: quoting.double });
  const operation = part.operation === undefined ? undefined : buildOperation(frame, part.operation, span, quoting);
  const { parameter: name, prefix } = part;
  return { kind: "parameter", span, quoted: quoting.double, name, indirect: prefix === "!", length: prefix === "#", index, operation };
}

function buildOperation(frame: Frame, operation: ParsedOperation, span: Span, quoting: Quoting): ParameterOperation | undefined {
  const pattern = (word: ParsedWord): Word => operand(frame, word, { ...quoting, quotesLive: quoting.double, quotesKept: false, role: "plain" });
  switch (operation.type) {
    case "Default": {
      const word = operand(frame, operation.operand, { ...quoting, quotesLive: quoting.double, quotesKept: quoting.double, role: isValue(quoting) ? "value" : "plain" });
      return { kind: "default", operator: operation.operator, operand: word };
    }
    case "Remove":
      return { kind: "remove", operator: operation.operator, operand: pattern(operation.operand) };
    case "Replace":
      // SECURITY: the parser cuts the pattern at the first `/`, also when that lies inside a substitution.
      if (/[`]|[$<>]\(|\$\{|\$\[/.test(frame.source.slice(operation.pos, operation.end))) frame.report("an expansion inside `${…/…}`", span);
      return { kind: "replace", operator: operation.operator, pattern: pattern(operation.pattern), replacement: pattern(operation.replacement) };
    case "Slice": {
      const arithmetic: Quoting = { ...ARITHMETIC, double: quoting.double };
      return { kind: "slice", offset: buildWord(frame, operation.offset, arithmetic), length: operation.length === undefined ? undefined : buildWord(frame, operation.length, arithmetic) };
    }
    case "CaseModification":
      return { kind: "case", operator: operation.operator, operand: operation.operand === undefined ? undefined : pattern(operation.operand) };
    case "Transform":
      return { kind: "transform", operator: pattern(operation.operand).text };
    case "Names":
      return { kind: "names" };
    case "Unknown":
      frame.report("an unknown operation on a parameter", span);
      return undefined;
    default:
      return unknownOperation(frame, operation, span);
  }
}

/** An operand in the value of an assignment gets tildes after `:` too. */
function isValue(quoting: Quoting): boolean {
  return quoting.role === "value" || quoting.role === "argument-value";
}

/** Backslashes and quotes of an operand in double quotes or a here-document follow rules of their own: not worked out. */
function isTangled(text: string, hereDocument: Quoting["hereDocument"]): boolean {
  if (hereDocument !== "no") return /[\\"']/.test(text);
  return /\\[^$`"\\]/.test(text) || (text.includes('"') && (text.includes("\\") || text.includes("'")));
}

function operand(frame: Frame, word: ParsedWord, quoting: Quoting): Word {
  const built = buildWord(frame, word, quoting);
  if (!quoting.double || !isTangled(built.text, quoting.hereDocument)) return built;
  const reason = "quotes in an operand inside double quotes";
  return { ...built, parts: [...built.parts.filter((part) => part.kind !== "literal"), { kind: "opaque", span: built.span, reason }] };
}

function unknownOperation(frame: Frame, operation: never, span: Span): undefined {
  frame.report(`an unknown operation on a parameter \`${String((operation as { type?: unknown }).type)}\``, span);
  return undefined;
}
