/** Servers of warm sandboxes, published on this machine's loopback: real servers, a real broker, real connections. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { brokerLog, install, type Installation } from "../support/install.ts";
import { isAlive } from "../shims/start-shim.ts";

let vetsh: Installation;
const open: Server[] = [];
const servers = new Set<number>();
beforeAll(async () => {
  vetsh = await install();
  await vetsh.startBroker();
}, 60_000);
afterEach(() => { for (const server of open.splice(0)) server.close(); });
afterAll(async () => {
  // Servers outlive their broker.
  for (const pid of servers) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  await vetsh.remove();
});

type Row = { readonly port: number; readonly workspace: string; readonly pid?: number; readonly program?: string; readonly listening: boolean; readonly as?: number };
const rows = async (): Promise<readonly Row[]> => {
  const found = (await vetsh.control({ op: "ports" }))["ports"] as readonly Row[];
  for (const { pid } of found) if (pid !== undefined) servers.add(pid);
  return found;
};
const row = async (port: number): Promise<Row | undefined> => (await rows()).find((one) => one.port === port);

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let round = 0; !(await holds()); round += 1) {
    if (round === 400) throw new Error(`never happened: ${what} ${brokerLog(vetsh)}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** A port that nobody has here; `taken`: that the test itself has. */
async function freePort(taken?: "taken"): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as { port: number };
  if (taken === "taken") open.push(server);
  else await new Promise((done) => server.close(done));
  return port;
}

/** One command that leaves a server in the background. */
async function serve(port: number, cwd = vetsh.workspace): Promise<void> {
  const ran = await vetsh.run(["bash", "-c", `touch here; python3 -m http.server ${port} --bind 127.0.0.1 >/dev/null 2>&1 &`], { cwd });
  if (ran.code !== 0) throw new Error(ran.stderr);
  await until("it listens", async () => (await rows()).some((one) => one.port === port && one.listening && cwd === one.workspace));
}

const fetched = async (port: number, path = "README"): Promise<string> => (await fetch(`http://127.0.0.1:${port}/${path}`, { headers: { connection: "close" } })).text();
const isOpen = (port: number): Promise<boolean> => new Promise((done) => {
  const socket = connect(port, "127.0.0.1");
  socket.once("connect", () => { socket.destroy(); done(true); });
  socket.once("error", () => done(false));
});
const entries = (kind: string, as: number) => vetsh.journal().filter((entry) => entry["kind"] === kind && entry["as"] === as);

describe("published", () => {
  test("a server that one command started is listed, published, fetched from, and ends when it is told to", async () => {
    const port = await freePort();
    await serve(port);
    expect(await row(port)).toMatchObject({ workspace: vetsh.workspace, listening: true, program: expect.stringContaining(`http.server ${port}`) });
    expect(await isOpen(port)).toBe(false);
    expect(await vetsh.vetsh(["ports", "publish", String(port)])).toMatchObject({ code: 0, stdout: `port ${port} of the sandbox of ${vetsh.workspace} is at 127.0.0.1:${port}\n`, stderr: "" });
    expect(await Promise.all(Array.from({ length: 20 }, () => fetched(port)))).toEqual(Array.from({ length: 20 }, () => "hello\n"));
    const shown = (await vetsh.vetsh(["ports"])).stdout.split("\n");
    expect(shown[0]).toMatch(/^PORT +PUBLISHED AS +PID +WORKSPACE +PROGRAM$/);
    expect(shown.find((line) => line.startsWith(`${port} `))).toMatch(new RegExp(`^${port} +127\\.0\\.0\\.1:${port} +\\d+ +${vetsh.workspace} +.*python3`));
    expect(await vetsh.vetsh(["ports", "publish", String(port)])).toMatchObject({ code: 1, stderr: expect.stringContaining(`port ${port} is published already, as 127.0.0.1:${port}`) });
    expect(await vetsh.vetsh(["ports", "unpublish", String(port)])).toMatchObject({ code: 0, stdout: `127.0.0.1:${port} is closed\n` });
    expect(await isOpen(port)).toBe(false);
    // What goes on inside does not end with it.
    expect(await row(port)).toMatchObject({ listening: true });
    expect(entries("published", port)).toMatchObject([{ port, workspace: vetsh.workspace, by: expect.any(String) }]);
    expect(entries("unpublished", port)).toMatchObject([{ port, reason: "a person ended it" }]);
  });

  test("another number here, a number that is taken here, and connections that end in one direction first", async () => {
    const [port, taken, other] = [await freePort(), await freePort("taken"), await freePort()];
    writeFileSync(join(vetsh.workspace, "count.py"), `import socket\ns = socket.socket()\ns.bind(("127.0.0.1", ${port}))\ns.listen(64)\nwhile True:\n  c, _ = s.accept()\n  n = 0\n  while b := c.recv(65536): n += len(b)\n  c.sendall(str(n).encode())\n  c.close()\n`);
    expect((await vetsh.run(["bash", "-c", "python3 count.py $'\\e[2J\\n22 forged' >/dev/null 2>&1 &"])).code).toBe(0);
    await until("it listens", async () => (await row(port)) !== undefined);
    expect(await vetsh.vetsh(["ports", "publish", String(port), "--as", String(taken)])).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`port ${taken} of this machine is taken\nhint: .*--as N`)) });
    expect(await vetsh.vetsh(["ports", "publish", String(port), "--as", String(other), "--json"])).toMatchObject({ code: 0, stdout: `${JSON.stringify({ ok: true, port, as: other, workspace: vetsh.workspace })}\n` });
    // What a program calls itself is the agent's text.
    const { stdout } = await vetsh.vetsh(["ports"]);
    expect(stdout).toMatch(new RegExp(`^${port} .*count\\.py .*forged`, "m"));
    expect(stdout).not.toMatch(/\u001b|^22 /m);
    const socket = connect({ port: other, host: "127.0.0.1", allowHalfOpen: true });
    let said = "";
    socket.on("data", (chunk: Buffer) => (said += chunk.toString()));
    socket.end("x".repeat(3_000_000));
    await new Promise((done) => socket.once("close", done));
    expect(said).toBe("3000000");
    // By the number inside, as only one is published of it.
    expect((await vetsh.vetsh(["ports", "unpublish", String(port)])).code).toBe(0);
    expect(await isOpen(other)).toBe(false);
  });

  test("two sandboxes that listen on it: the workspace says which", async () => {
    const port = await freePort();
    const second = join(vetsh.workspace, "../second");
    mkdirSync(second);
    execFileSync("git", ["init", "-q"], { cwd: second });
    writeFileSync(join(second, "README"), "second\n");
    const real = execFileSync("realpath", [second], { encoding: "utf8" }).trim();
    await serve(port);
    await serve(port, real);
    expect(await vetsh.vetsh(["ports", "publish", String(port)])).toMatchObject({ code: 1, stderr: expect.stringMatching(/2 sandboxes listen on port \d+\nhint: name one by `--workspace DIR` .*second/) });
    expect((await vetsh.vetsh(["ports", "publish", String(port), "--workspace", second])).code).toBe(0);
    expect(await fetched(port)).toBe("second\n");
    const pid = (await rows()).find((one) => one.port === port && one.workspace === vetsh.workspace)?.pid;
    const other = await freePort();
    expect((await vetsh.vetsh(["ports", "publish", String(port), "--pid", String(pid), "--as", String(other)])).code).toBe(0);
    expect(await fetched(other)).toBe("hello\n");
  });

  test("the server ends: the port stays for its successor, and connections are refused meanwhile", async () => {
    const port = await freePort();
    await serve(port);
    await vetsh.control({ op: "publish", port });
    process.kill((await row(port))?.pid ?? 0, "SIGKILL");
    await until("nobody listens", async () => (await row(port))?.listening === false);
    await expect(fetched(port)).rejects.toThrow();
    await serve(port);
    expect(await fetched(port)).toBe("hello\n");
  });

  test("the dialler is killed: the next connection has a new one", async () => {
    const port = await freePort();
    await serve(port);
    await vetsh.control({ op: "publish", port });
    expect(await fetched(port)).toBe("hello\n");
    const broker = await vetsh.brokerPid();
    const diallers = readFileSync(`/proc/${broker}/task/${broker}/children`, "utf8").trim().split(" ").filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8") === "vetsh-dial\n");
    expect(diallers.length).toBeGreaterThan(0);
    for (const pid of diallers) process.kill(Number(pid), "SIGKILL");
    await until("it answers again", () => fetched(port).then((text) => text === "hello\n", () => false));
  });

  test("the sandbox ends: so does the port", async () => {
    const port = await freePort();
    await serve(port);
    await vetsh.control({ op: "publish", port });
    const pid = (await row(port))?.pid ?? 0;
    const inside = execFileSync("readlink", [`/proc/${pid}/ns/pid`], { encoding: "utf8" });
    const holder = execFileSync("pgrep", ["-x", "vetsh-room"], { encoding: "utf8" }).trim().split("\n").find((one) => execFileSync("readlink", [`/proc/${one}/ns/pid`], { encoding: "utf8" }) === inside);
    process.kill(Number(holder), "SIGKILL");
    await until("it is closed", async () => !(await isOpen(port)));
    await until("it is written down", async () => entries("unpublished", port).length > 0);
    expect(entries("unpublished", port)).toMatchObject([{ reason: "its sandbox ended" }]);
    expect(await row(port)).toBeUndefined();
  });
});

describe("refused", () => {
  test("a port where nothing listens, and words that make no sense", async () => {
    const port = await freePort();
    expect(await vetsh.vetsh(["ports", "publish", String(port)])).toMatchObject({ code: 1, stderr: expect.stringMatching(/^vetsh: nothing in a sandbox listens on port \d+\nhint: /) });
    expect(await vetsh.vetsh(["ports", "unpublish", String(port)])).toMatchObject({ code: 1, stderr: expect.stringContaining("is not published") });
    for (const args of [["publish"], ["publish", "0"], ["publish", "70000"], ["publish", "x"], ["open", "1"], ["publish", "1", "2"]]) expect((await vetsh.vetsh(["ports", ...args])).code).toBe(2);
    for (const bad of [{ op: "publish", port: 0 }, { op: "publish", port: "80" }, { op: "publish", port: 65_536 }]) expect(await vetsh.control(bad)).toMatchObject({ ok: false });
  });

  test("the door of a sandbox is no server, and so is not published", async () => {
    await vetsh.run(["bash", "-c", "touch here"]);
    expect(await row(3128)).toBeUndefined();
    expect(await vetsh.control({ op: "publish", port: 3128 })).toMatchObject({ ok: false });
  });

  test("from inside: by rule, and there is no way to the broker", async () => {
    const port = await freePort();
    await serve(port);
    expect(await vetsh.run(["bash", "-c", `vetsh ports publish ${port}`])).toMatchObject({ code: 126, stderr: expect.stringContaining("only a person may") });
    expect((await vetsh.run(["bash", "-c", `touch here; ls ${vetsh.root}/run/human/control.sock`])).code).not.toBe(0);
    expect(await vetsh.vetsh(["ports", "publish", String(port)], { env: { VETSH_SANDBOX: "workspace" } })).toMatchObject({ code: 1, stderr: expect.stringContaining("answers are for people") });
    expect(await isOpen(port)).toBe(false);
  });
});

test("ports that settings name are published when something begins to listen on them, and others are not", async () => {
  const [port, other, taken] = [await freePort(), await freePort(), await freePort("taken")];
  vetsh.configure(`[ports]\npublish = [${port}, ${taken}]\n`);
  expect(await vetsh.control({ op: "reload" })).toMatchObject({ problems: [] });
  for (const one of [port, other, taken]) await serve(one);
  await until("it is published", async () => (await row(port))?.as === port);
  expect(await fetched(port)).toBe("hello\n");
  expect(entries("published", port)).toMatchObject([{ by: "settings" }]);
  expect((await row(other))?.as).toBeUndefined();
  await until("the log says that it cannot be", async () => brokerLog(vetsh).includes(`port ${taken} of a sandbox was not published: port ${taken} of this machine is taken; hint: `));
  // What a person takes back stays so, also when the next command makes vetsh look again.
  expect((await vetsh.vetsh(["ports", "unpublish", String(port)])).code).toBe(0);
  await serve(await freePort());
  await new Promise((done) => setTimeout(done, 2 * LIMITS.portsLookMs));
  expect((await row(port))?.as).toBeUndefined();
  vetsh.configure("");
});

test("the broker stops: nothing of it listens, and servers live on", async () => {
  const port = await freePort();
  await serve(port);
  await vetsh.control({ op: "publish", port });
  const pid = (await row(port))?.pid ?? 0;
  await vetsh.stopBroker();
  expect(await isOpen(port)).toBe(false);
  expect(isAlive(pid)).toBe(true);
  expect(entries("unpublished", port)).toMatchObject([{ reason: "the broker stops" }]);
}, 30_000);
