import type { HereDoc, Redirection as ParsedRedirection, RedirectDescriptor } from "unbash";
import type { Redirection, Span, Word } from "../model/index.ts";
import { COVER } from "./cover.ts";
import { checkRedirection } from "./dialect.ts";
import { BARE, HERE_DOCUMENT, VALUE, spanOf, type Frame, type Quoting } from "./frame.ts";
import { doubleLiteral, literal } from "./literal.ts";
import { buildParts, buildWord } from "./words.ts";

/** In: a redirection of the parser. Out: ours. A missing target or closing line is noted. */
export function buildRedirection(frame: Frame, node: ParsedRedirection): Redirection {
  const built = redirection(frame, node);
  checkRedirection(frame, built);
  return built;
}

function redirection(frame: Frame, node: ParsedRedirection): Redirection {
  const span = spanOf(node);
  const fd = node.descriptor === undefined ? undefined : descriptor(frame, node.descriptor);
  switch (node.type) {
    case "Redirect": {
      const target = node.target === undefined ? missing(frame, span) : buildWord(frame, node.target, BARE);
      const { operator } = node;
      if (operator === "<&" || operator === ">&") {
        // SECURITY: `>&-rm x` closes the descriptor and runs `rm x` in bash; the parser reads the target `-rm`.
        if (/^-./.test(target.text)) frame.report("text glued to a closed descriptor", span);
        return { kind: "duplicate", span, fd, operator, target };
      }
      return { kind: "file", span, fd, operator, target };
    }
    case "HereString": {
      const word = node.target === undefined ? missing(frame, span) : buildWord(frame, node.target, VALUE);
      return { kind: "here-string", span, fd, word };
    }
    case "HereDoc":
      return hereDocument(frame, node, fd);
    default:
      return unknownRedirection(frame, node, span);
  }
}

function unknownRedirection(frame: Frame, node: never, span: Span): Redirection {
  const reason = `unknown redirection \`${String((node as { type?: unknown }).type)}\``;
  frame.report(reason, span);
  return { kind: "file", span, fd: undefined, operator: "<>", target: { kind: "word", span, text: "", parts: [{ kind: "opaque", span, reason }] } };
}

function descriptor(frame: Frame, node: RedirectDescriptor): number | string {
  switch (node.type) {
    case "FileDescriptor":
      if (!Number.isSafeInteger(node.value) || node.value > 0x7fffffff) frame.report("a file descriptor that is too large", spanOf(node));
      return node.value;
    case "FileDescriptorVariable":
      return node.name;
    default:
      return unknownDescriptor(frame, node);
  }
}

function unknownDescriptor(frame: Frame, node: never): string {
  frame.report("an unknown file descriptor", { start: 0, end: frame.source.length });
  return String(node);
}

function missing(frame: Frame, span: Span): Word {
  const reason = "a redirection without its target";
  frame.report(reason, span);
  return { kind: "word", span, text: "", parts: [{ kind: "opaque", span, reason }] };
}

function hereDocument(frame: Frame, node: HereDoc, fd: number | string | undefined): Redirection {
  const span = spanOf(node);
  const bodySpan = spanOf(node.body);
  const { delimiter } = node;
  if (delimiter === undefined) frame.report("a here-document without a delimiter", span);
  else frame.cover.paintSpan(COVER.inert, spanOf(delimiter));
  if (node.closing === undefined) {
    if (!runsToTheEnd(frame, node)) frame.report("a here-document without its closing line", span);
  } else frame.cover.paintSpan(COVER.inert, spanOf(node.closing));
  const quoted = delimiter?.quoted ?? false;
  frame.cover.paintSpan(quoted ? COVER.inert : COVER.live, bodySpan);
  return { kind: "here-document", span, fd, quoted, body: hereBody(frame, node, bodySpan, quoted) };
}

/**
 * A quoted here-document that the text simply does not close: bash takes the rest of the text and warns.
 * SECURITY: only at the outermost level, up to the last character, and when no line could be the closing one.
 */
function runsToTheEnd(frame: Frame, node: HereDoc): boolean {
  const { delimiter, body } = node;
  if (delimiter === undefined || !delimiter.quoted || frame.scripts > 0 || body.end !== frame.source.length) return false;
  if (/[\n\\$`]/.test(delimiter.text) || delimiter.value === "") return false;
  const lines = frame.source.slice(body.pos, body.end).split("\n");
  return !lines.some((line) => line.trim() === delimiter.value.trim());
}

function hereBody(frame: Frame, node: HereDoc, span: Span, quoted: boolean): Word {
  const raw = frame.source.slice(span.start, span.end);
  const strip = node.operator === "<<-";
  if (quoted) {
    const value = strip ? raw.replace(/^\t+/gm, "") : raw;
    return { kind: "word", span, text: raw, parts: [literal(value, span.start, span.end, true)] };
  }
  const { parts } = node.body;
  const quoting: Quoting = { ...HERE_DOCUMENT, hereDocument: strip ? "indented" : "plain" };
  const built = parts === undefined ? [doubleLiteral(frame.source, span, quoting.hereDocument)] : buildParts(frame, parts, span, quoting);
  return { kind: "word", span, text: raw, parts: built };
}
