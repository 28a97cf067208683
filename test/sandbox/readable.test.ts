import fc from "fast-check";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { readableAround, type Listed } from "../../src/sandbox/readable.ts";

const TREE: Readonly<Record<string, readonly string[]>> = {
  "/": ["bin@", "etc/", "home/", "usr/"], "/etc": ["passwd", "shadow"], "/home": ["dev/", "other/"], "/home/dev": [".ssh/", ".netrc", ".config/", "work/", "me@"], "/home/dev/.config": ["gh/", "tool/"],
};
const list = (directory: string): readonly Listed[] => (TREE[directory] ?? []).map((name) => ({ name: name.replace(/[/@]$/, ""), kind: name.endsWith("/") ? "directory" : name.endsWith("@") ? "link" : "file" }));

test.each<[string, readonly string[], readonly string[]]>([
  ["nothing hidden: the directories of the root, without links", [], ["/etc", "/home", "/usr"]],
  ["a file: everything beside it and above", ["/etc/shadow"], ["/etc/passwd", "/home", "/usr"]],
  ["a directory, and one two levels below", ["/home/dev/.ssh", "/home/dev/.config/gh"], ["/etc", "/home/dev/.netrc", "/home/dev/.config/tool", "/home/dev/work", "/home/other", "/usr"]],
  ["one within another", ["/home/dev", "/home/dev/.ssh"], ["/etc", "/home/other", "/usr"]],
  ["what is not there", ["/home/dev/.aws", "/opt/x"], ["/etc", "/home/dev/.ssh", "/home/dev/.netrc", "/home/dev/.config", "/home/dev/work", "/home/other", "/usr"]],
  ["everything", ["/"], []],
])("%s", (_, hidden, readable) => {
  expect(readableAround(hidden, list)).toEqual(readable);
});

test("too many to name is nothing that can be held", () => {
  expect(readableAround(["/x"], () => Array.from({ length: LIMITS.readablePaths + 1 }, (_, at) => ({ name: `f${at}`, kind: "file" })))).toBeUndefined();
});

test("whatever is hidden: no path is, holds or lies in one of it", () => {
  const paths = Object.entries(TREE).flatMap(([directory, names]) => names.map((name) => `${directory === "/" ? "" : directory}/${name.replace(/[/@]$/, "")}`));
  fc.assert(fc.property(fc.subarray(paths), (hidden) => {
    const within = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`);
    for (const path of readableAround(hidden, list) ?? []) for (const one of hidden) expect(within(path, one) || within(one, path)).toBe(false);
  }));
});
