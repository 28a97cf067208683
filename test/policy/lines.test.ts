import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../src/policy/index.ts";
import { defaults } from "./judge.ts";

/**
 * One command line each, of our own writing: everyday work, reference pages' kind of lines, known tricks and spellings.
 * They are inert text: judged, never run. Who finds one judged wrongly adds it to the file where it belongs and mends the spec.
 */
const { loaded, judge } = defaults();

function linesOf(name: string): readonly string[] {
  const lines = readFileSync(join(import.meta.dirname, "lines", name), "utf8").split("\n").filter((line) => line !== "");
  expect(lines.length).toBeGreaterThan(100);
  return lines;
}

function verdict(line: string): string {
  return evaluate(judge(line), loaded.rules, { sandboxed: true, workspace: "/home/dev/repo", home: "/home/dev" }).verdict;
}

describe.each([
  ["allowed.txt", "needs nobody", ["allow"]],
  ["stopped.txt", "is looked at or asked about", ["review", "ask", "deny"]],
  ["denied.txt", "is denied", ["deny"]],
] as const)("%s", (file, what, expected) => {
  test(`each line ${what}`, () => {
    expect(linesOf(file).map((line) => [line, verdict(line)]).filter(([, found]) => !expected.some((one) => one === found))).toEqual([]);
  });
});
