import { LIMITS } from "../model/index.ts";

/**
 * Abstract strings. A text is a JavaScript string in which two characters that no shell word can hold stand for
 * what is not known: HOLE for any string, SEGMENT for some non-empty run of letters, digits, `.`, `_` and `-` that
 * neither starts with `-` nor is `.` or `..` (a pid, a date, `mktemp`'s suffix).
 * NUL cannot occur in a word (bash drops it); a source that contains \x01 is opaque before it gets here.
 */
export const HOLE = "\0";
export const SEGMENT = "\x01";

/** Where unknown text came from, when that says how bad it is to run it. */
export type Origin = { readonly kind: "download" | "decoded" | "input" | "secret" | "processes"; readonly detail: string | undefined };

/** One word after expansion: the strings it may be. INVARIANT: at least one text; `[HOLE]` is "anything" (⊤). */
export type Field = {
  readonly texts: readonly string[];
  /** Some unquoted `*`, `?` or `[` in it is live: it stands for file names. */
  readonly glob: boolean;
  /** It may be any number of words (an unquoted expansion of unknown text). */
  readonly many: boolean;
  readonly origin: Origin | undefined;
};

export const UNKNOWN: Field = { texts: [HOLE], glob: false, many: false, origin: undefined };
export const EMPTY: Field = { texts: [""], glob: false, many: false, origin: undefined };

/** In: the strings a word may be. Out: a field; too many or too long strings become unknown. */
export function field(texts: readonly string[], glob = false): Field {
  return { texts: bounded(texts), glob, many: false, origin: undefined };
}

export function unknownFrom(origin: Origin | undefined): Field {
  return origin === undefined ? UNKNOWN : { ...UNKNOWN, origin };
}

export function isKnown(text: string): boolean {
  return !text.includes(HOLE) && !text.includes(SEGMENT);
}

/** The only string a field can be, or undefined. */
export function only(f: Field | undefined): string | undefined {
  return f !== undefined && f.texts.length === 1 && !f.many && !f.glob && isKnown(f.texts[0]!) ? f.texts[0] : undefined;
}

/** All strings of a field when every one is known (globs are not), else undefined. */
export function known(f: Field): readonly string[] | undefined {
  if (f.many || f.glob) return undefined;
  if (f.texts.length === 1) return isKnown(f.texts[0]!) ? f.texts : undefined;
  return f.texts.every(isKnown) ? f.texts : undefined;
}

/** In: texts. Out: without duplicates, within limits, at least one. */
export function bounded(texts: readonly string[]): readonly string[] {
  if (texts.length === 1) return texts[0]!.length > LIMITS.wordLength ? [HOLE] : texts;
  const set = new Set(texts);
  if (set.size === 0 || set.size > LIMITS.wordValues) return [HOLE];
  for (const text of set) if (text.length > LIMITS.wordLength) return [HOLE];
  return [...set];
}

/** All concatenations of one of `a` with one of `b`. */
export function concat(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a.length === 1 && b.length === 1) return bounded([a[0]! + b[0]!]);
  if (a.length * b.length > LIMITS.wordValues) return [HOLE];
  return bounded(a.flatMap((x) => b.map((y) => x + y)));
}

/** What either field may be. */
export function joinFields(a: Field, b: Field): Field {
  if (a === b) return a;
  return { texts: bounded([...a.texts, ...b.texts]), glob: a.glob || b.glob, many: a.many || b.many, origin: a.origin ?? b.origin };
}

export function sameField(a: Field, b: Field): boolean {
  return a === b || (a.glob === b.glob && a.many === b.many && a.texts.length === b.texts.length && a.texts.every((t, i) => t === b.texts[i]));
}
