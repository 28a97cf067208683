import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkpointKeyFile, checkpointsOf, journalDirectory, publicKeyOf, readExported, readRecords, verifyJournals, type Exported } from "../../src/record/index.ts";
import { readEntries } from "../../src/record/segments.ts";
import { isSigned } from "../../src/record/signing.ts";
import { decided, NOW, open, recordOne, request } from "./support/sample.ts";
import { stateFolder } from "./support/state-folder.ts";
import { files, rehashed, rewrite, withoutRoom } from "./support/tamper.ts";

const DAY = 86_400_000;

/** One journal of three files with checkpoints, and what was exported of it; each test tampers with a copy. */
let original = "";
let exported: readonly Exported[] = [];
const copies: string[] = [];

beforeAll(async () => {
  original = stateFolder();
  const recorder = await open(original, { segmentBytes: 24_000, checkpointRecords: 10 });
  for (let index = 0; index < 30; index++) await recordOne(recorder, `id-${index}`, `echo ${index}`);
  await recorder.shutdown(1_000);
  exported = kept(original);
});
afterAll(() => { for (const copy of copies) rmSync(copy, { recursive: true, force: true }); });

function copy(): string {
  const made = mkdtempSync(join(tmpdir(), "vetsh-record-"));
  copies.push(made);
  cpSync(original, made, { recursive: true });
  return made;
}

/** Checkpoints as `vetsh audit checkpoints` prints them, read back. */
function kept(state: string): readonly Exported[] {
  const file = join(state, "kept.jsonl");
  writeFileSync(file, [...checkpointsOf(state)].map((one) => `${JSON.stringify(one)}\n`).join(""));
  const read = readExported(file);
  if (!read.ok) throw new Error(read.reason);
  return read.checkpoints;
}

test("the end of the chain is signed each so many records and at the end, with a key of this installation", () => {
  expect(files(original).length).toBeGreaterThanOrEqual(3);
  expect(exported.length).toBeGreaterThan(10);
  expect(new Set(exported.map(({ key }) => key))).toEqual(new Set([publicKeyOf(checkpointKeyFile(original))]));
  expect(exported.every((one) => isSigned(one))).toBe(true);
  const end = [...readEntries(journalDirectory(original))].at(-1)?.entry;
  expect(end).toMatchObject({ kind: "checkpoint", covers: (end?.seq ?? 0) - 1, head: end?.prev });
  expect(verifyJournals(journalDirectory(original), { against: exported })).toMatchObject({ ok: true, checkpoints: exported.length, gaps: 0 });
});

test.each(["covers", "head", "at", "signature", "key"] as const)("a checkpoint whose %s was changed is not signed", (member) => {
  const [one] = exported;
  if (one === undefined) throw new Error("nothing exported");
  expect(isSigned({ ...one, [member]: typeof one[member] === "number" ? one[member] + 1 : `${String(one[member]).startsWith("A") ? "B" : "A"}${String(one[member]).slice(1)}` } as Exported)).toBe(false);
});

const lines = (file: string): readonly string[] => readFileSync(file, "utf8").split("\n").slice(0, -1);
const write = (file: string, all: readonly string[]): void => writeFileSync(file, all.map((line) => `${line}\n`).join(""));
const at = (state: string, index: number): string => files(state)[index] ?? "";

/** What was done · does the chain alone find it · where. */
const TAMPERINGS: readonly { readonly name: string; readonly alone: boolean; readonly tamper: (state: string) => void; readonly found: object }[] = [
  { name: "a word is edited", alone: true, tamper: (state) => write(at(state, 1), lines(at(state, 1)).map((line, index) => (index === 2 ? line.replace(/"time":\d+/, '"time":1') : line))), found: { line: 3, reason: "the hash does not fit the record" } },
  { name: "a record is deleted", alone: true, tamper: (state) => write(at(state, 1), lines(at(state, 1)).toSpliced(4, 1)), found: { line: 5, reason: "does not follow the record before it" } },
  { name: "two records change places", alone: true, tamper: (state) => { const all = lines(at(state, 0)); write(at(state, 0), all.toSpliced(5, 2, all[6] ?? "", all[5] ?? "")); }, found: { line: 6 } },
  { name: "two files change places", alone: true, tamper: (state) => { const [one = "", two = ""] = files(state); renameSync(one, join(state, "x")); renameSync(two, one); renameSync(join(state, "x"), two); }, found: { line: 1 } },
  { name: "bytes that are no text are exchanged for others", alone: true, tamper: (state) => { const all = lines(at(state, 1)); writeFileSync(at(state, 1), Buffer.from(withOneWrongByte(all, 3), "latin1")); }, found: { line: 4, reason: "the hash does not fit the record" } },
  { name: "the first file is gone", alone: true, tamper: (state) => rmSync(at(state, 0)), found: { line: 1, reason: expect.stringMatching(/records before this one are missing/) } },
  { name: "a file in the middle is gone", alone: true, tamper: (state) => rmSync(at(state, 1)), found: { line: 1, reason: "does not follow the record before it" } },
  { name: "a signature is exchanged", alone: true, tamper: (state) => rewriteWithout(state, "signature"), found: { reason: "the checkpoint's signature does not fit" } },
  { name: "the end is cut off", alone: false, tamper: (state) => { const last = files(state).at(-1) ?? ""; write(last, lines(last).slice(0, -9)); }, found: { reason: expect.stringMatching(/its end was cut off$/) } },
  { name: "the last file is gone", alone: false, tamper: (state) => rmSync(files(state).at(-1) ?? ""), found: { reason: expect.stringMatching(/its end was cut off$/) } },
  { name: "everything is gone but the beginning", alone: false, tamper: (state) => { for (const file of files(state).slice(1)) rmSync(file); truncateSync(at(state, 0), Buffer.byteLength(lines(at(state, 0))[0] ?? "") + 1); }, found: { seq: 0, reason: expect.stringMatching(/its end was cut off$/) } },
  { name: "all is written anew, with the key", alone: false, tamper: (state) => rewrite(state, (line) => (line["kind"] === "received" && line["id"] === "id-12" ? { ...line, cwd: "/elsewhere" } : line)), found: { reason: expect.stringMatching(/^it is not the record that the checkpoint of .* covers .*, or something behind record \d+, was written anew$/) } },
  { name: "a command is left out and all is written anew", alone: false, tamper: (state) => rewrite(state, (line) => (line["id"] === "id-12" ? undefined : line)), found: { reason: expect.stringMatching(/was written anew$/) } },
  { name: "all is written anew, with a new key", alone: false, tamper: (state) => { rmSync(checkpointKeyFile(state)); rewrite(state, (line) => line); }, found: { reason: expect.stringMatching(/signed by a key that no exported checkpoint has|was written anew/) } },
];

/** The lines, of which one holds a mark of replacement that was hashed as text and is one wrong byte on disk. */
function withOneWrongByte(all: readonly string[], index: number): string {
  const changed = rehashed({ ...(JSON.parse(all[index] ?? "") as Record<string, string>), extra: "\u{fffd}" });
  return all.map((line, at) => `${Buffer.from(at === index ? changed : line).toString("latin1")}\n`).join("").replace("\u00ef\u00bf\u00bd", "\u00ff");
}

/** An edit of a checkpoint whose hashes fit again, and whose signature does not. */
function rewriteWithout(state: string, member: string): void {
  const file = at(state, 0);
  const index = lines(file).findIndex((line) => line.includes('"kind":"checkpoint"'));
  const all = lines(file);
  const broken = JSON.parse(all[index] ?? "") as Record<string, string>;
  broken[member] = `${broken[member]?.startsWith("A") === true ? "B" : "A"}${(broken[member] ?? "").slice(1)}`;
  writeFileSync(file, [...all.slice(0, index), rehashed(broken), ""].join("\n"));
  for (const later of files(state).slice(1)) rmSync(later);
}

describe.each(TAMPERINGS)("when $name", ({ alone, tamper, found }) => {
  test(alone ? "the chain itself tells" : "what was exported tells, and the chain alone does not", () => {
    const state = copy();
    tamper(state);
    expect(verifyJournals(journalDirectory(state), { against: exported })).toMatchObject({ ok: false, ...found });
    expect(verifyJournals(journalDirectory(state)).ok).toBe(!alone);
  });
});

test("another installation's journal in its place is found by what was exported", async () => {
  const other = stateFolder();
  const recorder = await open(other);
  for (let index = 0; index < 40; index++) await recordOne(recorder, `id-${index}`, `echo ${index}`);
  await recorder.shutdown(1_000);
  expect(verifyJournals(journalDirectory(other))).toMatchObject({ ok: true });
  expect(verifyJournals(journalDirectory(other), { against: exported })).toMatchObject({ ok: false, seq: exported[0]?.covers });
});

test("an exported file that was changed is said to be", () => {
  const file = join(copy(), "changed.jsonl");
  writeFileSync(file, `not json\n{"other":1}\n${JSON.stringify({ ...exported[0], covers: 1 })}\n`);
  expect(readExported(file)).toMatchObject({ ok: false, file, line: 3 });
});

test("old files go, the chain says so, and what came after is still compared", async () => {
  const state = copy();
  let now = NOW + 10 * DAY;
  const before = files(state);
  const recorder = await open(state, { now: () => now, keep: { ms: 20 * DAY, bytes: 1e9 } });
  await recordOne(recorder, "later", "true");
  expect(files(state)).toEqual(before);
  now += 20 * DAY;
  await recorder.retire();
  expect(files(state).length).toBe(1);
  expect([...readRecords(state, { id: "later" })]).toHaveLength(1);
  await recorder.shutdown(2_000);
  expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true, removed: { records: expect.any(Number) as number, time: now, reason: "age" } });
  expect(verifyJournals(journalDirectory(original))).toMatchObject({ ok: true, removed: undefined });
  expect(verifyJournals(journalDirectory(state), { against: kept(state) })).toMatchObject({ ok: true });
  expect(verifyJournals(journalDirectory(state), { against: exported.slice(0, 1) })).toMatchObject({ ok: false, reason: expect.stringMatching(/nothing could be compared$/) });
  await (await open(state)).shutdown(1_000);
  expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true });
});

test("a file with a request that is open stays, and so does what was not exported while there is room", async () => {
  const state = stateFolder();
  const told: string[] = [];
  let now = NOW;
  const otlp = { url: "http://127.0.0.1:9/v1/traces", headers: {}, timeoutMs: 200 };
  const recorder = await open(state, { segmentBytes: 8_000, now: () => now, otlp, keep: { ms: DAY, bytes: 40_000 }, onError: (message) => told.push(message) });
  for (let index = 0; index < 12; index++) await recordOne(recorder, `id-${index}`, "true");
  const asked = request("open", "sleep 1000");
  recorder.received(asked, { mode: "command", text: "sleep 1000", workspace: undefined, intent: undefined, agent: undefined, trace: recorder.traceFor(asked) });
  const holds = files(state).at(-1) ?? "";
  now += 3 * DAY;
  await recorder.retire();
  expect(existsSync(files(state)[0] ?? "")).toBe(true);
  expect(readFileSync(files(state)[0] ?? "", "utf8")).toContain('"seq":0');
  for (let index = 12; index < 60; index++) await recordOne(recorder, `id-${index}`, "true");
  await recorder.retire();
  expect(told).toContainEqual(expect.stringMatching(/^\d+ files of the journal were removed for lack of room/));
  expect(files(state)[0]).toBe(holds);
  recorder.finished("open", { kind: "refused", code: 126 });
  await recorder.retire();
  expect(existsSync(holds)).toBe(false);
  await recorder.shutdown(300);
  expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true });
});

test("a broker that died while it removed files left a chain that is still whole", async () => {
  const state = copy();
  const saved = files(state).map((file) => ({ file, bytes: readFileSync(file) }));
  const recorder = await open(state, { now: () => NOW + 10 * DAY, keep: { ms: DAY, bytes: 1e9 } });
  await recordOne(recorder, "later", "true");
  await recorder.retire();
  await recorder.shutdown(2_000);
  const gone = saved.filter(({ file }) => !existsSync(file));
  expect(gone.length).toBeGreaterThan(1);
  // The first was removed, then it died.
  for (const { file, bytes } of gone.slice(1)) writeFileSync(file, bytes);
  expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true });
  rmSync(gone.at(-1)?.file ?? "");
  expect(verifyJournals(journalDirectory(state)).ok).toBe(gone.length === 2);
});

test("requests that cannot be recorded are refused, or, where settings say so, run and are named later", async () => {
  for (const whenFull of ["refuse", "run"] as const) {
    const state = stateFolder();
    const told: string[] = [];
    const recorder = await open(state, { whenFull, onError: (message) => told.push(message) });
    await recordOne(recorder, "before", "true");
    const full = withoutRoom();
    const asked = request("during", "make all");
    const received = recorder.received(asked, { mode: "command", text: "make all", workspace: undefined, intent: undefined, agent: undefined, trace: recorder.traceFor(asked) });
    const durable = received.ok ? await recorder.decided("during", decided()) : received;
    full.restore();
    expect(received.ok).toBe(whenFull === "run");
    expect(durable.ok).toBe(whenFull === "run");
    recorder.finished("during", { kind: "refused", code: 126 });
    await recordOne(recorder, "after", "true");
    await recorder.shutdown(1_000);
    const gaps = [...readEntries(journalDirectory(state))].flatMap(({ entry }) => (entry.kind === "unrecorded" ? [entry] : []));
    expect(gaps).toMatchObject(whenFull === "run" ? [{ code: "EFBIG", count: 1, requests: [{ id: "during", what: "request", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }] }] : []);
    expect(told).toEqual(whenFull === "run" ? [expect.stringMatching(/^commands run without a record from here on: EFBIG/)] : []);
    expect([...readRecords(state)].map(({ id }) => id)).toEqual(["before", "after"]);
    expect(verifyJournals(journalDirectory(state))).toMatchObject({ ok: true });
  }
});
