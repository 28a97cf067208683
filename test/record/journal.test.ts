import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { JournalInUse, journalDirectory, readRecords, verifyJournal, verifyJournals } from "../../src/record/index.ts";
import { decided, EXITED, NOW, open, recordOne, request } from "./support/sample.ts";
import { stateFolder } from "./support/state-folder.ts";

const firstFile = (state: string): string => join(journalDirectory(state), "journal-00000001.jsonl");
const lines = (file: string): readonly string[] => readFileSync(file, "utf8").split("\n").slice(0, -1);
const kinds = (state: string): readonly string[] => lines(firstFile(state)).map((line) => kindOf(line));
const kindOf = (line: string): string => /"kind":"(\w+)"/.exec(line)?.[1] ?? "no record";

test("a command leaves four lines that read back as one record", async () => {
  const state = stateFolder();
  const recorder = await open(state);
  await recordOne(recorder, "a", "ls -l");
  await recorder.shutdown(1000);
  expect(kinds(state)).toEqual(["opened", "received", "decided", "started", "finished", "checkpoint"]);
  expect([...readRecords(state)]).toEqual([expect.objectContaining({
    id: "a", time: new Date(NOW).toISOString(), cmd: "ls -l", cwd: "/home/u/project", decision: "allow", final: "run", exit: 0, outcome: "exited", intent: null,
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/), duration_ms: 1.5, classes: ["read-only"], source: "rule", approver: null, reason: "reads only", depth: 0, parent: null,
    rules: [{ id: "reads", tier: "built-in", file: "rules/read.toml", line: 7, verdict: "allow" }], sha256: createHash("sha256").update("ls -l").digest("hex"),
    authority: { sandbox: "read-only", writable: [], network: [], missing: [] },
  })]);
});

test("each outcome is told as the caller saw it", async () => {
  const state = stateFolder();
  const recorder = await open(state);
  const { usage } = EXITED as { readonly usage: { wallUs: number; userUs: number; systemUs: number; maxRssKb: number } };
  await recordOne(recorder, "exit", "x", { kind: "exited", code: 7, usage });
  await recordOne(recorder, "signal", "x", { kind: "signalled", signal: 9, usage });
  await recordOne(recorder, "refused", "x", { kind: "refused", code: 126 });
  await recordOne(recorder, "lost", "x", { kind: "lost", reason: "the shell went away" });
  await recorder.shutdown(1000);
  expect([...readRecords(state)].map(({ id, exit, signal, outcome }) => ({ id, exit, signal, outcome }))).toEqual([
    { id: "exit", exit: 7, signal: null, outcome: "exited" },
    { id: "signal", exit: 137, signal: 9, outcome: "signalled" },
    { id: "refused", exit: 126, signal: null, outcome: "refused" },
    { id: "lost", exit: null, signal: null, outcome: "lost" },
  ]);
  expect([...readRecords(state, { id: "signal" })]).toHaveLength(1);
  expect([...readRecords(state, { since: NOW + 1 })]).toHaveLength(0);
  expect([...readRecords(state, { decision: "deny" })]).toHaveLength(0);
});

test("only this user can read the journal", async () => {
  const state = join(stateFolder(), "deeper", "state");
  const recorder = await open(state);
  await recorder.shutdown(1000);
  expect(statSync(firstFile(state)).mode & 0o777).toBe(0o600);
  expect(statSync(journalDirectory(state)).mode & 0o777).toBe(0o700);
  for (const key of ["redaction.key", "checkpoint.key"]) expect(statSync(join(state, key)).mode & 0o777).toBe(0o600);
});

test("a request has one end, whatever is reported", async () => {
  const state = stateFolder();
  const recorder = await open(state);
  await recordOne(recorder, "a", "ls");
  expect(recorder.finished("a", { kind: "lost", reason: "again" })).toEqual({ ok: true });
  expect(recorder.late("a", EXITED)).toMatchObject({ ok: false, code: "not-open" });
  expect(recorder.finished("never-seen", EXITED)).toEqual({ ok: true });
  expect(recorder.started("a", 1)).toMatchObject({ ok: false, code: "not-open" });
  expect(await recorder.decided("a", decided())).toMatchObject({ ok: false, code: "not-open" });
  await recorder.shutdown(1000);
  expect(kinds(state).filter((kind) => kind === "finished")).toHaveLength(1);
  expect([...readRecords(state)]).toHaveLength(1);
});

test("a second writer is refused, a dead one's lock is not", async () => {
  const state = stateFolder();
  const recorder = await open(state);
  await expect(open(state)).rejects.toThrow(JournalInUse);
  const other = spawnSync(process.execPath, ["--input-type=module", "-e", `
    const { open } = await import(${JSON.stringify(new URL("./support/sample.ts", import.meta.url).href)});
    try { await open(process.argv[1]); console.log("opened"); } catch (error) { console.log(error.name); }`, state], { encoding: "utf8" });
  expect(other.stdout).toBe("JournalInUse\n");
  await recorder.shutdown(1000);
  writeFileSync(join(journalDirectory(state), "writer.lock"), JSON.stringify({ pid: process.pid, start: 1, boot: "another boot" }));
  await (await open(state)).shutdown(1000);
});

test("files are ended at their size and the chain goes on", async () => {
  const state = stateFolder();
  const recorder = await open(state, { segmentBytes: 4096 });
  await Promise.all(Array.from({ length: 40 }, (_, index) => recordOne(recorder, `id-${index}`, `echo ${index}`)));
  await recorder.shutdown(1000);
  const result = verifyJournals(journalDirectory(state));
  expect(result).toMatchObject({ ok: true, gaps: 0, tornTail: 0 });
  expect([...readRecords(state)].map((record) => record.cmd).sort()).toEqual(Array.from({ length: 40 }, (_, index) => `echo ${index}`).sort());
  expect(lines(join(journalDirectory(state), "journal-00000003.jsonl"))[0]).toContain('"kind":"opened"');
  const again = await open(state, { segmentBytes: 4096 });
  await recordOne(again, "later", "true");
  await again.shutdown(1000);
  expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true });
});

/** Lines of the file: 1 opened, 2 received, 3 decided, 4 started, 5 finished. */
test.each([
  ["an edit", edit(1, "ls -l", "ls -a"), 2, "the hash does not fit the record"],
  ["an edit with a new hash", (all: readonly string[]) => edit(1, "ls -l", "ls -a")(all).map((line, index) => (index === 1 ? rehash(line) : line)), 3, "does not follow the record before it"],
  ["a deletion", (all: readonly string[]) => all.toSpliced(3, 1), 4, "does not follow the record before it"],
  ["a deletion at the front", (all: readonly string[]) => all.toSpliced(1, 1), 2, "does not follow the record before it"],
  ["an exchange", (all: readonly string[]) => all.toSpliced(3, 2, all[4] ?? "", all[3] ?? ""), 4, "does not follow the record before it"],
  ["a repetition", (all: readonly string[]) => all.toSpliced(3, 0, all[2] ?? ""), 4, "does not follow the record before it"],
  ["an inserted line", (all: readonly string[]) => all.toSpliced(3, 0, "something else"), 4, "not a record, and no gap names it"],
  ["a blank in a record", edit(3, '","', '", "'), 4, "the hash does not fit the record"],
  ["a first record that names another", (all: readonly string[]) => all.with(0, rehash((all[0] ?? "").replace('"prev":"0', '"prev":"1'))), 1, "the first record names one before it"],
])("verification finds %s and names the line", async (_name, tamper, line, reason) => {
  const state = stateFolder();
  const recorder = await open(state);
  await recordOne(recorder, "a", "ls -l");
  await recorder.shutdown(1000);
  const file = firstFile(state);
  const before = lines(file);
  const after = tamper(before);
  expect(after).not.toEqual(before);
  expect(verifyJournal(file)).toMatchObject({ ok: true, records: 6, checkpoints: 1 });
  writeFileSync(file, `${after.join("\n")}\n`);
  expect(verifyJournal(file)).toMatchObject({ ok: false, line, reason });
});

function edit(index: number, from: string, to: string): (all: readonly string[]) => readonly string[] {
  return (all) => all.with(index, (all[index] ?? "").replace(from, to));
}

/** What somebody who knows the format does after an edit. */
function rehash(line: string): string {
  const hashed = `{${line.slice('{"hash":"",'.length + 64)}`;
  return `{"hash":"${createHash("sha256").update(hashed).digest("hex")}",${hashed.slice(1)}`;
}

test.each([
  ["half a line", '{"hash":"00'],
  ["a whole line without its end", `{"hash":"${"0".repeat(64)}","kind":"finished"}`],
  ["zeros that a power cut left", "\0".repeat(700)],
  ["a line that is none, and half another", 'what is this\n{"hash'],
  ["a line that is none", "what is this\n"],
])("a torn tail is named and survived: %s", async (_name, tail) => {
  const state = stateFolder();
  const first = await open(state);
  await recordOne(first, "a", "true");
  await first.shutdown(1000);
  appendFileSync(firstFile(state), tail);
  expect([...readRecords(state)]).toHaveLength(1);
  const second = await open(state);
  await recordOne(second, "b", "true");
  await second.shutdown(1000);
  const damage = tail.replace(/\n$/, "");
  const gap = lines(firstFile(state)).find((line) => kindOf(line) === "gap") ?? "";
  expect(gap).toContain(`"sha256":"${createHash("sha256").update(damage).digest("hex")}"`);
  expect(gap).toContain(`"bytes":${damage.length},`);
  expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true, gaps: 1, tornTail: 0 });
  expect([...readRecords(state)].map((record) => record.id)).toEqual(["a", "b"]);
});

test("a torn tail of a journal that nobody opened again is counted", async () => {
  const state = stateFolder();
  const recorder = await open(state);
  await recordOne(recorder, "a", "true");
  await recorder.shutdown(1000);
  appendFileSync(firstFile(state), '{"hash');
  expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true, gaps: 0, tornTail: 6 });
});

test("a gap cannot excuse a line that was changed", async () => {
  const state = stateFolder();
  const recorder = await open(state);
  await recordOne(recorder, "a", "true");
  await recorder.shutdown(1000);
  appendFileSync(firstFile(state), "torn");
  await (await open(state)).shutdown(1000);
  writeFileSync(firstFile(state), readFileSync(firstFile(state), "utf8").replace("\ntorn\n", "\nTORN\n"));
  expect(verifyJournal(firstFile(state))).toMatchObject({ ok: false, reason: "names bytes that do not stand before it" });
});

test("no file of the state holds a secret, and equal ones can be joined", async () => {
  const state = stateFolder();
  const recorder = await open(state);
  const secret = "hunter2!Zq9";
  const line = `TOKEN=${secret} ./x --password ${secret}`;
  const asked = request("a", line, { cwd: `/w/token=${secret}`, argv: ["bash", "-c", line, "x", "--token", secret], env: new Map([["TRACEPARENT", `token=${secret}`]]) });
  recorder.received(asked, { mode: "command", text: line, workspace: undefined, intent: { text: `with TOKEN=${secret}`, source: "env", trust: "agent" }, agent: undefined, trace: recorder.traceFor(asked) });
  await recorder.decided("a", decided({
    reason: `because of TOKEN=${secret}`, instead: `x --token=${secret}`,
    review: { outcome: "allow", rationale: `it has --password ${secret}`, risk: "low", model: "m", startedAt: NOW, ms: 1, error: undefined, usage: undefined },
    approval: { id: "1", outcome: "denied", channel: "control", by: "anna", message: `not with TOKEN=${secret}`, startedAt: NOW, ms: 1 },
  }));
  recorder.finished("a", { kind: "lost", reason: `TOKEN=${secret}` });
  await recorder.shutdown(5000);
  const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  expect(files.map((file) => basename(file)).sort()).toEqual(["checkpoint.key", "cursor-file-logs.json", "cursor-file-metrics.json", "cursor-file.json", "journal-00000001.jsonl", "logs.jsonl", "metrics.jsonl", "redaction.key", "spans.jsonl"]);
  expect(files.filter((file) => readFileSync(file).includes(secret))).toEqual([]);
  const [record] = [...readRecords(state)];
  const marks = [...(record?.cmd ?? "").matchAll(/\[redacted:([0-9a-f]{8})\]/g)].map((match) => match[1]);
  expect(marks).toHaveLength(2);
  expect(new Set(marks).size).toBe(1);
  expect(record?.intent).toBe(`with TOKEN=[redacted:${marks[0] ?? ""}]`);
});

test("what is long is cut, and a secret across the cut is none of what stays", async () => {
  const state = stateFolder();
  const recorder = await open(state);
  const secret = "s3cr3tPart".repeat(20);
  const line = `${"x".repeat(LIMITS.shownCommand - 60)} TOKEN=${secret} ${"y".repeat(50_000)}`;
  await recordOne(recorder, "a", line);
  await recorder.shutdown(5000);
  const [record] = [...readRecords(state)];
  expect(record).toMatchObject({ truncated: true, sha256: createHash("sha256").update(line).digest("hex") });
  expect(record?.cmd.length).toBe(LIMITS.shownCommand);
  expect(readFileSync(firstFile(state), "utf8")).not.toContain("s3cr3tPart");
});
