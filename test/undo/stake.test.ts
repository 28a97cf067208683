/** What a line puts at stake, as the real analysis sees it, in a real workspace. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judge, Rulebooks, stakeOfLine, Surveyor } from "../../src/broker/index.ts";
import type { Layout } from "../../src/model/index.ts";
import type { CodeAtStake, Root } from "../../src/undo/index.ts";

let base: string;
let workspace: string;
let layout: Layout;
let rulebooks: Rulebooks;

beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "vetsh-stake-")));
  workspace = join(base, "work");
  mkdirSync(join(workspace, "src/lib"), { recursive: true });
  mkdirSync(join(workspace, ".git"));
  mkdirSync(join(workspace, "docs"));
  for (const name of ["src/a.ts", "src/lib/b.ts", "c.ts", ".env.local"]) writeFileSync(join(workspace, name), "x");
  symlinkSync("src/a.ts", join(workspace, "link"));
  layout = { version: 1, root: join(base, "root"), home: userInfo().homedir, config: join(base, "config"), managed: join(base, "managed"), node: process.execPath, app: resolve("."), shells: { bash: "/bin/bash", sh: "/bin/sh", zsh: "/bin/bash", dash: "/bin/sh" } };
  rulebooks = new Rulebooks(layout, Date.now, () => undefined);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function stake(line: string, code: CodeAtStake = "unread"): { readonly at: readonly string[]; readonly uncovered: readonly string[] } {
  const surveyor = new Surveyor(layout, join(base, "nowhere"), Date.now);
  const facts = surveyor.factsFor({ cwd: workspace, env: new Map(), workspace, files: "real" });
  const subject = { id: "t", shell: "bash" as const, argv: ["bash", "-c", line], tty: { stdin: false }, inherited: new Map<string, string>(), unreadable: undefined };
  const { roots, code: byCode, uncovered } = stakeOfLine(judge(subject, facts, rulebooks.base(), { sandboxed: true, unconfined: undefined }), code);
  return { at: [...roots.map(inWords), ...byCode.map((root) => `${inWords(root)} (code)`)], uncovered };
}

function inWords({ path, name, git, top, only }: Root): string {
  return `${path.slice(workspace.length + 1) || "."}${name === undefined ? "" : `/**/${name}`}${git === "all" ? " +git" : ""}${top === "git" ? " (git)" : ""}${only === undefined ? "" : " (link)"}`;
}

const WHOLE = ["."];
const CODE = [". (code)"];
const GONE = [".", ". +git"];

describe("nothing is at stake", () => {
  test.each(["ls -la", "cat c.ts", "echo hi", "echo x > new.txt", "mkdir -p src/lib", "mkdir -p some/where", "touch c.ts", "git status", "git add -A", "git commit -m x", "git diff", "rm -rf node_modules", "rm -rf /tmp/x", "echo x > /tmp/y", "npm test", "make"])("%s", (line) => {
    expect(stake(line).at).toEqual([]);
  });
});

describe("what is named", () => {
  test.each<[string, readonly string[]]>([
    ["rm -rf src", ["src +git"]],
    ["rm c.ts .env.local", ["c.ts +git", ".env.local +git"]],
    ["rm link", ["src/a.ts +git", "link (link)"]],
    ["echo hi > c.ts", ["c.ts"]],
    ["echo hi >> c.ts", ["c.ts"]],
    ["sed -i s/a/b/ c.ts", ["c.ts"]],
    ["mv src lib", ["src", "lib"]],
    ["cp c.ts docs", []],
    ["cp src/a.ts c.ts src/lib", []],
    ["cp src/lib/b.ts c.ts src", []],
    ["cp -t src src/lib/a.ts", ["src/a.ts"]],
    ["cp *.ts src", ["src/**/*.ts"]],
    ["truncate -s 0 c.ts", ["c.ts"]],
    ["rm *.ts", ["./**/*.ts +git"]],
    ["find src -name '*.ts' -delete", ["src/**/*.ts +git"]],
    ["rm -rf src/*", ["src +git"]],
    ["bash -c 'rm -rf src'", ["src +git"]],
    ["cd src && rm a.ts", ["src/a.ts +git"]],
    ["rm -rf .git", [".git +git"]],
    ["git rm -r src", [".git (git)", "src +git"]],
    ["rm -rf build dist", []],
  ])("%s", (line, at) => expect(stake(line).at).toEqual(at));
});

describe("the whole workspace", () => {
  test.each<[string, readonly string[]]>([
    ["git reset --hard", WHOLE], ["git checkout -- .", WHOLE], ["git clean -fdx", WHOLE], ["git stash", WHOLE], ["tar xf a.tar", WHOLE], ["patch -p1 < c.ts", WHOLE], ["prettier --write .", WHOLE],
    ["rm -rf \"$X\"", GONE], ["cat c.ts | xargs rm", GONE], ["eval \"$X\"", CODE],
    ["git branch -D topic", [".git (git)"]], ["git stash drop", [".git (git)"]],
  ])("%s", (line, at) => expect(stake(line).at).toEqual(at));

  test("code is a setting", () => {
    expect([stake("npm test", "always").at, stake("python3 x.py", "always").at, stake("python3 -c 'print(1)'", "unread").at, stake("python3 -c 'print(1)'", "never").at, stake("eval \"$X\"", "never").at]).toEqual([CODE, CODE, CODE, [], []]);
  });
});

describe("what no snapshot holds is said", () => {
  test.each<[string, string]>([
    ["rm ~/notes.md", "notes.md`, which is outside of the workspace"],
    ["git push --force origin main", "what it changes elsewhere"],
  ])("%s", (line, words) => expect(stake(line)).toEqual({ at: [], uncovered: [expect.stringContaining(words)] }));
});
