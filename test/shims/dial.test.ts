/** vetsh-init --dial: what it connects to, what it gives up, and what it does with lines that nobody should send. */
import { spawn } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Dialler, Rooms, type Stay } from "../../src/sandbox/index.ts";
import { buildRoot, type Build, type Root } from "./install.ts";
import { endAll, start, until, type Started } from "./start-shim.ts";
import { buildEnter, entryWords } from "../sandbox/box.ts";

const WORDS = ["/usr/bin/bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--cap-drop", "ALL", "--disable-userns"];

/** Says what it is on each connection, reads to the end, and then how much that was. */
const SERVER = `
import socket, sys
family, port = (socket.AF_INET6, 4712) if sys.argv[1] == "6" else (socket.AF_INET, 4711)
s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("::1" if sys.argv[1] == "6" else "127.0.0.1", port)); s.listen(128)
print("listening", flush=True)
while True:
    c, _ = s.accept(); n = 0
    c.sendall(b"server " + sys.argv[1].encode() + b"\\n")
    while True:
        b = c.recv(65536)
        if not b: break
        n += len(b)
    c.sendall(str(n).encode()); c.close()
`;

describe.each<Build>(["static", "sanitize"])("%s build", (build) => {
  let root: Root;
  let rooms: Rooms;
  let stay: Stay;
  let init: string;
  const servers: Started[] = [];
  beforeAll(async () => {
    root = buildRoot(build);
    init = join(root.path, "libexec/vetsh-init");
    rooms = new Rooms((message) => { throw new Error(message); }, () => undefined);
    const made = await rooms.enter({ words: WORDS, init, session: "s", workspace: "/", directory: "/", ownSession: true, set: [] }, "test");
    if (made === undefined) throw new Error("there is no warm sandbox");
    stay = made;
    for (const family of ["4", "6"]) servers.push(start(buildEnter(), [...entryWords(stay.entry), "/usr/bin/python3", "python3", "-c", SERVER, family]));
    await until("both listen", () => servers.every((server) => server.output().includes("listening")));
  });
  afterAll(() => { endAll(); rooms.close(); root.remove(); });

  /** Everything that comes, once our own side has ended. */
  const exchange = async (socket: Socket, text: string): Promise<string> => {
    let out = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
    socket.end(text);
    await new Promise((done) => socket.once("close", done));
    return out;
  };

  test.each([[4711, "4"], [4712, "6"]])("port %i: a connection that may be half open", async (port, family) => {
    const dialler = await Dialler.start(init, stay.entry);
    try {
      expect(await exchange(await dialler.connect(port), "x".repeat(200_000))).toBe(`server ${family}\n200000`);
    } finally {
      dialler.close();
    }
  });

  test("many at once, and a port where nobody listens", async () => {
    const dialler = await Dialler.start(init, stay.entry);
    try {
      const some = await Promise.all(Array.from({ length: 40 }, async (_, at) => (at % 4 === 0 ? dialler.connect(9).then(() => "connected", (error: Error) => error.message) : exchange(await dialler.connect(4711), "abc"))));
      expect(some).toEqual(some.map((_, at) => (at % 4 === 0 ? "ECONNREFUSED" : "server 4\n3")));
    } finally {
      dialler.close();
    }
    await expect(dialler.connect(4711)).rejects.toThrow("it was ended");
  });

  test.each([["is gone", { holder: 999_999 }], ["is another process by now", { started: 1 }], ["is not a room", { holder: process.pid }], ["was made elsewhere", { outside: 1 }]])("a room that %s is not joined", async (_, change) => {
    await expect(Dialler.start(init, { ...stay.entry, ...change })).rejects.toThrow(/vetsh-init: cannot join the sandbox: /);
  });

  /** The same program on a channel that we write ourselves. */
  const raw = async (bytes: string) => {
    const { holder, started, outside } = stay.entry;
    const child = spawn(init, ["--dial", "3", String(holder), String(started), String(outside)], { env: {}, stdio: ["ignore", "ignore", "pipe", "pipe"] });
    const channel = child.stdio[3] as Socket;
    let [heard, complaint] = ["", ""];
    child.stderr?.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    const closed = new Promise<number | null>((done) => child.once("close", done));
    channel.on("error", () => undefined).on("data", (chunk: Buffer) => (heard += chunk.toString()));
    await until("it is ready", () => heard.includes("ready"));
    channel.write(bytes);
    return { child, channel, closed, heard: () => heard.replace('"ready"\n', ""), complaint: () => complaint };
  };

  test.each([
    "\n", "{}\n", '{"id":0,"port":80}\n', '{"id":1,"port":0}\n', '{"id":1,"port":65536}\n', '{"id":-1,"port":80}\n', '{"id":01,"port":80}\n', '{"id":999999999999,"port":80}\n',
    '{"id":1,"port":80,"host":"10.0.0.1"}\n', '{"id":1,"port":80} \n', ' {"id":1,"port":80}\n', '{"port":80,"id":1}\n', '{"id":1,"port":80}\0\n', '{"cmd":"NODE_HANDLE_ACK"}\0x\n', '{"cmd":"NODE_HANDLE"}\n', '"ready"\n', "x".repeat(300),
  ])("a line that is not understood ends it: %j", async (line) => {
    const { closed, complaint, heard } = await raw(line);
    expect(await closed).not.toBe(0);
    expect(complaint()).toMatch(/^vetsh-init: a request for a connection is (not understood|too long)\n$/);
    expect(heard()).toBe("");
  });

  test("lines in pieces and several at once are each answered; the end of the channel is its end", async () => {
    const { channel, closed, heard } = await raw('{"id":1,"port":9}\n{"cmd":"NODE_HANDLE_ACK"}\n{"id":2,"po');
    await until("the first is answered", () => heard().includes("\n"));
    channel.write('rt":10}\n');
    await until("the second is answered", () => heard().split("\n").length === 3);
    expect(heard()).toBe('{"id":1,"errno":111}\n{"id":2,"errno":111}\n');
    channel.end();
    expect(await closed).toBe(0);
  });

  test("it is in the room's network and user namespaces alone, with no capability, no way to more, and the filter", async () => {
    const { child, channel, closed } = await raw("");
    const namespace = (name: string, pid: number | string): string => readlinkSync(`/proc/${pid}/ns/${name}`);
    const pid = child.pid ?? 0;
    // It does not let itself be looked at by who is not root.
    if (process.getuid?.() === 0) expect(["net", "user", "pid", "mnt"].map((name) => namespace(name, pid) === namespace(name, stay.entry.holder))).toEqual([true, true, false, false]);
    if (process.getuid?.() === 0) expect(["pid", "mnt"].map((name) => namespace(name, pid) === namespace(name, "self"))).toEqual([true, true]);
    const status = readFileSync(`/proc/${pid}/status`, "utf8").split("\n").filter((line) => /^(Cap|NoNewPrivs|Seccomp:)/.test(line)).map((line) => line.split("\t")[1]);
    expect(status).toEqual([...Array.from({ length: 5 }, () => "0000000000000000"), "1", "2"]);
    channel.end();
    await closed;
  });
});
