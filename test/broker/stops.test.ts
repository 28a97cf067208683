/** What a command without a claim of network meets when it tries to reach something: an answer, a record, and a question when it will not stop. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { lines } from "../support/records.ts";
import { visibleNode } from "../support/visible-node.ts";

let installation: Installation;
beforeAll(async () => {
  installation = await install();
  visibleNode(join(installation.workspace, "tools"));
  writeFileSync(join(installation.workspace, "fetch.mjs"), FETCH);
});
afterAll(() => installation.remove());

/** A program of the workspace: what it reaches is not in the line. */
const FETCH = 'import { get } from "node:http";\nconst proxy = new URL(process.env.http_proxy);\nget({ host: proxy.hostname, port: proxy.port, path: `http://${process.argv[2]}/x` }, (r) => { let text = ""; r.on("data", (d) => (text += d)); r.on("end", () => console.log(r.statusCode, text)); });\n';
const PATH = (): string => `${installation.root}/shims:${installation.workspace}/tools:/usr/bin:/bin`;
const fetching = (host: string): ReturnType<Installation["run"]> => installation.run(["bash", "-c", `node fetch.mjs ${host}`], { env: { PATH: PATH() } });

test("the answer says at once what was refused and what to do, and the record names it", async () => {
  const ran = await fetching("one.test");
  expect(ran.stderr).toBe("vetsh: stopped: `one.test:80` is not among the hosts of this command; hint: name what it has to reach in the command line so that it can be judged, or tell the person\n");
  expect(ran.stdout).toMatch(/^403 vetsh: refused: `one\.test:80` is not among the hosts of this command\nhint: name the host/);
  await expect.poll(() => lines(installation, "finished").length).toBe(1);
  expect(lines(installation, "decided").at(-1)).toMatchObject({ final: "run", authority: { network: [] } });
  expect(lines(installation, "connection").at(-1)).toMatchObject({ host: "one.test", port: 80, outcome: "refused", id: lines(installation, "decided").at(-1)?.id });
  const { stdout } = await installation.vetsh(["log", "--surprises"]);
  expect(stdout).toContain("stopped: one.test:80");
});

test("the third run of the same command is a question about the host, and nothing was reached", async () => {
  for (const _ of [1, 2]) expect((await fetching("two.test")).stdout).toContain("is not among the hosts of this command");
  const third = await fetching("two.test");
  expect(third.stdout).toMatch(/^403 vetsh: refused: .*two\.test/);
  const { stdout } = await installation.vetsh(["approvals"]);
  expect(stdout).toContain("two.test");
  expect(lines(installation, "connection").every(({ outcome }) => outcome === "refused")).toBe(true);
});

test("this machine's own ports are not led there", async () => {
  const ran = await installation.run(["bash", "-c", `node -e 'const s = require("http").createServer((q, r) => r.end("served")).listen(0, async () => { for (const h of ["localhost", "127.0.0.1", "0.0.0.0"]) console.log(await (await fetch("http://" + h + ":" + s.address().port)).text()); s.close(); })'`], { env: { PATH: PATH() } });
  expect(ran.stdout).toBe("served\nserved\nserved\n");
});

test("what one line serves the next one reaches, and can end", async () => {
  const env = { PATH: PATH() };
  const started = await installation.run(["bash", "-c", `node -e 'require("http").createServer((q, r) => r.end("from before")).listen(4321)' > /dev/null 2>&1 & echo $!; sleep 1`], { env });
  const pid = started.stdout.trim();
  expect(await installation.run(["bash", "-c", "curl -s http://localhost:4321/"], { env })).toMatchObject({ code: 0, stdout: "from before" });
  expect((await installation.run(["bash", "-c", `ps -o pid= -p ${pid}`], { env })).stdout.trim()).toBe(pid);
  expect((await installation.run(["bash", "-c", `kill ${pid}`], { env })).code).toBe(0);
  expect((await installation.run(["bash", "-c", "curl -s http://localhost:4321/"], { env })).code).toBe(7);
});
