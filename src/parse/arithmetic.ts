import type { ArithmeticExpansionPart, ArithmeticExpression, ArithmeticWord } from "unbash";
import type { Arithmetic, Span, WordPart } from "../model/index.ts";
import { COVER } from "./cover.ts";
import { ARITHMETIC, spanOf, type Frame, type Quoting } from "./frame.ts";
import { buildParts, commandPart, opaquePart } from "./words.ts";

const ASSIGNING = new Set(["=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "^=", "|="]);

/** `$((…))` or `$[…]` in a word. */
export function buildArithmeticPart(frame: Frame, part: ArithmeticExpansionPart, quoting: Quoting): WordPart {
  const span = spanOf(part);
  const width = frame.source[span.start + 1] === "[" ? 2 : 3;
  if (width === 2 && (frame.dialect === "dash" || frame.dialect === "sh")) frame.report("`$[` is not known to sh", span);
  const closer = width === 2 ? "]" : "))";
  frame.cover.paintSpan(COVER.live, span);
  if (!frame.source.slice(span.start, span.end).endsWith(closer)) return opaquePart(frame, span, "an arithmetic expansion without its end");
  frame.cover.paint(COVER.opener, span.start, span.start + width);
  const inner = { start: span.start + width, end: span.end - closer.length };
  if (part.expression === undefined && frame.source.slice(inner.start, inner.end).trim() !== "") return opaquePart(frame, span, "an arithmetic expression that was not read");
  return { kind: "arithmetic", span, quoted: quoting.double, expression: buildArithmetic(frame, part.expression, inner) };
}

/**
 * In: a parsed expression (undefined: empty) and the piece of source between its brackets.
 * Out: its expansions, the variables it evaluates (bash evaluates their values as expressions again) and those it assigns.
 */
export function buildArithmetic(frame: Frame, expression: ArithmeticExpression | undefined, span: Span): Arithmetic {
  frame.cover.paintSpan(COVER.live, span);
  const found: Found = { parts: [], variables: [], assigns: [] };
  if (expression !== undefined) walk(frame, expression, found);
  return { span, text: frame.source.slice(span.start, span.end), ...found };
}

type Found = { readonly parts: WordPart[]; readonly variables: string[]; readonly assigns: string[] };

function walk(frame: Frame, node: ArithmeticExpression, found: Found): void {
  frame.deeper(spanOf(node), () => walkNode(frame, node, found), () => undefined);
}

function walkNode(frame: Frame, node: ArithmeticExpression, found: Found): void {
  switch (node.type) {
    case "ArithmeticBinary":
      if (ASSIGNING.has(node.operator)) noteAssigned(frame, node.left, found);
      walk(frame, node.left, found);
      walk(frame, node.right, found);
      return;
    case "ArithmeticUnary":
      if (node.operator === "++" || node.operator === "--") noteAssigned(frame, node.operand, found);
      walk(frame, node.operand, found);
      return;
    case "ArithmeticTernary":
      walk(frame, node.test, found);
      walk(frame, node.consequent, found);
      walk(frame, node.alternate, found);
      return;
    case "ArithmeticGroup":
      walk(frame, node.expression, found);
      return;
    case "ArithmeticCommandExpansion":
      found.parts.push(commandPart(frame, spanOf(node), node.script, ARITHMETIC));
      return;
    case "ArithmeticWord":
      noteVariables(ownText(frame.source, node), found);
      if (node.parts !== undefined) found.parts.push(...buildParts(frame, node.parts, spanOf(node), ARITHMETIC).filter((part) => part.kind !== "literal"));
      else if (/[$`]/.test(node.value)) found.parts.push(...plainParameters(frame, spanOf(node)));
      return;
    default:
      return unknownNode(frame, node);
  }
}

function unknownNode(frame: Frame, node: never): void {
  const { type, pos, end } = node as { type: unknown; pos: number; end: number };
  frame.report(`unknown arithmetic \`${String(type)}\``, { start: pos, end });
}

/** A word such as `$y`, for which the parser makes no parts. */
function plainParameters(frame: Frame, span: Span): WordPart[] {
  const text = frame.source.slice(span.start, span.end);
  const match = /^\$(?:\{)?([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])\}?$/.exec(text);
  const name = match?.[1];
  if (name === undefined || text.startsWith("${") !== text.endsWith("}")) return [opaquePart(frame, span, "an expansion in arithmetic that was not read")];
  return [{ kind: "parameter", span, quoted: true, name, indirect: false, length: false, index: undefined, operation: undefined }];
}

/** The text of a word without its expansions, whose names are not evaluated as variables here. */
function ownText(source: string, node: ArithmeticWord): string {
  let text = "";
  let at = node.pos;
  for (const part of node.parts ?? []) {
    if (part.type === "Literal") continue;
    text += `${source.slice(at, part.pos)}$`;
    at = part.end;
  }
  return text + source.slice(at, node.end);
}

function noteVariables(text: string, found: Found): void {
  // Names that are not part of `$name`, a number with a base (`16#ff`) or a hexadecimal number.
  for (const match of text.matchAll(/(?<![$\w#{@])[A-Za-z_]\w*/g)) found.variables.push(match[0]);
}

function noteAssigned(frame: Frame, node: ArithmeticExpression, found: Found): void {
  if (node.type === "ArithmeticGroup") return noteAssigned(frame, node.expression, found);
  const name = node.type === "ArithmeticWord" ? /^\s*([A-Za-z_]\w*)/.exec(node.value)?.[1] : undefined;
  if (name === undefined) frame.report("an assignment to a computed name", spanOf(node));
  else found.assigns.push(name);
}
