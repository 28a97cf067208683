import { expect, test } from "vitest";
import { sources, withoutComments, type Source } from "./sources.ts";

const code = [...sources("src", /\.ts$/), ...sources("scripts", /\.(?:ts|mjs|sh)$/), ...sources("bench", /\.(?:ts|c)$/), ...sources("shims", /\.[ch]$/), ...sources("test", /\.ts$/)];
/** Everything but what is generated, somebody else's text, or about these words. */
const all = sources(".", /^(?!package-lock\.json$|LICENSE$|test\/tidy\/words\.test\.ts$)/);

/** In: files and what may not be in them. Out: each place that has it. */
function places(files: readonly Source[], pattern: RegExp): readonly string[] {
  return files.flatMap((file) => file.text.split("\n").flatMap((line, at) => (pattern.test(line) ? [`${file.path}:${at + 1}: ${line.trim().slice(0, 100)}`] : [])));
}

test("there is code to look at", () => {
  expect(code.length).toBeGreaterThan(150);
  expect(all.length).toBeGreaterThan(code.length);
});

test("`any` is not a type here", () => {
  const stripped = code.filter((file) => file.path.startsWith("src/")).map((file) => ({ ...file, text: withoutComments(file.text) }));
  expect(stripped.length).toBeGreaterThan(100);
  expect(places(stripped, /(?:[:<,|&]\s*|\bas\s+)any\b(?!["'`:])\s*(?:[;,)>\]=|&{]|\[\]|$)/)).toEqual([]);
});

test("the compiler and the linter are not told to look away", () => {
  // In a test, with a reason after `--`, one line may be excused.
  expect(places(code, /@ts-(?:ignore|nocheck|expect-error)|(?:eslint|oxlint)-disable(?!-next-line[^\n]* -- \w)/).filter((place) => !place.startsWith("test/tidy/"))).toEqual([]);
});

test("nothing is left to do later without a name in docs/limits.md", () => {
  expect(places(code, /\b(?:TODO|FIXME|XXX|HACK)\b/).filter((place) => !place.startsWith("test/tidy/"))).toEqual([]);
});

test("no catch is empty", () => {
  expect(places(code, /catch\s*(?:\([^)]*\))?\s*\{\s*\}/).filter((place) => !place.startsWith("test/tidy/"))).toEqual([]);
});

test("no path of the machine it was written on, no registry, no credentials", () => {
  const machine = /\/work\/(?:main|shared|\.library)|\.\.\/shared\/|\/Users\/[a-z]/;
  const registry = /registry\.npmjs|npmjs\.org|artifactory|verdaccio|pypi\.org\/simple/;
  const secret = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n?[A-Za-z0-9+/]{40}|\bsk-[A-Za-z0-9]{32,}|\bghp_[A-Za-z0-9]{36}\b|\bAKIA[0-9A-Z]{16}\b/;
  // The benchmarks name the measuring corpora, which lie beside a checkout.
  expect(places(all, machine).filter((place) => !/^bench\//.test(place))).toEqual([]);
  expect(places(all.filter((file) => !file.path.startsWith("test/")), registry).filter((place) => !place.startsWith("rules/"))).toEqual([]);
  expect(places(all.filter((file) => !file.path.startsWith("test/")), secret)).toEqual([]);
});

test("sources are plain text: no control characters, no bidirectional marks, no blanks at line ends", () => {
  const odd = /[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;
  const text = all.filter((file) => /\.(?:ts|mjs|c|h|sh|toml|json|md)$/.test(file.path));
  expect(text.length).toBeGreaterThan(150);
  expect(places(text, odd)).toEqual([]);
  expect(places(text.filter((file) => !file.path.endsWith(".md")), /[ \t]+$/)).toEqual([]);
});
