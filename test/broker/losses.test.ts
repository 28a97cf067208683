import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { sizeWords, stakeOfQuestion } from "../../src/broker/losses.ts";
import { nothingKnown, type Effect, type FilePort, type PathFlag } from "../../src/model/index.ts";

const folder = mkdtempSync(join(tmpdir(), "vetsh-losses-"));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "src/deep"), { recursive: true });
for (const [name, size] of [["src/a.ts", 1_000], ["src/deep/b.ts", 500], ["src/new.ts", 24], ["one.log", 7], ["two.log", 8], [".hidden.log", 9]] as const) writeFileSync(join(folder, name), "x".repeat(size));
symlinkSync("/", join(folder, "src/everything"));

const files: FilePort = { ...nothingKnown, tracked: (path) => (path.endsWith("new.ts") || path.endsWith("everything") ? "untracked" : "tracked") };
const base = { span: { start: 0, end: 1 }, sure: "certain", by: "coreutils/rm" } as const;
const target = (name: string, flags: readonly PathFlag[]) => ({ path: join(folder, name), zone: "workspace", flags }) as const;
const gone = (name: string, ...flags: PathFlag[]): Effect => ({ ...base, kind: "delete", path: target(name, flags), recursive: true });
const host = (name: string): Effect => ({ ...base, kind: "network", host: name, port: undefined, direction: "out", loopback: false, sends: false });
const stake = (...effects: Effect[]): readonly string[] => stakeOfQuestion({ effects, facts: { files } }).map((line) => line.replaceAll(folder, ""));

test.each<[string, Effect, readonly string[]]>([
  ["a tree: links are counted, not followed", gone("src"), ["4 files, 1.5 kB, 2 of them not in git: /src"]],
  ["a file", gone("one.log"), ["1 file, 7 bytes: /one.log"]],
  ["a pattern, as the shell reads it", gone("*.log", "glob"), ["2 files, 15 bytes: /*.log"]],
  ["a pattern of directories: not counted", gone("*/a", "glob"), []],
  ["what is not there", gone("nothing"), []],
  ["a write over a file", { ...base, kind: "write", path: target("one.log", []), by: "redirection" }, ["changes a file that is there (7 bytes): /one.log"]],
  ["a new file", { ...base, kind: "write", path: target("new", []), by: "redirection" }, []],
  ["a plain host", host("github.com"), []],
  ["a host in other letters", host("g\u0456thub.com"), ["the host `g\u0456thub.com` is not written in plain letters: it is xn--gthub-n2e.com"]],
  ["a host in its plain spelling", host("xn--gthub-n2e.com"), ["the host `xn--gthub-n2e.com` stands for `g\u0456thub.com`"]],
])("%s", (_what, effect, expected) => {
  expect(stake(effect).map((line) => line.replace(/1\.\d kB/, "1.5 kB"))).toEqual(expected);
});

test("a tree that is too large to count is counted in part, and says so", () => {
  const many = join(folder, "many");
  mkdirSync(many);
  expect(stake(...Array.from({ length: 20 }, () => gone("src")))).toHaveLength(1);
  // Endless questions about one file: the budget is for all of them.
  const slow: FilePort = { ...files, tracked: () => { const until = performance.now() + 70; while (performance.now() < until); return "tracked"; } };
  expect(stakeOfQuestion({ effects: [gone("src")], facts: { files: slow } })[0]).toMatch(/^at least 1 file, /);
});

test.each([[0, "0 bytes"], [1, "1 byte"], [999, "999 bytes"], [1_000, "1.0 kB"], [3_400_000, "3.4 MB"], [12e12, "12.0 TB"]])("%d is %s", (bytes, words) => {
  expect(sizeWords(bytes)).toBe(words);
});
