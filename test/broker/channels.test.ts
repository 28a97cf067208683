/** Questions that reach their human in other ways than over the agent's screen: a popup of tmux, and a webhook. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { spawn } from "node-pty";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NotificationChannel } from "../../src/broker/notification-channel.ts";
import { install, type Installation } from "../support/install.ts";
import { lifeOf } from "../support/records.ts";
import { STAND_INS } from "../support/rules.ts";
import { until } from "../support/waiting.ts";

let installation: Installation;
let server: Server;
const told: { readonly headers: NodeJS.Dict<string | string[]>; readonly body: Record<string, unknown> }[] = [];
let status = 204;

beforeAll(async () => {
  installation = await install();
  writeFileSync(join(installation.layout.config, "rules/stand-ins.toml"), STAND_INS);
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => { text += chunk.toString(); }).on("end", () => {
      told.push({ headers: request.headers, body: JSON.parse(text) as Record<string, unknown> });
      response.writeHead(status).end(JSON.stringify({ answer: "yes" }));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  await installation.startBroker();
});

afterAll(async () => {
  server.close();
  await installation.remove();
});

async function configure(toml: string): Promise<void> {
  installation.configure(toml);
  expect(await installation.control({ op: "reload" })).toMatchObject({ problems: [] });
}

const hook = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/asked`;

test("a webhook is told what is asked, escaped and without secrets, and the human answers by id", async () => {
  const headers = join(installation.workspace, "headers");
  writeFileSync(headers, "authorization: Bearer of-the-hook\n", { mode: 0o600 });
  await configure(`[approvals]\nwebhook = "${hook()}"\nwebhook_headers_file = "${headers}"\nhold_ms = 60000\n`);
  const line = "touch asked-hook # ghp_0123456789abcdefghijABCDEFGHIJ0123456789 g\u0456t";
  const running = installation.run(["bash", "-c", line]);
  const { headers: sent, body } = await Promise.race([until(() => told[0], "the webhook's request"), running.then(({ stderr }) => { throw new Error(stderr); })]);
  expect(sent["authorization"]).toBe("Bearer of-the-hook");
  expect(body).toMatchObject({ version: 1, id: expect.stringMatching(/^[a-z0-9]{6}$/) as string, reason: "stands for what a person must allow", answer: `vetsh approve ${String(body["id"])}` });
  expect(body["command"]).toMatch(/^touch asked-hook # \[redacted[^\]]*\] g\\u\{456\}t$/);
  // What the address answers is no answer: the command still waits.
  expect(await installation.control({ op: "questions" })).toMatchObject({ questions: [{ id: body["id"], held: true, state: "open" }] });
  expect((await installation.vetsh(["approve", String(body["id"])])).stdout).toBe("approved: it runs now\n");
  expect((await running).code).toBe(0);
});

test("a webhook that fails, or redirects, holds nothing: the question is pending at once", async () => {
  await configure(`[approvals]\nwebhook = "${hook()}"\nhold_ms = 600000\n`);
  status = 500;
  expect(await installation.run(["bash", "-c", "touch asked-failing"])).toMatchObject({ code: 126, stderr: expect.stringContaining("vetsh approve") as string });
  status = 204;
});

test("channels that are left out are not used", async () => {
  await configure(`[approvals]\nwebhook = "${hook()}"\nchannels = ["outer-terminal"]\n`);
  const before = told.length;
  expect((await installation.run(["bash", "-c", "touch asked-left-out"])).code).toBe(126);
  expect(told.length).toBe(before);
  await configure("");
});

test("the desktop is told in plain text, and where there is none nobody is", async () => {
  const [program, bus, log] = [join(installation.workspace, ".git/notify"), join(installation.workspace, ".git/bus"), join(installation.workspace, ".git/said")];
  const question = { id: "abc234", command: "touch <b>x</b> && \u001b[2J", span: undefined, effects: [], reason: "because", rule: undefined, instead: undefined, authority: "a", intent: undefined, expiresAt: 0 };
  const origin = { pid: process.pid, onTerminal: true };
  const over = new AbortController();
  const channel = new NotificationChannel(program, bus, () => undefined);
  expect(channel.present(question, origin, over.signal)).toBeUndefined();
  writeFileSync(bus, "");
  writeFileSync(program, `#!/usr/bin/dash\nprintf '%s|' "$@" "$DBUS_SESSION_BUS_ADDRESS" > ${log}.new && mv ${log}.new ${log}\n`, { mode: 0o755 });
  const shown = channel.present(question, origin, over.signal);
  const said = await until(() => (existsSync(log) ? readFileSync(log, "utf8") : undefined), "the notification");
  expect(said).toBe(`--app-name=vetsh|--urgency=critical|--|vetsh asks|touch &lt;b&gt;x&lt;/b&gt; &amp;&amp; \\x1b[2J\nbecause\nvetsh approve abc234|unix:path=${bus}|`);
  over.abort();
  expect(await shown).toBeUndefined();
});

test.skipIf(spawnSync("tmux", ["-V"]).status !== 0)("inside tmux a popup asks over the pane, and takes the keys", async () => {
  await configure("[approvals]\nhold_ms = 120000\n");
  const { node, root, home } = installation.layout;
  let screen = "";
  const socket = join(installation.workspace, ".git/tmux");
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", TERM: "xterm-256color", PS1: "ready$ ", SHELL: "/usr/bin/bash" };
  const client = spawn("tmux", ["-S", socket, "-f", "/dev/null", "new-session", "/usr/bin/bash", "--norc", "--noprofile"], { cols: 110, rows: 34, cwd: installation.workspace, env });
  client.onData((text) => { screen += text; });
  const shows = (text: string): Promise<true> => until(() => (screen.includes(text) ? true : undefined), `\`${text}\` on the screen:\n${screen.slice(-2_000)}`);
  try {
    await shows("ready$");
    client.write(`eval "$(${node} ${root}/app/dist/cli/main.js --root ${root} env)"; echo regis""tered\r`);
    await shows("registered");
    client.write("setsid -w bash -c 'touch asked-popup'; echo status $?.\r");
    await shows("vetsh asks");
    for (let round = 0; round < 20 && !screen.includes("status 0."); round += 1) {
      await new Promise((done) => setTimeout(done, 900));
      client.write("y");
    }
    await shows("status 0.");
    expect(existsSync(join(installation.workspace, "asked-popup"))).toBe(true);
    expect(lifeOf(installation, "touch asked-popup")["decided"]).toMatchObject({ final: "run", source: "human" });
  } finally {
    spawnSync("tmux", ["-S", socket, "kill-server"]);
    client.kill("SIGKILL");
  }
});
