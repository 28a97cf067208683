import type { Span } from "../model/index.ts";

/**
 * What each UTF-16 code unit of a source is, as the tree accounts for it. The residue guard reads this map and looks
 * for openers of substitutions that nothing in the tree explains.
 *
 * gap: operators, reserved words, blanks and comments between words · text: an unquoted piece of a word · live: text in which
 * quotes protect nothing (double quotes, here-documents, arithmetic) · inert: text that is never expanded ·
 * opener: first and last characters of a substitution that is a node of the tree.
 */
export const COVER = { gap: 0, text: 1, live: 2, inert: 3, opener: 4 } as const;
export type CoverKind = (typeof COVER)[keyof typeof COVER];

const SHORT = 32;

/** Most texts fit in here; a map of one's own for each would cost more than reading a short line. */
const shared = { kinds: new Uint8Array(4_096), taken: false };

/** One map per source text. Outer nodes paint first, the nodes inside them paint over. */
export class Cover {
  /** Only to be read, and only up to the length of the source: what lies behind it is left over from others. */
  readonly kinds: Uint8Array;
  readonly #length: number;

  /** `lends`: the caller says `release` whatever happens. */
  constructor(length: number, lends: boolean) {
    this.#length = length;
    if (!lends || shared.taken || length > shared.kinds.length) this.kinds = new Uint8Array(length);
    else {
      shared.taken = true;
      this.kinds = shared.kinds.fill(COVER.gap, 0, length);
    }
  }

  /** The map is not looked at any more. */
  release(): void {
    if (this.kinds === shared.kinds) shared.taken = false;
  }

  /** Marks `[start, end)`; positions outside of the source are the caller's error and are cut off. */
  paint(kind: CoverKind, start: number, end: number): void {
    if (end - start > SHORT || start < 0) {
      this.kinds.fill(kind, Math.max(0, start), Math.max(0, end));
      return;
    }
    // Most pieces are words of a few characters, for which a call out costs more than the work.
    for (let at = start; at < end; at += 1) this.kinds[at] = kind;
  }

  paintSpan(kind: CoverKind, span: Span): void {
    this.paint(kind, span.start, span.end);
  }

  at(index: number): CoverKind {
    return index < this.#length ? ((this.kinds[index] ?? COVER.gap) as CoverKind) : COVER.gap;
  }
}
