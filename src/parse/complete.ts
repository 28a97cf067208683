import { parse } from "unbash";
import { LIMITS } from "../model/index.ts";

/** How the parser says that something was begun and not ended. */
const BEGUN = /^(?:unterminated |expected )/;

/**
 * In: text that is being typed or fed. Out: whether a shell would run it now, instead of asking for more. "Incomplete" is only said of text
 * that a shell would not run either, or of which a line more would show what it is: nothing runs by it.
 */
export function isComplete(text: string): boolean {
  if (text.length > LIMITS.sourceLength) return true;
  if (/(?:^|[^\\])(?:\\\\)*\\\n?$/.test(text)) return false;
  try {
    const { errors = [] } = parse(text);
    const first = errors[0];
    if (first !== undefined) return !BEGUN.test(first.message) || errors.some(({ message }) => message.startsWith("unexpected"));
    return !waitsForDocument(text);
  } catch {
    // Text that trips the parser up is judged, and then it is opaque.
    return true;
  }
}

/** A here-document whose last line has not come. The words are looked for in raw text: one that only looks like it waits for a line, or Ctrl-C. */
function waitsForDocument(text: string): boolean {
  const lines = text.split("\n");
  const waiting: { readonly end: string; readonly tabs: boolean }[] = [];
  for (const line of lines) {
    const first = waiting[0];
    if (first !== undefined) {
      if ((first.tabs ? line.replace(/^\t+/, "") : line) === first.end) waiting.shift();
      continue;
    }
    for (const [, dash, single, double, plain] of line.matchAll(/(?<!<)<<(?!<)(-?)[ \t]*(?:'([^']*)'|"([^"]*)"|\\?([^\s;&|<>()'"]+))/g)) {
      if (/^\s*#/.test(line) || isQuoted(line, line.indexOf("<<"))) continue;
      waiting.push({ end: single ?? double ?? plain ?? "", tabs: dash === "-" });
    }
  }
  return waiting.length > 0;
}

/** Whether an odd number of quotes stands before that place of the line. */
function isQuoted(line: string, at: number): boolean {
  const before = line.slice(0, at).replace(/\\./g, "");
  return (before.split("'").length - 1) % 2 === 1 || (before.split('"').length - 1) % 2 === 1 || /\(\([^)]*$/.test(before);
}
