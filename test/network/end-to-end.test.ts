/** From a rule to a reached host, through a real installation: shim, broker, sandbox, proxy, journal, span. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LOCAL_BROKER } from "./local-broker.ts";
import { brokerLog, install, type Installation } from "../support/install.ts";


const CONFIG = `
[[rule]]
id = "our-api"
when = { effect = "network", host = "api.test" }
decision = "allow"
reason = "ours"
hosts = ["127.0.0.1"]
match = ["curl http://api.test/"]
not_match = ["curl http://other.test/"]

[[rule]]
id = "our-wiki"
when = { effect = "network", host = "wiki.test" }
decision = "allow"
reason = "ours, and its address was never named"
match = ["curl http://wiki.test/"]
not_match = ["curl http://other.test/"]

[[rule]]
id = "our-registry"
when = { effect = "network", by = ["packages/npm"] }
decision = "allow"
reason = "ours"
hosts = ["registry.test:4873", "127.0.0.1"]
match = ["npm ci"]
not_match = ["curl http://other.test/"]
`;

let installation: Installation;
let port: number;
const web = createHttp((request, response) => response.end(`page ${request.url}\n`));

beforeAll(async () => {
  await new Promise<void>((done) => web.listen(0, "127.0.0.1", done));
  port = (web.address() as AddressInfo).port;
  installation = await install({ config: CONFIG });
  writeFileSync(join(installation.root, "app/dist/broker/main.js"), LOCAL_BROKER);
  // A program of the workspace whose hosts stand in files: what it will ask for is not known before it runs.
  mkdirSync(join(installation.workspace, "tools"));
  copyFileSync("/usr/bin/curl", join(installation.workspace, "tools/get"));
  for (const [name, host] of [["three", "api"], ["four", "evil"]]) writeFileSync(join(installation.workspace, `${name}.cfg`), `url = "http://${host}.test:${port}/${name}"\n`);
  await installation.startBroker();
}, 120_000);
afterAll(async () => {
  await installation.remove();
  web.close();
  web.closeAllConnections();
});

const bash = (text: string): ReturnType<Installation["run"]> => installation.run(["bash", "-c", text], { env: { PATH: `${installation.root}/shims:/usr/local/bin:/usr/bin:/bin` } });
/** The shim tells the end of a command just before it ends itself. */
const ended = (): Promise<void> => expect.poll(() => last("finished")?.["id"], { timeout: 10_000 }).toBe(last("decided")?.["id"]);
const last = (kind: string): Record<string, unknown> | undefined => installation.journal().findLast((entry) => entry["kind"] === kind);

test("a line that names a host gets that host and no other, and the record says what it did", async () => {
  expect(await bash(`curl -s http://api.test:${port}/one`), brokerLog(installation)).toMatchObject({ code: 0, stdout: "page /one\n" });
  await ended();
  expect(last("decided")).toMatchObject({ authority: { network: ["api.test", "127.0.0.1"] } });
  expect(last("connection")).toMatchObject({ protocol: "http", host: "api.test", port, outcome: "allowed" });

  // What the line was judged to do, and what a program in it tries besides.
  const both = await bash(`curl -s http://api.test:${port}/two; ./tools/get -s -K three.cfg; ./tools/get -s -K four.cfg`);
  expect(both.stdout, `${both.stderr}${brokerLog(installation)}`).toContain("page /two\npage /three\nvetsh: refused: `evil.test:");
  expect(both.stdout).not.toContain("/four");
  await ended();
  const entries = installation.journal();
  const id = entries.findLast((entry) => entry["kind"] === "decided")?.["id"];
  expect(entries.filter((entry) => entry["kind"] === "connection" && entry["id"] === id).map((entry) => [entry["host"], entry["outcome"]]).toSorted()).toEqual([["api.test", "allowed"], ["api.test", "allowed"], ["evil.test", "refused"]]);
  const kinds = entries.filter((entry) => entry["id"] === id).map((entry) => entry["kind"]);
  expect(kinds.at(-1)).toBe("finished");

  const spans = join(installation.root, "state/spans.jsonl");
  await expect.poll(() => { try { return readFileSync(spans, "utf8"); } catch { return ""; } }, { timeout: 10_000 }).toContain(`evil.test:${port}`);
  expect(readFileSync(spans, "utf8")).toContain("vetsh.network.refused");
});

test("what was tried beyond the claim can be asked for, and counted by rule", async () => {
  await bash(`./tools/get -s -K four.cfg; curl -s http://api.test:${port}/fine`);
  await ended();
  const { stdout } = await installation.vetsh(["log", "--surprises"]);
  expect(stdout).toMatch(new RegExp(`stopped: evil\\.test:${port}, `));
  expect(stdout).toMatch(/by rule that spoke about the line:\n(?:.*\n)*\s+\d+ {2}our-api\n/);
  expect(stdout).not.toContain("wiki.test");
});

test("a host whose address is this machine's is not reached unless a rule names the address", async () => {
  const { stdout } = await bash(`curl -s http://wiki.test:${port}/`);
  expect(stdout).toMatch(/^vetsh: refused: `wiki\.test:\d+` stands for `127\.0\.0\.1`, a loopback address\nhint: .*addresses = \["127\.0\.0\.1"\]`\n$/);
});

test("nothing is left when commands have ended, and lines without a claim have no way out", async () => {
  await bash(`curl -s http://api.test:${port}/`);
  await expect.poll(() => readdirSync(join(installation.root, "run/net"))).toEqual([]);
  // What answers there lets nothing through.
  const { stdout } = await bash("exec 3<> /dev/tcp/127.0.0.1/3128; printf 'CONNECT api.test:80 HTTP/1.1\\r\\nHost: api.test\\r\\n\\r\\n' >&3; head -n 1 <&3");
  expect(stdout).toMatch(/^HTTP\/1\.1 403 blocked by vetsh: `api\.test:80` is not among/);
});

test("nested shells use the way out of the command around them", async () => {
  const ran = await bash(`curl -s http://api.test:${port}/outer; bash -c 'curl -s http://api.test:${port}/inner'`);
  expect(ran.stdout, ran.stderr).toBe("page /outer\npage /inner\n");
});

test("the dry run says the hosts", async () => {
  const { stdout } = await installation.vetsh(["check", "--json", "--", `curl http://api.test:${port}/`]);
  expect(JSON.parse(stdout)).toMatchObject({ decision: "allow", authority: { network: ["api.test", "127.0.0.1"] } });
});
