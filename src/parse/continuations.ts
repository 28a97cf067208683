import { COVER } from "./cover.ts";
import type { Frame } from "./frame.ts";

const BLANK = /[ \t\n]/;
const META = /[;&|()<>]/;

/**
 * Backslash-newline inside a token: bash joins what stands around it before it reads tokens (`$\⏎'\x72m'` is `$'\x72m'`),
 * parsers often do not. Between tokens, and inside quoted text that holds no expansion there, it is harmless.
 */
export function checkContinuations(frame: Frame): void {
  const { source } = frame;
  for (let at = source.indexOf("\\\n"); at !== -1; at = source.indexOf("\\\n", at + 2)) {
    const kind = frame.cover.at(at);
    if (kind === COVER.inert || isEscaped(source, at)) continue;
    if (joins(frame, at, kind === COVER.live)) frame.report("a line continuation inside a token", { start: at, end: at + 2 });
  }
}

function isEscaped(source: string, at: number): boolean {
  let start = at;
  while (source[start - 1] === "\\") start -= 1;
  return (at - start) % 2 === 1;
}

/** Continuations in a row; more of them count as a token cut in two, so that looking around stays cheap. */
const IN_A_ROW = 16;

function joins(frame: Frame, at: number, live: boolean): boolean {
  const { source } = frame;
  let left = at - 1;
  while (source[left] === "\n" && source[left - 1] === "\\" && at - left < 2 * IN_A_ROW) left -= 2;
  let right = at + 2;
  while (source[right] === "\\" && source[right + 1] === "\n" && right - at < 2 * IN_A_ROW) right += 2;
  if (at - left >= 2 * IN_A_ROW || right - at >= 2 * IN_A_ROW) return true;
  const before = source[left];
  const after = source[right];
  if (before === undefined || after === undefined || BLANK.test(before) || BLANK.test(after)) return false;
  // In double quotes only expansions are tokens: `$`, `${`, names after `$`, brackets of arithmetic.
  if (live) return /[$`{}()[\]#!:<>=+*/%^,@-]/.test(before) || nameOfParameter(source, left);
  if (META.test(before)) return META.test(after) || before === "<" || before === ">";
  return !META.test(after) || after === "<" || after === ">" || after === "(";
}

function nameOfParameter(source: string, last: number): boolean {
  let at = last;
  while (at >= 0 && /\w/.test(source[at] ?? "")) at -= 1;
  return source[at] === "$" || source[at] === "{" || source[at] === "(";
}
