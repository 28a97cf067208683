import { parse } from "unbash";
import { LIMITS, type Dialect, type Script } from "../model/index.ts";
import { Frame } from "./frame.ts";
import { noteErrors } from "./nested.ts";
import { checkResidue } from "./residue.ts";
import { buildStatements } from "./statements.ts";

/**
 * In: shell source and the grammar it is written in. Out: the command tree; everything that was not understood stands
 * in `Script.opaque`. INVARIANT: never throws, never runs anything, and an empty `opaque` means that every command
 * bash would run is a node of the tree.
 */
export function parseScript(text: string, dialect: Dialect): Script {
  if (text.length > LIMITS.sourceLength) return unread(text, dialect, `longer than ${LIMITS.sourceLength} characters`);
  if (hasCrowdedLine(text)) return unread(text, dialect, `more than ${LIMITS.hereDocumentsPerLine} here-documents on a line`);
  try {
    return read(text, dialect);
  } catch (error) {
    // SECURITY: a stack that overflows, or a parser that trips over its input, must not let the text pass.
    return unread(text, dialect, `could not be read: ${error instanceof Error ? error.name : "unknown error"}`);
  }
}

function hasCrowdedLine(text: string): boolean {
  let lineEnd = -1;
  let count = 0;
  for (let at = text.indexOf("<<"); at !== -1; at = text.indexOf("<<", at + 2)) {
    if (at > lineEnd) {
      const newline = text.indexOf("\n", at);
      lineEnd = newline === -1 ? text.length : newline;
      count = 0;
    }
    count += 1;
    if (count > LIMITS.hereDocumentsPerLine) return true;
  }
  return false;
}

function read(text: string, dialect: Dialect): Script {
  const frame = new Frame(text, dialect);
  try {
    return readIn(frame, text, dialect);
  } finally {
    frame.cover.release();
  }
}

function readIn(frame: Frame, text: string, dialect: Dialect): Script {
  if (!text.isWellFormed()) frame.report("text that is not well-formed Unicode", { start: 0, end: text.length });
  const script = parse(text);
  noteErrors(frame, script, { start: 0, end: text.length }, dialect !== "zsh");
  const body = buildStatements(frame, script.commands);
  checkResidue(frame);
  return { source: text, dialect, body, opaque: frame.opaque };
}

function unread(text: string, dialect: Dialect, reason: string): Script {
  return { source: text, dialect, body: [], opaque: [{ reason, span: { start: 0, end: text.length } }] };
}
