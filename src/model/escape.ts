/**
 * Text from commands, made safe to show (I7). One function for terminals, denial messages, log lines and pages.
 *
 * SECURITY: a command can carry escape sequences that repaint a prompt, bidirectional marks that reorder it (Trojan Source),
 * characters without width or glyph that hide a word, or line breaks that forge a line of ours.
 */

/**
 * Everything that is not plainly visible: controls, format characters (bidi, zero width, tags), separators and blanks other
 * than U+0020, surrogates without a partner, private-use and unassigned code points, and what Unicode says may be drawn as nothing.
 */
const NOT_PLAIN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]/u;
const NOT_PLAIN_ALL = new RegExp(NOT_PLAIN.source, "gu");

const SHORT = new Map([["\n", "\\n"], ["\r", "\\r"], ["\t", "\\t"], ["\0", "\\0"]]);

export type EscapeOptions = {
  /** Longest result, in UTF-16 code units, the note about what was cut included. */
  readonly maxLength: number;
  /** "escape" (default) keeps the result on one line; "keep" leaves line feeds for callers that lay out lines themselves. */
  readonly lineFeeds?: "escape" | "keep";
};

/**
 * In: any text (need not be well-formed UTF-16). Out: the same text with every character that is not plainly visible spelt
 * out (`\n`, `\x1b`, `\u{202e}`), at most `maxLength` long; what was cut is counted in a note at the end. Backslashes of the
 * text are kept as they are: the result is for reading, not for parsing back. Never throws.
 */
export function escapeText(text: string, options: EscapeOptions): string {
  const limit = Math.max(0, Math.floor(options.maxLength));
  // What lies far beyond the limit cannot be shown: do not spend time on it. One unit of input is at least one of output.
  const head = text.length > limit ? text.slice(0, limit + 1) : text;
  const escaped = NOT_PLAIN.test(head) ? head.replace(NOT_PLAIN_ALL, (char) => escapeCharacter(char, options.lineFeeds ?? "escape")) : head;
  if (text.length <= limit && escaped.length <= limit) return escaped;
  return cut(text, limit, options.lineFeeds ?? "escape");
}

/**
 * In: text that `escapeText` made safe. Out: the same, with letters of other scripts spelt out in words that hold Latin ones.
 * SECURITY: a Cyrillic or Greek letter among Latin ones looks like one of them: a host with one is another host.
 */
export function spellStrangers(text: string): string {
  return text.replace(/\S+/g, (word) => (/[a-z]/i.test(word) ? word.replace(STRANGERS, (letter) => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`) : word));
}

const STRANGERS = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Lisu}\uff01-\uff5e]/gu;

/**
 * In: a value for JSON. Out: its JSON on one line, the same value, with whatever is not plainly visible spelt `\uXXXX`.
 * SECURITY: JSON itself spells out only the first 32 characters: a terminal would obey U+009B, and reorder what a bidirectional mark is in.
 */
export function plainJson(value: unknown): string {
  return JSON.stringify(value).replace(NOT_PLAIN_ALL, (char) => Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""));
}

/** In: a text. Out: true when `escapeText` would change one of its characters. */
export function hasHiddenCharacters(text: string): boolean {
  return NOT_PLAIN.test(text);
}

function escapeCharacter(char: string, lineFeeds: "escape" | "keep"): string {
  if (char === "\n" && lineFeeds === "keep") return char;
  const short = SHORT.get(char);
  if (short !== undefined) return short;
  const code = char.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** As much as fits before the note, never half an escape. */
function cut(text: string, limit: number, lineFeeds: "escape" | "keep"): string {
  const room = limit - `… [${text.length} more]`.length;
  let out = "";
  let taken = 0;
  for (const char of text) {
    const piece = NOT_PLAIN.test(char) ? escapeCharacter(char, lineFeeds) : char;
    if (out.length + piece.length > room) break;
    out += piece;
    taken += char.length;
  }
  const note = `… [${text.length - taken} more]`;
  return out === "" && note.length > limit ? "…".slice(0, limit) : out + note;
}
