/** A connection that is held while a person decides, through a real installation: shim, broker, sandbox, proxy, screen, journal, span. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startEndpoint } from "../review/server.ts";
import { LOCAL_BROKER } from "./local-broker.ts";
import { visibleNode } from "../support/visible-node.ts";
import { brokerLog, install, type Installation } from "../support/install.ts";


const CONFIG = `
[approvals]
hold_ms = 15000

[[network]]
id = "our-api"
host = "api.test"
addresses = ["127.0.0.1"]
decision = "allow"
reason = "ours"
match = ["api.test:443"]
not_match = ["other.test:443"]

[[network]]
id = "our-mirror"
host = "mirror.test"
beside = "api.test"
addresses = ["127.0.0.1"]
decision = "allow"
reason = "belongs to our API"
match = ["mirror.test:443 beside api.test"]
not_match = ["mirror.test:443"]

[[network]]
id = "never-there"
host = ["denied.test", "*.denied.test"]
decision = "deny"
reason = "is not ours"
match = ["denied.test:443", "x.denied.test:1"]
not_match = ["other.test:443"]

[[network]]
id = "read-only-wiki"
host = "api.test"
method = "DELETE"
decision = "deny"
reason = "nothing is deleted there"
match = ["DELETE http://api.test/x"]
not_match = ["GET http://api.test/x"]
`;

let installation: Installation;
let port: number;
const seen: string[] = [];
const web = createHttp((request, response) => { seen.push(`${request.headers.host} ${request.url}`); response.end(`page ${request.url}\n`); });
const screens: Socket[] = [];

beforeAll(async () => {
  await new Promise<void>((done) => web.listen(0, "127.0.0.1", done));
  port = (web.address() as AddressInfo).port;
  installation = await install({ config: CONFIG });
  writeFileSync(join(installation.root, "app/dist/broker/main.js"), LOCAL_BROKER);
  writeFileSync(join(installation.workspace, "tool.py"), TOOL.replace("PORT", String(port)));
  await installation.startBroker();
}, 120_000);
afterEach(() => { for (const screen of screens.splice(0)) screen.destroy(); });
afterAll(async () => {
  await installation.remove();
  web.close();
  web.closeAllConnections();
});

const bash = (text: string): ReturnType<Installation["run"]> => installation.run(["bash", "-c", text]);
const decisions = (): readonly Record<string, unknown>[] => installation.journal().filter((entry) => entry["kind"] === "connection-decided");

/** What `vetsh run` is to the broker: shows questions, and answers them as its human does. */
async function screen(): Promise<{ readonly questions: Record<string, unknown>[]; readonly withdrawn: string[]; readonly answer: (id: unknown, answer: "yes" | "no") => void }> {
  const socket = connect(join(installation.root, "run/human/control.sock"));
  screens.push(socket);
  const questions: Record<string, unknown>[] = [];
  const withdrawn: string[] = [];
  let held = "";
  socket.on("data", (chunk: Buffer) => {
    const lines = `${held}${chunk.toString()}`.split("\n");
    held = lines.pop() ?? "";
    for (const line of lines) {
      const message = JSON.parse(line) as { readonly question?: Record<string, unknown>; readonly withdrawn?: string };
      if (message.question !== undefined) questions.push(message.question);
      if (message.withdrawn !== undefined) withdrawn.push(message.withdrawn);
    }
  });
  await new Promise<void>((done) => socket.once("data", () => done()).write(`${JSON.stringify({ op: "attach", pid: process.pid })}\n`));
  return { questions, withdrawn, answer: (id, answer) => void socket.write(`${JSON.stringify({ op: "answer", id, answer, by: "anna" })}\n`) };
}

/** The workspace's own code, which says on its command line only half of where it goes. */
const tool = (...words: readonly string[]): string => `curl -s http://api.test:${port}/a; /usr/bin/python3 tool.py ${words.join(" ")}`;
const TOOL = `import sys, urllib.request, urllib.error
from concurrent.futures import ThreadPoolExecutor
def fetch(word):
    name, path, method = (word.split("/") + ["GET"])[:3]
    try:
        return urllib.request.urlopen(urllib.request.Request("http://%s.test:%s/%s" % (name, PORT, path), method=method), timeout=60).read().decode()
    except urllib.error.HTTPError as error:
        return "%s %s\\n%s" % (error.code, error.reason, error.read().decode())
with ThreadPoolExecutor(8) as pool: print("".join(pool.map(fetch, sys.argv[1:])), end="")
`;

test("held until a person says yes, once for all its connections; the record and the span say who and how long", async () => {
  const { questions, answer } = await screen();
  const running = bash(tool("other/one", "other/two", "other/three"));
  await expect.poll(() => questions.length, { timeout: 20_000 }).toBe(1);
  expect(questions[0]).toMatchObject({ effects: [`connect to \`other.test:${port}\`, to GET by plain HTTP`], reason: "it runs already, and asks for a host that its line does not name", authority: `other.test:${port}, beside api.test, 127.0.0.1 that it was given` });
  expect(seen.filter((line) => line.startsWith("other"))).toEqual([]);
  answer(questions[0]?.["id"], "yes");
  const ran = await running;
  // The name stands for this machine, which nobody named beside it: a yes to a host is none to an address.
  expect(ran.stdout, `${ran.stderr}${brokerLog(installation)}`).toContain("page /a\n403 blocked by vetsh: `other.test:");
  expect(ran.stdout).toContain("a loopback address");
  expect(questions).toHaveLength(1);
  expect(decisions()).toHaveLength(1);
  expect(decisions()[0]).toMatchObject({ host: "other.test", port, method: "GET", final: "allow", verdict: "review", source: "human", approval: { outcome: "approved", channel: "outer-terminal", by: "anna" } });
  expect(decisions()[0]?.["waitedMs"]).toBeGreaterThan(0);
  await expect.poll(() => { try { return readFileSync(join(installation.root, "state/spans.jsonl"), "utf8"); } catch { return ""; } }, { timeout: 10_000 }).toContain("vetsh.network.decision");
});

test("a no is told to the command, and nobody is asked again", async () => {
  const { questions, answer } = await screen();
  const running = bash(tool("no/one"));
  await expect.poll(() => questions.length, { timeout: 20_000 }).toBe(1);
  answer(questions[0]?.["id"], "no");
  const ran = await running;
  expect(ran.stdout).toContain(`403 blocked by vetsh: \`no.test:${port}\` is not among the hosts of this command: a person said no`);
  expect((await bash(tool("no/one"))).stdout).toContain("a person said no");
  expect(questions).toHaveLength(1);
});

test("nobody there: refused at once with the way in the page; a yes by id lets the same line pass, once", async () => {
  const line = tool("later/one", "later/two");
  const ran = await bash(line);
  const id = /question ([a-z0-9]{6})/.exec(ran.stdout)?.[1] ?? "";
  expect(ran.stdout).toContain(`vetsh approve ${id}; then run exactly the same command once more\n`);
  expect((await installation.vetsh(["approvals"])).stdout).toMatch(new RegExp(`${id}  open\n  command    [^\n]*tool\\.py later/one later/two\n`));
  expect(await installation.vetsh(["approve", id])).toMatchObject({ code: 0 });
  expect((await bash(tool("later/one"))).stdout).toContain("needs a person's approval");
  const again = await bash(line);
  expect(again.stdout).not.toContain("needs a person's approval");
  expect(decisions().at(-1)).toMatchObject({ host: "later.test", final: "allow", source: "grant" });
  expect((await bash(line)).stdout).toContain("needs a person's approval");
});

test("clients that would give up hear in time: the way in the error of node's https, a page for curl, a line for ssh", { timeout: 60_000 }, async () => {
  const node = visibleNode(join(installation.workspace, "tools"));
  // A program of the workspace that turns out to be ssh.
  copyFileSync("/usr/bin/ssh", join(installation.workspace, "tools/hop"));
  const { questions, withdrawn } = await screen();
  const given = `curl -s http://api.test:${port}/a`;
  const https = await bash(`${given}; ${node} -e 'require("https").get("https://" + "slow" + ".test/", () => console.log("reached")).on("error", (e) => console.log(e.message))'`);
  expect(https.stdout, https.stderr).toMatch(/HTTP\/1\.1 403 blocked by vetsh: `slow\.test:443` is not among the hosts of this command and needs a person's approval, question ([a-z0-9]{6}); hint: only a person can, in a terminal of their own: vetsh approve \1; /);
  expect(questions).toMatchObject([{ running: true, effects: ["connect to `slow.test:443`"] }]);
  await expect.poll(() => withdrawn.length, { timeout: 10_000 }).toBe(1);
  screens.splice(0).forEach((one) => one.destroy());
  const ssh = await bash(`${given}; ./tools/hop -o BatchMode=yes elsewhere.test`);
  expect(ssh.stderr).toMatch(/vetsh: 403 blocked by vetsh: `elsewhere\.test:22` is not among the hosts of this command and needs a person's approval, question [a-z0-9]{6}; hint: /);
});

test("rules about hosts: beside, deny, methods, at once", async () => {
  const { questions } = await screen();
  const ran = await bash(tool("mirror/one", "denied/one", "x.denied/one", "api/one/DELETE", "api/two"));
  expect(ran.stdout).toContain("page /a\npage /one\n403 blocked by vetsh: `denied.test:");
  expect(ran.stdout).toContain("is denied: is not ours (rule never-there)");
  expect(ran.stdout).toContain("is denied: nothing is deleted there (rule read-only-wiki)");
  expect(ran.stdout.endsWith("page /two\n"), ran.stdout).toBe(true);
  expect(questions).toEqual([]);
  expect(seen.filter((line) => line.includes("denied"))).toEqual([]);
  // A line that names a denied host does not even start.
  expect(await bash(`curl -s http://denied.test:${port}/`)).toMatchObject({ code: 126 });
});

test("a reviewer may allow what rules let it, and is told what is in question", async () => {
  const endpoint = await startEndpoint();
  try {
    installation.configure(`${CONFIG}\n[reviewer]\nenabled = true\nbase_url = "${endpoint.url}"\nmodel = "small"\n`);
    await expect.poll(async () => { await bash(tool("reviewed/one")); return endpoint.calls.length; }, { timeout: 20_000, interval: 500 }).toBeGreaterThan(0);
    expect(decisions().at(-1)).toMatchObject({ host: "reviewed.test", final: "allow", verdict: "review", source: "reviewer", review: { outcome: "allow" } });
    expect(JSON.parse(endpoint.calls[0]?.body.messages.at(-1)?.content.split("\n")[2] ?? "")).toMatchObject({ command: tool("reviewed/one"), connection: { host: "reviewed.test", port, method: "GET", given: ["api.test", "127.0.0.1"] } });
  } finally {
    await endpoint.close();
    installation.configure(CONFIG);
  }
});

test("a command that ends takes its question from the screen", async () => {
  const { questions, withdrawn } = await screen();
  const running = bash(`curl -s http://api.test:${port}/a; timeout 2 /usr/bin/python3 tool.py gone/one`);
  await expect.poll(() => questions.length, { timeout: 20_000 }).toBe(1);
  await running;
  await expect.poll(() => withdrawn.length, { timeout: 10_000 }).toBe(1);
});
