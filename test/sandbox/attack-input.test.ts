/** What a command is given to read by whoever starts it: through the real shim, into cold and warm sandboxes. */
import { execFileSync } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, readSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Rooms } from "../../src/sandbox/index.ts";
import { buildRoot, type Root } from "../shims/install.ts";
import { runningPeer } from "../shims/peer.ts";
import { start, type Ended } from "../shims/start-shim.ts";
import type { RunOrder } from "../shims/wire.ts";
import { asPerson, giveTo, makeBox, PEOPLE, planIn, removeBox, type Ask, type Box, type Person } from "./box.ts";

/** INPUT_COPY_MAX of shims/limits.h. */
const COPY_MAX = 16 * 1024 * 1024;

let root: Root;
beforeAll(() => {
  root = buildRoot("static");
  for (const part of ["", "run", "shims"]) chmodSync(join(root.path, part), 0o755);
});
afterAll(() => root.remove());

type Way = "cold" | "warm" | "no sandbox";

/** Runs a script through the shim as the person, with `input` as standard input. */
async function run(box: Box, script: string, input: number, way: Way, ask: Ask = {}): Promise<Ended> {
  const plan = await planIn(box, ask);
  const rooms = new Rooms((message) => { throw new Error(message); }, () => undefined);
  const stay = way === "warm" && plan.room !== undefined ? await rooms.enter(asPerson(plan.room, box.person), "test") : undefined;
  const order: RunOrder = { shell: "/bin/bash", ...(way === "no sandbox" ? {} : { prefix: plan.prefix, closeFds: true, set: plan.set, unset: plan.unset }), ...(stay === undefined ? {} : { room: stay.entry }) };
  const peer = await runningPeer(root.socket, () => order);
  chmodSync(root.socket, 0o777);
  try {
    if (way === "warm" && stay === undefined) throw new Error("there is no warm sandbox");
    const identity = process.getuid?.() === 0 ? { uid: box.person.uid, gid: box.person.gid } : {};
    return await start(root.shim("bash"), ["-c", script], { stdio: [input, "pipe", "pipe"], cwd: box.workspace, env: { PATH: "/usr/bin:/bin", HOME: box.home }, ...identity }).ended;
  } finally {
    await peer.close();
    stay?.leave();
    rooms.close();
  }
}

const withBox = async (person: Person, use: (box: Box) => Promise<void>): Promise<void> => {
  const box = makeBox(person);
  try {
    await use(box);
  } finally {
    removeBox(box);
  }
};

/** Every way to the file that one's own descriptors, and those of other processes that can be seen, might be. */
const change = (ways: string): string => `perl -e '
  for $way ("/dev/stdin", "/proc/self/fd/0"${ways}) {
    for $mode (">>", "+<", ">") { open(F, $mode, $way) and print(F "evil") and close(F); }
    open(F, ">", "$way/new"); rename("$way/file", "$way/moved"); truncate($way, 0); chmod(0777, $way); utime(1, 1, $way);
  }
  chmod(0777, STDIN); utime(1, 1, STDIN); truncate(STDIN, 0);
  chdir("/proc/self/fd/0") and open(F, ">", "new2");'`;
const CHANGE = change(', glob("/proc/[0-9]*/fd/*")');

/** Everything that the attack could change of what stands at a path. */
function state(path: string): object {
  const info = statSync(path);
  return { mode: info.mode, mtime: info.mtimeMs, text: info.isDirectory() ? execFileSync("ls", ["-la", "--time-style=full-iso", path], { encoding: "utf8" }) : readFileSync(path, "utf8") };
}

/** Whether a script that is given a path to read changes what is there. */
async function changes(box: Box, path: string, script: string, way: Way, ask: Ask = {}): Promise<boolean> {
  const before = state(path);
  const input = openSync(path, "r");
  try {
    const ended = await run(box, script, input, way, ask);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    return !isDeepStrictEqual(state(path), before);
  } finally {
    closeSync(input);
  }
}

const INPUTS = [
  { name: "a file outside", at: (box: Box) => join(box.outside, "file") },
  { name: "a protected file of the workspace", at: (box: Box) => join(box.workspace, ".git/config") },
  { name: "a hidden file", at: (box: Box) => join(box.home, ".netrc") },
  { name: "a directory outside", at: (box: Box) => box.outside },
] as const;

const PROFILES: readonly { readonly name: string; readonly ask: (box: Box) => Ask; readonly ways: readonly Way[] }[] = [
  { name: "workspace", ask: () => ({}), ways: ["cold", "warm"] },
  { name: "read-only", ask: () => ({ claim: { sandbox: "read-only" } }), ways: ["cold", "warm"] },
  { name: "workspace and a directory outside", ask: (box) => ({ claim: { sandbox: "custom", writable: [join(box.home, ".config/tool")] } }), ways: ["cold", "warm"] },
  { name: "the whole network", ask: () => ({ claim: { network: "any" }, source: "human" }), ways: ["cold"] },
];

describe.each(PEOPLE)("as $name", (person) => {
  describe.each(PROFILES.flatMap((profile) => profile.ways.map((way) => ({ ...profile, way }))))("$name, $way", ({ ask, way }) => {
    test("what was given to be read cannot be changed", () => withBox(person, async (box) => {
      for (const { name, at } of INPUTS) expect(await changes(box, at(box), CHANGE, way, ask(box)), name).toBe(false);
    }));
  });

  test("without a sandbox it can", () => withBox(person, async (box) => {
    // Only the descriptor of its own: others on this machine are not ours to try.
    for (const { name, at } of INPUTS) expect(await changes(box, at(box), change(""), "no sandbox"), name).toBe(true);
  }));

  test("a program that is given as input, a script too, may not become another mode", () => withBox(person, async (box) => {
    const script = join(box.outside, "script.sh");
    const input = openSync(script, "r");
    expect((await run(box, "source /dev/stdin; chmod 4755 /dev/stdin", input, "cold")).stdout.toString()).toBe("theirs\n");
    closeSync(input);
    expect(statSync(script).mode & 0o7777).toBe(0o644);
  }));
});

describe.each<Way>(["cold", "warm"])("what is read, %s", (way) => {
  const person = PEOPLE.at(-1) as Person;
  const given = (text: string | Buffer, script: string, at = 0): Promise<{ readonly ended: Ended; readonly at: number }> => {
    const box = makeBox(person);
    const path = join(box.outside, "given");
    writeFileSync(path, text);
    chmodSync(path, 0o640);
    giveTo(person, box.outside);
    const input = openSync(path, "r");
    readSync(input, Buffer.alloc(at));
    return run(box, script, input, way).then((ended) => ({ ended, at: Number(/^pos:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${input}`, "utf8"))?.[1]) })).finally(() => {
      closeSync(input);
      removeBox(box);
    });
  };

  test("it is the same bytes, from where the caller stood, with the mode, again when opened again; and the caller goes on where the command stopped", async () => {
    const { ended, at } = await given("one\ntwo\nthree\n", "read line; echo $line; stat -L -c '%a %s' /dev/stdin; head -1 /dev/stdin; { echo x >&0; } 2>/dev/null || echo closed", 4);
    expect({ out: ended.stdout.toString(), err: ended.stderr, at }).toEqual({ out: "two\n640 14\none\nclosed\n", err: "", at: 8 });
  });

  test("a script is run from it", async () => {
    expect((await given("echo first\nread x; echo \"got $x\"\ndata\nexit 5\n", "exec bash")).ended).toMatchObject({ code: 5, stdout: Buffer.from("first\ngot data\n") });
  });

  test("an empty file, and what is larger than a copy may be", async () => {
    expect((await given("", "wc -c")).ended.stdout.toString()).toBe("0\n");
    const large = Buffer.alloc(COPY_MAX + 5, "0123456789\n");
    expect((await given(large, "cksum; ulimit -f", 3)).ended.stdout.toString()).toBe(`${execFileSync("cksum", { input: large.subarray(3), encoding: "utf8" })}unlimited\n`);
  });

  test("a reader that stops early ends the pipe, and nothing of it is left", async () => {
    expect((await given(Buffer.alloc(COPY_MAX + 5, "y\n"), "head -c 2")).ended).toMatchObject({ code: 0, stdout: Buffer.from("y\n") });
  });
});

test("a small limit on the size of files: what is read comes through a pipe, and nobody dies of it", async () => {
  const box = makeBox(PEOPLE[0] as Person);
  try {
    mkdirSync(join(box.base, "l"));
    const path = join(box.base, "l/file");
    writeFileSync(path, Buffer.alloc(5000, "z"));
    const plan = await planIn(box);
    const peer = await runningPeer(root.socket, () => ({ shell: "/bin/bash", prefix: plan.prefix, closeFds: true }));
    const ended = await start("/bin/bash", ["-c", `ulimit -f 1; exec "$1" -c 'wc -c' < "$2"`, "_", root.shim("bash"), path], { cwd: box.workspace }).ended;
    await peer.close();
    expect(ended).toMatchObject({ code: 0, stdout: Buffer.from("5000\n") });
  } finally {
    removeBox(box);
  }
});
