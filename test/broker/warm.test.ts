/** Warm sandboxes through everything: real shims, a real broker, bubblewrap, and what happens when one of them is killed. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { brokerLog, install, type Installation } from "../support/install.ts";
import { isAlive, until } from "../shims/start-shim.ts";

let vetsh: Installation;
beforeAll(async () => {
  vetsh = await install();
  await vetsh.startBroker();
}, 60_000);
afterAll(() => vetsh.remove());

const line = async (text: string): Promise<string> => {
  const ran = await vetsh.run(["bash", "-c", text]);
  if (ran.code !== 0) throw new Error(`${text}: ${ran.code ?? ran.signal} ${ran.stderr} ${brokerLog(vetsh)}`);
  return ran.stdout.trim();
};

const NAMESPACE = "readlink /proc/self/ns/pid";

/** Processes 1 of rooms whose vetsh-init is that of this installation. */
function holders(): readonly number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith(`${vetsh.root}/libexec/vetsh-init\0--hold`) && isAlive(pid);
    } catch {
      // It ended while we looked.
      return false;
    }
  });
}

describe("one session", () => {
  test("commands of one claim are in one sandbox, of two claims in two", async () => {
    const reading = await line(NAMESPACE);
    const writing = await line(`touch here; ${NAMESPACE}`);
    expect(await line(NAMESPACE)).toBe(reading);
    expect(await line(`touch here; ${NAMESPACE}`)).toBe(writing);
    expect(writing).not.toBe(reading);
    expect(reading).not.toBe(readlinkSync("/proc/self/ns/pid"));
  });

  test("what a verdict claims still holds in it", async () => {
    writeFileSync(join(vetsh.workspace, "Makefile"), "sneak:\n\ttouch made; touch /opt/vetsh-test\n");
    expect((await vetsh.run(["bash", "-c", "make sneak"])).stderr).toMatch(/vetsh-test.*Read-only file system/);
    expect(existsSync(join(vetsh.workspace, "made"))).toBe(true);
    expect(existsSync("/opt/vetsh-test")).toBe(false);
  });

  test("a job that one command leaves can be seen and ended by another", async () => {
    const pid = await line("touch here; sleep 300 >/dev/null 2>&1 & echo $!");
    expect(await line(`ps -o args= -p ${pid}`)).toBe("sleep 300");
    await line(`kill ${pid}`);
    expect(await line(`kill -0 ${pid} 2>/dev/null || echo none`)).toBe("none");
  });

  test("a hundred at once, in both claims: each in its own, nothing left over", async () => {
    const [reading, writing] = [await line(NAMESPACE), await line(`touch here; ${NAMESPACE}`)];
    const said = await Promise.all(Array.from({ length: 100 }, (_, i) => line(i % 2 === 0 ? NAMESPACE : `touch here; ${NAMESPACE}`)));
    expect(said).toEqual(said.map((_, i) => (i % 2 === 0 ? reading : writing)));
    expect(holders().length).toBe(2);
    for (const holder of holders()) expect(readFileSync(`/proc/${holder}/task/${holder}/children`, "utf8")).toBe("");
  }, 60_000);
});

describe("when something is killed", () => {
  const begin = (text: string) => spawn(join(vetsh.root, "shims/bash"), ["-c", text], { cwd: vetsh.workspace, detached: true, env: { PATH: "/usr/bin:/bin", HOME: vetsh.layout.home }, stdio: ["ignore", "pipe", "inherit"] });

  test("the shim's group: the command and its group are dead, jobs of a session of their own are not", async () => {
    const started = begin("setsid sleep 311 >/dev/null & sleep 312 >/dev/null & echo ready; sleep 313; true");
    await new Promise((resolve) => started.stdout.once("data", resolve));
    await until("all run", () => ["311", "312", "313"].every((time) => runs(time)));
    process.kill(-(started.pid ?? 0), "SIGKILL");
    await until("its group is dead", () => !runs("312") && !runs("313"));
    expect(sleepers("311").length).toBe(1);
    for (const pid of sleepers("311")) process.kill(pid, "SIGKILL");
  });

  test("process 1 of a room: the next command has another", async () => {
    const before = await line(NAMESPACE);
    const rooms = holders();
    for (const pid of rooms) process.kill(pid, "SIGKILL");
    // A process that the test before left to a parent who may never look keeps it from being gone entirely.
    await until("they are gone", () => !holders().some((pid) => rooms.includes(pid)));
    const after = await line(NAMESPACE);
    expect(after).not.toBe(before);
    expect(await line(NAMESPACE)).toBe(after);
  });

  test("the broker: what runs goes on where it is, and its room ends after it; the next command starts all anew", async () => {
    writeFileSync(join(vetsh.workspace, "Makefile"), "slow:\n\t@readlink /proc/self/ns/pid; sleep 2; echo finished; touch /opt/vetsh-test 2>/dev/null\n");
    const started = begin("make slow 2>/dev/null");
    let out = "";
    started.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    await until("it runs", () => out.includes("\n"));
    const rooms = [...holders(), ...childrenOf((await vetsh.brokerPid()) ?? 0)];
    const ended = new Promise((resolve) => started.on("close", resolve));
    process.kill((await vetsh.brokerPid()) ?? 0, "SIGKILL");
    expect(await ended).not.toBe(0);
    expect(out).toContain("finished\n");
    expect(existsSync("/opt/vetsh-test")).toBe(false);
    await until("the old rooms are gone", () => rooms.every((pid) => !isAlive(pid)));
    await vetsh.startBroker();
    expect(await line(NAMESPACE)).not.toBe(out.split("\n")[0]);
  });
});

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ").filter((child) => child !== "").map(Number);
}

function runs(time: string): boolean {
  return sleepers(time).length > 0;
}

function sleepers(time: string): readonly number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1") === `sleep\0${time}\0` && isAlive(pid);
    } catch {
      // It ended while we looked.
      return false;
    }
  });
}

test("a broker that stops leaves no room behind", async () => {
  await line("true");
  const rooms = holders();
  expect(rooms.length).toBeGreaterThan(0);
  const broker = (await vetsh.brokerPid()) ?? 0;
  await until("what makes rooms waits", () => childrenOf(broker).length >= rooms.length + LIMITS.roomsStandby);
  const started = childrenOf(broker);
  await vetsh.stopBroker();
  await until("all that it started is gone", () => [...rooms, ...started].every((pid) => !isAlive(pid)));
});
