import { LIMITS } from "../model/index.ts";
import { HOLE, SEGMENT, isKnown } from "./value.ts";

const SPECIAL = /[\\^$.*+?()[\]{}|]/;

/** Beyond these a pattern is not understood: matching must stay cheap on any input. */
const MAX_STARS = 4;
const MAX_TEXT = 4_096;

/**
 * A shell pattern as a regular expression source: `*`, `?`, `[…]`, backslash. Extglob is not understood.
 * In: the pattern. Out: the source without anchors, or undefined when it holds something else. Linear in the input.
 */
function patternSource(pattern: string, options: { readonly greedy: boolean }): string | undefined {
  if (pattern.length > MAX_TEXT || pattern.replaceAll("*", "").length + MAX_STARS < pattern.length) return undefined;
  let out = "";
  for (let i = 0; i < pattern.length; i += 1) {
    const c = pattern[i]!;
    if (/[?*+@!]/.test(c) && pattern[i + 1] === "(") return undefined;
    if (c === "*") out += options.greedy ? "[^]*" : "[^]*?";
    else if (c === "?") out += "[^]";
    else if (c === "[") {
      const end = pattern.indexOf("]", i + 2);
      if (end < 0) out += "\\[";
      else {
        const negated = /^[!^]/.test(pattern.slice(i + 1, end));
        const members = pattern.slice(i + (negated ? 2 : 1), end);
        if (members === "" || members.includes("\\")) return undefined;
        const inside = (negated ? "^" : "") + members.replace(/[\][^]/g, "\\$&");
        // Classes and ranges are left alone: a range out of order is an error in a regular expression.
        if (inside.includes("[:") || /[^]-[^]/.test(inside.replace(/(?:a-z|A-Z|0-9)/g, ""))) return undefined;
        out += `[${inside}]`;
        i = end;
      }
    } else if (c === "\\" && i + 1 < pattern.length) {
      i += 1;
      out += SPECIAL.test(pattern[i]!) ? `\\${pattern[i]}` : pattern[i];
    } else out += SPECIAL.test(c) ? `\\${c}` : c;
  }
  return out;
}

/** `${value#pattern}` and its three relatives (bash(1), Parameter Expansion). Undefined when the pattern is not understood. */
export function removePattern(value: string, operator: "#" | "##" | "%" | "%%", pattern: string): string | undefined {
  const longest = operator.length === 2;
  const source = patternSource(pattern, { greedy: longest });
  if (source === undefined || value.length > MAX_TEXT) return undefined;
  if (operator[0] === "#") return value.replace(new RegExp(`^(?:${source})`), "");
  // Suffixes: try every start, from the end for the shortest, from the beginning for the longest.
  const whole = new RegExp(`^(?:${source})$`);
  for (let step = 0; step <= value.length; step += 1) {
    const start = longest ? step : value.length - step;
    if (whole.test(value.slice(start))) return value.slice(0, start);
  }
  return value;
}

/** `${value/pattern/replacement}` and its relatives. Undefined when the pattern is not understood. */
export function replacePattern(value: string, operator: "/" | "//" | "/#" | "/%", pattern: string, replacement: string): string | undefined {
  const source = patternSource(pattern, { greedy: true });
  if (source === undefined || value.length > MAX_TEXT || pattern === "") return pattern === "" ? value : undefined;
  const anchored = operator === "/#" ? `^(?:${source})` : operator === "/%" ? `(?:${source})$` : source;
  return value.replace(new RegExp(anchored, operator === "//" ? "g" : ""), () => replacement);
}

/** Characters that mean something in a pattern, or begin what does; a pattern without them is its own text. */
const MAY_BE_PATTERN = /[*?[\\(]/;

/** A pattern as an expression for the whole text. Those of the specs come again with every line, so the last ones are kept. */
function wholePattern(pattern: string): RegExp | undefined {
  const kept = PATTERNS.get(pattern);
  if (kept !== undefined) return kept;
  const source = patternSource(pattern, { greedy: true });
  const whole = source === undefined ? undefined : new RegExp(`^(?:${source})$`);
  if (PATTERNS.size >= LIMITS.keptPatterns) PATTERNS.clear();
  if (whole !== undefined) PATTERNS.set(pattern, whole);
  return whole;
}
const PATTERNS = new Map<string, RegExp>();

/** Whether `text` could match one of the case patterns: only used to leave out branches that cannot be taken. */
export function cannotMatch(text: string, pattern: string): boolean {
  if (!isKnown(text) || pattern.includes(HOLE) || pattern.includes(SEGMENT)) return false;
  if (text.length > MAX_TEXT) return false;
  if (!MAY_BE_PATTERN.test(pattern)) return pattern.length <= MAX_TEXT && text !== pattern;
  const whole = wholePattern(pattern);
  return whole !== undefined && !whole.test(text);
}
