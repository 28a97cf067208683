import { LIMITS, type Dialect, type Opaque, type Span } from "../model/index.ts";
import { Cover } from "./cover.ts";

/** Where a word stands, which decides what bash does to it. */
export type WordRole =
  /** Brace, tilde, glob: command words, arguments, array elements, redirection targets, `for` lists. */
  | "word"
  /** Element of an array: as a word, but `~` after `=` counts only in `[k]=~`. */
  | "element"
  /** Value of an assignment, here-string: no braces, no globs, tilde also after `:`. */
  | "value"
  /** Value of an assignment that is an argument (`export A=…`): the same, but bash has expanded braces before. */
  | "argument-value"
  /** Operands of `[[`, `case` words and patterns, operands of `${…}`: no braces. */
  | "plain";

/** How quotes count inside a piece of a word. */
export type Quoting = {
  /** The piece is inside double quotes or a here-document: no splitting, no globs. */
  readonly double: boolean;
  /** Single quotes protect nothing here (arithmetic, subscripts, slices, operands in double quotes and here-documents). */
  readonly quotesLive: boolean;
  /** Single quotes stay in the value: `'q'` in `"${x:-'q'}"`. */
  readonly quotesKept: boolean;
  /** The text is a here-document, where `"` is text and a backslash escapes less; "indented": `<<-` takes tabs away. */
  readonly hereDocument: "no" | "plain" | "indented";
  readonly role: WordRole;
};
export const BARE: Quoting = { double: false, quotesLive: false, quotesKept: false, hereDocument: "no", role: "word" };
export const PLAIN: Quoting = { ...BARE, role: "plain" };
export const VALUE: Quoting = { ...BARE, role: "value" };
export const ELEMENT: Quoting = { ...BARE, role: "element" };
export const ARGUMENT_VALUE: Quoting = { ...BARE, role: "argument-value" };
export const HERE_DOCUMENT: Quoting = { double: true, quotesLive: true, quotesKept: true, hereDocument: "plain", role: "plain" };
/** Arithmetic, subscripts and slices: bash expands them as if in double quotes, single quotes and all. */
export const ARITHMETIC: Quoting = { double: true, quotesLive: true, quotesKept: true, hereDocument: "no", role: "plain" };

/** One source text while its tree is built: collects what was not understood and what was accounted for. */
export class Frame {
  readonly source: string;
  readonly dialect: Dialect;
  readonly cover: Cover;
  readonly opaque: Opaque[];
  /** Depth of the tree at this point, counted from the outermost script. */
  depth: number;
  /** Substitutions around this point, in all sources. */
  scripts: number;
  /** Steps spent on brace expansion in this source, of LIMITS.braceSteps. */
  braceSteps = 0;
  ampersandRead = false;
  readonly #reported: Set<string> = new Set();

  constructor(source: string, dialect: Dialect, outer?: { readonly depth: number; readonly scripts: number }) {
    this.source = source;
    this.dialect = dialect;
    this.cover = new Cover(source.length, outer === undefined);
    this.opaque = [];
    this.depth = outer?.depth ?? 0;
    this.scripts = outer?.scripts ?? 0;
  }

  /** Notes that a piece was not understood. The same reason at the same place is kept once. */
  report(reason: string, span: Span, syntax = false): void {
    const key = `${span.start}:${span.end}:${reason}`;
    if (this.#reported.has(key) || this.opaque.length >= LIMITS.opaqueNotes) return;
    this.#reported.add(key);
    this.opaque.push({ reason, span: this.inside(span), ...(syntax ? { syntax } : {}) });
  }

  /** INVARIANT: spans given out lie inside the source. */
  inside(span: Span): Span {
    const start = Math.min(Math.max(0, span.start), this.source.length);
    return { start, end: Math.min(Math.max(start, span.end), this.source.length) };
  }

  /** `&>` of a command whose dash reading is built by the caller. */
  withoutAmpersandNote<T>(build: () => T): T {
    this.ampersandRead = true;
    try {
      return build();
    } finally {
      this.ampersandRead = false;
    }
  }

  /** In: a builder for a node one level deeper, and what stands there when the tree is too deep. */
  deeper<T>(span: Span, build: () => T, tooDeep: (reason: string) => T): T {
    if (this.depth >= LIMITS.treeDepth) {
      const reason = `nested deeper than ${LIMITS.treeDepth} levels`;
      this.report(reason, span);
      return tooDeep(reason);
    }
    this.depth += 1;
    try {
      return build();
    } finally {
      this.depth -= 1;
    }
  }
}

/** In: a node of the parser. Out: its span. */
export function spanOf(node: { readonly pos: number; readonly end: number }): Span {
  return { start: node.pos, end: node.end };
}
