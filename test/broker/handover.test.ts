import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync, chownSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Handovers, namedInTmp, type Named, type TwoTmps } from "../../src/broker/handover.ts";
import { loadPlaces } from "../../src/config/index.ts";
import type { Layout } from "../../src/model/index.ts";

const { handovers, problems } = loadPlaces({ app: resolve(import.meta.dirname, "../..") } as Layout);

let base: string;
let tmps: TwoTmps;
let over: Handovers;

beforeEach(() => {
  base = mkdtempSync("/tmp/vetsh-handover-");
  tmps = { host: join(base, "host"), session: join(base, "session") };
  mkdirSync(tmps.host);
  chmodSync(tmps.host, 0o1777);
  mkdirSync(tmps.session, { mode: 0o700 });
  over = new Handovers();
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const named = (...lines: readonly string[]): readonly Named[] => namedInTmp(lines, handovers, []);
const names = (...lines: readonly string[]): readonly string[] => named(...lines).map(({ name }) => name);
const write = (side: keyof TwoTmps, name: string, text: string, ageS = 0): void => {
  writeFileSync(join(tmps[side], name), text);
  utimesSync(join(tmps[side], name), Date.now() / 1000 - ageS, Date.now() / 1000 - ageS);
};
const text = (side: keyof TwoTmps, name: string): string | undefined => (existsSync(join(tmps[side], name)) ? readFileSync(join(tmps[side], name), "utf8") : undefined);

/** One command: what it names, what it does in its own /tmp. */
const command = (line: string, work: () => void): readonly string[] => {
  const found = over.bringIn(named(line), tmps);
  work();
  return over.bringOut(named(line), found, tmps);
};

describe("the names of a line", () => {
  test("the data can be used", () => {
    expect(problems).toEqual([]);
    expect(handovers.length).toBeGreaterThan(20);
  });

  test.each([
    ["npm test > /tmp/out.txt 2>&1", ["out.txt"]],
    ["bash /tmp/x.sh && cat '/tmp/a/b.json'", ["x.sh", "a/b.json"]],
    ["eval 'ls' < /dev/null && pwd -P >| /tmp/claude-f3f6-cwd", ["claude-f3f6-cwd"]],
    ["_bgpids_file=/tmp/gemini-shell-aB3xYz/bgpids.tmp", ["gemini-shell-aB3xYz/bgpids.tmp"]],
    ["cat /tmp/claude-0/-home-dev-w/12ab/scratchpad/notes", ["claude-0/-home-dev-w/12ab/scratchpad/notes"]],
    // Neither tickets, keys, locks, sockets nor hidden names, and nothing beside /tmp.
    ["cat /tmp/krb5cc_1000 /tmp/key.pem /tmp/.X0-lock /tmp/ssh-abc/agent.1 /tmp/tmux-0/default /tmp/.x.txt", []],
    ["cat ./tmp/a.txt /var/tmp/a.txt x/tmp/a.txt /tmp/../etc/a.txt /tmp/a/../b.txt", []],
    ["cat /tmp/claude-0/w/s/tasks/b1.output", []],
  ])("%s", (line, expected) => expect(names(line)).toEqual(expected));

  test("directories that are shown as they are, are left out", () => {
    expect(namedInTmp(["cat /tmp/work/a.txt /tmp/b.txt"], handovers, ["/tmp/work"]).map(({ name }) => name)).toEqual(["b.txt"]);
  });

  test("a line names a limited number of them", () => {
    expect(names(Array.from({ length: 500 }, (_, index) => `/tmp/f${index}.txt`).join(" "))).toHaveLength(32);
  });
});

describe("handing over", () => {
  test("a script that the agent wrote runs, in its newest version, and is executable if it was", () => {
    write("host", "x.sh", "one");
    chmodSync(join(tmps.host, "x.sh"), 0o755);
    command("bash /tmp/x.sh", () => expect(text("session", "x.sh")).toBe("one"));
    expect(lstatSync(join(tmps.session, "x.sh")).mode & 0o777).toBe(0o700);
    write("host", "x.sh", "two", -5);
    command("bash /tmp/x.sh", () => expect(text("session", "x.sh")).toBe("two"));
  });

  test("a file that is only read is left as it is on both sides, and nothing is said of it", () => {
    // Times that are no whole number of milliseconds, as the system gives them.
    for (const name of ["a.txt", "b.txt", "c.txt", "d.txt"]) writeFileSync(join(tmps.host, name), name);
    const line = "cat /tmp/a.txt /tmp/b.txt /tmp/c.txt /tmp/d.txt";
    expect(command(line, () => undefined)).toEqual([]);
    const before = readdirSync(tmps.session).map((name) => lstatSync(join(tmps.session, name)).ino);
    expect(command(line, () => undefined)).toEqual([]);
    expect(readdirSync(tmps.session).map((name) => lstatSync(join(tmps.session, name)).ino)).toEqual(before);
  });

  test("what a command wrote is there for the agent, and again when it writes anew", () => {
    expect(command("npm test > /tmp/out.txt", () => write("session", "out.txt", "first", 10))).toEqual([]);
    expect(text("host", "out.txt")).toBe("first");
    expect(command("npm test > /tmp/out.txt", () => write("session", "out.txt", "second"))).toEqual([]);
    expect(text("host", "out.txt")).toBe("second");
    expect(readdirSync(tmps.host)).toEqual(["out.txt"]);
  });

  test("a file of the user's own is not written over, and what is left out is said", () => {
    write("host", "notes.txt", "the user's");
    expect(command("echo > /tmp/notes.txt", () => write("session", "notes.txt", "changed", -5))).toEqual(["notes.txt"]);
    expect(text("host", "notes.txt")).toBe("the user's");
    command("echo > /tmp/out.txt", () => write("session", "out.txt", "ours"));
    write("host", "out.txt", "the user changed it", -10);
    expect(command("cat /tmp/out.txt", () => { expect(text("session", "out.txt")).toBe("the user changed it"); write("session", "out.txt", "again", -20); })).toEqual(["out.txt"]);
    expect(text("host", "out.txt")).toBe("the user changed it");
  });

  test("a name that an agent makes for its commands is written, and leaves nothing behind inside", () => {
    write("host", "claude-ab12-cwd", "");
    expect(command("pwd -P >| /tmp/claude-ab12-cwd", () => write("session", "claude-ab12-cwd", "/home/dev\n"))).toEqual([]);
    expect(text("host", "claude-ab12-cwd")).toBe("/home/dev\n");
    expect(readdirSync(tmps.session)).toEqual([]);
    mkdirSync(join(tmps.host, "gemini-shell-x"), { mode: 0o700 });
    command("_f=/tmp/gemini-shell-x/bgpids.tmp", () => write("session", "gemini-shell-x/bgpids.tmp", "12\n"));
    expect(text("host", "gemini-shell-x/bgpids.tmp")).toBe("12\n");
  });

  test("deleted is deleted: on the host what vetsh put there, inside what the agent left", () => {
    command("echo > /tmp/out.txt", () => write("session", "out.txt", "ours"));
    command("rm /tmp/out.txt", () => rmSync(join(tmps.session, "out.txt")));
    expect(text("host", "out.txt")).toBeUndefined();
    write("host", "agent.txt", "the agent's");
    command("rm /tmp/agent.txt", () => rmSync(join(tmps.session, "agent.txt")));
    expect(text("host", "agent.txt")).toBe("the agent's");
    command("cat /tmp/agent.txt", () => expect(text("session", "agent.txt")).toBeUndefined());
    write("host", "agent.txt", "anew");
    command("cat /tmp/agent.txt", () => expect(text("session", "agent.txt")).toBe("anew"));
  });

  test("directories are made for files that come, and for no others", () => {
    command("mkdir /tmp/d; echo > /tmp/d/a.txt", () => { expect(readdirSync(tmps.session)).toEqual([]); mkdirSync(join(tmps.session, "d")); write("session", "d/a.txt", "x"); });
    expect(text("host", "d/a.txt")).toBe("x");
    expect(lstatSync(join(tmps.host, "d")).mode & 0o777).toBe(0o700);
    command("rm -rf /tmp/d /tmp/d/a.txt", () => rmSync(join(tmps.session, "d"), { recursive: true }));
    expect(text("host", "d/a.txt")).toBeUndefined();
    command("mkdir /tmp/d && echo > /tmp/d/a.txt", () => expect(readdirSync(tmps.session)).toEqual([]));
  });
});

describe("a hostile command", () => {
  const outside = (): string => { writeFileSync(join(base, "secret"), "SECRET"); return join(base, "secret"); };

  test("cannot carry out what a link of its names", () => {
    const secret = outside();
    command("echo > /tmp/out.txt", () => symlinkSync(secret, join(tmps.session, "out.txt")));
    command("echo > /tmp/d/out.txt", () => symlinkSync(base, join(tmps.session, "d")));
    expect(readdirSync(tmps.host)).toEqual([]);
  });

  test("cannot have a file that comes in written through a link", () => {
    const secret = outside();
    mkdirSync(join(base, "elsewhere"));
    write("host", "in.txt", "evil");
    mkdirSync(join(tmps.host, "d"), { mode: 0o700 });
    write("host", "d/in.txt", "evil");
    symlinkSync(secret, join(tmps.session, "in.txt"));
    symlinkSync(join(base, "elsewhere"), join(tmps.session, "d"));
    over.bringIn(named("cat /tmp/in.txt /tmp/d/in.txt"), tmps);
    expect([readFileSync(secret, "utf8"), readdirSync(join(base, "elsewhere"))]).toEqual(["SECRET", []]);
  });

  test("cannot carry out second names, directories, or what is too large", () => {
    linkSync(outside(), join(tmps.session, "a.txt"));
    mkdirSync(join(tmps.session, "b.txt"));
    writeFileSync(join(tmps.session, "c.txt"), Buffer.alloc(16 * 1024 * 1024 + 1));
    over.bringOut(named("echo /tmp/a.txt /tmp/b.txt /tmp/c.txt"), new Set(), tmps);
    expect(readdirSync(tmps.host)).toEqual([]);
  });

  test("cannot have more copied for one line than the limit", () => {
    for (const name of ["a.txt", "b.txt", "c.txt", "d.txt"]) writeFileSync(join(tmps.session, name), Buffer.alloc(15 * 1024 * 1024));
    over.bringOut(named("cat /tmp/a.txt /tmp/b.txt /tmp/c.txt /tmp/d.txt"), new Set(), tmps);
    expect(readdirSync(tmps.host).toSorted()).toEqual(["a.txt", "b.txt"]);
  });

  test("cannot have a link, or a directory that others may write in, followed on the host", () => {
    symlinkSync(outside(), join(tmps.host, "claude-1-cwd"));
    mkdirSync(join(tmps.host, "open"));
    chmodSync(join(tmps.host, "open"), 0o777);
    mkdirSync(join(tmps.session, "open"));
    write("session", "claude-1-cwd", "evil");
    write("session", "open/a.txt", "evil");
    over.bringOut(named("pwd >| /tmp/claude-1-cwd; echo > /tmp/open/a.txt"), new Set(), tmps);
    expect([readFileSync(join(base, "secret"), "utf8"), readdirSync(join(tmps.host, "open"))]).toEqual(["SECRET", []]);
  });

  test.runIf(process.getuid?.() === 0)("does not get what belongs to somebody else", () => {
    write("host", "theirs.txt", "theirs");
    chownSync(join(tmps.host, "theirs.txt"), 65534, 65534);
    over.bringIn(named("cat /tmp/theirs.txt"), tmps);
    expect(readdirSync(tmps.session)).toEqual([]);
    write("session", "theirs.txt", "evil");
    over.bringOut(named("cat /tmp/theirs.txt"), new Set(), tmps);
    expect(text("host", "theirs.txt")).toBe("theirs");
  });

  test("that exchanges directories all the time writes nowhere else", async () => {
    mkdirSync(join(base, "elsewhere"));
    mkdirSync(join(tmps.host, "d"), { mode: 0o700 });
    const stop = performance.now() + 300;
    const swap = async (): Promise<void> => {
      for (let turn = 0; performance.now() < stop; turn += 1) {
        rmSync(join(tmps.session, "d"), { recursive: true, force: true });
        if (turn % 2 === 0) mkdirSync(join(tmps.session, "d"));
        else { symlinkSync(join(base, "elsewhere"), join(tmps.session, "e")); renameSync(join(tmps.session, "e"), join(tmps.session, "d")); }
        await new Promise((done) => setImmediate(done));
      }
    };
    const work = async (): Promise<void> => {
      for (let turn = 0; performance.now() < stop; turn += 1) {
        write("host", "d/in.txt", `evil ${turn}`, -turn);
        over.bringIn(named("cat /tmp/d/in.txt"), tmps);
        await new Promise((done) => setImmediate(done));
      }
    };
    await Promise.all([swap(), work()]);
    expect(readdirSync(join(base, "elsewhere"))).toEqual([]);
  });
});
