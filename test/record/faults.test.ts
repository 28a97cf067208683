import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { journalDirectory, readRecords, verifyJournals } from "../../src/record/index.ts";
import { readEntries } from "../../src/record/segments.ts";
import { EXITED, open, recordOne, request } from "./support/sample.ts";
import { stateFolder } from "./support/state-folder.ts";

const WRITER = fileURLToPath(new URL("./support/writer.ts", import.meta.url));

function entries(state: string, kind: string): readonly string[] {
  return [...readEntries(journalDirectory(state))].flatMap(({ entry }) => (entry.kind === kind && "id" in entry ? [entry.id] : []));
}

/** Runs until `until` says that it saw enough, then kills. Out: every line that was said. */
async function sayings(child: ChildProcess, until: (line: string, count: number) => boolean): Promise<readonly string[]> {
  if (child.stdout === null) throw new Error("no stdout");
  const said: string[] = [];
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (until(line, said.length)) child.kill("SIGKILL");
  }
  await ended;
  return said;
}

test("kill -9 at ten random places loses nothing that was acknowledged", async () => {
  for (let round = 0; round < 10; round++) {
    const state = stateFolder();
    const stop = 1 + Math.floor(Math.random() * 900);
    const child = spawn(process.execPath, [WRITER, state, "500"], { stdio: ["ignore", "pipe", "inherit"] });
    const said = await sayings(child, (_line, count) => count >= stop);
    const acknowledged = (letter: string): readonly string[] => said.flatMap((line) => (line.startsWith(`${letter} `) ? [line.slice(2)] : []));
    expect(acknowledged("D").length).toBeGreaterThan(0);
    expect(entries(state, "received")).toEqual(expect.arrayContaining([...acknowledged("D")]));
    expect(entries(state, "decided")).toEqual(expect.arrayContaining([...acknowledged("D")]));
    expect(entries(state, "finished")).toEqual(expect.arrayContaining([...acknowledged("F")]));
    const next = await open(state);
    expect(next.orphans()).toEqual([]);
    await next.shutdown(1000);
    expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true, tornTail: 0 });
    expect(entries(state, "finished").toSorted()).toEqual(entries(state, "received").toSorted());
    expect(new Set(entries(state, "finished")).size).toBe(entries(state, "finished").length);
    expect([...readRecords(state)]).toHaveLength(entries(state, "received").length);
  }
}, 60_000);

test("a request of a dead broker whose shell lives on can report its end, once", async () => {
  const state = stateFolder();
  const shell = spawn("sleep", ["60"], { stdio: "ignore" });
  const code = `
    const { open, request } = await import(${JSON.stringify(new URL("./support/sample.ts", import.meta.url).href)});
    const recorder = await open(process.argv[1]);
    for (const [id, pid] of [["alive", Number(process.argv[2])], ["gone", process.pid]]) {
      const asked = request(id, "make", { pid });
      recorder.received(asked, { mode: "command", text: "make", workspace: undefined, intent: undefined, agent: undefined, trace: recorder.traceFor(asked) });
    }
    process.kill(process.pid, "SIGKILL");`;
  try {
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", code, state, String(shell.pid)]).signal).toBe("SIGKILL");
    const recorder = await open(state);
    expect(recorder.orphans().map((orphan) => orphan.id)).toEqual(["alive"]);
    expect([...readRecords(state)].map(({ id, outcome, late, decision }) => ({ id, outcome, late, decision }))).toEqual([{ id: "gone", outcome: "lost", late: true, decision: null }]);
    expect(recorder.late("gone", EXITED)).toMatchObject({ code: "not-open" });
    expect(recorder.late("never", EXITED)).toMatchObject({ code: "not-open" });
    expect(recorder.late("alive", EXITED)).toEqual({ ok: true });
    expect(recorder.late("alive", EXITED)).toMatchObject({ code: "not-open" });
    expect(recorder.orphans()).toEqual([]);
    await recorder.shutdown(1000);
    expect([...readRecords(state)].map(({ id, outcome, late }) => ({ id, outcome, late }))).toEqual([{ id: "gone", outcome: "lost", late: true }, { id: "alive", outcome: "exited", late: true }]);
  } finally {
    shell.kill("SIGKILL");
  }
});

test("an open request stays an orphan over several files and starts", async () => {
  const state = stateFolder();
  const first = await open(state, { segmentBytes: 4096 });
  const asked = request("long", "sleep 1000");
  first.received(asked, { mode: "command", text: "sleep 1000", workspace: undefined, intent: undefined, agent: undefined, trace: first.traceFor(asked) });
  for (let index = 0; index < 20; index++) await recordOne(first, `short-${index}`, "true");
  await first.shutdown(1000);
  for (let start = 0; start < 2; start++) {
    const again = await open(state, { segmentBytes: 4096 });
    expect(again.orphans().map((orphan) => orphan.id)).toEqual(["long"]);
    if (start === 1) expect(again.late("long", EXITED)).toEqual({ ok: true });
    await again.shutdown(1000);
  }
  expect([...readRecords(state, { id: "long" })]).toHaveLength(1);
});

test("a full disk refuses, says why, and leaves a journal that goes on where it was", async () => {
  const state = stateFolder();
  // The limit on file size stands for the disk: writes beyond it are cut short, then fail with EFBIG. It is lifted from outside.
  const child = spawn("bash", ["-c", `trap '' XFSZ; ulimit -S -f 64; exec "$@"`, "bash", process.execPath, WRITER, state, "1000000", "until-accepted"], { stdio: ["ignore", "pipe", "inherit"] });
  const said = await sayings(child, (line) => {
    if (line.startsWith("E ")) expect(spawnSync("prlimit", ["--pid", String(child.pid), "--fsize=unlimited"]).status).toBe(0);
    return false;
  });
  expect(said.filter((line) => line.startsWith("E "))).toEqual(["E EFBIG"]);
  expect(said.at(-1)).toMatch(/^U /);
  const acknowledged = said.flatMap((line) => (line.startsWith("D ") ? [line.slice(2)] : []));
  expect(entries(state, "decided")).toEqual(expect.arrayContaining(acknowledged));
  expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true, gaps: 1, tornTail: 0 });
  const again = await open(state);
  await again.shutdown(1000);
  expect(entries(state, "finished").toSorted()).toEqual(entries(state, "received").toSorted());
}, 30_000);

test("a journal that cannot be opened is an error with a reason", async () => {
  const file = join(stateFolder(), "a-file");
  writeFileSync(file, "");
  await expect(open(file)).rejects.toThrow(/ENOTDIR|EEXIST/);
});
