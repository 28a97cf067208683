import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { removeForgotten } from "../../src/undo/store.ts";
import { bench, photograph, ROOMY, type Bench } from "../support/undo.ts";

let it: Bench;
beforeEach(() => { it = bench(); });
afterEach(() => it.remove());

/** Whether a small file system can be mounted here, to fill it. */
const MAY_MOUNT = ((): boolean => {
  const probe = mkdtempSync(join(tmpdir(), "vetsh-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", probe], { stdio: "ignore" });
    execFileSync("umount", [probe], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
})();

function packFiles({ state }: Bench): readonly string[] {
  if (!existsSync(state)) return [];
  return readdirSync(state).flatMap((folder) => readdirSync(join(state, folder)).filter((name) => name.endsWith(".pack")).map((name) => join(state, folder, name)));
}

describe("brings back byte for byte", () => {
  test("a deleted tree: modes, empty directories, links, CRLF, names that are no text", async () => {
    it.write("src/a.ts", "a\r\nb\r\n");
    it.write("src/run.sh", "#!/bin/sh\n", 0o750);
    it.write("src/secret", "s", 0o600);
    it.write("src/deep/er/x.bin", Buffer.from([0, 255, 13, 10, 0]));
    it.write("src/größe 日本\nline", "unicode and a line feed");
    writeFileSync(Buffer.concat([Buffer.from(`${it.workspace}/src/`), Buffer.from([0xff, 0xfe, 0x41])]), "no text");
    mkdirSync(join(it.workspace, "src/empty"), { mode: 0o711 });
    symlinkSync("../outside/nowhere", join(it.workspace, "src/dangling"));
    symlinkSync("a.ts", join(it.workspace, "src/link"));
    it.write("src/zero", "");
    const before = photograph(it.workspace);
    expect(await it.around([it.tree("src", "all")], "rm -rf src")).toMatchObject({ outcome: "taken", uncovered: [] });
    expect(existsSync(join(it.workspace, "src"))).toBe(false);
    expect(await it.back()).toMatchObject({ problems: [] });
    expect(photograph(it.workspace)).toEqual(before);
  });

  test("what was overwritten, and takes away what was made", async () => {
    it.write("a", "first\n");
    const before = photograph(it.workspace);
    await it.around([it.tree("")], "echo second > a; mkdir new; echo x > new/y");
    expect(await it.back()).toMatchObject({ restored: 1, removed: 2, problems: [] });
    expect(photograph(it.workspace)).toEqual(before);
  });

  test("a file that became a directory, and the other way round", async () => {
    it.write("file", "f");
    it.write("dir/x", "x");
    const before = photograph(it.workspace);
    await it.around([it.tree("")], "rm -r file dir; mkdir file; echo y > file/y; echo d > dir");
    await it.back();
    expect(photograph(it.workspace)).toEqual(before);
  });

  test("the time of change of a file", async () => {
    it.write("a", "a");
    utimesSync(join(it.workspace, "a"), 1_000_000, 1_000_000.5);
    await it.around([it.tree("a")], "rm a");
    await it.back();
    expect(statSync(join(it.workspace, "a")).mtimeMs).toBe(1_000_000_500);
  });
});

describe("git, which is never run", () => {
  const commit = (): void => {
    it.git("init", "-q", "-b", "main");
    it.git("add", "-A");
    it.git("commit", "-q", "-m", "one");
  };
  const commitEmpty = (): void => {
    it.git("init", "-q", "-b", "main");
    it.git("commit", "-q", "--allow-empty", "-m", "none");
  };
  const references = (): Parameters<Bench["around"]>[0] => [it.tree("")];

  test("reset --hard: work in no commit, index and references", async () => {
    it.write("a", "a\n");
    it.write("b", "b\n");
    commit();
    it.write("b", "two\n");
    it.git("commit", "-qam", "two");
    it.write("a", "unsaved\n");
    it.write("b", "staged\n");
    it.git("add", "b");
    const [status, head] = [it.git("status", "--porcelain"), it.git("rev-parse", "HEAD")];
    await it.around(references(), "git reset -q --hard HEAD~1");
    expect(readFileSync(join(it.workspace, "a"), "utf8")).toBe("a\n");
    expect(await it.back()).toMatchObject({ problems: [] });
    expect([it.git("status", "--porcelain"), it.git("rev-parse", "HEAD")]).toEqual([status, head]);
    expect(readFileSync(join(it.workspace, "a"), "utf8")).toBe("unsaved\n");
    expect(it.git("fsck", "--no-dangling")).toBe("");
  });

  test("stash drop and branch -D", async () => {
    it.write("a", "a\n");
    commit();
    it.write("a", "stashed\n");
    it.git("stash", "-q");
    it.git("branch", "topic");
    const before = [it.git("stash", "list"), it.git("branch", "--list"), it.git("stash", "show", "-p")];
    await it.around(references(), "git stash drop -q; git branch -q -D topic");
    expect(it.git("stash", "list")).toBe("");
    await it.back();
    expect([it.git("stash", "list"), it.git("branch", "--list"), it.git("stash", "show", "-p")]).toEqual(before);
  });

  test("clean -fdx: what git ignores comes back, but not what tools make again", async () => {
    it.write(".gitignore", "node_modules\n.env.local\ndata/\nbuild/\n*.log\n");
    commit();
    it.write(".env.local", "KEY=1\n");
    it.write("data/rows.csv", "1,2\n");
    it.write("node_modules/x/index.js", "x");
    it.write("build/out.js", "x");
    it.write("debug.log", "x");
    await it.around([it.tree("")], "git clean -qfdx");
    await it.back();
    expect(readdirSync(it.workspace).toSorted()).toEqual([".env.local", ".git", ".gitignore", "data"]);
  });

  test("what only looks like output, but nothing ignores it, comes back", async () => {
    it.write("build/handwritten.mk", "all:\n");
    await it.around([it.tree("build", "all")], "rm -rf build");
    await it.back();
    expect(readFileSync(join(it.workspace, "build/handwritten.mk"), "utf8")).toBe("all:\n");
  });

  test("nested repositories with all of their own .git", async () => {
    it.write("vendor/lib/x", "x\n");
    execFileSync("git", ["init", "-q"], { cwd: join(it.workspace, "vendor/lib"), env: { PATH: "/usr/bin:/bin" } });
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-q", "--allow-empty", "-m", "inner"], { cwd: join(it.workspace, "vendor/lib"), env: { PATH: "/usr/bin:/bin", HOME: it.base } });
    await it.around([it.tree("vendor", "all")], "rm -rf vendor");
    await it.back();
    expect(execFileSync("git", ["log", "--format=%s"], { cwd: join(it.workspace, "vendor/lib"), encoding: "utf8", env: { PATH: "/usr/bin:/bin", HOME: it.base } })).toBe("inner\n");
  });

  test("a submodule with its work and its index", async () => {
    const other = join(it.base, "other");
    execFileSync("git", ["init", "-q", "-b", "main", other], { env: { PATH: "/usr/bin:/bin" } });
    writeFileSync(join(other, "x"), "x\n");
    execFileSync("git", ["add", "-A"], { cwd: other, env: { PATH: "/usr/bin:/bin" } });
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "x"], { cwd: other, env: { PATH: "/usr/bin:/bin", HOME: it.base } });
    commitEmpty();
    it.git("submodule", "add", "-q", other, "sub");
    it.write("sub/x", "unsaved\n");
    it.write("sub/new", "new\n");
    const before = [it.git("status", "--porcelain"), it.git("-C", "sub", "status", "--porcelain")];
    await it.around([it.tree("sub", "all")], "rm -rf sub");
    await it.back();
    expect([it.git("status", "--porcelain"), it.git("-C", "sub", "status", "--porcelain")]).toEqual(before);
    expect(readFileSync(join(it.workspace, "sub/x"), "utf8")).toBe("unsaved\n");
  });

  test("configuration that runs programs runs none: filters, hooks, fsmonitor, attributes", async () => {
    it.write("a.txt", "a\r\n");
    commit();
    const mark = join(it.base, "ran");
    it.write(".git/hooks/post-index-change", `#!/bin/sh\ntouch ${mark}\n`, 0o755);
    it.write(".gitattributes", "* filter=evil text eol=lf ident working-tree-encoding=UTF-16\n");
    for (const [key, value] of [["core.fsmonitor", `touch ${mark}`], ["filter.evil.clean", `touch ${mark}; cat`], ["filter.evil.smudge", `touch ${mark}; cat`], ["filter.evil.required", "true"], ["core.hooksPath", ".git/hooks"]]) it.git("config", key ?? "", value ?? "");
    rmSync(mark, { force: true });
    const before = photograph(it.workspace);
    await it.around([it.tree("", "all")], "rm -rf a.txt .gitattributes .git");
    await it.back();
    expect(photograph(it.workspace)).toEqual(before);
    expect(existsSync(mark)).toBe(false);
  });
});

describe("hostile names", () => {
  test("a link on the way is not followed, reading or writing", async () => {
    it.write("src/key", "mine\n");
    mkdirSync(join(it.base, "outside"));
    writeFileSync(join(it.base, "outside/key"), "PRIVATE\n");
    symlinkSync(join(it.base, "outside"), join(it.workspace, "link"));
    // Reading: what lies behind a link is not covered, and said so.
    expect(await it.around([it.tree("link/key")], "true")).toMatchObject({ outcome: "taken", files: 0, uncovered: [expect.stringContaining("symbolic link")] });
    // Writing: the directory is exchanged for a link after the command.
    await it.around([it.tree("src/key")], "echo changed > src/key");
    renameSync(join(it.workspace, "src"), join(it.workspace, "src2"));
    symlinkSync(join(it.base, "outside"), join(it.workspace, "src"));
    const { problems } = await it.back();
    expect(problems).toEqual([expect.stringContaining("symbolic link")]);
    expect(readFileSync(join(it.base, "outside/key"), "utf8")).toBe("PRIVATE\n");
  });

  test("a directory that is exchanged for a link again and again gives nothing from behind it", async () => {
    mkdirSync(join(it.base, "outside"));
    writeFileSync(join(it.base, "outside/x"), "PRIVATE\n");
    it.write("flip/x", "mine\n");
    const packs = (): readonly string[] => packFiles(it);
    const racer = execFileSync("/bin/bash", ["-c", `cd '${it.workspace}'; (for i in {1..4000}; do mv -T flip keep; ln -sT ../outside flip; rm flip; mv -T keep flip; done) >/dev/null 2>&1 & echo $!`], { encoding: "utf8", timeout: 10_000 }).trim();
    try {
      for (let round = 0; round < 25 || (round < 500 && packs().length === 0); round += 1) await it.undo.take(it.workspace, [it.tree("flip")], { request: "r", command: "race" }, ROOMY);
    } finally {
      try { process.kill(Number(racer), "SIGKILL"); } catch { /* It was done already. */ }
    }
    const kept = packs().map((path) => readFileSync(path, "utf8"));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.join("")).not.toContain("PRIVATE");
  });

  test("pipes and unreadable things are named, never opened for ever", async () => {
    execFileSync("mkfifo", [join(it.workspace, "pipe")]);
    it.write("a", "a");
    expect(await it.around([it.tree("")], "rm a")).toMatchObject({ outcome: "taken", uncovered: [expect.stringMatching(/pipe: it is a pipe/)] });
    await it.back();
    expect(readFileSync(join(it.workspace, "a"), "utf8")).toBe("a");
    expect(lstatSync(join(it.workspace, "pipe")).isFIFO()).toBe(true);
  });

  test("set-user-id does not come back", async () => {
    it.write("tool", "x");
    chmodSync(join(it.workspace, "tool"), 0o4755);
    await it.around([it.tree("tool")], "rm tool");
    await it.back();
    expect(statSync(join(it.workspace, "tool")).mode & 0o7777).toBe(0o755);
  });
});

describe("work done since", () => {
  test("is said, and other files are left alone", async () => {
    it.write("a", "one\ntwo\nthree\n");
    it.write("b", "b\n");
    await it.around([it.tree("")], "echo overwritten > a");
    it.write("a", "overwritten\nand more\n");
    it.write("b", "worked on\n");
    const look = await it.look();
    expect(look).toMatchObject({ total: 1, since: 1, others: 1, sawEnd: true });
    expect(look.changes).toEqual([{ path: join(it.workspace, "a"), does: "sets back", since: true, difference: ["- overwritten", "- and more", "+ one", "+ two", "+ three"] }]);
    await it.back();
    expect(readFileSync(join(it.workspace, "a"), "utf8")).toBe("one\ntwo\nthree\n");
    expect(readFileSync(join(it.workspace, "b"), "utf8")).toBe("worked on\n");
  });

  test("between looking and doing: nothing is done", async () => {
    it.write("a", "one\n");
    await it.around([it.tree("a")], "rm a");
    const { digest } = await it.look();
    it.write("a", "new work\n");
    expect(await it.undo.undo(it.listed(), false, digest, ROOMY)).toMatchObject({ ok: false, why: "files changed since you looked" });
    expect(readFileSync(join(it.workspace, "a"), "utf8")).toBe("new work\n");
  });

  test("when the end of a command was not seen, every change may be work", async () => {
    it.write("a", "one\n");
    const taken = await it.undo.take(it.workspace, [it.tree("a")], { request: "r", command: "x" }, ROOMY);
    expect(taken.outcome).toBe("taken");
    it.write("a", "two\n");
    expect(await it.look()).toMatchObject({ total: 1, since: 1, sawEnd: false });
  });

  test("a file with another stamp and the same content is no change", async () => {
    it.write("a", "one\n");
    await it.around([it.tree("a")], "rm a");
    it.write("a", "one\n");
    expect(await it.look()).toMatchObject({ total: 0 });
  });

  test("all: also what the command left alone", async () => {
    it.write("a", "one\n");
    it.write("b", "b\n");
    await it.around([it.tree("")], "rm a");
    it.write("b", "other\n");
    await it.back(undefined, true);
    expect([readFileSync(join(it.workspace, "a"), "utf8"), readFileSync(join(it.workspace, "b"), "utf8")]).toEqual(["one\n", "b\n"]);
  });

  test("an undo can be undone, and that again", async () => {
    it.write("src/a", "one\n");
    await it.around([it.tree("src", "all")], "rm -rf src");
    const first = await it.back();
    expect(it.listed().undone).toBe(true);
    const second = await it.back(first.redo);
    expect(existsSync(join(it.workspace, "src"))).toBe(false);
    expect(it.listed().undone).toBe(false);
    await it.back(second.redo);
    expect(readFileSync(join(it.workspace, "src/a"), "utf8")).toBe("one\n");
  });
});

describe("limits", () => {
  test("too many files, too many bytes: what fits is kept, the rest is named, and nothing counts as new", async () => {
    for (let index = 0; index < 50; index += 1) it.write(`many/${index}`, `${index}`);
    expect(await it.around([it.tree("many", "all")], "rm -rf many", { ...ROOMY, snapshotFiles: 10 })).toMatchObject({ outcome: "taken", uncovered: [expect.stringContaining("more than 10 files")] });
    it.write("big", Buffer.alloc(5_000));
    it.write("small", "small");
    expect(await it.around([it.tree("")], "rm big small", { ...ROOMY, snapshotBytes: 1_000 })).toMatchObject({ uncovered: [expect.stringMatching(/big: too large/)] });
    await it.back();
    expect(readFileSync(join(it.workspace, "small"), "utf8")).toBe("small");
  });

  test("unchanged files are not written again; changed ones are, also within one tick of the clock", async () => {
    it.write("a", "aaaa");
    it.write("b", "bbbb");
    utimesSync(join(it.workspace, "a"), 1, 1);
    await new Promise((done) => setTimeout(done, 300));
    await it.around([it.tree("")], "true");
    writeFileSync(join(it.workspace, "b"), "cccc");
    expect(await it.around([it.tree("")], "rm a b")).toMatchObject({ written: 4 });
    await it.back();
    expect([readFileSync(join(it.workspace, "a"), "utf8"), readFileSync(join(it.workspace, "b"), "utf8")]).toEqual(["aaaa", "cccc"]);
  });

  test("the oldest go when there are too many bytes, and contents that are still needed stay", async () => {
    it.write("keep", Buffer.alloc(1_000, 1));
    await new Promise((done) => setTimeout(done, 300));
    for (let index = 0; index < 6; index += 1) {
      it.write("big", Buffer.alloc(10_000, index));
      await it.around([it.tree("")], "true", { ...ROOMY, keepBytes: 25_000 });
    }
    const size = readdirSync(it.state).flatMap((folder) => readdirSync(join(it.state, folder)).map((name) => statSync(join(it.state, folder, name)).size)).reduce((a, b) => a + b, 0);
    expect(size).toBeLessThan(40_000);
    await it.around([it.tree("")], "rm keep big");
    await it.back();
    expect([statSync(join(it.workspace, "keep")).size, readFileSync(join(it.workspace, "big")).every((byte) => byte === 5)]).toEqual([1_000, true]);
  });

  test("nothing at stake: nothing is written", async () => {
    it.write("node_modules/x", "x");
    expect(await it.around([it.tree("node_modules", "all"), it.tree("new-file")], "rm -rf node_modules")).toEqual({ outcome: "nothing" });
    expect(readdirSync(it.state).flatMap((folder) => readdirSync(join(it.state, folder)))).toEqual([]);
  });

  test.skipIf(!MAY_MOUNT)("a full disk: the snapshot fails as a whole, nothing of it is left, and it works again when there is room", async () => {
    it.write("a", Buffer.alloc(200_000, 7));
    mkdirSync(it.state);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", it.state]);
    try {
      expect(await it.undo.take(it.workspace, [it.tree("")], { request: "r", command: "x" }, ROOMY)).toMatchObject({ outcome: "failed", why: expect.stringContaining("ENOSPC") });
      expect(readdirSync(it.state).flatMap((folder) => readdirSync(join(it.state, folder)))).toEqual([]);
      execFileSync("mount", ["-o", "remount,size=8m", it.state]);
      await it.around([it.tree("")], "rm a");
      await it.back();
      expect(readFileSync(join(it.workspace, "a")).equals(Buffer.alloc(200_000, 7))).toBe(true);
    } finally {
      execFileSync("umount", [it.state]);
    }
  });

  test("workspaces used least recently are forgotten when all together are too much or too old, and what was kept of them is not relied upon", async () => {
    it.write("a", "one\n");
    await new Promise((done) => setTimeout(done, 300));
    await it.around([it.tree("")], "true");
    const own = join(it.state, readdirSync(it.state)[0] ?? "");
    const [old, large, recent] = ["1", "2", "3"].map((name) => join(it.state, name));
    for (const [path, bytes, age] of [[old, 10, 3_000], [large, 5_000, 200], [recent, 10, 100]] as const) {
      mkdirSync(path ?? "");
      writeFileSync(join(path ?? "", "x.pack"), Buffer.alloc(bytes));
      utimesSync(path ?? "", Date.now() / 1000 - age, Date.now() / 1000 - age);
    }
    removeForgotten(own, { ms: 1_000_000, bytes: 3_000 }, Date.now());
    expect([own, old, large, recent].map((path) => existsSync(path ?? ""))).toEqual([true, false, false, true]);
    // The keeper still runs and knows `a` as kept: it must notice that it is not any more.
    rmSync(own, { recursive: true });
    expect(await it.around([it.tree("")], "rm a")).toMatchObject({ written: 4 });
    await it.back();
    expect(readFileSync(join(it.workspace, "a"), "utf8")).toBe("one\n");
  });

  test("a damaged snapshot brings nothing wrong back", async () => {
    it.write("a", "precious\n");
    it.write("b", "second\n");
    const taken = await it.around([it.tree("")], "rm a b");
    const pack = packFiles(it).find((path) => path.includes(taken.outcome === "taken" ? taken.id : "?")) ?? "";
    const bytes = readFileSync(pack);
    bytes.writeUInt8(bytes.readUInt8(bytes.indexOf("precious")) ^ 1, bytes.indexOf("precious"));
    writeFileSync(pack, bytes);
    expect(await it.back()).toMatchObject({ restored: 1, problems: [expect.stringContaining("checksum")] });
    expect([existsSync(join(it.workspace, "a")), readFileSync(join(it.workspace, "b"), "utf8")]).toEqual([false, "second\n"]);
  });

  test("a keeper that was killed is started again and knows what it kept", async () => {
    it.write("a", "one\n");
    await it.around([it.tree("a")], "rm a");
    const keeper = execFileSync("pgrep", ["-f", `keeper.ts ${it.workspace} `], { encoding: "utf8" }).trim();
    process.kill(Number(keeper), "SIGKILL");
    const ended = it.undo.look(it.listed(), false);
    const answer = await ended;
    if (!answer.ok) expect(answer.why).toContain("SIGKILL");
    await it.back();
    expect(readFileSync(join(it.workspace, "a"), "utf8")).toBe("one\n");
  });

  test("many at once keep apart and all come back", async () => {
    for (let index = 0; index < 8; index += 1) it.write(`d${index}/x`, `${index}`);
    const taken = await Promise.all(Array.from({ length: 8 }, (_, index) => it.undo.take(it.workspace, [it.tree(`d${index}`, "all")], { request: `r${index}`, command: `${index}` }, ROOMY)));
    for (let index = 0; index < 8; index += 1) rmSync(join(it.workspace, `d${index}`), { recursive: true });
    await Promise.all(taken.map(async (one) => { if (one.outcome === "taken") await it.undo.after(it.workspace, one.id, ROOMY); }));
    for (const one of taken) if (one.outcome === "taken") await it.back(one.id);
    expect(Array.from({ length: 8 }, (_, index) => readFileSync(join(it.workspace, `d${index}/x`), "utf8"))).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
  });
});
