import { describe, expect, it } from "vitest";
import { parseScript } from "../../src/parse/index.ts";
import { HARMLESS, HIDING } from "./guard-rows.ts";
import { bashAccepts } from "./shells.ts";

describe("text that hides a command is opaque", () => {
  it.each(HIDING)("$name", ({ text }) => {
    const { opaque } = parseScript(text, "bash");
    expect(opaque).not.toEqual([]);
    for (const note of opaque) {
      expect(note.reason).not.toBe("");
      expect(note.span.start).toBeGreaterThanOrEqual(0);
      expect(note.span.end).toBeGreaterThanOrEqual(note.span.start);
      expect(note.span.end).toBeLessThanOrEqual(text.length);
    }
  });
});

describe("text that looks like it and hides nothing is understood", () => {
  it.each(HARMLESS)("$name", ({ text }) => {
    expect(bashAccepts(text)).toBe(true);
    expect(parseScript(text, "bash").opaque).toEqual([]);
  });
});
