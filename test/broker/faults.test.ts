import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeFinished, encodeLate, encodeRequest, encodeStarted } from "../../src/broker/shim-side.ts";
import { brokerLog, install, type Installation } from "../support/install.ts";
import { expectOneEndEach, lifeOf, lines } from "../support/records.ts";
import { STAND_INS } from "../support/rules.ts";
import { until } from "../support/waiting.ts";

let installation: Installation;
const left: ChildProcess[] = [];

beforeAll(async () => {
  installation = await install({ config: "[approvals]\nhold_ms = 15000\n" });
  writeFileSync(join(installation.layout.config, "rules/stand-ins.toml"), STAND_INS);
});

afterAll(async () => {
  for (const child of left) child.kill("SIGKILL");
  await installation.remove();
});

async function killBroker(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  const pid = await installation.brokerPid();
  if (pid === undefined) throw new Error("no broker to kill");
  process.kill(pid, signal);
  // A process is a zombie while its other threads still hold its sockets; the lock is free when the last one is gone.
  if (signal === "SIGKILL") await until(() => spawnSync("flock", ["--nonblock", join(installation.root, "run/broker.lock"), "true"]).status === 0, "the broker's end");
}

const ended = (text: string): Promise<Record<string, unknown>> => until(() => lifeOf(installation, text)["finished"], `an end of \`${text}\``);

describe("the broker is killed", () => {
  test("before a command: the next shim starts another", async () => {
    await installation.startBroker();
    await killBroker();
    expect(existsSync(join(installation.root, "run/shim.sock"))).toBe(true);
    expect(await installation.run(["bash", "-c", "echo after-a-crash"])).toMatchObject({ code: 0, stdout: "after-a-crash\n" });
  });

  test("during a command: it goes on, and its end is reported to the next broker", async () => {
    const line = "echo begun > begun; until test -e go; do sleep 0.1; done; echo went on; exit 5";
    const running = installation.run(["bash", "-c", line]);
    await until(() => existsSync(join(installation.workspace, "begun")), "the command's first step");
    await killBroker();
    await installation.startBroker();
    writeFileSync(join(installation.workspace, "go"), "");
    expect(await running).toMatchObject({ code: 5, stdout: "went on\n" });
    expect(await ended(line)).toMatchObject({ outcome: "exited", code: 5, late: true });
  });

  test("while it decides: nothing runs, and the request still ends", async () => {
    await installation.startBroker();
    const approver = await attach();
    const line = "touch asked-while-killed";
    const running = installation.run(["bash", "-c", line]);
    await approver.question;
    await killBroker();
    expect((await running).code).toBe(126);
    await installation.startBroker();
    expect(await ended(line)).toMatchObject({ outcome: "lost" });
    expect(existsSync(join(installation.workspace, "asked-while-killed"))).toBe(false);
  });

  test("after a command: its record is complete", async () => {
    await installation.startBroker();
    await installation.run(["bash", "-c", "echo kept"]);
    await ended("echo kept");
    await killBroker();
    expect(Object.keys(lifeOf(installation, "echo kept")).toSorted()).toEqual(["decided", "finished", "received", "started"]);
    await installation.startBroker();
    expect(lines(installation, "finished").filter(({ id }) => id === lifeOf(installation, "echo kept")["received"]?.id)).toHaveLength(1);
  });

  test("in effect, by removing its socket: it makes room, and the command that comes then is judged", async () => {
    await installation.startBroker();
    const first = await installation.brokerPid();
    rmSync(join(installation.root, "run/shim.sock"));
    expect(await installation.run(["bash", "-c", "echo found again"])).toMatchObject({ code: 0, stdout: "found again\n" });
    expect(await installation.brokerPid()).not.toBe(first);
    expect(lifeOf(installation, "echo found again")["decided"]).toMatchObject({ final: "run" });
  });

  test("asked to stop, it lets running commands report first", async () => {
    await installation.startBroker();
    const line = "echo begun > begun-2; sleep 1; exit 6";
    const running = installation.run(["bash", "-c", line]);
    await until(() => existsSync(join(installation.workspace, "begun-2")), "the command's first step");
    await killBroker("SIGTERM");
    expect((await running).code).toBe(6);
    expect(await ended(line)).toMatchObject({ outcome: "exited", code: 6, late: false });
    await until(async () => (await installation.brokerPid()) === undefined, "the broker's end");
  });
});

describe("malformed traffic", () => {
  const request = { pid: process.pid, ppid: 1, pgid: 1, sid: 1, uid: 0, ttyBits: 0, terminal: "", name: "bash", executable: "x", cwd: "/", argv: ["bash", "-c", "echo by hand"], environment: [] };
  const usage = { wallUs: 1, userUs: 1, systemUs: 1, maxRssKb: 1 };

  test.each([
    ["noise", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a frame beyond the limit", Buffer.from("ffffffff01", "hex")],
    ["a report without a request", encodeStarted(1)],
    ["a late report of nothing", encodeLate("no-such-id", { kind: "exited", code: 0, usage })],
    ["a request of another version", encodeRequest({ ...request, version: 9 })],
    ["two requests", Buffer.concat([encodeRequest({ ...request, argv: ["bash", "-c", "echo twice"] }), encodeRequest(request)])],
    ["an end before an answer", Buffer.concat([encodeRequest({ ...request, argv: ["bash", "-c", "echo early"] }), encodeFinished({ kind: "exited", code: 0, usage })])],
  ])("%s ends the connection and harms nobody else", async (_name, bytes) => {
    await hangUp(bytes);
    expect(await installation.run(["bash", "-c", "echo still here"])).toMatchObject({ code: 0, stdout: "still here\n" });
  });

  test("unfinished frames together have a limit, and those who keep to theirs are served", async () => {
    const half = Buffer.alloc(40 * 1024 * 1024);
    half.writeUInt32LE(47 * 1024 * 1024, 0);
    half.writeUInt8(1, 4);
    const senders = Array.from({ length: 7 }, () => connect(join(installation.root, "run/shim.sock")).on("error", () => undefined));
    const closed = await Promise.race(senders.map((socket) => new Promise((done) => { socket.on("close", () => done(true)); socket.write(half); })));
    expect(closed).toBe(true);
    expect(await installation.run(["bash", "-c", "echo served"])).toMatchObject({ code: 0, stdout: "served\n" });
    for (const socket of senders) socket.destroy();
    expect(brokerLog(installation)).toContain("too many unfinished frames");
  });

  test("an end that came before RUN is not believed", async () => {
    expect(await ended("echo early")).toMatchObject({ outcome: "lost" });
    expect(lifeOf(installation, "echo early")["started"]).toBeUndefined();
  });

  test("half a request is closed when its sender goes", async () => {
    await hangUp(encodeRequest({ ...request, argv: ["bash", "-c", "echo half"] }).subarray(0, 40));
    await until(() => brokerLog(installation).includes("inside a frame"), "a line in the log");
  });
});

test("a shim that vanishes leaves one record of a lost command", async () => {
  const line = "echo begun > begun-3; sleep 30";
  const child = spawn(join(installation.root, "shims/bash"), ["-c", line], { cwd: installation.workspace, stdio: "ignore", env: { PATH: "/usr/bin:/bin", HOME: installation.layout.home } });
  left.push(child);
  await until(() => existsSync(join(installation.workspace, "begun-3")), "the command's first step");
  child.kill("SIGKILL");
  expect(await ended(line)).toMatchObject({ outcome: expect.stringMatching(/lost|signalled/) as string });
});

describe("a configuration that does not parse", () => {
  test("is named with file and line; what held before stays in force, and the broker says so", async () => {
    const file = join(installation.layout.config, "rules/stand-ins.toml");
    writeFileSync(file, STAND_INS.replace('id = "stand-in-deny"', 'id = "stand-in-deny'));
    await until(async () => {
      // Any request makes the broker look.
      expect((await installation.run(["bash", "-c", "echo forbidden still"])).code).toBe(126);
      const { status } = (await installation.control({ op: "status" })) as { status: { problems: string[] } };
      return status.problems.some((problem) => problem.startsWith(`${file}:3: `) && problem.includes("hint: "));
    }, "the problem in `vetsh broker status`");
    expect(brokerLog(installation)).toContain("what held before stays in force");
    expect(lifeOf(installation, "echo forbidden still")["decided"]).toMatchObject({ verdict: "deny", rules: expect.arrayContaining([expect.objectContaining({ id: "stand-in-deny" })]) as unknown });
    writeFileSync(file, STAND_INS);
    await until(async () => {
      await installation.run(["bash", "-c", "echo look again"]);
      return ((await installation.control({ op: "status" })) as { status: { problems: string[] } }).status.problems.length === 0;
    }, "the corrected file in force");
  });

  test("from the start: stricter, never looser", async () => {
    await installation.stopBroker();
    const file = join(installation.layout.config, "config.toml");
    installation.configure("[approvals]\nhold_mss = 1\n");
    const ran = await installation.run(["bash", "-c", "echo hello"]);
    expect(ran.code).toBe(126);
    expect(ran.stderr).toContain("hold_mss");
    await until(() => brokerLog(installation).includes(`${file}:2:`), "file and line in the log");
    installation.configure("[approvals]\nhold_ms = 15000\n");
    await until(async () => (await installation.run(["bash", "-c", "echo hello"])).code === 0, "the corrected file in force");
  });
});

test("after all of it, every request has exactly one end", async () => {
  await until(() => lines(installation, "finished").length >= lines(installation, "received").length, "all ends");
  await expectOneEndEach(installation);
  expect(lines(installation, "received").length).toBeGreaterThan(20);
});

/** An approver on the control socket that never answers. */
async function attach(): Promise<{ readonly question: Promise<unknown> }> {
  const socket = connect(join(installation.root, "run/human/control.sock"));
  socket.on("error", () => undefined);
  let text = "";
  const seen = new Promise((done) => {
    socket.on("data", (chunk) => {
      text += chunk.toString();
      if (text.includes('"question"')) done(text);
    });
  });
  await new Promise<void>((done) => socket.on("connect", () => done()));
  socket.write(`${JSON.stringify({ op: "attach", pid: process.pid })}\n`);
  await until(() => text.includes('"ok":true'), "the attachment");
  return { question: seen };
}

/** Sends bytes to the shim's socket, ends the sending side, and resolves when the broker has hung up. */
async function hangUp(bytes: Buffer): Promise<void> {
  await new Promise<void>((done) => {
    const socket = connect(join(installation.root, "run/shim.sock"), () => socket.end(bytes));
    socket.on("data", () => undefined);
    socket.on("error", () => undefined);
    socket.on("close", () => done());
  });
}
