/** What the shim does on each answer: RUN, DENY, WAIT, and everything that is none of them. Both builds run the same table. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildRoot, type Build, type Root } from "./install.ts";
import { startPeer, type Peer, type Talk } from "./peer.ts";
import { endAll, start, until, type Ended } from "./start-shim.ts";
import { denyFrame, frame, FRAME, readFailed, readFinished, readRequest, readStarted, runFrame, waitFrame } from "./wire.ts";

const BASH = "/usr/bin/bash";
const run = (shell = BASH): Buffer => runFrame({ shell });

/** Answers after which nothing may run: what the peer does, and what the line on stderr says. */
const REFUSED: readonly { readonly name: string; readonly answer: (talk: Talk) => unknown; readonly says: RegExp }[] = [
  { name: "connection closed", answer: (t) => t.socket.end(), says: /closed the connection without a decision/ },
  { name: "connection reset", answer: (t) => t.socket.destroy(), says: /closed the connection without a decision/ },
  { name: "half a header", answer: (t) => t.socket.end(run().subarray(0, 3)), says: /closed the connection/ },
  { name: "a header without a body", answer: (t) => t.socket.end(run().subarray(0, 5)), says: /closed the connection/ },
  { name: "all but the last byte of RUN", answer: (t) => t.socket.end(run().subarray(0, -1)), says: /closed the connection/ },
  { name: "half a frame and silence", answer: (t) => t.socket.write(run().subarray(0, -1)), says: /did not answer within 1500 ms/ },
  { name: "silence", answer: () => undefined, says: /did not answer within 1500 ms/ },
  { name: "a wait that nothing follows", answer: (t) => t.socket.write(waitFrame(200, "somebody is asked")), says: /did not decide in time \(somebody is asked\)/ },
  { name: "length zero", answer: (t) => t.socket.write(Buffer.alloc(8)), says: /makes no sense/ },
  { name: "length over the limit", answer: (t) => t.socket.write(Buffer.from([1, 0, 0, 3, FRAME.run])), says: /makes no sense/ },
  { name: "length of four gigabytes", answer: (t) => t.socket.write(Buffer.from([255, 255, 255, 255, FRAME.run])), says: /makes no sense/ },
  { name: "an unknown type", answer: (t) => t.socket.write(frame(0x7f)), says: /makes no sense/ },
  { name: "a type of the other direction", answer: (t) => t.socket.write(frame(FRAME.started, Buffer.alloc(4))), says: /makes no sense/ },
  { name: "RUN without a body", answer: (t) => t.socket.write(frame(FRAME.run)), says: /makes no sense/ },
  { name: "RUN with a byte left over", answer: (t) => t.socket.write(frame(FRAME.run, run().subarray(5), Buffer.alloc(1))), says: /makes no sense/ },
  { name: "RUN with a list longer than the frame", answer: (t) => t.socket.write(frame(FRAME.run, Buffer.alloc(4), Buffer.alloc(1), Buffer.from([255, 255, 255, 255]))), says: /makes no sense/ },
  { name: "RUN with a string longer than the frame", answer: (t) => t.socket.write(frame(FRAME.run, Buffer.from([255, 255, 255, 127]))), says: /makes no sense/ },
  { name: "RUN with an unknown flag", answer: (t) => { const f = run(); f[5 + 4 + "request-1".length] = 4; t.socket.write(f); }, says: /makes no sense/ },
  { name: "RUN with a relative shell", answer: (t) => t.socket.write(run("bash")), says: /makes no sense/ },
  { name: "RUN with an empty shell", answer: (t) => t.socket.write(run("")), says: /makes no sense/ },
  { name: "RUN with a NUL in the shell", answer: (t) => t.socket.write(run("/usr/bin/bash\0.txt")), says: /makes no sense/ },
  { name: "RUN with a relative prefix", answer: (t) => t.socket.write(runFrame({ shell: BASH, prefix: ["env"] })), says: /makes no sense/ },
  { name: "WAIT cut short", answer: (t) => t.socket.write(frame(FRAME.wait, Buffer.alloc(2))), says: /makes no sense/ },
  { name: "DENY cut short", answer: (t) => t.socket.write(frame(FRAME.deny, Buffer.from([126, 9, 0, 0, 0]))), says: /makes no sense/ },
  { name: "DENY without a body", answer: (t) => t.socket.write(frame(FRAME.deny)), says: /makes no sense/ },
];

describe.each<Build>(["static", "sanitize"])("%s build", (build) => {
  let root: Root;
  let peer: Peer | undefined;
  let place: string;
  beforeAll(() => { root = buildRoot(build, { brokerStartMs: 1500 }); place = mkdtempSync(join(tmpdir(), "vetsh-answers-")); });
  afterAll(() => { root.remove(); rmSync(place, { recursive: true, force: true }); });
  afterEach(async () => { endAll(); await peer?.close(); peer = undefined; });

  const serve = async (answer: (talk: Talk) => unknown): Promise<Peer> => (peer = await startPeer(root.socket, answer));
  const shim = (args: readonly string[], options: Parameters<typeof start>[2] = {}): Promise<Ended> => start(root.shim("bash"), args, { argv0: "bash", ...options }).ended;

  test.each(REFUSED)("$name: nothing runs, one line, 126", async ({ answer, says }) => {
    const marker = join(place, "ran");
    await serve(answer);
    const ended = await shim(["-c", `: > ${marker}; echo ran`]);
    expect(ended).toMatchObject({ code: 126, signal: null });
    expect(ended.stdout.toString()).toBe("");
    expect(ended.stderr).toMatch(says);
    expect(ended.stderr).toMatch(/^vetsh: [^\n]*nothing ran; hint: [^\n]*\n$/);
    expect(existsSync(marker)).toBe(false);
  });

  test("RUN: the shell runs with the shim's argv, and STARTED and FINISHED tell of it", async () => {
    const served = await serve((t) => t.socket.write(run()));
    const ended = await shim(["-c", "printf '%s|' \"$0\" \"$@\"; exit 42", "zero", "a b", "", "ü"]);
    expect({ ...ended, stdout: ended.stdout.toString() }).toEqual({ code: 42, signal: null, stdout: "zero|a b||ü|", stderr: "" });
    const talk = await served.talk(0);
    const [request, started, finished] = talk.frames;
    expect(talk.frames.map((f) => f.type)).toEqual([FRAME.request, FRAME.started, FRAME.finished]);
    expect(readStarted(started!.body)).toBeGreaterThan(readRequest(request!.body).pid);
    const result = readFinished(finished!.body);
    expect(result).toMatchObject({ kind: 0, code: 42 });
    expect(result.wallUs).toBeGreaterThan(0);
    expect(result.maxRssKb).toBeGreaterThan(500);
  });

  test("REQUEST carries every field as it is, byte for byte", async () => {
    const served = await serve((t) => t.socket.write(denyFrame(126, "no")));
    // printf makes the bytes that Node cannot pass as an argument.
    const ended = await start(BASH, ["-c", `cd ${place}; exec -a -bash "$1" -c $'\\xff\\xfe\\n' "" $'b\\x80'`, "_", root.shim("zsh")], { env: { PATH: "/usr/bin", "odd name": "1", "BASH_FUNC_f%%": "() { :; }", EMPTY: "" } }).ended;
    expect(ended).toMatchObject({ code: 126, stderr: "no\n" });
    const request = readRequest((await served.talk(0)).frames[0]!.body);
    expect(request).toMatchObject({ version: 1, tty: 0, terminal: "", name: "zsh", executable: root.shim("zsh"), uid: process.geteuid?.(), ppid: process.pid });
    expect(request.cwd.toString()).toBe(place);
    expect(request.argv.map((word) => word.toString("latin1"))).toEqual(["-bash", "-c", "\xff\xfe\n", "", "b\x80"]);
    const environment = request.environment.map((entry) => entry.toString("latin1"));
    for (const entry of ["odd name=1", "EMPTY="]) expect(environment).toContain(entry);
    expect(environment.join("\0")).toContain("\0BASH_FUNC_f%%=() {");
  });

  test("DENY: its message on stderr, its status, nothing on stdout", async () => {
    await serve((t) => t.socket.write(denyFrame(77, "vetsh: denied\nhint: do something else")));
    const ended = await shim(["-c", "echo ran"]);
    expect({ ...ended, stdout: ended.stdout.toString() }).toEqual({ code: 77, signal: null, stdout: "", stderr: "vetsh: denied\nhint: do something else\n" });
  });

  test("DENY with status 0 does not look like success", async () => {
    await serve((t) => t.socket.write(denyFrame(0, "no")));
    expect(await shim(["-c", "echo ran"])).toMatchObject({ code: 126, stderr: "no\n" });
  });

  test("DENY before the request was read: the reason still arrives", async () => {
    peer = await startPeer(root.socket, () => undefined);
    const big = "x".repeat(100_000);
    const env = Object.fromEntries(Array.from({ length: 18 }, (_, i) => [`V${i}`, big]));
    const started = shim(["-c", "echo ran"], { env });
    const talk = await peer.talk(0);
    talk.socket.pause();
    talk.socket.end(denyFrame(126, "too large"));
    expect(await started).toMatchObject({ code: 126, stderr: "too large\n" });
  });

  test("RUN before the request was read is no decision", async () => {
    peer = await startPeer(root.socket, () => undefined);
    const started = shim(["-c", "echo ran"], { env: Object.fromEntries(Array.from({ length: 18 }, (_, i) => [`V${i}`, "x".repeat(100_000)])) });
    const talk = await peer.talk(0);
    talk.socket.pause();
    talk.socket.write(run());
    const ended = await started;
    expect({ ...ended, stdout: ended.stdout.toString() }).toMatchObject({ code: 126, stdout: "", stderr: expect.stringMatching(/makes no sense, nothing ran/) });
  });

  test("DENY with a closed or broken stderr ends with the status all the same", async () => {
    await serve((t) => t.socket.write(denyFrame(126, "no")));
    const ended = await start(BASH, ["-c", `"$1" -c 'echo ran' 2>&-; echo $?; "$1" -c 'echo ran' 0<&- 1>&- 2>&-; echo $?; "$1" -c 'echo ran' 2> >(:); echo $?`, "_", root.shim("bash")]).ended;
    expect(ended.stdout.toString()).toBe("126\n126\n126\n");
  });

  test("a broker that ends before it says a word: another is asked", async () => {
    const served: Peer = await serve((t) => (served.talks.length === 1 ? t.socket.destroy() : t.socket.write(run())));
    expect(await shim(["-c", "exit 9"])).toMatchObject({ code: 9, stderr: "" });
    const requests = served.talks.map((talk) => talk.frames[0]?.body);
    expect(requests).toHaveLength(2);
    expect(requests[0]).toEqual(requests[1]);
  });

  test.each<{ name: string; answer: (talk: Talk) => unknown; asked: number }>([
    { name: "two brokers that end", answer: (t) => t.socket.destroy(), asked: 2 },
    { name: "a broker that ends inside a frame", answer: (t) => t.socket.end(run().subarray(0, 3)), asked: 1 },
    { name: "a broker that ends after it said to wait", answer: (t) => t.socket.end(waitFrame(1000, "somebody is asked")), asked: 1 },
  ])("$name: refused, asked $asked times", async ({ answer, asked }) => {
    const served = await serve(answer);
    expect(await shim(["-c", "echo ran"])).toMatchObject({ code: 126, stderr: expect.stringMatching(/closed the connection without a decision/) });
    expect(served.talks).toHaveLength(asked);
  });

  test("WAIT extends the time, as often as it comes", async () => {
    await serve(async (t) => {
      for (let i = 0; i < 4; i++) {
        t.socket.write(waitFrame(1500, "still waiting"));
        await new Promise((resolve) => setTimeout(resolve, 600));
      }
      t.socket.write(run());
    });
    expect(await shim(["-c", "exit 7"])).toMatchObject({ code: 7, stderr: "" });
  });

  test("frames in single bytes are put together", async () => {
    await serve(async (t) => {
      for (const byte of run()) {
        t.socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(await shim(["-c", "exit 8"])).toMatchObject({ code: 8 });
  });

  test("a signal while waiting ends the shim as it would end a shell", async () => {
    const served = await serve((t) => t.socket.write(waitFrame(20_000, "")));
    const started = start(root.shim("bash"), ["-c", "echo ran"]);
    const talk = await served.talk(0);
    await until("the request arrived", () => talk.frames.length > 0);
    process.kill(started.pid, "SIGTERM");
    expect(await started.ended).toMatchObject({ code: null, signal: "SIGTERM" });
  });

  test("unset and set change the child's environment and nothing else", async () => {
    await serve((t) => t.socket.write(runFrame({ shell: BASH, unset: ["GONE", "odd name"], set: ["NEW=1=2", "OLD=new", Buffer.from("RAW=\xff", "latin1")] })));
    const ended = await shim(["-c", "exec env -0"], { env: { GONE: "x", GONE2: "kept", "odd name": "x", OLD: "old", PATH: "/usr/bin" } });
    const seen = ended.stdout.toString("latin1").split("\0").filter((entry) => !/^(_|PWD|SHLVL|OLDPWD)?(=|$)/.test(entry)).sort();
    expect(seen).toEqual(["GONE2=kept", "NEW=1=2", "OLD=new", "PATH=/usr/bin", "RAW=\xff"]);
  });

  test("a prefix runs in front of the shim's argv, argv[0] included", async () => {
    await serve((t) => t.socket.write(runFrame({ shell: BASH, prefix: ["/usr/bin/printf", "%s|", "init", BASH] })));
    expect((await shim(["-c", "echo no", "a"])).stdout.toString()).toBe(`init|${BASH}|bash|-c|echo no|a|`);
  });

  test("bwrap and vetsh-init as a prefix: argv[0], stdio, status and environment arrive", async () => {
    const prefix = ["/usr/bin/bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-user", "--unshare-pid", "--cap-drop", "ALL", "--", join(root.path, "libexec/vetsh-init"), BASH];
    const served = await serve((t) => t.socket.write(runFrame({ shell: BASH, closeFds: true, prefix, set: ["INSIDE=1"] })));
    const ended = await shim(["-c", "echo \"$0 $1 $INSIDE\"; echo err >&2; exit 42", "zero", "one"]);
    expect({ ...ended, stdout: ended.stdout.toString() }).toEqual({ code: 42, signal: null, stdout: "zero one 1\n", stderr: "err\n" });
    expect(readFinished((await served.talk(0)).frames[2]!.body)).toMatchObject({ kind: 0, code: 42 });
  });

  test("inherited descriptors stay, or are closed when RUN says so; never is one of the shim's among them", async () => {
    let closeFds = false;
    await serve((t) => t.socket.write(runFrame({ shell: BASH, closeFds })));
    const list = (program: string): Promise<Ended> => start(BASH, ["-c", `exec 3</dev/null 7</dev/null; exec "$1" -c 'for fd in /proc/$$/fd/*; do test -e $fd && echo \${fd##*/}; done'`, "_", program]).ended;
    const bare = (await list(BASH)).stdout.toString();
    expect(bare).toMatch(/^0\n1\n2\n(.*\n)*7\n/);
    expect((await list(root.shim("bash"))).stdout.toString()).toBe(bare);
    closeFds = true;
    expect((await list(root.shim("bash"))).stdout.toString()).toBe("0\n1\n2\n");
  });

  test("a program that cannot be started: FAILED, one line, 126", async () => {
    const served = await serve((t) => t.socket.write(run("/nonexistent/bash")));
    const ended = await shim(["-c", "echo ran"]);
    expect(ended).toMatchObject({ code: 126, stderr: "vetsh: cannot start /nonexistent/bash: No such file or directory, nothing ran; hint: vetsh doctor\n" });
    const talk = await served.talk(0);
    expect(talk.frames.map((f) => f.type)).toEqual([FRAME.request, FRAME.failed]);
    expect(readFailed(talk.frames[1]!.body)).toBe("No such file or directory");
  });

  test("a shim named as the real shell is not started for ever", async () => {
    await serve((t) => t.socket.write(run(root.shim("bash"))));
    expect(await shim(["-c", "echo ran"])).toMatchObject({ code: 126 });
  });

  test("arguments and environment at the size the kernel allows", async () => {
    const served = await serve((t) => t.socket.write(run()));
    const big = "x".repeat(120_000);
    const env = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`V${i}`, big]));
    const ended = await shim(["-c", 'echo $# ${#V7} ${#8}', "zero", ...Array.from({ length: 8 }, () => big)], { env });
    expect(ended.stdout.toString()).toBe("8 120000 120000\n");
    expect(readRequest((await served.talk(0)).frames[0]!.body).argv[10]!.length).toBe(120_000);
  });

  test("a working directory that was removed is sent as empty, and the shell still runs", async () => {
    const served = await serve((t) => t.socket.write(run()));
    const gone = mkdtempSync(join(place, "gone-"));
    const ended = await start(BASH, ["-c", `cd "$2" && rmdir "$2" && exec "$1" -c 'exit 5' 2>/dev/null`, "_", root.shim("bash"), gone]).ended;
    expect(ended.code).toBe(5);
    expect(readRequest((await served.talk(0)).frames[0]!.body).cwd.toString()).toBe("");
  });

  test("too few descriptors: refused in a readable way", async () => {
    await serve((t) => t.socket.write(run()));
    const ended = await start(BASH, ["-c", `ulimit -n 3; exec "$1" -c 'echo ran'`, "_", root.shim("bash")]).ended;
    expect(ended.stdout.toString()).toBe("");
    if (build === "static") expect(ended).toMatchObject({ code: 126, stderr: expect.stringMatching(/cannot connect to .*(Too many open files|No file descriptors available)/) });
    else expect(ended.code).not.toBe(0);
  });

  test("limits agree with the other side of the socket", async () => {
    const { LIMITS } = await import("../../src/model/limits.ts");
    const text = readFileSync(join(import.meta.dirname, "../../shims/limits.h"), "utf8");
    expect(text).toContain(`#define VETSH_BROKER_START_MS ${LIMITS.brokerStartMs}`);
    expect(text).toMatch(/FRAME_MAX = 48 \* 1024 \* 1024/);
    expect(LIMITS.frameBytes).toBe(48 * 1024 * 1024);
  });
});
