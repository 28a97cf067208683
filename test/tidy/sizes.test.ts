import { expect, test } from "vitest";
import { sources } from "./sources.ts";

const FILE_LINES = 400;
const FUNCTION_LINES = 70;
/** Closures that are objects in all but name: their parts are short, and what they share is in one place. */
const CLOSURES: readonly string[] = ["src/terminal/overlay.ts"];
/** Tables of data: as long as what they describe. */
const TABLES: readonly string[] = [];

const files = [...sources("src", /\.ts$/), ...sources("scripts", /\.(ts|mjs|sh)$/), ...sources("bench", /\.(ts|c)$/), ...sources("shims", /\.[ch]$/)];

test(`no file is longer than ${FILE_LINES} lines`, () => {
  expect(files.length).toBeGreaterThan(100);
  const long = files.map((file) => ({ path: file.path, lines: file.text.split("\n").length })).filter((file) => file.lines > FILE_LINES && !TABLES.includes(file.path));
  expect(long).toEqual([]);
  for (const path of TABLES) expect(files.map((file) => file.path)).toContain(path);
});

/** A function or method that opens at the end of a line, up to the line that closes it with the same indentation. */
const OPENING = /^(\s*)(?:(?:export |default |async |static |private |readonly |get |set )*(?:function\b.*|[\w#]+\([^)]*\).*|(?:const|let) \w+.*=>\s*)) ?\{$/;

test(`no function is longer than ${FUNCTION_LINES} lines`, () => {
  let looked = 0;
  const long = files
    .filter((file) => file.path.endsWith(".ts"))
    .flatMap((file) => {
      const lines = file.text.split("\n");
      return lines.flatMap((line, at) => {
        const opening = OPENING.exec(line);
        if (opening === null || /^\s*(?:if|for|while|switch|else|return|do|try|catch)\b/.test(line)) return [];
        const end = lines.findIndex((each, index) => index > at && new RegExp(`^${opening[1] ?? ""}\\}`).test(each));
        looked += 1;
        return end - at + 1 > FUNCTION_LINES && !CLOSURES.includes(file.path) ? [`${file.path}:${at + 1} ${end - at + 1} lines`] : [];
      });
    });
  expect(looked).toBeGreaterThan(200);
  expect(long).toEqual([]);
});

test("files are named for a concept, in kebab case", () => {
  const names = [...sources("src", /\.ts$/), ...sources("test", /\.ts$/), ...sources("rules", /\.toml$/)].map((file) => file.path);
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((path) => !/^(?:[a-z0-9-]+\/)*[a-z0-9-]+(?:\.test)?\.(?:ts|toml)$/.test(path))).toEqual([]);
  expect(names.filter((path) => path.startsWith("src/") && /\b(?:utils?|helpers?|manager|misc|common)\b/.test(path))).toEqual([]);
});
