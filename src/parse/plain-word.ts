import type { Word as ParsedWord } from "unbash";
import { LIMITS, type Span, type WordPart } from "../model/index.ts";
import { COVER } from "./cover.ts";
import type { Frame, Quoting } from "./frame.ts";
import { literal } from "./literal.ts";

/** Unquoted text in which something is expanded or escaped; patterns are pieces of the parser's. */
const EXPANDED_BARE = /[\\{~]/;
const EXPANDED_IN_DOUBLE = /[\\$`"]/;

/** Unquoted text in which nothing can be expanded, escaped or matched: the parser is not asked for pieces of it. */
const SURELY_PLAIN = /^[\w./,:=@%+-]+$/;

/**
 * Most words are one piece of text that means itself: `src/a.ts`, `'…'`, `"…"` without an expansion. In: a word of the parser
 * with its text. Out: the one part that the general way through `wordParts` would make of it, and the same paint; undefined
 * when it is no such word. INVARIANT: never another reading, only a shorter way to it.
 */
export function plainPart(frame: Frame, word: ParsedWord, text: string, span: Span, quoting: Quoting): WordPart | undefined {
  if (frame.dialect !== "bash" || frame.depth >= LIMITS.treeDepth || quoting.double || quoting.quotesLive || quoting.quotesKept) return undefined;
  switch (text.charAt(0)) {
    case "'":
      if (text.indexOf("'", 1) !== text.length - 1 || text.length < 2) return undefined;
      frame.cover.paintSpan(COVER.inert, span);
      return { kind: "literal", span, value: text.slice(1, -1), quoted: true };
    case '"':
      if (text.length < 3 || !text.endsWith('"') || EXPANDED_IN_DOUBLE.test(text.slice(1, -1))) return undefined;
      frame.cover.paintSpan(COVER.live, span);
      return literal(text.slice(1, -1), span.start + 1, span.end - 1, true);
    default:
      if (SURELY_PLAIN.test(text)) return { kind: "literal", span, value: text, quoted: false };
      return text === "" || EXPANDED_BARE.test(text) || word.parts !== undefined ? undefined : { kind: "literal", span, value: text, quoted: false };
  }
}
