import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn, type IPty } from "node-pty";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { lifeOf } from "../support/records.ts";
import { STAND_INS } from "../support/rules.ts";
import { until } from "../support/waiting.ts";

let installation: Installation;
let terminal: IPty;
let screen = "";

beforeAll(async () => {
  installation = await install();
  writeFileSync(join(installation.layout.config, "rules/stand-ins.toml"), STAND_INS);
  await installation.startBroker();
});

afterAll(() => installation.remove());

beforeEach(() => {
  screen = "";
  terminal = spawn("/usr/bin/bash", ["--norc", "--noprofile", "-i"], { cols: 100, rows: 30, cwd: installation.workspace, env: { PATH: "/usr/bin:/bin", HOME: installation.layout.home, PS1: "ready$ " } });
  terminal.onData((text) => { screen += text; });
});

afterEach(() => terminal.kill("SIGKILL"));

const shows = (text: string): Promise<true> => until(() => (screen.includes(text) ? true : undefined), `\`${text}\` on the screen:\n${screen}`);

/** As a human types it. */
async function register(): Promise<void> {
  await shows("ready$ ");
  const { node, root } = installation.layout;
  terminal.write(`eval "$(${node} ${root}/app/dist/cli/main.js --root ${root} env)"; echo "shell is $SHELL"\r`);
  await shows(`shell is ${root}/shims/bash`);
}

/** Presses a key until it counts: the question takes none right after it appears. */
async function press(key: string, until_: string): Promise<void> {
  for (let round = 0; round < 20 && !screen.includes(until_); round += 1) {
    await new Promise((done) => setTimeout(done, 700));
    terminal.write(key);
  }
  await shows(until_);
}

test("a yes typed in a registered terminal lets a command run that has no terminal itself", async () => {
  await register();
  terminal.write("setsid -w bash -c 'touch asked-yes'; echo status $?.\r");
  await shows("vetsh asks");
  await press("y", "status 0.");
  expect(existsSync(join(installation.workspace, "asked-yes"))).toBe(true);
  expect(lifeOf(installation, "touch asked-yes")["decided"]).toMatchObject({ final: "run", source: "human", approval: { outcome: "approved", channel: "terminal" } });
  // The terminal is as it was: it echoes what is typed.
  terminal.write("echo back to normal\r");
  await shows("echo back to normal\r\n");
});

test("a no refuses, and the agent reads it", async () => {
  await register();
  terminal.write("setsid -w bash -c 'touch asked-no'; echo status $?.\r");
  await shows("vetsh asks");
  await press("n", "status 126.");
  expect(screen).toContain("a person said no");
  expect(existsSync(join(installation.workspace, "asked-no"))).toBe(false);
});

test("what is typed before the question is seen is not its answer", async () => {
  await register();
  terminal.write("setsid -w bash -c 'touch asked-early'; echo status $?.\ry");
  await shows("vetsh asks");
  expect(existsSync(join(installation.workspace, "asked-early"))).toBe(false);
  await press("n", "status 126.");
});

test("`vetsh run` asks over the agent's screen, and ends with the agent's status", async () => {
  const { node, root } = installation.layout;
  writeFileSync(join(installation.workspace, "agent.sh"), "echo agent at work; setsid -w bash -c 'touch asked-run'; echo got $?.; exit 9\n");
  await shows("ready$ ");
  terminal.write(`${node} ${root}/app/dist/cli/main.js --root ${root} run -- /usr/bin/bash agent.sh; echo ended $?.\r`);
  await shows("vetsh asks");
  await press("y", "got 0.");
  await shows("ended 9.");
  expect(lifeOf(installation, "touch asked-run")["decided"]).toMatchObject({ final: "run", source: "human", approval: { channel: "outer-terminal" } });
});

test("a terminal that nobody registered is not used", async () => {
  await shows("ready$ ");
  terminal.write(`setsid -w ${installation.root}/shims/bash -c 'touch asked-unknown'; echo status $?.\r`);
  await shows("status 126.");
  expect(screen).not.toContain("vetsh asks");
  expect(await installation.control({ op: "terminal", device: "/dev/null", leader: process.pid })).toMatchObject({ ok: false });
  expect(await installation.control({ op: "terminal", device: "/dev/pts/0", leader: 1 })).toMatchObject({ ok: false });
});
