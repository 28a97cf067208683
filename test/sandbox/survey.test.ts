import { createServer } from "node:net";
import { existsSync, linkSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PROTECTED, SECRETS } from "../../src/analyse/path-table.ts";
import { PROTECTED_IN_WORKSPACE, SECRET_IN_HOME } from "../../src/sandbox/paths.ts";
import { LIMITS } from "../../src/model/index.ts";
import { namesIn } from "../../src/sandbox/names.ts";
import { namedPaths } from "../../src/sandbox/git-config.ts";
import { survey } from "../../src/sandbox/index.ts";
import { git } from "./box.ts";

let base: string;
let work: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync("/tmp/vetsh-survey-"));
  work = join(base, "w");
  mkdirSync(work);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const look = (change: Partial<Parameters<typeof survey>[0]> = {}) => survey({ workspace: work, cwd: work, home: join(base, "home"), guarded: [], writable: [], secrets: [], ...change });
const put = (name: string, text = ""): void => {
  mkdirSync(join(base, name, ".."), { recursive: true });
  writeFileSync(join(base, name), text);
};
const below = (paths: readonly string[]): readonly string[] => paths.filter((path) => path.startsWith(base)).map((path) => path.slice(base.length + 1));

test("no repository: what does not exist is watched", () => {
  const found = look();
  expect(found.git).toEqual({ kind: "none" });
  expect(found.protected).toEqual([]);
  expect(below(found.watched.map(({ path }) => path))).toEqual(expect.arrayContaining(["w/.git", "w/.envrc", "w/.github/workflows", "w/.vetsh.toml"]));
});

test("what is protected is found in a directory of many names too, and again when that is known", () => {
  for (let index = 0; index <= LIMITS.listedNames; index += 1) put(`w/file-${index}`);
  put("w/.envrc");
  for (const _ of ["first", "again"]) expect(below(look().protected)).toEqual(["w/.envrc"]);
  put("w/.npmrc");
  expect(below(look().protected).toSorted()).toEqual(["w/.envrc", "w/.npmrc"]);
});

test("what appeared since the last look is found, and what went is watched", () => {
  expect(below(look().protected)).toEqual([]);
  put("w/.github/workflows/ci.yml");
  put("home/.config/gh/hosts.yml");
  expect(below(look().protected)).toEqual(["w/.github/workflows"]);
  expect(below(look().hidden.map(({ path }) => path))).toEqual(["home/.config/gh"]);
  rmSync(join(work, ".github"), { recursive: true });
  const { protected: held, watched } = look();
  expect(below(held)).toEqual([]);
  expect(below(watched.map(({ path }) => path))).toContain("w/.github/workflows");
});

test("a directory that cannot be listed is looked into name by name", () => {
  put("w/.envrc");
  const asked = namesIn(join(base, "not there"));
  expect(asked(".envrc")).toBe(true);
  const listed = namesIn(work);
  expect([".envrc", ".ENVRC", ".envrc/x", ".npmrc"].map(listed)).toEqual([true, true, true, false]);
});

test("a checkout: hooks and info are made when they are missing, and protected", () => {
  git(work, "init", "-q", "--template=");
  put("w/.envrc");
  put("w/.github/workflows/ci.yml");
  expect(below(look().protected)).toEqual(["w/.git/hooks", "w/.git/config", "w/.git/info", "w/.envrc", "w/.github/workflows"]);
  expect(existsSync(join(work, ".git/hooks"))).toBe(true);
});

test("a git directory with a link in it is read-only as a whole; a .git that is a link is refused", () => {
  git(work, "init", "-q");
  rmSync(join(work, ".git/hooks"), { recursive: true });
  symlinkSync("../hooks", join(work, ".git/hooks"));
  expect(below(look().protected)).toEqual(["w/.git"]);
  renameSync(join(work, ".git"), join(work, "elsewhere"));
  symlinkSync("elsewhere", join(work, ".git"));
  expect(look().refused).toEqual([expect.stringContaining("symbolic link")]);
});

test("a second name of a protected file is noted", () => {
  git(work, "init", "-q");
  linkSync(join(work, ".git/config"), join(base, "second"));
  expect(look().notes).toEqual([expect.stringContaining("hard link")]);
});

test("a protected name that is a link: the target is protected, the link watched", () => {
  put("w/real/settings.json");
  symlinkSync("real", join(work, ".claude"));
  const found = look();
  expect(below(found.protected)).toEqual(["w/real"]);
  expect(found.watched).toContainEqual({ path: join(work, ".claude"), link: "real" });
});

test("nested repositories: parts of few, the whole of many", () => {
  put("w/a/.git/config");
  put("w/a/.git/hooks/x");
  put("w/b/c/.git", "gitdir: ../../.git/modules/c\n");
  expect(below(look().protected).toSorted()).toEqual(["w/a/.git/config", "w/a/.git/hooks", "w/b/c/.git"]);
  const many = join(base, "many");
  for (let index = 0; index < 12; index += 1) put(`many/r${index}/.git/config`);
  const found = below(look({ workspace: many }).protected);
  expect(found.length).toBe(12);
  expect(found).toContain("many/r11/.git");
});

test("secrets: what exists, as it really is", () => {
  put("home/.ssh/id");
  put("home/.npmrc");
  put("vault/netrc");
  symlinkSync("../vault/netrc", join(base, "home/.netrc"));
  expect(below(look().hidden.map(({ path, kind }) => `${path} ${kind}`)).toSorted()).toEqual(["home/.npmrc file", "home/.ssh directory", "vault/netrc file"]);
});

test("claims are looked at behind links", () => {
  put("data/file");
  symlinkSync("data", join(base, "link"));
  expect(look({ writable: [join(base, "link/file"), join(base, "link/new")] }).writable).toEqual([
    { asked: join(base, "link/file"), real: join(base, "data/file"), kind: "file" },
    { asked: join(base, "link/new"), real: join(base, "data/new"), kind: "missing" },
  ]);
});

test("a working directory in /tmp stays visible, unless a program listens in it", async () => {
  const cwd = join(base, "cwd");
  mkdirSync(cwd);
  expect(look({ cwd }).kept).toContain(cwd);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(cwd, "agent.1"), resolve));
  try {
    expect(look({ cwd }).kept).not.toContain(cwd);
  } finally {
    server.close();
  }
});

test("a .git file that nobody outside confirms opens nothing", () => {
  put("other/.git/HEAD");
  put("other/.git/config", "[core]\n");
  mkdirSync(join(base, "other/.git/objects"));
  put("w/.git", "gitdir: ../other/.git\n");
  expect(look()).toMatchObject({ git: { kind: "none" }, protected: [join(work, ".git")], notes: [expect.stringContaining("does not name it")] });
});

test("what git's configuration names in the work tree is protected, and what is missing is watched", () => {
  const text = `[core]\n\thooksPath = tools/hooks\n\tfsmonitor = ./watch.sh --fast ; comment\n\tsshCommand = ssh -F ./ssh/config\n\tpager = less\n[include]\n\tpath = "../team.cfg"\n[filter "x"]\n\tclean = ./f.sh %f\n[remote "o"]\n\turl = ./elsewhere\n[includeIf "gitdir:x"] path = /etc/other\n\tpath = ~/mine\n`;
  expect(namedPaths(text, "/w/.git", "/w")).toEqual(["/w/tools/hooks", "/w/watch.sh", "/w/ssh/config", "/w/team.cfg", "/w/f.sh", "/etc/other"]);
  git(work, "init", "-q", "--template=");
  writeFileSync(join(work, ".git/config"), text);
  put("w/team.cfg");
  put("w/tools/hooks/x");
  const found = look();
  expect(below(found.protected)).toEqual(["w/.git/hooks", "w/.git/config", "w/.git/info", "w/tools/hooks", "w/team.cfg"]);
  expect(below(found.watched.map(({ path }) => path))).toEqual(expect.arrayContaining(["w/watch.sh", "w/f.sh"]));
});

test("what analysis calls protected in a workspace is what the sandbox protects", () => {
  const named = PROTECTED.filter((pattern) => !/^[~/]/.test(pattern) && !pattern.startsWith(".git/"));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((pattern) => !(PROTECTED_IN_WORKSPACE as readonly string[]).includes(pattern))).toEqual([]);
});

test("what analysis calls a secret in the home directory is hidden, itself or with its directory", () => {
  const named = SECRETS.filter((pattern) => pattern.startsWith("~/") && !pattern.includes("Library")).map((pattern) => pattern.slice(2));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !SECRET_IN_HOME.some((hidden) => name === hidden || name.startsWith(`${hidden}/`)))).toEqual([]);
});
