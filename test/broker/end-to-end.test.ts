import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { expectOneEndEach, lifeOf, lines, received } from "../support/records.ts";
import { STAND_INS } from "../support/rules.ts";
import { until } from "../support/waiting.ts";

let installation: Installation;
let reviewer: Server;
/** What the reviewer on loopback answers. */
let opinion = { outcome: "allow", risk: "low" };

beforeAll(async () => {
  reviewer = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const nonce = /nonce: ([0-9a-f]+)/.exec(Buffer.concat(parts).toString())?.[1];
      const content = JSON.stringify({ nonce, risk: opinion.risk, authorization: "unknown", categories: [], injection_suspected: false, outcome: opinion.outcome, rationale: "as told" });
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ id: "1", object: "chat.completion", created: 1, model: "m", choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content, refusal: null } }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }));
    });
  });
  await new Promise<void>((done) => reviewer.listen(0, "127.0.0.1", done));
  const { port } = reviewer.address() as AddressInfo;
  installation = await install({ config: `[reviewer]\nenabled = true\nbase_url = "http://127.0.0.1:${port}/v1"\nmodel = "m"\n\n[approvals]\nhold_ms = 20000\n` });
  writeFileSync(join(installation.layout.config, "rules/stand-ins.toml"), STAND_INS);
});

afterAll(async () => {
  await installation.remove();
  reviewer.close();
});

describe("allowed", () => {
  test("runs in the real shell and leaves one complete record", async () => {
    const ran = await installation.run(["bash", "-c", "echo out; echo err >&2; exit 7"]);
    expect(ran).toEqual({ code: 7, signal: null, stdout: "out\n", stderr: "err\n" });
    const life = await until(() => { const found = lifeOf(installation, "echo out; echo err >&2; exit 7"); return found["finished"] === undefined ? undefined : found; }, "the record of the end");
    expect(Object.keys(life).toSorted()).toEqual(["decided", "finished", "received", "started"]);
    expect(life["decided"]).toMatchObject({ final: "run", verdict: "allow", source: "rule", authority: { sandbox: "read-only", writable: [], network: [] } });
    expect(life["finished"]).toMatchObject({ outcome: "exited", code: 7, late: false });
  });

  test("is held to its claim: what was judged read-only cannot write", async () => {
    // `sort` reads, says its spec; were the spec wrong, the sandbox would still stop it. `test -w` asks the kernel.
    const ran = await installation.run(["bash", "-c", "test -w ."]);
    expect(ran.code).toBe(1);
    expect(lifeOf(installation, "test -w .")["decided"]).toMatchObject({ authority: { sandbox: "read-only" } });
  });

  test("writes in the workspace", async () => {
    expect(await installation.run(["bash", "-c", "echo new > made && cat made"])).toMatchObject({ code: 0, stdout: "new\n" });
    expect(existsSync(join(installation.workspace, "made"))).toBe(true);
  });

  test("where there is no workspace, it still has a /tmp", async () => {
    expect(await installation.run(["bash", "-c", "echo kept > /tmp/kept && cat /tmp/kept"], { cwd: "/" })).toMatchObject({ code: 0, stdout: "kept\n" });
    expect(existsSync("/tmp/kept")).toBe(false);
  });

  test.each(["sh", "dash", "zsh"])("%s is a shell of its own", async (shell) => {
    expect(await installation.run([shell, "-c", "echo $0"])).toMatchObject({ code: 0, stdout: `${shell}\n` });
  });
});

describe("denied", () => {
  test("exits 126, says why and what instead, and starts nothing", async () => {
    const ran = await installation.run(["bash", "-c", "touch before; echo forbidden fruit"]);
    expect(ran).toMatchObject({ code: 126, stdout: "" });
    expect(ran.stderr).toMatch(/^vetsh: refused, nothing ran: stands for what is never allowed \(rule stand-in-deny\)/);
    expect(ran.stderr).toContain("safer way: echo something else");
    expect(existsSync(join(installation.workspace, "before"))).toBe(false);
    expect(lifeOf(installation, "touch before; echo forbidden fruit")).toMatchObject({ decided: { final: "refuse", verdict: "deny" }, finished: { outcome: "refused", code: 126 } });
  });

  test("text that is not valid UTF-8 is not read as something else", async () => {
    const ran = await installation.run(["bash", "-c", "printf '%s' \"$1\" | wc -c", "bash", "\ud800"]);
    // Node writes a lone surrogate as U+FFFD, which is valid: this one runs, three bytes long.
    expect(ran).toMatchObject({ code: 0, stdout: "3\n" });
    expect(await installation.run(["bash", "-c", "echo hi"], { env: { BASH_ENV: "/nonexistent" } })).toMatchObject({ code: 126 });
  });
});

describe("reviewed", () => {
  test("runs when the reviewer allows it", async () => {
    opinion = { outcome: "allow", risk: "low" };
    expect(await installation.run(["bash", "-c", "touch reviewed-1"])).toMatchObject({ code: 0 });
    expect(lifeOf(installation, "touch reviewed-1")["decided"]).toMatchObject({ verdict: "review", final: "run", source: "reviewer", review: { outcome: "allow" } });
  });

  test("is asked when the reviewer says so, and nobody can be asked: refused at once with an id", async () => {
    opinion = { outcome: "ask", risk: "high" };
    const ran = await installation.run(["bash", "-c", "touch reviewed-2"]);
    expect(ran.code).toBe(126);
    expect(ran.stderr).toMatch(/vetsh approve [a-z0-9]{6}/);
    expect(lifeOf(installation, "touch reviewed-2")["decided"]).toMatchObject({ final: "refuse", approval: { outcome: "pending", channel: "none" } });
  });
});

describe("asked", () => {
  test("an approval from another terminal lets the identical command pass once and only once", async () => {
    const first = await installation.run(["bash", "-c", "touch asked-once"]);
    const id = /vetsh approve ([a-z0-9]{6})/.exec(first.stderr)?.[1] ?? "";
    expect(first.code).toBe(126);
    expect(existsSync(join(installation.workspace, "asked-once"))).toBe(false);
    expect(await installation.vetsh(["approve", id])).toMatchObject({ code: 0, stdout: "approved: the same command passes once when it comes again\n" });
    expect((await installation.run(["bash", "-c", "touch asked-once "])).code).toBe(126);
    expect((await installation.run(["bash", "-c", "touch asked-once"])).code).toBe(0);
    expect(existsSync(join(installation.workspace, "asked-once"))).toBe(true);
    expect(lifeOf(installation, "touch asked-once")["decided"]).toMatchObject({ final: "run", source: "grant" });
    expect((await installation.run(["bash", "-c", "touch asked-once"])).code).toBe(126);
  });

  test("an approval outlives the broker that asked", async () => {
    const first = await installation.run(["bash", "-c", "touch asked-restart"]);
    const id = /vetsh approve ([a-z0-9]{6})/.exec(first.stderr)?.[1] ?? "";
    await installation.vetsh(["approve", id]);
    await installation.stopBroker();
    expect((await installation.run(["bash", "-c", "touch asked-restart"])).code).toBe(0);
    expect((await installation.run(["bash", "-c", "touch asked-restart"])).code).toBe(126);
  });

  test("a command of ours cannot answer", async () => {
    const first = await installation.run(["bash", "-c", "touch asked-self"]);
    const id = /vetsh approve ([a-z0-9]{6})/.exec(first.stderr)?.[1] ?? "";
    const { node, root } = installation.layout;
    await installation.run(["bash", "-c", `${node} ${root}/app/dist/cli/main.js --root ${root} approve ${id}`]);
    expect((await installation.vetsh(["approvals", "--json"])).stdout).toContain(`"id":"${id}"`);
    expect((await installation.run(["bash", "-c", "touch asked-self"])).code).toBe(126);
  });
});

describe("nested shells", () => {
  test("are judged, recorded as children, and run inside the sandbox around them", async () => {
    const line = "bash -c 'echo inner; test -w . || echo held'";
    expect(await installation.run(["bash", "-c", line])).toMatchObject({ code: 0, stdout: "inner\nheld\n" });
    const outer = received(installation, line);
    const trace = outer?.["trace"] as { traceId: string } | undefined;
    const inner = received(installation, "echo inner; test -w . || echo held");
    expect(inner?.["trace"]).toMatchObject({ parent: outer?.id, depth: 1, traceId: trace?.traceId });
  });

  test("deny rules hold inside", async () => {
    writeFileSync(join(installation.workspace, "script.py"), "import subprocess\nline = 'echo ' + bytes.fromhex('666f7262696464656e').decode() + ' inside'\nprint(subprocess.run(['bash', '-c', line]).returncode)\n");
    const ran = await installation.run(["bash", "-c", "python3 script.py"]);
    expect(ran.stdout).toBe("126\n");
    expect(lifeOf(installation, "echo forbidden inside")["decided"]).toMatchObject({ final: "refuse", verdict: "deny" });
  });

  test("a shell that drops its environment is still inside", async () => {
    writeFileSync(join(installation.workspace, "bare.py"), `import subprocess\nprint(subprocess.run(['${installation.root}/shims/bash', '-c', 'touch outside 2>/dev/null; echo done'], env={}, cwd='/').stdout)\n`);
    const ran = await installation.run(["bash", "-c", "python3 bare.py"]);
    expect(ran.code).toBe(0);
    expect(existsSync("/outside")).toBe(false);
  });

  test("the control socket and the state are out of reach inside, the shim's socket is not", async () => {
    const { root } = installation;
    writeFileSync(join(installation.workspace, "reach.py"), `
import os, socket
def reach(name):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect("${root}/run/" + name)
            return "open"
        except OSError as error:
            return type(error).__name__
print(reach("human/control.sock"), reach("inner.sock"), os.path.exists("${root}/state/questions.json"), reach("shim.sock"))
`);
    expect(existsSync(join(root, "state/questions.json"))).toBe(true);
    expect((await installation.run(["bash", "-c", "python3 reach.py"])).stdout).toBe("FileNotFoundError FileNotFoundError False open\n");
  });

  test("a token that leaks gives nothing to a shell outside of every sandbox", async () => {
    const file = join(installation.workspace, "token");
    const held = installation.run(["bash", "-c", "printenv VETSH_PERMIT > token; sleep 5"]);
    await until(() => existsSync(file) && readFileSync(file, "utf8").includes("\n"), "the token on disk");
    const token = readFileSync(file, "utf8").trim();
    expect(token).toMatch(/^[0-9a-f]{32}$/);
    const ran = await installation.run(["bash", "-c", "test -w ."], { env: { VETSH_PERMIT: token } });
    expect(ran.code).toBe(1);
    expect(lifeOf(installation, "test -w .")["decided"]).toMatchObject({ authority: { sandbox: "read-only" } });
    await held;
  });
});

test("fifty commands at once: each its own answer, each one record", async () => {
  const all = await Promise.all(Array.from({ length: 50 }, (_, index) => installation.run(["bash", "-c", index % 5 === 0 ? `echo forbidden ${index}` : `echo ${index}`])));
  expect(all.map(({ code, stdout }, index) => [index, code, stdout])).toEqual(all.map((_, index) => (index % 5 === 0 ? [index, 126, ""] : [index, 0, `${index}\n`])));
  await until(() => lines(installation, "finished").length === lines(installation, "received").length, "all ends");
  await expectOneEndEach(installation);
});
