/** No broker, a dead one, one that is full: the shim starts one, or ends within its limit. */
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildRoot, type Build, type Root } from "./install.ts";
import { endAll, isAlive, start, until, type Ended } from "./start-shim.ts";

const readText = (path: string): string => readFileSync(path, "utf8");

/**
 * A broker of a few lines, put where the installation has its own: notes that it started and how, listens, lets /usr/bin/bash
 * run for whoever asks. Ends by itself, so that a failing test leaves nothing behind.
 */
const BROKER = `
const fs = require("node:fs"), net = require("node:net");
const root = process.argv[3];
fs.appendFileSync(root + "/state/started", JSON.stringify({ pid: process.pid, ppid: process.ppid, argv: process.argv.slice(2), env: process.env, cwd: process.cwd(),
  fds: fs.readdirSync("/proc/self/fd").filter((fd) => { try { return /\\/(state|run|dev\\/null)/.test(fs.readlinkSync("/proc/self/fd/" + fd)); } catch { return false; } }).map((fd) => fd + " " + fs.readlinkSync("/proc/self/fd/" + fd)),
  limits: fs.readFileSync("/proc/self/limits", "utf8"), status: fs.readFileSync("/proc/self/status", "utf8"), stat: fs.readFileSync("/proc/self/stat", "utf8"), umask: process.umask() }) + "\\n");
setTimeout(() => process.exit(0), 60000);
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
const str = (s) => Buffer.concat([u32(Buffer.byteLength(s)), Buffer.from(s)]);
const body = Buffer.concat([Buffer.from([0x11]), str("id"), Buffer.from([0]), u32(0), str("/usr/bin/bash"), u32(0), u32(0)]);
const server = net.createServer((s) => { s.on("error", () => {}); s.once("data", () => s.write(Buffer.concat([u32(body.length), body]))); });
fs.rmSync(root + "/run/shim.sock", { force: true });
server.listen({ path: root + "/run/shim.sock", backlog: 511 });
`;

describe.each<Build>(["static", "sanitize"])("%s build", (build) => {
  let root: Root;
  const main = (): string => join(root.path, "app/dist/broker/main.js");
  const started = (): { pid: number; [key: string]: unknown }[] => (existsSync(join(root.path, "state/started")) ? readText(join(root.path, "state/started")).trim().split("\n").map((line) => JSON.parse(line)) : []);
  const shim = (options: Parameters<typeof start>[2] = {}): Promise<Ended> => start(root.shim("bash"), ["-c", "echo ran"], options).ended;
  const under = (script: string): Promise<Ended> => start("/usr/bin/bash", ["-c", script, "_", root.shim("bash")]).ended;

  beforeAll(() => { root = buildRoot(build, { brokerStartMs: build === "static" ? 6000 : 15_000 }); });
  afterAll(() => root.remove());
  afterEach(async () => {
    endAll();
    for (const { pid } of started()) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    await until("the broker ended", () => started().every(({ pid }) => !isAlive(pid)));
    for (const file of ["state/started", "state/broker.log", "run/shim.sock", "run/broker.lock", "app/dist/broker/main.js"]) rmSync(join(root.path, file), { force: true });
  });

  test("100 shims at once and no broker: one is started, and all run", async () => {
    writeFileSync(main(), BROKER);
    const ended = await Promise.all(Array.from({ length: build === "static" ? 100 : 20 }, () => shim()));
    for (const one of ended) expect({ ...one, stdout: one.stdout.toString() }).toEqual({ code: 0, signal: null, stdout: "ran\n", stderr: "" });
    expect(started()).toHaveLength(1);
  });

  test("the broker inherits nothing of its first caller", async () => {
    writeFileSync(main(), BROKER);
    const ended = await under(`ulimit -Sn 64; ulimit -Sf 1; ulimit -Sc 0; umask 0; cd /; exec 9</; trap '' HUP INT USR1; export SECRET=1 NODE_OPTIONS=--no-such-option LD_PRELOAD=; exec env --block-signal=TERM,CHLD "$1" -c 'echo ran'`);
    expect(ended.stdout.toString()).toBe("ran\n");
    const [broker] = started() as { pid: number; argv: string[]; env: object; fds: string[]; limits: string; status: string; stat: string; cwd: string; umask: number }[];
    expect(broker).toMatchObject({ argv: ["--root", root.path], env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" }, cwd: "/", umask: 0o77 });
    expect(Object.keys(broker!.env)).toEqual(["PATH", "LANG"]);
    expect(broker!.fds.filter((fd) => /^[0-4] /.test(fd))).toEqual(["0 /dev/null", `1 ${root.path}/state/broker.log`, `2 ${root.path}/state/broker.log`, `3 ${root.path}/run/broker.lock`]);
    expect(broker!.limits).toMatch(/Max file size +unlimited/);
    expect(broker!.limits).not.toMatch(/Max open files +64 /);
    expect(broker!.status).toMatch(/SigBlk:\t0{16}/);
    // HUP, INT and USR1 were ignored by the caller (Node itself ignores PIPE and XFSZ).
    expect(BigInt(`0x${/SigIgn:\t(\w+)/.exec(broker!.status)?.[1] ?? "f"}`) & 0b10_0000_0011n).toBe(0n);
    const [, pgrp, session, terminal] = broker!.stat.slice(broker!.stat.lastIndexOf(")") + 4).split(" ").map(Number);
    expect(terminal).toBe(0);
    expect([pgrp, session]).not.toContain(process.pid);
    expect(statSync(join(root.path, "run/broker.lock")).mode & 0o777).toBe(0o600);
    expect(statSync(join(root.path, "state/broker.log")).mode & 0o777).toBe(0o600);
  });

  test("a stale socket: its broker is gone, a new one is started", async () => {
    const old = start(process.execPath, ["-e", `require("net").createServer().listen(${JSON.stringify(root.socket)}, () => process.kill(process.pid, "SIGKILL"))`]);
    await old.ended;
    expect(existsSync(root.socket)).toBe(true);
    writeFileSync(main(), BROKER);
    expect((await shim()).stdout.toString()).toBe("ran\n");
    expect(started()).toHaveLength(1);
  });

  test("a broker that was killed is replaced at the next command", async () => {
    writeFileSync(main(), BROKER);
    await shim();
    const { pid } = started()[0]!;
    process.kill(pid, "SIGKILL");
    await until("it is gone", () => !isAlive(pid));
    expect((await shim()).stdout.toString()).toBe("ran\n");
    expect(started()).toHaveLength(2);
  });

  test("a broker that ends while starting: refused at once, with the place of its log", async () => {
    writeFileSync(main(), "console.error('cannot read the configuration'); process.exit(1);");
    expect(await shim()).toMatchObject({ code: 126, stderr: `vetsh: the broker ended while starting, nothing ran; hint: see ${root.path}/state/broker.log\n` });
    expect(readText(join(root.path, "state/broker.log"))).toBe("cannot read the configuration\n");
  });

  test("no node, no log, a log that is no file: refused with the reason", async () => {
    rmSync(join(root.path, "state"), { recursive: true });
    expect((await shim()).stderr).toMatch(/cannot start the broker .*: No such file or directory, nothing ran; hint: /);
    await start("/usr/bin/mkdir", ["-m", "700", join(root.path, "state")]).ended;
    await start("/usr/bin/mkfifo", [join(root.path, "state/broker.log")]).ended;
    expect(await shim()).toMatchObject({ code: 126, stderr: expect.stringMatching(/cannot start the broker/) });
  });

  test("hard limits that would cripple the broker: refused with a way out", async () => {
    writeFileSync(main(), BROKER);
    for (const limit of ["-f 1000", "-n 100", "-t 1000"]) {
      expect(await under(`ulimit ${limit}; exec "$1" -c 'echo ran'`)).toMatchObject({ code: 126, stderr: expect.stringMatching(/^vetsh: not starting the broker .*, nothing ran; hint: run `vetsh broker start`/) });
    }
    expect(started()).toHaveLength(0);
  });

  test("as root: a directory of another user's is not started from", async () => {
    if (process.geteuid?.() !== 0) return expect(process.geteuid?.()).toBeGreaterThan(0);
    writeFileSync(main(), BROKER);
    const { chownSync } = await import("node:fs");
    chownSync(join(root.path, "run"), 12345, 12345);
    const ended = await shim();
    chownSync(join(root.path, "run"), 0, 0);
    expect(ended).toMatchObject({ code: 126, stderr: expect.stringMatching(/belongs to another user/) });
    expect(started()).toHaveLength(0);
  });

  test("vetsh-start: starts one broker, however often, and waits until it answers", async () => {
    writeFileSync(main(), BROKER);
    const program = join(root.path, "libexec/vetsh-start");
    const ended = await Promise.all([1, 2, 3].map(() => start(program, []).ended));
    for (const one of ended) expect({ ...one, stdout: one.stdout.toString() }).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    expect(started()).toHaveLength(1);
    expect(existsSync(root.socket)).toBe(true);
  });

  test("vetsh-start says why it cannot, with status 1", async () => {
    writeFileSync(main(), "process.exit(3)");
    expect(await start(join(root.path, "libexec/vetsh-start"), []).ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/^vetsh: the broker ended while starting/) });
  });

  test("run with three descriptors closed the broker is started all the same", async () => {
    writeFileSync(main(), BROKER);
    expect(await under(`"$1" -c 'exit 9' 0<&- 1>&- 2>&-; exit $?`)).toMatchObject({ code: 9 });
    expect(started()).toHaveLength(1);
  });
});

describe("limits, on a build with a short one", () => {
  let root: Root;
  beforeAll(() => { root = buildRoot("static", { brokerStartMs: 700 }); });
  afterAll(() => root.remove());
  const shim = (): Promise<Ended> => start(root.shim("bash"), ["-c", "echo ran"]).ended;

  test("a broker that lives and never listens", async () => {
    writeFileSync(join(root.path, "app/dist/broker/main.js"), "require('fs').writeFileSync(process.argv[3] + '/state/pid', String(process.pid)); setTimeout(() => {}, 30000)");
    const ended = await Promise.all([shim(), shim(), shim()]);
    for (const one of ended) expect(one).toMatchObject({ code: 126, stderr: expect.stringMatching(/no broker answered at .* within 700 ms, nothing ran/) });
    await until("it started", () => existsSync(join(root.path, "state/pid")));
    process.kill(Number(readText(join(root.path, "state/pid"))), "SIGKILL");
  });

  test("a full queue", async () => {
    // A listener that accepts nothing: stopped, with a backlog of one.
    const listener = start(process.execPath, ["-e", `require("net").createServer().listen({ path: ${JSON.stringify(root.socket)}, backlog: 1 }, () => { console.log("up"); process.kill(process.pid, "SIGSTOP"); })`]);
    await until("it listens", () => listener.output().includes("up"));
    const ended = await Promise.all(Array.from({ length: 8 }, shim));
    for (const one of ended) expect(one).toMatchObject({ code: 126, stderr: expect.stringMatching(/(queue stayed full for 700 ms|did not answer within 700 ms), nothing ran/) });
    expect(ended.some((one) => one.stderr.includes("queue stayed full"))).toBe(true);
    process.kill(listener.pid, "SIGKILL");
    await listener.ended;
    rmSync(root.socket, { force: true });
  });

  test("something else than a socket in its place", async () => {
    writeFileSync(root.socket, "");
    chmodSync(root.socket, 0o600);
    expect((await shim()).code).toBe(126);
    rmSync(root.socket, { force: true });
  });

  test("no run directory at all", async () => {
    rmSync(join(root.path, "run"), { recursive: true, force: true });
    expect(await shim()).toMatchObject({ code: 126, stderr: expect.stringMatching(/cannot open .*broker\.lock: No such file or directory, nothing ran/) });
  });
});
