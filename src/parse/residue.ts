import type { Frame } from "./frame.ts";
import { COVER } from "./cover.ts";
import { checkContinuations } from "./continuations.ts";

/**
 * The residue guard. Goes in: a frame whose tree is built, so that its cover says what the tree accounts for.
 * Comes out: notes in the frame for every piece of raw text that bash could read as a command and the tree does not show.
 *
 * SECURITY: no parser shows all that bash runs (`>&-rm x`, `a['$(rm b)']=1`, a here-document in a substitution whose
 * closing line was missed, …). So the raw text is read once more, by rules too simple to be wrong in the same way:
 * 1. an opener of a substitution must start a node of the tree, be escaped, or lie in text that is never expanded;
 * 2. what lies between the words must be operators, reserved words, blanks or comments, and nothing else;
 * 3. NUL, carriage returns and line continuations inside tokens are not explained at all.
 */
export function checkResidue(frame: Frame): void {
  checkControls(frame);
  checkText(frame);
  checkContinuations(frame);
}

function checkText(frame: Frame): void {
  const { source, cover } = frame;
  const { kinds } = cover;
  let at = 0;
  while (at < source.length) {
    const kind = cover.at(at);
    switch (kind) {
      case COVER.inert:
      case COVER.opener:
        while (at < source.length && kinds[at] === kind) at += 1;
        break;
      case COVER.gap:
        at = checkGap(frame, at);
        break;
      case COVER.text:
      case COVER.live:
        while (at < source.length && kinds[at] === kind && MEANS_MORE[source.charCodeAt(at)] !== 1) at += 1;
        if (at < source.length && kinds[at] === kind) at = checkCharacter(frame, at, kind === COVER.live);
        break;
    }
  }
}

const HASH = 35;
const CODE = { dollar: 36, backtick: 96, less: 60, greater: 62, backslash: 92 } as const;

/** By the number of a character: those that `checkCharacter` looks at. */
const MEANS_MORE = new Uint8Array(128);
for (const code of Object.values(CODE)) MEANS_MORE[code] = 1;

/** In: a place in text that is expanded. Out: the next place to look at. By numbers: this sees every character of every line. */
function checkCharacter(frame: Frame, at: number, live: boolean): number {
  switch (frame.source.charCodeAt(at)) {
    case CODE.backslash:
      return at + 2;
    case CODE.dollar:
    case CODE.backtick:
    case CODE.less:
    case CODE.greater:
      if (opens(frame.source, at, live)) frame.report("a substitution that the parser does not show", { start: at, end: at + 2 });
      return at + 1;
    default:
      return at + 1;
  }
}

/** An opener of a substitution at this place. Process substitutions are only text inside double quotes. */
function opens(source: string, at: number, live: boolean): boolean {
  const char = source[at];
  if (char === "`") return true;
  const next = source[at + 1];
  if (char === "$") return next === "(" || next === "[" || (next === "{" && /[\s|]/.test(source[at + 2] ?? ""));
  return !live && (char === "<" || char === ">") && next === "(";
}

const RESERVED = "if|then|elif|else|fi|for|in|do|done|while|until|case|esac|select|function|time|coproc";
/** What may stand between words: blanks, operators, reserved words, numbers and names of descriptors, operators of `[[`. */
const GAP_TOKEN = new RegExp(String.raw`(?:[ \t\n;&|()!]+|<<-|[<>]+[ \t\n;&|()!]*|\\\n|\{[A-Za-z_][A-Za-z0-9_]*\}|[{}]|\[\[|\]\]|=~|==?|-[A-Za-z]{1,2}|--|[0-9]+|(?:${RESERVED})(?![\w]))`, "y");

/** By the number of a character: 1 for the first kind of GAP_TOKEN. */
const SEPARATES = new Uint8Array(128);
for (const char of " \t\n;&|()!") SEPARATES[char.charCodeAt(0)] = 1;

/** As the first kind of GAP_TOKEN would, most gaps being one blank. */
function skipSeparators(frame: Frame, start: number): number {
  const { source, cover } = frame;
  const { kinds } = cover;
  let at = start + 1;
  while (at < source.length && kinds[at] === COVER.gap && SEPARATES[source.charCodeAt(at)] === 1) at += 1;
  return at;
}

/** In: a place between words. Out: the next place to look at. */
function checkGap(frame: Frame, at: number): number {
  const { source } = frame;
  const first = source.charCodeAt(at);
  if (SEPARATES[first] === 1) return skipSeparators(frame, at);
  if (first === HASH) return skipComment(frame, at);
  GAP_TOKEN.lastIndex = at;
  const token = GAP_TOKEN.exec(source)?.[0];
  if (token === undefined) {
    frame.report("text between words that the parser does not explain", { start: at, end: at + 1 });
    return at + 1;
  }
  const substitution = token.search(/[<>]\(/);
  if (substitution !== -1 && frame.cover.at(at + substitution) === COVER.gap) frame.report("a substitution that the parser does not show", { start: at + substitution, end: at + substitution + 2 });
  return lastGap(frame, at, at + token.length);
}

/** A token must not run into text that the tree has painted. */
function lastGap(frame: Frame, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) if (frame.cover.at(at) !== COVER.gap) return at;
  return end;
}

/** A comment starts after a blank or an operator and ends with its line, or with the backtick around it. */
function skipComment(frame: Frame, start: number): number {
  const { source, cover } = frame;
  const before = source[start - 1];
  const starts = before === undefined || /[\s;&|()<>`{}]/.test(before);
  if (!starts) frame.report("a `#` that does not start a comment", { start, end: start + 1 });
  let at = start;
  while (at < source.length && source[at] !== "\n" && cover.at(at) === COVER.gap) at += 1;
  const closedByBacktick = source[at] === "`" && cover.at(at) === COVER.opener;
  if (at < source.length && source[at] !== "\n" && !closedByBacktick) frame.report("a comment with commands in it", { start, end: at + 1 });
  cover.paint(COVER.inert, start, at);
  return at;
}

function checkControls(frame: Frame): void {
  const { source, cover } = frame;
  const nul = source.indexOf("\0");
  if (nul !== -1) frame.report("a NUL in the text", { start: nul, end: nul + 1 });
  for (let at = source.indexOf("\r"); at !== -1; at = source.indexOf("\r", at + 1)) {
    if (cover.at(at) === COVER.inert) continue;
    frame.report("a carriage return in the text", { start: at, end: at + 1 });
    return;
  }
}
