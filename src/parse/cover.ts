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

/** One map per source text. Outer nodes paint first, the nodes inside them paint over. */
export class Cover {
  /** Only to be read. */
  readonly kinds: Uint8Array;

  constructor(length: number) {
    this.kinds = new Uint8Array(length);
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
    return (this.kinds[index] ?? COVER.gap) as CoverKind;
  }
}
