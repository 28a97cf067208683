import type { Frame } from "./frame.ts";
import { COVER } from "./cover.ts";

/** Looks at the raw text for what the tree does not account for. */
export function checkResidue(frame: Frame): void {
  const { source, cover } = frame;
  if (/[\0\r]/.test(source)) frame.report("a NUL or carriage return in the text", { start: source.search(/[\0\r]/), end: source.search(/[\0\r]/) + 1 });
  for (let at = 0; at < source.length; at++) {
    const kind = cover.at(at);
    const char = source[at];
    if (kind === COVER.inert || kind === COVER.opener) continue;
    if (char === "\\") {
      at += 1;
      continue;
    }
    if (kind === COVER.gap) {
      if (char === "#") at = endOfLine(source, at);
      continue;
    }
    if (opens(source, at, kind === COVER.live)) frame.report("a substitution that the parser does not show", { start: at, end: at + 2 });
  }
}

function endOfLine(source: string, at: number): number {
  const end = source.indexOf("\n", at);
  return end === -1 ? source.length : end;
}

function opens(source: string, at: number, live: boolean): boolean {
  const char = source[at];
  if (char === "`") return true;
  const next = source[at + 1];
  if (char === "$") return next === "(" || next === "[" || (next === "{" && /[\s|]/.test(source[at + 2] ?? ""));
  return !live && (char === "<" || char === ">") && next === "(";
}
