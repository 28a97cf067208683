import { describe, expect, test } from "vitest";
import { nameGlob, nameGlobs, pathGlob, pathMatches, pathMayTouch } from "../../src/policy/glob.ts";

const BASES = { workspace: "/home/dev/repo", home: "/home/dev" };

describe("path globs", () => {
  test.each([
    ["/etc/hosts", "/etc/hosts", true],
    ["/etc/hosts", "/etc/hosts.bak", false],
    ["/etc/**", "/etc", true],
    ["/etc/**", "/etc/a/b", true],
    ["/etc/**", "/etcetera/a", false],
    ["/etc/*", "/etc/a", true],
    ["/etc/*", "/etc/a/b", false],
    ["/dev/dm-*", "/dev/dm-0", true],
    ["/**/x", "/a/b/x", true],
    ["/**/x", "/x", true],
    ["/**/x", "/a/bx", false],
    ["/a/**/x", "/a/x", true],
    ["/a/**/x", "/a/b/c/x", true],
    ["/a/**/x", "/a/bx", false],
    ["~/.ssh/**", "/home/dev/.ssh/id", true],
    ["~/.ssh/**", "/home/other/.ssh/id", false],
    ["~", "/home/dev", true],
    ["~/**", "/home/developer/x", false],
    ["workspace/dist/**", "/home/dev/repo/dist/a/b", true],
    ["workspace/dist/**", "/home/dev/dist/a", false],
    ["workspace", "/home/dev/repo", true],
    [".env", "/home/dev/repo/packages/a/.env", true],
    [".env", "/home/dev/repo/x.env", false],
    ["*.pem", "/srv/keys/a.pem", true],
    ["a?c", "/x/abc", true],
    ["a?c", "/x/a/c", false],
    ["a.c", "/x/abc", false],
    ["/", "/", true],
    ["/**", "/anything", true],
  ])("%s against %s: %s", (pattern, path, expected) => {
    expect(pathMatches(pathGlob(pattern), path, BASES)).toBe(expected);
  });

  test.each([
    // A tree or a pattern that holds what the rule is about, in either direction.
    ["~/notes/**", "/home/dev", true],
    ["~/notes/**", "/", true],
    ["~/notes/**", "/home/dev/n*", true],
    ["~/notes/**", "/home/dev/notes/a", true],
    ["~/notes/**", "/home/dev/other", false],
    ["~/notes/**", "/home/dev/*.log", false],
    ["~/.bash_history", "/home/dev/*history", true],
    ["~/.bash_history", "/home/dev/*.log", false],
    ["~/.ssh/authorized_keys", "/home/dev/.s*", true],
    ["~/.ssh/authorized_keys", "/home/dev/*/*", true],
    ["/etc/passwd", "/etc/*", true],
    ["/etc/passwd", "/etc", true],
    ["/etc/passwd", "/etcetera", false],
    ["workspace/src/**", "/home/dev/repo/src/*", true],
    ["workspace/src/**", "/home/dev/repo/docs", false],
    // For any depth: a pattern of the shell may stand for the name, a plain tree is not looked into.
    ["*.pem", "/home/dev/repo/keys/*", true],
    ["*.pem", "/home/dev/repo/keys", false],
  ])("%s may be touched through %s: %s", (pattern, path, expected) => {
    expect(pathMayTouch(pathGlob(pattern), path, BASES)).toBe(expected);
  });
});

describe("name globs", () => {
  test.each([
    ["git", "git", true],
    ["git", "gitk", false],
    ["git*", "gitk", true],
    ["g?t", "get", true],
    ["*/nc", "net/nc", true],
    ["a.b", "axb", false],
    ["$*", "$HOME", true],
    ["$\\*", "$*", true],
    ["$\\*", "$HOME", false],
    ["x\\?", "x?", true],
    ["x\\?", "xy", false],
    ["*", "line\nbreak", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "ac", false],
    ["a*bc*c", "abc", false],
    ["ab*ba", "aba", false],
    ["*b*b*", "ab", false],
    ["**", "", true],
  ])("%s against %s: %s", (pattern, text, expected) => {
    expect(nameGlob(pattern).test(text)).toBe(expected);
  });
});

describe("several names at once", () => {
  const texts = ["git", "go*", "*sql", "a?b", "x\\*y", "make", "*/nc", "*/n/c", "*"];
  const names = ["git", "gits", "g", "go", "gofmt", "psql", "sqlite", "aXb", "ab", "x*y", "xay", "make", "make ", "nc", "/nc", "a/nc", "a/nc/b", "/n/c", "n/c", "", "\ud800"];

  test.each(texts)("`%s` beside others says what it says alone", (text) => {
    for (const name of names) expect(nameGlobs([text, "git", "q*"]).some((glob) => glob.test(name))).toBe([text, "git", "q*"].some((one) => nameGlob(one).test(name)));
  });

  test("are met by none of the rest", () => {
    expect(names.filter((name) => nameGlobs(texts.slice(0, -1)).some((glob) => glob.test(name)))).toEqual(["git", "go", "gofmt", "psql", "aXb", "x*y", "make", "/nc", "a/nc", "/n/c"]);
  });
});
