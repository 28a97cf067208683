/** `vetsh run` around the simplest agent there is: a program that starts $SHELL -c, and says what came of it. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { install } from "../support/install.ts";
import { lines } from "../support/records.ts";
import type { Installation } from "../support/install.ts";
import { openTerminal } from "../terminal/outer-terminal.ts";
import type { OuterTerminal } from "../terminal/outer-terminal.ts";

let installation: Installation;
const terminals: OuterTerminal[] = [];
beforeEach(async () => {
  installation = await install();
  mkdirSync(join(installation.workspace, "drafts"));
  writeFileSync(join(installation.workspace, "drafts/a"), "");
});
afterEach(async () => {
  for (const terminal of terminals.splice(0)) await terminal.close();
  await installation.remove();
});

/** The agent is dash, started by its own path, so that only what it starts is judged: in a view that path would be ours. */
async function vetshRun(script: string): Promise<OuterTerminal> {
  const { layout, root, workspace } = installation;
  const command = [layout.node, join(root, "app/dist/cli/main.js"), "--root", root, "run", "--no-view", "--", "/usr/bin/env", "-i", `SHELL=${root}/shims/bash`, `PATH=${root}/shims:/usr/bin:/bin`, layout.shells.dash, "-c", script];
  const terminal = await openTerminal(command, { bare: true, cwd: workspace, onlyEnv: true, env: { HOME: workspace, PATH: "/usr/bin:/bin", SHELL: "/bin/bash" }, deadlineMs: 60_000 });
  terminals.push(terminal);
  return terminal;
}
const DELETE = `"$SHELL" -c 'rm -rf drafts'; echo "it ended with $?"; read -r line`;

test.each([
  { key: "y", status: 0, left: false },
  { key: "n", status: 126, left: true },
])("a human's $key in the terminal decides", async ({ key, status, left }) => {
  const terminal = await vetshRun(DELETE);
  await terminal.ready();
  terminal.type(key);
  await terminal.shows(`it ended with ${status}`);
  expect(existsSync(join(installation.workspace, "drafts"))).toBe(left);
});

test("an answer given elsewhere takes the question away", async () => {
  const terminal = await vetshRun(DELETE);
  await terminal.ready();
  const { questions } = (await installation.control({ op: "questions" })) as { questions: { id: string }[] };
  expect((await installation.vetsh(["deny", questions[0]?.id ?? "none", "use", "git"])).code).toBe(0);
  await terminal.shows("it ended with 126");
  expect(terminal.text()).not.toContain("vetsh asks");
  expect(terminal.text()).toContain("use git");
});

test("a broker that dies during a question takes it away, runs nothing, and leaves the agent alone", { timeout: 120_000 }, async () => {
  const terminal = await vetshRun(`${DELETE}; "$SHELL" -c 'ls drafts'; read -r line`);
  await terminal.ready();
  process.kill((await installation.brokerPid()) ?? 0, "SIGKILL");
  await terminal.shows("it ended with 126");
  expect(terminal.text()).not.toContain("vetsh asks");
  expect(existsSync(join(installation.workspace, "drafts/a"))).toBe(true);
  terminal.type("\r");
  // The next command starts the next broker.
  await terminal.shows(/^a$/m);
  terminal.type("\r");
  expect((await terminal.exited).exitCode).toBe(0);
});

test("what the agent's own shell tool would see of vetsh: SHELL and PATH, and no more", () => {
  const { layout, root } = installation;
  const printed = execFileSync(layout.node, [join(root, "app/dist/cli/main.js"), "--root", root, "run", "--", "/usr/bin/env"], { encoding: "utf8", env: { PATH: "/usr/bin:/bin", SHELL: "/bin/bash", FOO: "bar" }, stdio: ["ignore", "pipe", "pipe"] });
  expect(printed.trim().split("\n").toSorted()).toEqual(["FOO=bar", `PATH=${root}/shims:/usr/bin:/bin`, `SHELL=${root}/shims/bash`]);
});

/** Agents that are scripts, started by scripts, as version managers do it: each `env bash` on the way is our shim. */
function scriptedAgent(text: string): string {
  const directory = join(installation.workspace, "tools");
  mkdirSync(directory);
  writeFileSync(join(directory, "manager"), '#!/usr/bin/env bash\nprogram=$("${0%/*}/tool-of" "$1" || true); shift\n[ -n "$UNSET" ] && sudo -v\nexec "${0%/*}/real-$program" "$@"\n', { mode: 0o755 });
  for (const name of ["agent", "python3"]) writeFileSync(join(directory, name), '#!/usr/bin/env bash\nexec "${0%/*}/manager" agent "$@"\n', { mode: 0o755 });
  writeFileSync(join(directory, "tool-of"), '#!/usr/bin/env bash\n[ -n "$OTHER" ] && exec "$OTHER"\necho "$1"\n', { mode: 0o755 });
  writeFileSync(join(directory, "real-agent"), `#!/usr/bin/env bash\n${text}`, { mode: 0o755 });
  return directory;
}

test("an agent that is a script is not judged when its human starts it; what it starts is", { timeout: 120_000 }, () => {
  const { layout, root, workspace } = installation;
  const directory = scriptedAgent('echo made > "$0.out"; echo "sandbox <$VETSH_SANDBOX>"; bash -c \'echo "inner $VETSH_SANDBOX"; : > ../escaped\'; bash -c "git push --force origin main" || echo "stopped $?"');
  const ran = spawnSync(layout.node, [join(root, "app/dist/cli/main.js"), "--root", root, "run", "--", "agent"], { cwd: workspace, encoding: "utf8", env: { PATH: `${directory}:/usr/bin:/bin`, HOME: layout.home, SHELL: "/bin/bash" } });
  expect(ran.stdout).toContain("sandbox <>\n");
  expect(existsSync(join(directory, "real-agent.out"))).toBe(true);
  expect(ran.stdout).toMatch(/^stopped 126$/m);
  // Nobody can be asked here, so nobody is waited for.
  expect(ran.stderr).toMatch(/vetsh approve/);
  expect(lines(installation, "decided").find((line) => line["final"] === "refuse" && line["approval"] !== undefined)).toMatchObject({ approval: { outcome: "pending", channel: "none" } });
  expect(existsSync(join(root, "../escaped"))).toBe(false);
  expect(lines(installation, "decided").filter((line) => line["source"] === "human" && line["final"] === "run").length).toBeGreaterThanOrEqual(2);
});

test("the same scripts started by a command are judged, and run inside its sandbox", async () => {
  const directory = scriptedAgent('touch "$0.out" 2>/dev/null || echo "held $?"');
  const ran = await installation.run(["bash", "-c", "python3 --version"], { env: { PATH: `${installation.root}/shims:${directory}:/usr/bin:/bin` } });
  expect(ran).toMatchObject({ code: 0, stdout: "held 1\n" });
  expect(existsSync(join(directory, "real-agent.out"))).toBe(false);
});
