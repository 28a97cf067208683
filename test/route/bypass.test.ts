/** Shells that an agent starts past us in its view: seen, and recorded as what they are. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { until } from "../support/waiting.ts";

let installation: Installation;
beforeAll(async () => {
  installation = await install({ home: "own", config: '[sandbox]\nuse = "never"\n' });
});
afterAll(() => installation.remove());

/** Starts shells and leaves them waiting until it is told to end. */
const AGENT = `
import glob, os, shutil, subprocess, sys
root, folder = sys.argv[1], sys.argv[2]
original = glob.glob(root + "/libexec/real/*/bash")[0]
copy = shutil.copy(original, folder + "/tool")
# Two that go past us, and one that does not: settings run commands without a sandbox, so our shim starts the original in this very view.
waiting = [subprocess.Popen(argv, stdin=subprocess.PIPE) for argv in ([original, "-c", "read line # original"], [copy, "-c", "read line # copy"], ["/bin/bash", "-c", "read line"])]
sys.stdin.read()
for one in waiting: one.stdin.close(); one.wait()
`;

test("the original, found where the view keeps it, and a copy of it, are recorded as suspected bypasses; shims' own shells are not", { timeout: 120_000 }, async () => {
  const { layout, root, workspace } = installation;
  const folder = join(workspace, "bin");
  mkdirSync(folder);
  writeFileSync(join(workspace, "agent.py"), AGENT);
  const child = spawn(layout.node, [join(root, "app/dist/cli/main.js"), "--root", root, "doctor", "--", "/usr/bin/python3", join(workspace, "agent.py"), root, folder], { cwd: workspace, env: { PATH: "/usr/bin:/bin", HOME: layout.home }, stdio: ["pipe", "pipe", "ignore"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => { said += text; });
  const found = (): readonly Record<string, unknown>[] => installation.journal().filter((line) => line["kind"] === "bypass");
  await until(() => found().length >= 2, "two shells that went past us are recorded");
  await until(() => installation.journal().some((line) => line["kind"] === "started" && line["pid"] !== undefined), "the shell of the shim runs");
  child.stdin.end();
  const code = await new Promise((done) => void child.once("close", done));
  expect({ code, past: said.match(/^gap {2}a shell of the agent went past us: .*# (?:original|copy)$/gm)?.length }).toEqual({ code: 1, past: 2 });
  expect((await installation.vetsh(["log", "--surprises"])).stdout.match(/went past vetsh: pid \d+, .*# (?:original|copy)$/gm)).toHaveLength(2);
  expect(found().map(({ command }) => /# (\w+)$/.exec(String(command))?.[1]).toSorted()).toEqual(["copy", "original"]);
  expect(found().find(({ command }) => String(command).endsWith("copy"))).toMatchObject({ program: join(folder, "tool") });
});

test("a shell that is replaced from outside, as an upgrade does it, is no longer covered: that is seen", { timeout: 120_000 }, async () => {
  const { layout, root, workspace } = installation;
  const bin = join(workspace, "own");
  mkdirSync(bin);
  for (const name of ["bash", "next"]) copyFileSync(layout.shells.bash, join(bin, name));
  const child = spawn(layout.node, [join(root, "app/dist/cli/main.js"), "--root", root, "run", "--", "/usr/bin/python3", "-c", "import sys; print('there', flush=True); sys.stdin.read()"], { cwd: workspace, env: { PATH: `${bin}:/usr/bin:/bin`, HOME: layout.home }, stdio: ["pipe", "pipe", "ignore"] });
  await new Promise((done) => void child.stdout.once("data", done));
  renameSync(join(bin, "next"), join(bin, "bash"));
  await until(() => installation.journal().some((line) => line["kind"] === "bypass" && line["program"] === join(bin, "bash")), "the path that is no longer ours is recorded");
  child.stdin.end();
  await new Promise((done) => void child.once("close", done));
});
