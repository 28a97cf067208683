/** Through shim, broker and sandbox: what an approved or allowed line deletes comes back, and only a person brings it back. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node-pty";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { brokerLog, install, type Installation, type Ran } from "../support/install.ts";
import { lifeOf, lines } from "../support/records.ts";
import { photograph } from "../support/undo.ts";
import { until } from "../support/waiting.ts";

let installation: Installation;
let workspace: string;

const ALLOW_DELETES = `[[rule]]
id = "allow-deletes"
when = { effect = "delete", zone = "workspace" }
decision = "allow"
overrides = ["delete-tree", "delete-pattern"]
reason = "stands in for a yes"
match = ["rm -rf src"]
not_match = ["rm -rf ~/src"]

[[rule]]
id = "allow-losses"
when = { effect = "lose", what = ["uncommitted", "untracked", "stash", "commits"] }
decision = "allow"
overrides = ["git-lose-uncommitted", "git-lose-commits"]
reason = "stands in for a yes"
match = ["git reset --hard"]
not_match = ["git status"]
`;

beforeAll(async () => {
  installation = await install();
  workspace = installation.workspace;
  await installation.startBroker();
});
afterAll(() => installation.remove());
beforeEach(async () => {
  installation.configure("");
  writeFileSync(join(installation.layout.config, "rules/deletes.toml"), ALLOW_DELETES);
  await installation.control({ op: "reload" });
});

const git = (...args: string[]): string => execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "protocol.file.allow=always", ...args], { cwd: workspace, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: { PATH: "/usr/bin:/bin", HOME: installation.root, GIT_CONFIG_NOSYSTEM: "1" } });

function fill(): void {
  mkdirSync(join(workspace, "src/deep"), { recursive: true });
  writeFileSync(join(workspace, "src/a.ts"), "a\r\n");
  writeFileSync(join(workspace, "src/deep/b"), Buffer.from([0, 1, 2, 255]), { mode: 0o755 });
  writeFileSync(join(workspace, "src/.env.local"), "KEY=1\n", { mode: 0o600 });
  if (!existsSync(join(workspace, "src/link"))) symlinkSync("a.ts", join(workspace, "src/link"));
}

/** Runs a program on a real terminal, types an answer when it asks, waits for its end. Out: what it showed. */
function onTerminal([file = "", ...args]: readonly string[], cwd: string, asks: RegExp, answer: string): Promise<string> {
  return new Promise((done) => {
    let screen = "";
    let answered = false;
    const terminal = spawn(file, args, { cwd, env: { PATH: "/usr/bin:/bin", TERM: "xterm" }, cols: 200, rows: 50 });
    terminal.onData((data) => {
      screen += data;
      const text = screen.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
      if (answered || !asks.test(text)) return;
      answered = true;
      terminal.write(answer);
    });
    terminal.onExit(() => done(screen));
  });
}

/** The decision about a line, once its end was looked at. */
async function recordOf(line: string): Promise<Record<string, unknown>> {
  const life = await until(() => { const found = lifeOf(installation, line); return found["finished"] === undefined ? undefined : found; }, `the end of ${line}\n${brokerLog(installation)}`);
  return life["decided"] ?? {};
}

async function changed(id: unknown): Promise<void> {
  await until(async () => {
    const { snapshots } = await installation.control({ op: "snapshots" }) as { snapshots: readonly { id: string; changed?: number }[] };
    return snapshots.find((one) => one.id === id)?.changed !== undefined;
  }, `the look after ${String(id)}`);
}

async function runs(line: string): Promise<string> {
  expect(await installation.run(["bash", "-c", line])).toMatchObject({ code: 0 });
  const { undo } = await recordOf(line);
  const { snapshot } = undo as { snapshot: string };
  await changed(snapshot);
  return snapshot;
}

const undo = (...args: string[]): Promise<Ran> => installation.vetsh(["undo", ...args], { cwd: workspace });

describe("a command that deletes", () => {
  test("an approved `rm -rf` comes back byte for byte; its question said so, its record names the snapshot", async () => {
    rmSync(join(installation.layout.config, "rules/deletes.toml"));
    await installation.control({ op: "reload" });
    fill();
    const before = photograph(workspace);
    const first = await installation.run(["bash", "-c", "rm -rf src"]);
    const id = /vetsh approve ([a-z0-9]{6})/.exec(first.stderr)?.[1] ?? "";
    expect(await installation.control({ op: "questions" })).toMatchObject({ questions: [{ id, authority: expect.stringContaining("can be undone") }] });
    await installation.control({ op: "answer", id, answer: "yes", by: "anna" });
    const snapshot = await runs("rm -rf src");
    expect(existsSync(join(workspace, "src"))).toBe(false);
    expect(lines(installation, "decided").findLast(({ undo: kept }) => kept !== undefined)).toMatchObject({ undo: { outcome: "kept", snapshot, files: 6, uncovered: [] } });
    expect((await installation.vetsh(["log", "--last", "1"])).stdout).toContain(`(undo: ${snapshot})`);

    const look = await undo("--dry-run");
    expect(look.stdout).toMatch(/brings back +.*\/src\/a\.ts/);
    expect(existsSync(join(workspace, "src"))).toBe(false);
    expect(await undo()).toMatchObject({ code: 0, stdout: expect.stringContaining("brought back 6 paths") });
    expect(photograph(workspace)).toEqual(before);
    expect(lines(installation, "undone")).toMatchObject([{ snapshot, restored: 6, removed: 0, problems: [] }]);
    const again = lines(installation, "undone")[0]?.["redo"];
    expect(await undo(String(again))).toMatchObject({ code: 0 });
    expect(existsSync(join(workspace, "src"))).toBe(false);
    expect((await undo("--list")).stdout).toContain(`${snapshot}  `);
  }, 90_000);

  test("reset --hard, stash drop, branch -D in one line", async () => {
    fill();
    git("add", "-A");
    git("commit", "-qm", "all");
    writeFileSync(join(workspace, "README"), "stashed\n");
    git("stash", "-q");
    git("branch", "topic");
    writeFileSync(join(workspace, "README"), "unsaved\n");
    const before = [git("status", "--porcelain"), git("stash", "list"), git("branch"), readFileSync(join(workspace, "README"), "utf8")];
    await runs("git reset -q --hard HEAD; git stash drop -q; git branch -q -D topic");
    expect(git("stash", "list")).toBe("");
    expect(await undo()).toMatchObject({ code: 0 });
    expect([git("status", "--porcelain"), git("stash", "list"), git("branch"), readFileSync(join(workspace, "README"), "utf8")]).toEqual(before);
    git("stash", "drop", "-q");
    git("checkout", "-q", "--", ".");
  });

  test("in a linked work tree its own index and the common references come back", async () => {
    const original = workspace;
    try {
      git("worktree", "add", "-q", join(original, "../linked"));
      workspace = join(original, "../linked");
      writeFileSync(join(workspace, "README"), "unsaved\n");
      git("branch", "-q", "extra");
      const line = "git checkout -q -- . && git branch -q -D extra";
      expect(await installation.run(["bash", "-c", line], { cwd: workspace })).toMatchObject({ code: 0 });
      const { undo: kept } = await recordOf(line) as { undo: { snapshot: string; outcome: string } };
      expect(kept.outcome).toBe("kept");
      await changed(kept.snapshot);
      expect(await undo()).toMatchObject({ code: 0 });
      expect([readFileSync(join(workspace, "README"), "utf8"), git("branch", "--list", "extra").trim()]).toEqual(["unsaved\n", "extra"]);
    } finally {
      workspace = original;
    }
  });

  test("nothing at stake: no snapshot, no record of one", async () => {
    mkdirSync(join(workspace, "node_modules/x"), { recursive: true });
    for (const line of ["echo hi", "echo x > brand-new", "mkdir -p some/where", "rm -rf node_modules"]) {
      expect((await installation.run(["bash", "-c", line])).code).toBe(0);
      expect((await recordOf(line))["undo"]).toBeUndefined();
    }
  });

  test("a shell inside a command is kept from, too", async () => {
    writeFileSync(join(workspace, "inner"), "mine\n");
    writeFileSync(join(workspace, "task.py"), "import subprocess\nsubprocess.run(['bash', '-c', 'rm inner'])\n");
    await installation.run(["bash", "-c", "python3 task.py"]);
    const { undo: kept } = await recordOf("rm inner") as { undo: { snapshot: string } };
    await changed(kept.snapshot);
    expect(await undo(kept.snapshot)).toMatchObject({ code: 0 });
    expect(readFileSync(join(workspace, "inner"), "utf8")).toBe("mine\n");
  });
});

describe("the person's work", () => {
  test("is not replaced unasked", async () => {
    writeFileSync(join(workspace, "notes"), "one\n");
    const snapshot = await runs("echo two > notes");
    writeFileSync(join(workspace, "notes"), "written since\n");
    const refused = await undo(snapshot);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing was changed") });
    expect(refused.stdout).toContain("- written since");
    expect(readFileSync(join(workspace, "notes"), "utf8")).toBe("written since\n");
    expect(await undo(snapshot, "--yes")).toMatchObject({ code: 0 });
    expect(readFileSync(join(workspace, "notes"), "utf8")).toBe("one\n");
  }, 90_000);

  test.each([["n", "written since\n"], ["y", "three\n"]])("on a terminal a person is asked, and says %s", async (answer, content) => {
    writeFileSync(join(workspace, "asked"), "three\n");
    const snapshot = await runs(`echo four > asked # ${answer}`);
    writeFileSync(join(workspace, "asked"), "written since\n");
    const { node, root } = installation.layout;
    const screen = await onTerminal([node, join(root, "app/dist/cli/main.js"), "--root", root, "undo", snapshot], workspace, /\[y\/N\] $/, `${answer}\r`);
    expect(screen).toContain("(worked on since)");
    expect(readFileSync(join(workspace, "asked"), "utf8")).toBe(content);
  }, 90_000);
});

describe("the agent", () => {
  test("can neither undo nor see what is kept", async () => {
    writeFileSync(join(workspace, "kept"), "one\n");
    const snapshot = await runs("echo two > kept");
    const { node, root } = installation.layout;
    expect(await installation.run(["bash", "-c", "vetsh undo --yes"])).toMatchObject({ code: 126, stderr: expect.stringContaining("tamper-commands") });
    await installation.run(["bash", "-c", `${node} ${root}/app/dist/cli/main.js --root ${root} undo ${snapshot} --yes`]);
    expect(readFileSync(join(workspace, "kept"), "utf8")).toBe("two\n");
    expect((await installation.run(["bash", "-c", `ls ${root}/state/undo`])).code).not.toBe(0);
    expect((await undo(snapshot, "--yes")).code).toBe(0);
    expect((await installation.vetsh(["undo", "--yes"], { cwd: workspace, env: { VETSH_PERMIT: "x" } })).stderr).toContain("this is a command that vetsh runs");
    expect(statSync(join(root, "state/undo")).mode & 0o077).toBe(0);
  });
});

describe("when it cannot be kept", () => {
  test("a workspace too large is not kept again and again for code alone, and what a line names is kept still", async () => {
    installation.configure("[undo]\nsnapshot_files = 3\n");
    await installation.control({ op: "reload" });
    for (const line of ["python3 -c 'print(1)'", "python3 -c 'print(2)'"]) expect((await installation.run(["bash", "-c", line])).code).toBe(0);
    expect(await recordOf("python3 -c 'print(1)'")).toMatchObject({ undo: { outcome: "partly", uncovered: [expect.stringContaining("more than 3 files")] } });
    expect(await recordOf("python3 -c 'print(2)'")).toMatchObject({ undo: { outcome: "none", files: 0, uncovered: [expect.stringContaining("takes too long")] } });
    writeFileSync(join(workspace, "single"), "x");
    expect((await installation.run(["bash", "-c", "python3 -c 'print(3)'; rm single"])).code).toBe(0);
    expect(await recordOf("python3 -c 'print(3)'; rm single")).toMatchObject({ undo: { outcome: "partly", files: 1 } });
  });

  test("by default the command runs and the record says what is missing; settings can refuse it", async () => {
    installation.configure("[undo]\nsnapshot_mb = 1\n");
    await installation.control({ op: "reload" });
    writeFileSync(join(workspace, "large"), Buffer.alloc(3 << 20));
    expect((await installation.run(["bash", "-c", "rm large"])).code).toBe(0);
    expect(await recordOf("rm large")).toMatchObject({ final: "run", undo: { outcome: "partly", uncovered: [expect.stringContaining("too large")] } });
    installation.configure("[undo]\nsnapshot_mb = 1\nwithout = \"refuse\"\n");
    await installation.control({ op: "reload" });
    writeFileSync(join(workspace, "large"), Buffer.alloc(3 << 20));
    expect(await installation.run(["bash", "-c", "rm ./large"])).toMatchObject({ code: 126, stderr: expect.stringContaining("not all of it could be undone") });
    expect(existsSync(join(workspace, "large"))).toBe(true);
    installation.configure("[undo]\nuse = \"off\"\n");
    await installation.control({ op: "reload" });
    expect((await installation.run(["bash", "-c", "rm -f large"])).code).toBe(0);
    expect((await recordOf("rm -f large"))["undo"]).toBeUndefined();
  });
});
