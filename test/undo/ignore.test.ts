import { describe, expect, test } from "vitest";
import { ArtefactNames } from "../../src/undo/regenerable.ts";
import { fits } from "../../src/undo/wildcard.ts";
import { linesBetween } from "../../src/undo/text-difference.ts";

describe("wildcards", () => {
  test.each<[string, string, boolean]>([
    ["*.ts", "a.ts", true], ["*.ts", ".ts", true], ["*.ts", "a.tsx", false], ["a?c", "abc", true], ["a?c", "ac", false], ["[ab].c", "a.c", true], ["*", "", true], ["a*b*c", "a-b-b-c", true], ["a*b*c", "a-c", false], ["", "", true], ["", "x", false], ["a.c", "abc", false],
  ])("%s and %s", (pattern, text, answer) => expect(fits(pattern, text)).toBe(answer));

  test("a pattern made to take long does not", () => {
    expect(fits(`${"*a".repeat(60)}b`, "a".repeat(5_000))).toBe(false);
  });
});

test("names of what tools make", () => {
  const names = new ArtefactNames(["dist", "*.log", "*.egg-info", "cmake-build-*", "bin/Debug"]);
  expect(["dist", "x.log", "my.egg-info", "cmake-build-debug", "node_modules", "src", "log", "bin", "Debug", "x.logs"].map((name) => names.has(name))).toEqual([true, true, true, true, true, false, false, false, false, false]);
});

test("a difference is what lies between the first and the last line that differ", () => {
  expect(linesBetween(["a", "b", "c"], ["a", "x", "y", "c"])).toEqual(["- b", "+ x", "+ y"]);
  expect(linesBetween(["a"], ["a"])).toEqual([]);
  expect(linesBetween(Array.from({ length: 20 }, String), []).at(-1)).toBe("- … 8 more lines");
});
