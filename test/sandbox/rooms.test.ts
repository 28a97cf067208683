/** Warm sandboxes: who shares one, who never does, what ends them, and what happens when something dies at an awkward moment. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { Rooms, type Entry, type Stay } from "../../src/sandbox/index.ts";
import { asPerson, buildEnter, entryWords, insideWarm, makeBox, PEOPLE, planIn, removeBox, type Ask, type Box } from "./box.ts";
import { isAlive, until } from "../shims/start-shim.ts";

const person = PEOPLE[0]!;
let box: Box;
let rooms: Rooms;
let said: string[];
beforeEach(() => {
  box = makeBox(person);
  said = [];
  rooms = new Rooms((message) => said.push(message), () => undefined);
});
afterEach(() => {
  rooms.close();
  removeBox(box);
});

async function enter(ask: Ask = {}): Promise<Stay> {
  const { room } = await planIn(box, ask);
  const stay = room === undefined ? undefined : await rooms.enter(room, "test");
  if (stay === undefined) throw new Error(`no room: ${said.join("; ")}`);
  return stay;
}

const run = (script: string, ask: Ask = {}) => insideWarm(box, script, ask, rooms);

/** A command that is still running when the test goes on. */
function running(stay: Stay, script: string): { readonly child: ChildProcess; readonly out: () => string } {
  const child = spawn(buildEnter(), [...entryWords(stay.entry), "/bin/bash", "bash", "-c", script], { env: { PATH: "/usr/bin:/bin" }, stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  return { child, out: () => out };
}

describe("sharing", () => {
  test("two commands of the same words are in one room: jobs, loopback, /dev/shm and /tmp", async () => {
    const first = await run("sleep 300 </dev/null >/dev/null 2>&1 & echo $!; echo shared >/dev/shm/note; echo here >/tmp/note");
    const pid = first.out.trim();
    expect(await run(`cat /dev/shm/note /tmp/note; kill ${pid} && echo ended`)).toMatchObject({ code: 0, out: "shared\nhere\nended\n" });
    await run("perl -MIO::Socket::INET -e '$l = IO::Socket::INET->new(Listen => 1, LocalAddr => q(127.0.0.1:4711)) or die; exit if fork; $c = $l->accept; print $c qq(served\\n)' </dev/null >/dev/null 2>&1");
    expect((await run("cat </dev/tcp/127.0.0.1/4711")).out).toBe("served\n");
    expect(rooms.size).toBe(1);
  });

  test("the directory, the environment and the terminal are each command's own", async () => {
    expect((await run("pwd; echo $MINE", { env: { MINE: "one" }, place: { cwd: join(box.workspace, "vendor") } })).out).toBe(`${box.workspace}/vendor\none\n`);
    expect((await run("pwd; echo $MINE", {})).out).toBe(`${box.workspace}\n\n`);
    expect((await enter({ place: { terminal: true } })).entry.ownSession).toBe(false);
    expect(rooms.size).toBe(1);
  });

  test("other words are another room: nothing of it can be seen", async () => {
    const job = (await run("sleep 300 </dev/null >/dev/null 2>&1 & echo $!")).out.trim();
    const other = await run(`pgrep -x sleep || echo nobody; kill -0 ${job} 2>/dev/null || echo gone; ls /dev/shm`, { claim: { sandbox: "read-only" } });
    expect(other.out).toMatch(/^nobody\n(gone\n)?$/);
    expect(rooms.size).toBe(2);
    await run("pkill -x sleep");
  });

  test.each<[string, Ask]>([
    ["an approved secret", { claim: { secrets: ["$SOME_API_KEY"] }, source: "human" }],
    ["an approved secret file", { claim: { secrets: ["$HOME/.netrc"] }, source: "human" }],
    ["a path that a person granted", { claim: { sandbox: "custom", writable: ["/opt"] }, source: "human" }],
    ["a path that a reviewer granted", { claim: { sandbox: "custom", writable: ["/opt"] }, source: "reviewer" }],
    ["hosts", { claim: { network: ["example.org"] } }],
    ["the whole network", { claim: { network: "any" }, source: "human" }],
    ["no sandbox at all", { claim: { sandbox: "none" }, source: "human" }],
  ])("a plan with %s has no room", async (_, ask) => {
    expect((await planIn(box, ask)).room).toBeUndefined();
  });

  test("a protected path that appears makes another room, in which it is protected", async () => {
    rmSync(join(box.workspace, ".envrc"));
    const before = await enter();
    writeFileSync(join(box.workspace, ".envrc"), "mine\n");
    const after = await enter();
    expect(after.entry.holder).not.toBe(before.entry.holder);
    await run("echo evil >.envrc");
    expect(readFileSync(join(box.workspace, ".envrc"), "utf8")).toBe("mine\n");
  });

  test("a protected file that was replaced outside is protected for the next command", async () => {
    const config = join(box.workspace, ".git/config");
    const before = await enter();
    // What `git config` does: the new file takes the place of the old one, and the mount on it goes.
    writeFileSync(`${config}.lock`, "[core]\n");
    renameSync(`${config}.lock`, config);
    await run("echo evil >>.git/config");
    expect(readFileSync(config, "utf8")).toBe("[core]\n");
    expect((await enter()).entry.holder).not.toBe(before.entry.holder);
  });

  test("who was told of a room before a mount of it went does not enter it, and the room is left when that has ended", async () => {
    const config = join(box.workspace, ".git/config");
    const { room } = await planIn(box);
    const [stay, next] = [await rooms.enter(room!, "test"), await rooms.enter(room!, "test")];
    const into = (entry: Entry): number | null => spawnSync(buildEnter(), [...entryWords(entry), "/bin/bash", "bash", "-c", "true"], { env: { PATH: "/usr/bin:/bin" } }).status;
    expect(into(next!.entry)).toBe(0);
    writeFileSync(`${config}.lock`, "[core]\n");
    renameSync(`${config}.lock`, config);
    // A kernel that lists no mounts leaves it to the look at the next entry.
    expect(into(stay!.entry)).toBe(stay!.entry.mounts > 0 ? 125 : 0);
    expect(rooms.size).toBe(1);
    next!.leave();
    expect(rooms.size).toBe(0);
  });

  test("a workspace that was moved away and made anew is the new one", async () => {
    await run("true");
    renameSync(box.workspace, `${box.workspace}.old`);
    const fresh = makeBox(person);
    renameSync(fresh.workspace, box.workspace);
    removeBox(fresh);
    await run("echo new >made; echo evil >.git/hooks/pre-commit");
    expect(existsSync(join(box.workspace, "made"))).toBe(true);
    expect(existsSync(join(box.workspace, ".git/hooks/pre-commit"))).toBe(false);
  });
});

describe("what a command in a room is", () => {
  test("it has no capability, no way to more, and the filter; process 1 has it as well", async () => {
    const { out } = await run("grep -hE '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; echo; grep -hE '^(CapEff|CapBnd|NoNewPrivs|Seccomp:)' /proc/1/status");
    expect(out).toBe("CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
  });

  test("descriptors of the starter are not there, and process 1 shows nothing of itself", async () => {
    const { out } = await run("ls /proc/self/fd | tr '\\n' ' '; cat /proc/1/environ /proc/1/maps 2>/dev/null | head -c 1; readlink /proc/1/exe /proc/1/root /proc/1/fd/0; ls /proc/1/fd/ 2>/dev/null | wc -l; kill -KILL 1; echo alive");
    // 3 is ls's own; root sees the names of descriptors, nobody what they are.
    expect(out).toMatch(/^0 1 2 3 (0|3)\nalive\n$/);
  });

  test("status and signals come back as they were", async () => {
    expect(await run("exit 42")).toMatchObject({ code: 42, signal: null });
    expect(await run("kill -SEGV $$")).toMatchObject({ code: null, signal: "SIGSEGV" });
    expect(await run("kill -TERM 0")).toMatchObject({ code: null, signal: "SIGTERM" });
  });
});

describe("the end", () => {
  test("an idle room goes; one with jobs stays until they are gone", async () => {
    const stay = await enter();
    const later = (): number => performance.now() + LIMITS.roomIdleMs + 1;
    rooms.sweep(later());
    expect(rooms.size).toBe(1);
    stay.leave();
    await run("sleep 300 </dev/null >/dev/null 2>&1 &");
    rooms.sweep(later());
    expect(rooms.size).toBe(1);
    await run("pkill -x sleep");
    await until("the job is gone", () => readFileSync(`/proc/${stay.entry.holder}/task/${stay.entry.holder}/children`, "utf8") === "");
    rooms.sweep(performance.now());
    expect(rooms.size).toBe(1);
    rooms.sweep(later());
    expect(rooms.size).toBe(0);
    await until("process 1 is gone", () => !isAlive(stay.entry.holder));
  });

  test("a room that was let go ends with the last command in it, not before", async () => {
    const stay = await enter();
    const { child, out } = running(stay, "echo begun; read -t 0.5 <> <(:); sleep 0.5; echo finished");
    await until("it runs", () => out().includes("begun"));
    rooms.close();
    await new Promise((resolve) => child.on("close", resolve));
    expect(out()).toBe("begun\nfinished\n");
    await until("process 1 is gone", () => !isAlive(stay.entry.holder));
  });

  test("a session has no more rooms than its limit, and one in use is not taken", async () => {
    const stays: Stay[] = [];
    for (let i = 0; i < LIMITS.roomsPerSession; i += 1) {
      writeFileSync(join(box.workspace, [".envrc", "Jenkinsfile", ".npmrc", ".travis.yml", ".pypirc"][i]!), "x");
      stays.push(await enter());
    }
    expect(new Set(stays.map((stay) => stay.entry.holder)).size).toBe(LIMITS.roomsPerSession);
    writeFileSync(join(box.workspace, "azure-pipelines.yml"), "x");
    const { room } = await planIn(box);
    expect(await rooms.enter(room!, "test")).toBeUndefined();
    stays[0]!.leave();
    expect(await rooms.enter(room!, "test")).toBeDefined();
    expect(rooms.size).toBe(LIMITS.roomsPerSession);
    await until("the first is gone", () => !isAlive(stays[0]!.entry.holder));
  });

  test("where none can be made there is none, and it is said once", async () => {
    const { room } = await planIn(box);
    const broken = { ...room!, words: ["/usr/bin/bwrap", "--no-such-option"] };
    expect(await rooms.enter(broken, "test")).toBeUndefined();
    expect(await rooms.enter(room!, "test")).toBeUndefined();
    expect(said).toEqual([expect.stringContaining("no-such-option")]);
  });

  test("what waits to make rooms: used, replaced when somebody ended it, and gone with us", async () => {
    const { room } = await planIn(box);
    const maker = { bwrap: room!.words[0]!, init: room!.init };
    rooms.standBy(maker);
    await until("they wait", () => waiting().length === LIMITS.roomsStandby);
    for (const pid of waiting()) process.kill(pid, "SIGKILL");
    expect(await rooms.enter(room!, "test")).toBeDefined();
    await until("others wait", () => waiting().length === LIMITS.roomsStandby);
    const before = waiting();
    writeFileSync(join(box.workspace, "Jenkinsfile"), "x");
    const { entry } = await enter();
    // Bubblewrap is the parent of the room's process 1.
    expect(before).toContain(Number(readFileSync(`/proc/${entry.holder}/stat`, "latin1").split(") ").at(-1)?.split(" ")[1]));
    expect(said).toEqual([]);
    rooms.close();
    await until("they are gone", () => waiting().length === 0);
  });

  test("process 1 killed: what ran there is dead, and the next command gets a new room", async () => {
    const stay = await enter();
    const { child, out } = running(stay, "echo begun; sleep 60");
    await until("it runs", () => out().includes("begun"));
    process.kill(stay.entry.holder, "SIGKILL");
    expect(await new Promise((resolve) => child.on("close", (_, signal) => resolve(signal)))).toBe("SIGKILL");
    stay.leave();
    await until("it is dead", () => !isAlive(stay.entry.holder));
    expect((await run("echo again")).out).toBe("again\n");
  });

  test("who started a command is killed: the command is dead, and then its group; who left the group lives", async () => {
    const stay = await enter();
    const { child, out } = running(stay, "sleep 301 </dev/null >/dev/null & setsid sleep 302 </dev/null >/dev/null & sleep 0.1; echo $BASHPID; exec 1>&-; wait");
    await until("it runs", () => out().includes("\n"));
    const pids = insideOf(stay.entry.holder);
    const group = pids.find(({ name }) => name === "bash")!.pid;
    child.kill("SIGKILL");
    await until("the shell is dead", () => !isAlive(group));
    stay.endGroup(group);
    await until("its group is dead", () => insideOf(stay.entry.holder).every(({ args }) => !args.includes("301")));
    expect(insideOf(stay.entry.holder).map(({ args }) => args)).toContain("sleep 302");
    for (const { pid, args } of insideOf(stay.entry.holder)) if (args === "sleep 302") process.kill(pid, "SIGKILL");
  });

  test("a group's number alone ends nobody outside of the room", async () => {
    const stay = await enter();
    const outsider = spawn("sleep", ["303"], { detached: true, stdio: "ignore" });
    await until("it runs", () => isAlive(outsider.pid!));
    stay.endGroup(outsider.pid!);
    expect(isAlive(outsider.pid!)).toBe(true);
    outsider.kill("SIGKILL");
  });
});

describe("who may enter", () => {
  const attempt = (words: readonly string[]): Promise<{ readonly code: number | null; readonly err: string }> => new Promise((resolve) => {
    const child = spawn(buildEnter(), [...words, "/bin/bash", "bash", "-c", "echo ran >&2"], { stdio: ["ignore", "ignore", "pipe"] });
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("close", (code) => resolve({ code, err }));
  });

  test("a number that went to another process is not entered: another start time, nothing runs", async () => {
    const [holder, started, ...rest] = entryWords((await enter()).entry);
    expect(await attempt([holder!, started!, ...rest])).toEqual({ code: 0, err: "ran\n" });
    expect(await attempt([holder!, String(Number(started) + 1), ...rest])).toEqual({ code: 125, err: expect.stringContaining("No such process") });
    expect(await attempt([String(process.pid), started!, ...rest])).toMatchObject({ code: 125 });
    expect(await attempt(["999999", started!, ...rest])).toMatchObject({ code: 125 });
  });

  test("a caller with another view of the file system is not let in", async () => {
    const [holder, started, outside, ...rest] = entryWords((await enter()).entry);
    expect(await attempt([holder!, started!, String(Number(outside) + 1), ...rest])).toMatchObject({ code: 125 });
  });

  test("a directory that is not visible inside: nothing runs", async () => {
    const words = [...entryWords((await enter()).entry)];
    words[5] = "/nonexistent";
    expect(await attempt(words)).toEqual({ code: 125, err: expect.not.stringContaining("ran") });
  });

  test.each(PEOPLE)("as $name: who is about to become a command cannot be looked into, traced or followed from inside", async (one) => {
    const theirs = makeBox(one);
    try {
      const made = await planIn(theirs);
      const lurking = insideWarm(theirs, LURK, {}, rooms);
      const stay = await rooms.enter(asPerson(made.room!, one), "test");
      const words = [...entryWords(stay!.entry), "/bin/true", "true"];
      const identity = process.getuid?.() === 0 ? { uid: one.uid, gid: one.gid } : {};
      const began = performance.now();
      while (performance.now() - began < 3_000) await Promise.all([1, 2, 3, 4].map(() => new Promise((resolve) => spawn(buildEnter(), words, { stdio: "ignore", ...identity }).on("close", resolve))));
      const { out, err } = await lurking;
      expect({ took: out.match(/TOOK.*/g), err }).toEqual({ took: null, err: "" });
      // It was there at the moment that counts.
      expect(Number(/met (\d+)/.exec(out)?.[1])).toBeGreaterThan(0);
    } finally {
      removeBox(theirs);
    }
  });

  test.runIf(process.getuid?.() === 0)("a room of an ordinary user cannot be entered by another one", async () => {
    const theirs = makeBox(PEOPLE[1]!);
    try {
      const stay = await rooms.enter(asPerson((await planIn(theirs)).room!, PEOPLE[1]!), "test");
      const words = [...entryWords(stay!.entry), "/bin/bash", "bash", "-c", "true"];
      const by = (uid: number): Promise<unknown> => new Promise((resolve) => spawn(buildEnter(), words, { stdio: "ignore", uid, gid: uid }).on("close", resolve));
      expect([await by(65534), await by(65533)]).toEqual([0, 125]);
    } finally {
      removeBox(theirs);
    }
  });
});

/** For four seconds: looks at every process that is still the starter's program, and tries what opens it. `met`: how many it saw in time. */
const LURK = String.raw`perl -e '
  $| = 1; my $met = 0; my $end = time + 4;
  while (time < $end) {
    opendir(my $all, "/proc"); my @new = grep { /^\d+$/ && $_ > 1 && $_ != $$ } readdir $all; closedir $all;
    for my $pid (@new) {
      my $starter = sub { open(my $f, "<", "/proc/$pid/comm") or return 0; my $name = <$f>; return defined $name && $name =~ /^enter-room/ };
      next unless $starter->();
      $met++;
      my %way = (
        "its files" => sub { defined readlink "/proc/$pid/fd/0" }, "its program" => sub { defined readlink "/proc/$pid/exe" }, "its root" => sub { -e "/proc/$pid/root/etc" },
        "its directory" => sub { -e "/proc/$pid/cwd/." }, "its memory" => sub { open(my $f, "+<", "/proc/$pid/mem") }, "its environment" => sub { open(my $f, "<", "/proc/$pid/environ") && defined <$f> },
        "its program, to write" => sub { open(my $f, ">>", "/proc/$pid/exe") }, "tracing" => sub { syscall(101, 0x4206, $pid, 0, 0) == 0 },
      );
      for my $name (keys %way) { my $open = $way{$name}->(); print "TOOK $name\n" if $open && $starter->() }
    }
  }
  print "met $met\n"'`;

/** Processes in the same process namespace as `holder`, itself left out. */
function insideOf(holder: number): readonly { readonly pid: number; readonly name: string; readonly args: string }[] {
  const found: { pid: number; name: string; args: string }[] = [];
  const namespace = readlinkSync(`/proc/${holder}/ns/pid`);
  for (const pid of allPids()) {
    try {
      if (pid === holder || readlinkSync(`/proc/${pid}/ns/pid`) !== namespace || !isAlive(pid)) continue;
      found.push({ pid, name: readFileSync(`/proc/${pid}/comm`, "utf8").trim(), args: readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").join(" ").trim() });
    } catch (error) {
      // It ended while we looked, or belongs to somebody else.
      if (!["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  return found;
}

/** Processes of ours that wait for the words of a room. */
function waiting(): readonly number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim().split(" ").filter((pid) => pid !== "").map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("\0--args\0") && readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1") === "" && isAlive(pid);
    } catch {
      // It ended while we looked.
      return false;
    }
  });
}

function allPids(): readonly number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
}
