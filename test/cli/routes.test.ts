/** `vetsh doctor` about routes: what it says must be what is so, where there is a view and where there is none. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";

let installation: Installation;
beforeAll(async () => {
  installation = await install({ home: "own" });
});
afterAll(() => installation.remove());

/** The table, by way: which of the columns say yes. */
function columns(stdout: string): ReadonlyMap<string, readonly boolean[]> {
  const rows = stdout.split("\n").flatMap((line) => {
    const cells = /^(.+?)\s{2,}((?:yes|NO)(?:\s+(?:yes|NO)){3})$/.exec(line);
    return cells === null ? [] : [[cells[1] ?? "", (cells[2] ?? "").split(/\s+/).map((cell) => cell === "yes")] as const];
  });
  return new Map(rows);
}

test("in a view every way to a shell comes to us", { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await installation.vetsh(["doctor", "--routes"], { env: { PATH: "/usr/bin:/bin" } });
  const ways = columns(stdout);
  expect(ways.size, stdout + stderr).toBeGreaterThan(7);
  for (const [way, answers] of ways) expect(answers, `${way}\n${stdout}`).toEqual([true, true, true, true]);
  expect(stdout).toMatch(/^ok {3}\d+ ways to a shell, all of them come to us$/m);
  expect(code).toBe(0);
});

test("an agent that is named runs, and its commands are listed; one without any is no proof", { timeout: 120_000 }, async () => {
  const agent = join(installation.workspace, "agent.py");
  writeFileSync(agent, "import os\nos.system('echo from the agent')\n");
  const { code, stdout } = await installation.vetsh(["doctor", "--", "/usr/bin/python3", agent]);
  expect(stdout).toMatch(/^from the agent$/m);
  expect(stdout).toMatch(/^ran {6}echo from the agent$/m);
  expect(stdout).toMatch(/^ok {3}1 commands of the agent came to us; it ended with 0$/m);
  expect(code).toBe(0);
  const silent = await installation.vetsh(["doctor", "--", "/usr/bin/python3", "-c", ""]);
  expect(silent).toMatchObject({ code: 1, stdout: expect.stringContaining("gap  no command of the agent came to us\n") as string });
});

test("where no view can be made, that is said, and the ways past us are found", { timeout: 120_000 }, async () => {
  const { rmSync, renameSync } = await import("node:fs");
  const init = join(installation.root, "libexec/vetsh-init");
  // A vetsh-init that can do everything but views, as where namespaces are refused.
  renameSync(init, `${init}.away`);
  writeFileSync(init, `#!/usr/bin/dash\ncase $1 in --view) echo 'vetsh-init: cannot make a user and mount namespace: Operation not permitted' >&2; exit 126 ;; esac\nexec ${init}.away "$@"\n`, { mode: 0o755 });
  try {
    const { code, stdout, stderr } = await installation.vetsh(["doctor", "--routes"], { env: { PATH: "/usr/bin:/bin" } });
    expect(stderr).toContain("vetsh: only shells found by SHELL and PATH are ours (no view: cannot make a user and mount namespace: Operation not permitted); others run unseen\n");
    const ways = columns(stdout);
    expect(ways.get("/bin/bash")?.[0]).toBe(false);
    expect(ways.get("bash, found by PATH")).toEqual([true, true, true, true]);
    expect(stdout).toMatch(/^gap {2}\d+ of \d+ ways to a shell go past us$/m);
    expect(code).toBe(1);
  } finally {
    rmSync(init);
    renameSync(`${init}.away`, init);
  }
});

test("what is known of an agent is said before it starts: a daemon that runs outside of its view, a shell of its own inside", { timeout: 120_000 }, async () => {
  const { chmodSync, mkdirSync } = await import("node:fs");
  const { spawn } = await import("node:child_process");
  const bin = join(installation.workspace, "agents");
  mkdirSync(bin);
  for (const name of ["codex", "crush", "other"]) {
    writeFileSync(join(bin, name), "#!/usr/bin/python3\n");
    chmodSync(join(bin, name), 0o755);
  }
  const said = async (name: string, ...args: string[]): Promise<string> => (await installation.vetsh(["run", "--", join(bin, name), ...args])).stderr;
  const daemon = spawn("/usr/bin/python3", ["-c", "import sys; sys.stdin.read()", "app-server", "--managed-daemon"], { stdio: ["pipe", "ignore", "ignore"] });
  try {
    await new Promise((done) => void daemon.once("spawn", () => done(undefined)));
    const about = `vetsh: Codex: its daemon (pid ${daemon.pid}) runs outside of this view; shells that it starts are not seen\nhint: end it first: kill ${daemon.pid}\n`;
    expect(await said("codex", "exec", "x")).toContain(about);
    expect(await said("other")).not.toContain("hint:");
  } finally {
    daemon.stdin?.end();
    await new Promise((done) => void daemon.once("close", done));
  }
  expect(await said("codex")).toMatch(/it may use a daemon that outlives this session\nhint: start it with `--no-daemon`\n/);
  expect(await said("codex", "--no-daemon")).not.toContain("hint:");
  expect(await said("crush")).toMatch(/Crush: it runs shell text inside its own process/);
});
