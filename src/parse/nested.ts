import type { ParsedScript } from "./parsed.ts";
import type { Script, Span } from "../model/index.ts";
import { COVER } from "./cover.ts";
import { Frame } from "./frame.ts";
import { checkResidue } from "./residue.ts";
import { buildStatements } from "./statements.ts";

/**
 * In: a substitution's span and its parsed script. Out: our script, its own notes collected and repeated in `frame`;
 * undefined when the parser gave none. A backtick script with escapes has its own decoded source and its own guard.
 */
export function buildNestedScript(frame: Frame, span: Span, script: ParsedScript | undefined): Script | undefined {
  if (script === undefined) return undefined;
  checkClosed(frame, span);
  const own = script.source !== undefined && script.source !== frame.source;
  if (own) return ownSource(frame, span, script, script.source ?? "");
  paintSubstitution(frame, span);
  const before = frame.opaque.length;
  noteErrors(frame, script, span);
  frame.scripts += 1;
  const body = frame.deeper(span, () => buildStatements(frame, script.commands), () => []);
  frame.scripts -= 1;
  return { source: frame.source, dialect: frame.dialect, body, opaque: frame.opaque.slice(before) };
}

function ownSource(frame: Frame, span: Span, script: ParsedScript, source: string): Script {
  frame.cover.paintSpan(COVER.inert, span);
  frame.cover.paint(COVER.opener, span.start, span.start + 1);
  frame.cover.paint(COVER.opener, span.end - 1, span.end);
  const inner = new Frame(source, frame.dialect, { depth: frame.depth + 1, scripts: frame.scripts + 1 });
  noteErrors(inner, script, { start: 0, end: source.length });
  const body = inner.deeper({ start: 0, end: source.length }, () => buildStatements(inner, script.commands), () => []);
  checkResidue(inner);
  for (const note of inner.opaque) frame.report(note.reason, span);
  return { source, dialect: frame.dialect, body, opaque: inner.opaque };
}

/** `whole`: the script is all of the text, and in a grammar that the parser reads as the shell does. */
export function noteErrors(frame: Frame, script: ParsedScript, span: Span, whole = false): void {
  for (const error of script.errors ?? []) {
    const start = Math.max(span.start, Math.min(error.pos, span.end));
    frame.report(`does not parse: ${error.message}`, { start, end: span.end }, whole);
  }
}

function paintSubstitution(frame: Frame, span: Span): void {
  const opener = frame.source[span.start] === "`" ? 1 : 2;
  frame.cover.paintSpan(COVER.gap, span);
  frame.cover.paint(COVER.opener, span.start, span.start + opener);
  frame.cover.paint(COVER.opener, span.end - 1, span.end);
}

/** A substitution must end with its own closer, else the parser stopped somewhere else. */
function checkClosed(frame: Frame, span: Span): void {
  const { source } = frame;
  const first = source[span.start];
  const closer = first === "`" ? "`" : source[span.start + 1] === "{" ? "}" : ")";
  const glued = first !== "`" && source[span.start + 1] === "\\";
  if (glued) frame.report("a line continuation inside an opener", span);
  else if (source[span.end - 1] !== closer || span.end - span.start < 2) frame.report("a substitution without its end", span);
}
