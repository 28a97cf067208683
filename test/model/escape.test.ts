import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escapeText, hasHiddenCharacters, plainJson } from "../../src/model/index.ts";

describe("text from commands", () => {
  test.each<readonly [string, string, string]>([
    ["plain text", "ls -la 'a b' | wc", "ls -la 'a b' | wc"],
    ["letters of any script", "é 漢字 Ж 😀", "é 漢字 Ж 😀"],
    ["line breaks", "a\nb\r\nc\td", "a\\nb\\r\\nc\\td"],
    ["NUL", "a\0b", "a\\0b"],
    ["terminal sequences", "\u001b[2J\u001b]0;x\u0007", "\\x1b[2J\\x1b]0;x\\x07"],
    ["eight-bit controls", "\u009b2J\u0085", "\\x9b2J\\x85"],
    ["delete", "\u007f", "\\x7f"],
    ["bidirectional marks", "a\u202eb\u2066c\u200f", "a\\u{202e}b\\u{2066}c\\u{200f}"],
    ["characters without width", "r\u200bm\u2060\ufeff", "r\\u{200b}m\\u{2060}\\u{feff}"],
    ["line and paragraph separators", "\u2028\u2029", "\\u{2028}\\u{2029}"],
    ["blanks that are no space", "a\u00a0b\u3000c\u2800", "a\\xa0b\\u{3000}c\\u{2800}"],
    ["letters without a glyph", "\u3164\u115f\uffa0", "\\u{3164}\\u{115f}\\u{ffa0}"],
    ["tags", "\u{e0041}", "\\u{e0041}"],
    ["half a surrogate pair", "a\ud800b\udc00", "a\\u{d800}b\\u{dc00}"],
    ["private use", "\ue000", "\\u{e000}"],
    ["variation selectors", "a\ufe0f", "a\\u{fe0f}"],
  ])("%s", (_what, text, shown) => {
    expect(escapeText(text, { maxLength: 1000 })).toBe(shown);
    expect(hasHiddenCharacters(text)).toBe(text !== shown);
  });

  test("keeps line feeds for who lays out lines", () => {
    expect(escapeText("a\n\rb", { maxLength: 100, lineFeeds: "keep" })).toBe("a\n\\rb");
  });

  test("says how much was cut, and cuts no escape in two", () => {
    expect(escapeText("x".repeat(50), { maxLength: 30 })).toBe(`${"x".repeat(19)}… [31 more]`);
    expect(escapeText("\n".repeat(20), { maxLength: 14 })).toBe("\\n… [19 more]");
    expect(escapeText("abc", { maxLength: 3 })).toBe("abc");
    expect(escapeText("abcd", { maxLength: 3 })).toBe("…");
    expect(escapeText("abcd", { maxLength: 0 })).toBe("");
  });

  test("whatever comes in: nothing hidden comes out, and never more than the limit", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), fc.integer({ min: 0, max: 80 }), (text, maxLength) => {
      const shown = escapeText(text, { maxLength });
      expect(hasHiddenCharacters(shown)).toBe(false);
      expect(shown.length).toBeLessThanOrEqual(maxLength);
    }), { numRuns: 1000 });
  });

  test("JSON says the same value with nothing hidden in it", () => {
    expect(plainJson({ "a\u009b2J": "\u202ex\u{e0041}\n" })).toBe(String.raw`{"a\u009b2J":"\u202ex\udb40\udc41\n"}`);
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      const json = plainJson([text]);
      expect(hasHiddenCharacters(json)).toBe(false);
      expect(JSON.parse(json)).toEqual([text]);
    }), { numRuns: 500 });
  });
});
