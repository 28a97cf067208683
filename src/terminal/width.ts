/** How many columns text takes on a terminal. Facts: Unicode 16 East Asian Width (W and F) and Emoji_Presentation. */

const ZERO = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;
const ASCII = /^[\x20-\x7e]*$/;

/** First and last code point of the blocks that are two columns wide. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f], [0x2329, 0x232a], [0x2e80, 0x303e], [0x3041, 0x33ff], [0x3400, 0x4dbf], [0x4e00, 0x9fff], [0xa000, 0xa4cf],
  [0xa960, 0xa97f], [0xac00, 0xd7a3], [0xf900, 0xfaff], [0xfe10, 0xfe19], [0xfe30, 0xfe6f], [0xff00, 0xff60], [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff], [0x1aff0, 0x1b2ff], [0x1d300, 0x1d376], [0x1f200, 0x1f265], [0x1f300, 0x1f64f], [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff], [0x20000, 0x3fffd],
];

/** In: one character (one code point). Out: 0, 1 or 2 columns. */
export function characterWidth(char: string): 0 | 1 | 2 {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x7f) return code < 0x20 ? 0 : 1;
  if (ZERO.test(char)) return 0;
  if (WIDE.some(([first, last]) => code >= first && code <= last) || EMOJI.test(char)) return 2;
  return 1;
}

/** In: text without escape sequences. Out: its columns on a terminal. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += characterWidth(char);
  return width;
}

/** In: text, a number of columns. Out: as much of the text as fits, at least one character when it is not empty, and the rest. */
export function splitAtWidth(text: string, columns: number): { readonly head: string; readonly rest: string } {
  let width = 0;
  let end = 0;
  for (const char of text) {
    const next = width + characterWidth(char);
    if (next > columns && end > 0) break;
    width = next;
    end += char.length;
  }
  return { head: text.slice(0, end), rest: text.slice(end) };
}
