/** While the real shell runs: signals, stops, the end of the shim, the end of the broker. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildRoot, type Build, type Root } from "./install.ts";
import { runningPeer, startPeer, type Peer } from "./peer.ts";
import { endAll, isAlive, start, until } from "./start-shim.ts";
import { FRAME, readFinished, readLate, readRequest, readStarted, runFrame } from "./wire.ts";

const BASH = "/usr/bin/bash";
const readText = (path: string): string => readFileSync(path, "utf8");
const stateOf = (pid: number): string => { const stat = readText(`/proc/${pid}/stat`); return stat.charAt(stat.lastIndexOf(")") + 2); };
const childrenOf = (pid: number): number[] => readText(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter((one) => one !== "").map(Number);

describe.each<Build>(["static", "sanitize"])("%s build", (build) => {
  let root: Root;
  let peer: Peer;
  let place: string;
  beforeAll(() => { root = buildRoot(build); place = mkdtempSync(join(tmpdir(), "vetsh-running-")); });
  afterAll(() => { root.remove(); rmSync(place, { recursive: true, force: true }); });
  afterEach(async () => { endAll(); await peer.close(); });
  const serve = async (): Promise<void> => { peer = await runningPeer(root.socket, () => ({ shell: BASH })); };

  /** A shell that counts its signals, and ends on TERM with the counts. Its own group when `group`. */
  const counter = async (names: readonly string[], group: boolean) => {
    const traps = names.map((name) => `n_${name}=0; trap '(( n_${name}++ )); echo ${name}' ${name};`).join(" ");
    const started = start(root.shim("bash"), ["-c", `${traps} trap 'echo end; exit 0' TERM; echo ready; while :; do read -t 0.05 <> <(:); done`], { detached: group });
    await until("the traps are set", () => started.output().includes("ready"));
    return started;
  };

  test.each(["HUP", "INT", "QUIT", "USR1", "USR2", "WINCH", "ALRM", "CONT", "URG", "RTMIN+3"])("%s to the shim alone is passed on, once", async (name) => {
    await serve();
    const started = await counter([name], true);
    await start(BASH, ["-c", `kill -s ${name} ${started.pid}`]).ended;
    await until("it arrived", () => started.output().includes(`${name}\n`));
    process.kill(started.pid, "SIGTERM");
    expect((await started.ended).stdout.toString()).toBe(`ready\n${name}\nend\n`);
  });

  test.each(["HUP", "INT", "USR1", "CONT", "RTMIN+3"])("%s to the group arrives once, not twice", async (name) => {
    await serve();
    const started = await counter([name], true);
    for (let i = 1; i <= 5; i++) {
      await start(BASH, ["-c", `kill -s ${name} -- -${started.pid}`]).ended;
      await until("it arrived", () => started.output().split(`${name}\n`).length > i);
      await until("the shim took it", () => /ShdPnd:\t0{16}/.test(readText(`/proc/${started.pid}/status`)));
      await new Promise((resolve) => setTimeout(resolve, 30)); // time for a second one to show
    }
    process.kill(-started.pid, "SIGTERM");
    expect((await started.ended).stdout.toString()).toBe(`ready\n${`${name}\n`.repeat(5)}end\n`);
  });

  test("it ends only when the broker has hung up, if the broker said that it would have to put things in order", async () => {
    peer = await startPeer(root.socket, async (talk, first) => {
      if (first.type !== FRAME.request) return;
      talk.socket.write(runFrame({ shell: BASH, settle: true }));
      for (let frame = await talk.next(); frame !== undefined; frame = await talk.next()) if (frame.type === FRAME.finished) return;
    });
    const started = start(root.shim("bash"), ["-c", "echo done; exit 3"]);
    let over = false;
    void started.ended.then(() => { over = true; });
    await until("the end was reported", () => peer.talks[0]?.frames.some(({ type }) => type === FRAME.finished) === true);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(over).toBe(false);
    peer.talks[0]?.socket.end();
    expect(await started.ended).toMatchObject({ code: 3 });
  });

  test("the two kinds mixed are told apart", async () => {
    await serve();
    const started = await counter(["USR1"], true);
    for (let i = 1; i <= 10; i++) {
      process.kill(i % 2 === 0 ? started.pid : -started.pid, "SIGUSR1");
      await until("it arrived", () => started.output().split("USR1\n").length > i);
      // Signals of one number do not queue: the next one would be lost in one that the shim has not taken yet, as between any two processes.
      await until("the shim took it", () => /ShdPnd:\t0{16}/.test(readText(`/proc/${started.pid}/status`)));
    }
    process.kill(started.pid, "SIGTERM");
    expect((await started.ended).stdout.toString()).toBe(`ready\n${"USR1\n".repeat(10)}end\n`);
  });

  test("SIGKILL of the shim kills the shell, and nothing of ours stays", async () => {
    await serve();
    const started = start(root.shim("bash"), ["-c", "echo ready; while :; do read -t 1 <> <(:); done"]);
    await until("it runs", () => started.output().includes("ready"));
    const talk = await peer.talk(0);
    await until("STARTED", () => talk.frames.length === 2);
    await until("shell and witness are there", () => childrenOf(started.pid).length === 2);
    const children = childrenOf(started.pid);
    process.kill(started.pid, "SIGKILL");
    expect(await started.ended).toMatchObject({ code: null, signal: "SIGKILL" });
    await until("all ended", () => children.every((pid) => !isAlive(pid)));
    await until("the broker sees the end", () => talk.socket.destroyed || talk.socket.readableEnded);
    expect(talk.frames.map((f) => f.type)).toEqual([FRAME.request, FRAME.started]);
  });

  test("a stopped child stops the shim with the same signal; CONT to the shim alone goes on with both", async () => {
    await serve();
    // The caller is a bash with job control off, so the stop is seen through /proc and the shell's own wait status by the fidelity suite.
    for (const signal of ["STOP", "TSTP"]) {
      const started = start(root.shim("bash"), ["-c", `echo ready; kill -${signal} $$; echo on; exit 3`], { detached: false });
      await until("both stopped", () => started.output().includes("ready") && stateOf(started.pid) === "T");
      expect(started.output()).toBe("ready\n");
      process.kill(started.pid, "SIGCONT");
      expect(await started.ended).toMatchObject({ code: 3, signal: null });
      expect(started.output()).toBe("ready\non\n");
    }
  });

  test("while the shell runs the shim holds none of the caller's descriptors", async () => {
    await serve();
    const started = start(BASH, ["-c", `exec 5</dev/null; exec "$1" -c 'echo ready; exec >&- 2>&- <&-; read -t 0.3 <> <(:); kill -9 $$'`, "_", root.shim("bash")]);
    const whole = await started.ended;
    expect(whole).toMatchObject({ signal: "SIGKILL" });
    const again = start(root.shim("bash"), ["-c", "echo ready; read; exit 4"], { stdio: ["pipe", "pipe", "pipe"] });
    await until("it runs", () => again.output().includes("ready"));
    await until("closed", () => readdirSync(`/proc/${again.pid}/fd`).length === 1);
    again.stdin?.end("\n");
    expect(await again.ended).toMatchObject({ code: 4 });
  });

  test("the broker goes away while the shell runs: it goes on, and LATE tells the next one", async () => {
    peer = await startPeer(root.socket, (talk, first) => { if (first.type === FRAME.request) talk.socket.write(runFrame({ id: "0192-late", shell: BASH })); });
    const gate = join(place, "gate");
    await start("/usr/bin/mkfifo", [gate]).ended;
    const started = start(root.shim("bash"), ["-c", `echo ready; read < ${gate}; exit 42`]);
    await until("it runs", () => started.output().includes("ready"));
    await peer.close();
    peer = await startPeer(root.socket, () => undefined);
    await start(BASH, ["-c", `echo > ${gate}`]).ended;
    expect(await started.ended).toMatchObject({ code: 42, stderr: "" });
    const talk = await peer.talk(0);
    await until("LATE", () => talk.frames.length > 0);
    expect(talk.frames.map((f) => f.type)).toEqual([FRAME.late]);
    expect(readLate(talk.frames[0]!.body)).toMatchObject({ id: "0192-late", result: { kind: 0, code: 42 } });
    rmSync(gate);
  });

  test("the broker goes away and no other comes: the shell's end is still exact, and no broker is started", async () => {
    await serve();
    const started = start(root.shim("bash"), ["-c", "echo ready; read; kill -USR2 $$"], { stdio: ["pipe", "pipe", "pipe"] });
    await until("it runs", () => started.output().includes("ready"));
    await peer.close();
    rmSync(root.socket, { force: true });
    started.stdin?.end("\n");
    expect(await started.ended).toMatchObject({ code: null, signal: "SIGUSR2", stderr: "" });
    expect(readdirSync(join(root.path, "state"))).toEqual([]);
  });

  test("a death by signal is reported and died", async () => {
    await serve();
    expect(await start(root.shim("bash"), ["-c", "kill -SEGV $$"]).ended).toMatchObject({ code: null, signal: "SIGSEGV" });
    const talk = await peer.talk(0);
    expect(readFinished(talk.frames[2]!.body)).toMatchObject({ kind: 1, code: 11 });
    expect(readStarted(talk.frames[1]!.body)).not.toBe(readRequest(talk.frames[0]!.body).pid);
  });

  test("ignored and blocked signals reach the shell as the caller set them, SIGCHLD too", async () => {
    await serve();
    const script = `env --ignore-signal=CHLD,HUP,USR1 --block-signal=USR2,WINCH "$1" -c 'grep -E "^Sig(Blk|Ign)" /proc/self/status; exit 5'; echo $?`;
    const bare = await start(BASH, ["-c", script, "_", BASH]).ended;
    const ours = await start(BASH, ["-c", script, "_", root.shim("bash")]).ended;
    expect(bare.stdout.toString()).toMatch(/SigBlk:\t0*8000800\n.*\n5\n$/);
    expect(ours.stdout.toString()).toBe(bare.stdout.toString());
  });

  test("user and system time come from the child", async () => {
    await serve();
    await start(root.shim("bash"), ["-c", "for ((i = 0; i < 100000; i++)); do :; done"]).ended;
    const result = readFinished((await peer.talk(0)).frames[2]!.body);
    expect(result.userUs).toBeGreaterThan(1000);
    expect(result.wallUs).toBeGreaterThanOrEqual(result.userUs / 2);
  });
});
