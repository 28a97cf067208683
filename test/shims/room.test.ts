/** RUN with a warm sandbox: it is entered, or the prefix is the way, or nothing runs. Signals and ends are in test/fidelity. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Rooms, type Stay } from "../../src/sandbox/index.ts";
import { buildRoot, type Build, type Root } from "./install.ts";
import { runningPeer, startPeer, type Peer } from "./peer.ts";
import { endAll, isAlive, start, until, type Ended } from "./start-shim.ts";
import { FRAME, runFrame, type RoomOrder, type RunOrder } from "./wire.ts";

const BASH = "/usr/bin/bash";
const WORDS = ["/usr/bin/bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--cap-drop", "ALL", "--disable-userns"];

describe.each<Build>(["static", "sanitize"])("%s build", (build) => {
  let root: Root;
  let peer: Peer;
  let rooms: Rooms;
  let stay: Stay;
  beforeAll(async () => {
    root = buildRoot(build);
    rooms = new Rooms((message) => { throw new Error(message); }, () => undefined);
    const made = await rooms.enter({ words: WORDS, init: join(root.path, "libexec/vetsh-init"), session: "s", workspace: "/", directory: "/", ownSession: true, set: [] }, "test");
    if (made === undefined) throw new Error("there is no warm sandbox");
    stay = made;
  });
  afterAll(() => { rooms.close(); root.remove(); });
  afterEach(async () => { endAll(); await peer.close(); });

  const cold = (): RunOrder => ({ shell: BASH, closeFds: true, prefix: [BASH, "-c", "echo cold; echo \"$ONLY_INSIDE\"", "--"] });
  const ask = async (order: RunOrder, script: string): Promise<Ended & { readonly out: string }> => {
    peer = await runningPeer(root.socket, () => order);
    const ended = await start(root.shim("bash"), ["-c", script]).ended;
    return { ...ended, out: ended.stdout.toString() };
  };
  const inRoom = (change: Partial<RoomOrder> = {}): RunOrder => ({ ...cold(), room: { ...stay.entry, ownSession: true, ...change } });

  test("the command is in the room, as the shim's own child, with what is set there alone", async () => {
    const { out, stderr } = await ask(inRoom({ directory: "/usr/lib", set: ["ONLY_INSIDE=yes", "LD_LIBRARY_PATH=/nowhere"] }), "readlink /proc/self/ns/pid; pwd; echo \"$ONLY_INSIDE $LD_LIBRARY_PATH $VETSH_INIT_MASK\"; cut -d' ' -f4 /proc/$$/stat");
    expect({ out: out.split("\n"), stderr }).toEqual({ out: [expect.stringMatching(/^pid:/), "/usr/lib", "yes /nowhere ", "0", ""], stderr: "" });
    expect(out).toContain(execFileSync("readlink", [`/proc/${stay.entry.holder}/ns/pid`], { encoding: "utf8" }));
  });

  test.each<[string, Partial<RoomOrder>]>([["is gone", { holder: 999_999 }], ["is another process by now", { started: 1 }], ["is not a room", { holder: process.pid }], ["was made elsewhere", { outside: 1 }], ["has fewer mounts than it was made with", { mounts: 500 }], ["has mounts that it was not made with", { lastMount: 1 }]])("a room that %s: the prefix is the way, and nothing of the room's is set", async (_, change) => {
    expect(await ask(inRoom({ ...change, set: ["ONLY_INSIDE=yes"] }), "echo warm")).toMatchObject({ code: 0, out: "cold\n\n", stderr: "" });
  });

  test("a directory that is not there: what was already inside is gone, and the prefix is the way", async () => {
    expect(await ask(inRoom({ directory: "/nonexistent" }), "echo warm")).toMatchObject({ code: 0, out: "cold\n\n", stderr: "" });
  });

  test("a shell that is not there: nothing runs, also not by the prefix", async () => {
    expect(await ask({ ...inRoom(), shell: "/nonexistent/bash" }, "echo warm")).toMatchObject({ code: 126, out: "", stderr: expect.stringMatching(/^vetsh: cannot start .*No such file or directory, nothing ran; hint: [^\n]*\n$/) });
  });

  test.each<[string, RunOrder]>([
    ["without a prefix", { shell: BASH, room: { holder: 5, started: 1, outside: 1, namespaces: 0, mounts: 0, lastMount: 0, ownSession: true, directory: "/", set: [] } }],
    ["without a process", { ...cold(), room: { holder: 0, started: 1, outside: 1, namespaces: 0, mounts: 0, lastMount: 0, ownSession: true, directory: "/", set: [] } }],
    ["with a relative directory", { ...cold(), room: { holder: 5, started: 1, outside: 1, namespaces: 0, mounts: 0, lastMount: 0, ownSession: true, directory: "x", set: [] } }],
  ])("a room %s is no sense: nothing runs", async (_, order) => {
    expect(await ask(order, "echo ran")).toMatchObject({ code: 126, out: "", stderr: expect.stringContaining("makes no sense") });
  });

  test("a frame that is cut anywhere in the room's part runs nothing", async () => {
    const whole = runFrame(inRoom());
    for (const cut of [1, 5, 9, 20]) {
      const bytes = Buffer.from(whole.subarray(0, whole.length - cut));
      bytes.writeUInt32LE(bytes.length - 4, 0);
      peer = await startPeer(root.socket, (talk, first) => { if (first.type === FRAME.request) talk.socket.write(bytes); });
      expect(await start(root.shim("bash"), ["-c", "echo ran"]).ended).toMatchObject({ code: 126, stdout: Buffer.alloc(0) });
      await peer.close();
    }
  });

  test("the shim killed: the command dies at once", async () => {
    peer = await runningPeer(root.socket, () => inRoom());
    const started = start(root.shim("bash"), ["-c", "echo ready; exec sleep 300"]);
    await until("it runs", () => started.output().includes("ready"));
    const child = Number(readFileSync(`/proc/${started.pid}/task/${started.pid}/children`, "utf8").trim().split(" ").find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8") !== "vetsh-witness\n"));
    process.kill(started.pid, "SIGKILL");
    await until("the command is dead", () => !isAlive(child));
  });
});
