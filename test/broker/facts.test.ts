import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findWorkspace, Surveyor } from "../../src/broker/facts.ts";
import { openFilePort } from "../../src/broker/file-port.ts";
import { GitIndexes } from "../../src/broker/git-index.ts";
import type { Layout } from "../../src/model/index.ts";

let base: string;
let repo: string;
let layout: Layout;

function git(cwd: string, ...args: string[]): void {
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@localhost", ...args], { cwd, stdio: "ignore", env: { PATH: "/usr/bin:/bin", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" } });
}

beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "vetsh-facts-")));
  repo = join(base, "repo");
  for (const folder of ["repo/src/deep", "plain/sub", "home/.ssh", "home/project", "root", "config"]) mkdirSync(join(base, folder), { recursive: true });
  for (const name of ["a", "b b", "src/deep/ü", "src/x"]) writeFileSync(join(repo, name), name);
  git(repo, "init", "-q", "-b", "main");
  git(repo, "add", ".");
  git(repo, "commit", "-q", "-m", "first");
  git(repo, "worktree", "add", "-q", join(base, "linked"));
  writeFileSync(join(repo, "new"), "new");
  writeFileSync(join(repo, "src/new"), "new");
  const root = join(base, "root");
  layout = { version: 1, root, home: join(base, "home"), config: join(base, "config"), managed: "/etc/vetsh", node: "/n", app: root, shells: { bash: "/b", sh: "/b", zsh: "/b", dash: "/b" } };
});

afterAll(() => rmSync(base, { recursive: true }));

describe("the workspace", () => {
  test.each([
    ["the top of a repository", "repo", "repo"],
    ["a folder of a repository", "repo/src/deep", "repo"],
    ["a linked worktree", "linked", "linked"],
    ["a folder without a repository", "plain/sub", "plain/sub"],
    ["a project in the home", "home/project", "home/project"],
    ["the home itself", "home", undefined],
    ["keys in the home", "home/.ssh", undefined],
    ["what holds the home", ".", undefined],
    ["vetsh itself", "root", undefined],
  ])("of %s", (_name, cwd, expected) => {
    expect(findWorkspace(join(base, cwd), layout)).toBe(expected === undefined ? undefined : join(base, expected));
  });

  test.each(["/", "/etc", "/usr/lib", "/tmp", "/proc/self", "/dev/shm", "relative", "/a/../b", ""])("of `%s`: none", (cwd) => {
    expect(findWorkspace(cwd, layout)).toBeUndefined();
  });

  test("a repository made of the home does not make it one", () => {
    mkdirSync(join(base, "home/.git"));
    expect(findWorkspace(join(base, "home/project"), layout)).toBe(join(base, "home/project"));
    rmSync(join(base, "home/.git"), { recursive: true });
  });

  test("without one, an empty place that nobody uses stands for it", () => {
    const facts = new Surveyor(layout, "/nowhere/at-all", Date.now).factsFor({ cwd: "/etc", env: new Map(), workspace: undefined, files: "real" });
    expect(facts.workspace).toBe("/nowhere/at-all");
  });
});

describe("what git tracks", () => {
  test.each([2, 3, 4])("read from an index of version %d", (version) => {
    if (version === 3) git(repo, "add", "-N", "new");
    git(repo, "update-index", "--index-version", String(version));
    const listed = execFileSync("git", ["ls-files", "-z"], { cwd: repo }).toString().split("\0").filter((name) => name !== "");
    const paths = new GitIndexes().of(repo);
    expect(listed.length).toBeGreaterThan(3);
    expect(listed.filter((name) => paths?.has(name) !== true)).toEqual([]);
    expect(paths?.has("src/new")).toBe(false);
    expect(paths?.hasBelow("src")).toBe(true);
    if (version === 3) git(repo, "reset", "-q");
  });

  test("through the file port", () => {
    const port = openFilePort(repo, new GitIndexes());
    expect(["a", "new", "src", "src/deep/ü", "../elsewhere", "."].map((name) => port.tracked(join(repo, name)))).toEqual(["tracked", "untracked", "unknown", "tracked", "unknown", "unknown"]);
    expect(openFilePort(join(base, "linked"), new GitIndexes()).tracked(join(base, "linked/a"))).toBe("tracked");
    expect(openFilePort(join(base, "plain"), new GitIndexes()).tracked(join(base, "plain/x"))).toBe("unknown");
  });

  test("an index that does not add up is not believed", () => {
    const broken = join(base, "broken");
    mkdirSync(join(broken, ".git"), { recursive: true });
    for (const bytes of ["", "DIRC", "DIRC\0\0\0\u0002\0\0\0\u0009", "garbage that is long enough to be read as something"]) {
      writeFileSync(join(broken, ".git/index"), bytes, "latin1");
      expect(new GitIndexes().of(broken)).toBeUndefined();
    }
  });
});

describe("the file port", () => {
  test("resolves links as far as the path exists, dangling ones to where they point", () => {
    symlinkSync(join(base, "plain"), join(repo, "out"));
    symlinkSync(join(base, "nowhere/file"), join(repo, "dangling"));
    symlinkSync("loop-b", join(repo, "loop-a"));
    symlinkSync("loop-a", join(repo, "loop-b"));
    const port = openFilePort(repo, new GitIndexes());
    expect(port.resolve(join(repo, "out/new/file"))).toBe(join(base, "plain/new/file"));
    expect(port.resolve(join(repo, "dangling"))).toBe(join(base, "nowhere/file"));
    expect(port.resolve(join(repo, "loop-a"))).toBeUndefined();
    expect(port.resolve(join(repo, "not/there"))).toBe(join(repo, "not/there"));
  });

  test("does not mistake itself for the command", () => {
    symlinkSync("/proc/self/cwd", join(repo, "mine"));
    const port = openFilePort(repo, new GitIndexes());
    expect(["/proc/self/cwd/x", "/dev/fd/0", "/dev/stdin", join(repo, "mine")].map((path) => port.resolve(path))).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("says what is there", () => {
    const port = openFilePort(repo, new GitIndexes());
    expect([join(repo, "a"), repo, join(repo, "none"), join(repo, "a/below"), "/dev/null"].map((path) => port.kind(path))).toEqual(["file", "directory", "missing", "missing", "other"]);
  });

  test("reads scripts that are plain, short and text; a FIFO does not hold it up", () => {
    execFileSync("mkfifo", [join(repo, "fifo")]);
    writeFileSync(join(repo, "latin"), Buffer.from([0xe9]));
    writeFileSync(join(repo, "long"), "x".repeat(1_048_577));
    linkSync(join(repo, "a"), join(repo, "hard"));
    const port = openFilePort(repo, new GitIndexes());
    expect(port.readScript(join(repo, "hard"))).toEqual({ text: "a", sha256: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" });
    expect(["fifo", "latin", "long", "none", "src"].map((name) => port.readScript(join(repo, name)))).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });

  test("answers the same question the same way, and not without end", () => {
    const port = openFilePort(repo, new GitIndexes());
    expect(port.kind(join(repo, "later"))).toBe("missing");
    writeFileSync(join(repo, "later"), "");
    expect(port.kind(join(repo, "later"))).toBe("missing");
    for (let index = 0; index < 5_000; index += 1) port.kind(join(repo, String(index)));
    expect(port.kind(join(repo, "a"))).toBe("unknown");
  });
});

describe("a script in /tmp is the one that the command will find", () => {
  const mark = `vetsh-facts-${process.pid}`;
  const session = (): string => join(base, "session");
  const ask = (name: string, comes = true): string | undefined => openFilePort(repo, new GitIndexes(), { session, shown: [join("/tmp", mark, "shown")], comes: () => comes }).readScript(`/tmp/${mark}/${name}`)?.text;
  const put = (top: string, name: string, text: string, ageS: number): void => {
    const path = join(top, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text);
    utimesSync(path, Date.now() / 1000 - ageS, Date.now() / 1000 - ageS);
  };
  const host = (name: string, text: string, ageS = 0): void => put(`/tmp/${mark}`, name, text, ageS);
  const own = (name: string, text: string, ageS = 0): void => put(join(session(), mark), name, text, ageS);
  afterAll(() => rmSync(`/tmp/${mark}`, { recursive: true, force: true }));

  test("its own, the host's that comes in, and neither when it cannot be told", () => {
    own("own.sh", "own");
    host("host.sh", "host");
    host("same.sh", "same"); own("same.sh", "same", 5);
    host("newer.sh", "host"); own("newer.sh", "own", 5);
    host("older.sh", "host", 5); own("older.sh", "own");
    expect(["own.sh", "host.sh", "same.sh", "newer.sh", "older.sh", "none.sh"].map((name) => ask(name))).toEqual(["own", "host", "same", "host", undefined, undefined]);
    expect(ask("newer.sh", false)).toBeUndefined();
  });

  test("links that a command left there are not followed, and what is shown as it is, is read as it is", () => {
    writeFileSync(join(base, "secret"), "SECRET");
    mkdirSync(join(session(), mark), { recursive: true });
    symlinkSync(join(base, "secret"), join(session(), mark, "link.sh"));
    symlinkSync(base, join(session(), mark, "away"));
    // Not even when the host has a harmless file of that name.
    host("link.sh", "host", 5);
    host("away/secret", "host", 5);
    own("large.sh", "x".repeat(1024 * 1024 + 1));
    host("large.sh", "host", 5);
    expect([ask("link.sh"), ask("away/secret"), ask("large.sh")]).toEqual([undefined, undefined, undefined]);
    host("shown/x.sh", "host", 5); own("shown/x.sh", "own");
    expect(ask("shown/x.sh")).toBe("host");
  });
});
