const INTEGERS = /^([+-]?[0-9]+)\.\.([+-]?[0-9]+)(?:\.\.([+-]?[0-9]+))?$/;
const LETTERS = /^(?:([a-z])\.\.([a-z])|([A-Z])\.\.([A-Z]))(?:\.\.([+-]?[0-9]+))?$/;
/** A shape bash may read as a sequence and that is not spelt out here: letters of both cases run through `[ \ ] ^ _ \``. */
const UNREAD = /^[^.]+\.\.[^.]+(?:\.\.|$)/;

/**
 * In: the inside of `{1..9}`, `{a..e}`, `{01..10..2}`. Out: its values in order; undefined when bash leaves the text as it
 * is; "too long" when there are more than `limit`, or when this is not known for sure.
 */
export function sequence(text: string, limit: number): string[] | "too long" | undefined {
  const integers = INTEGERS.exec(text);
  if (integers?.[1] !== undefined && integers[2] !== undefined) return integerSequence(integers[1], integers[2], integers[3], limit);
  const letters = LETTERS.exec(text);
  if (letters !== null) {
    const [from, to] = [letters[1] ?? letters[3] ?? "a", letters[2] ?? letters[4] ?? "a"];
    const codes = steps(from.charCodeAt(0), to.charCodeAt(0), letters[5], limit);
    return codes === "too long" ? codes : codes.map((code) => String.fromCharCode(code));
  }
  return UNREAD.test(text) && /^(?:[A-Za-z]|[+-]?[0-9]+)\.\.(?:[A-Za-z]|[+-]?[0-9]+)(?:\.\.|$)/.test(text) ? "too long" : undefined;
}

function integerSequence(from: string, to: string, step: string | undefined, limit: number): string[] | "too long" {
  const numbers = steps(Number(from), Number(to), step, limit);
  if (numbers === "too long") return numbers;
  const padded = [from, to].some((text) => /^-?0[0-9]/.test(text));
  const width = padded ? Math.max(from.length, to.length) : 0;
  return numbers.map((value) => (value < 0 ? `-${String(-value).padStart(width - 1, "0")}` : String(value).padStart(width, "0")));
}

function steps(from: number, to: number, step: string | undefined, limit: number): number[] | "too long" {
  const by = Math.abs(Number(step ?? 1)) || 1;
  if (![from, to, by].every(Number.isSafeInteger)) return "too long";
  const length = Math.floor(Math.abs(to - from) / by) + 1;
  if (length > limit) return "too long";
  return Array.from({ length }, (_, index) => from + (to >= from ? index : -index) * by);
}
