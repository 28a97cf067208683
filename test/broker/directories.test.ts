import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { claimDirectories, makeNowhere, placesOf } from "../../src/broker/directories.ts";
import { readLayout } from "../../src/broker/layout.ts";
import { StartError } from "../../src/broker/start-error.ts";

const base = mkdtempSync(join(tmpdir(), "vetsh-places-"));
let made = 0;
const freshRoot = (): string => {
  const root = join(base, String((made += 1)));
  mkdirSync(root);
  return root;
};
afterAll(() => rmSync(base, { recursive: true }));

describe("private directories", () => {
  test("are made for this user alone, and narrowed when they were open", () => {
    const root = freshRoot();
    mkdirSync(join(root, "state"));
    chmodSync(join(root, "state"), 0o755);
    claimDirectories(placesOf(root));
    expect([lstatSync(join(root, "run")).mode & 0o777, lstatSync(join(root, "state")).mode & 0o777]).toEqual([0o700, 0o700]);
  });

  test.each(["run", "state"])("%s as a link or a file is refused", (name) => {
    const root = freshRoot();
    symlinkSync(base, join(root, name));
    expect(() => claimDirectories(placesOf(root))).toThrow(StartError);
    rmSync(join(root, name));
    writeFileSync(join(root, name), "");
    expect(() => claimDirectories(placesOf(root))).toThrow(StartError);
  });

  test.runIf(process.getuid?.() === 0)("of somebody else are refused", async () => {
    const root = freshRoot();
    mkdirSync(join(root, "run"));
    (await import("node:fs")).chownSync(join(root, "run"), 65_534, 65_534);
    expect(() => claimDirectories(placesOf(root))).toThrow(/belongs to another user/);
  });
});

test("the place of commands without a workspace is one for each installation, and empty", () => {
  const root = freshRoot();
  const first = makeNowhere(root);
  writeFileSync(join(first, "left"), "");
  expect(makeNowhere(root)).toBe(first);
  expect(existsSync(join(first, "left"))).toBe(false);
  rmSync(first, { recursive: true });
  symlinkSync(base, first);
  const other = makeNowhere(root);
  expect(other).not.toBe(first);
  rmSync(other, { recursive: true });
  rmSync(first);
});

describe("layout.json", () => {
  const good = (root: string): Record<string, unknown> => ({ version: 1, root, home: "/h", config: "/c", managed: "/m", node: "/n", app: "/a", shells: { bash: "/b", sh: "/s", zsh: "/z", dash: "/d" } });
  const write = (root: string, value: unknown): void => writeFileSync(join(root, "layout.json"), typeof value === "string" ? value : JSON.stringify(value));

  test("is read as it is", () => {
    const root = freshRoot();
    write(root, good(root));
    expect(readLayout(root)).toEqual(good(root));
  });

  test.each([
    ["missing", undefined, /cannot be read/],
    ["no JSON", "{", /is not JSON/],
    ["a relative path", { home: "h" }, /home: must be an absolute/],
    ["a path that is not normalised", { node: "/x/../n" }, /node: must be an absolute/],
    ["a shell left out", { shells: { bash: "/b" } }, /shells\.sh/],
    ["another version", { version: 2 }, /version/],
    ["another installation's", { root: "/elsewhere" }, /belongs to the installation `\/elsewhere`/],
  ])("%s: refused, with what to do", (_name, change, message) => {
    const root = freshRoot();
    if (change !== undefined) write(root, typeof change === "string" ? change : { ...good(root), ...change });
    expect(() => readLayout(root)).toThrow(message);
    expect(() => readLayout(root)).toThrow(StartError);
  });

  test("that others can write is not believed", () => {
    const root = freshRoot();
    write(root, good(root));
    chmodSync(join(root, "layout.json"), 0o666);
    expect(() => readLayout(root)).toThrow(/can be written by others/);
  });
});
