import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { journalDirectory, logsFile, metricsFile, readExported, verifyJournals, type Recorder } from "../../src/record/index.ts";
import { ATTRIBUTES, LOGS, METRICS } from "../../src/record/attributes.ts";
import type { Clock } from "../../src/record/forwarder.ts";
import { encoders } from "../../src/record/opentelemetry.ts";
import { readEntries } from "../../src/record/segments.ts";
import { httpPlace } from "../../src/record/sink.ts";
import { Receiver, type ReceivedPoint } from "./support/receiver.ts";
import { decided, EXITED, NOW, open, recordOne, request } from "./support/sample.ts";
import { stateFolder } from "./support/state-folder.ts";

const receivers: Receiver[] = [];
afterEach(async () => { for (const receiver of receivers.splice(0)) await receiver.close(); });

type Otlp = { readonly url: string; readonly logsUrl: string; readonly metricsUrl: string; readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number };

async function receiver(): Promise<{ readonly got: Receiver; readonly otlp: Otlp }> {
  const got = new Receiver();
  receivers.push(got);
  const url = await got.listen();
  return { got, otlp: { url, logsUrl: url.replace("traces", "logs"), metricsUrl: url.replace("traces", "metrics"), headers: {}, timeoutMs: 2_000 } };
}

/** Time that passes when somebody waits for it. */
function simulated(): Clock & { at: number; readonly slept: number[] } {
  const clock = {
    at: 0,
    slept: [] as number[],
    now: () => clock.at,
    sleep: (ms: number) => {
      clock.at += ms;
      clock.slept.push(ms);
      return { done: new Promise<void>((resolve) => { setImmediate(resolve); }), cancel: () => undefined };
    },
  };
  return clock;
}

/** One of everything that is told. */
async function recordAll(recorder: Recorder): Promise<void> {
  const asked = request("a", "make test");
  recorder.received(asked, { mode: "command", text: "make test", workspace: "/w", intent: { text: "test it", source: "env", trust: "agent" }, agent: "codex", trace: recorder.traceFor(asked) });
  const approval = { id: "7c1e", outcome: "approved", channel: "control", by: "anna", message: undefined, startedAt: NOW + 30, ms: 500 } as const;
  const review = { outcome: "ask", rationale: "writes a lot", risk: "medium", model: "judge-1", startedAt: NOW + 1, ms: 20, error: "http_503", usage: undefined } as const;
  await recorder.decided("a", { ...decided({ source: "human", review, approval }), undo: { outcome: "kept", snapshot: "k7m2qx", ms: 1, files: 1, bytes: 1, uncovered: [] } });
  recorder.started("a", 4711);
  await recorder.connectionDecided("a", { host: "cdn.example.org", port: 443, method: "CONNECT", waitedMs: 5, decision: decided({ final: "refuse", source: "human", approval: { ...approval, outcome: "denied" } }).decision });
  recorder.planted("a", ["/w/.envrc"]);
  recorder.intent({ id: "a", text: "test it", source: "transcript", trust: "agent", call: "call_42", prompt: "please test" });
  recorder.finished("a", { kind: "signalled", signal: 15, usage: { wallUs: 9_000, userUs: 4, systemUs: 5, maxRssKb: 6 } });
  recorder.attached({ pid: 12, agent: "codex", ways: ["SHELL"] });
  recorder.bypass({ pid: 9, program: "/home/dev/sh", command: "sh -c x" });
  recorder.granted({ id: "g1", keep: "session", by: "anna", channel: "control", planHash: "p", command: "make test", cwd: "/w", expiresAt: NOW, rules: ["mine"] });
  recorder.revoked({ id: "g1", by: "anna" });
  recorder.undone({ snapshot: "k7m2qx", redo: "r", workspace: "/w", restored: 1, removed: 1, problems: [], by: "anna" });
  recorder.published({ port: 3000, as: 3000, workspace: "/w", by: "anna" });
  recorder.unpublished({ port: 3000, as: 3000, workspace: "/w", reason: "asked" });
  recorder.checkpoint();
}

test("each transition is a log record with the trace of its command, and carries what the table says", async () => {
  const { got, otlp } = await receiver();
  const state = stateFolder();
  const recorder = await open(state, { otlp, keep: { ms: 1, bytes: 1 } });
  await recordAll(recorder);
  await recorder.shutdown(5_000);
  expect(got.logs.map(({ event }) => event)).toEqual([
    "vetsh.broker.started", "vetsh.command.received", "vetsh.review.completed", "vetsh.approval.resolved", "vetsh.command.decided", "vetsh.command.started", "vetsh.network.decision", "vetsh.command.planted",
    "vetsh.intent.found", "vetsh.command.finished", "vetsh.agent.attached", "vetsh.agent.bypass", "vetsh.grant.given", "vetsh.grant.revoked", "vetsh.undo.applied", "vetsh.port.published", "vetsh.port.unpublished", "vetsh.audit.checkpoint",
  ]);
  for (const { event, attributes } of got.logs) {
    const [, said] = Object.entries(LOGS).find(([, { name }]) => name === event) ?? [];
    expect([...attributes.keys()].toSorted(), event).toEqual(["vetsh.record.seq", ...(said?.attributes ?? []).map((key) => ATTRIBUTES[key].name)].filter((name) => attributes.has(name)).toSorted());
    expect(attributes.size, event).toBeGreaterThanOrEqual((said?.attributes.length ?? 0) - 5);
  }
  const command = got.logs.filter(({ attributes }) => attributes.get("vetsh.command.id") === "a");
  const span = got.spans.find(({ name }) => name === "execute_tool shell");
  expect(new Set(command.map(({ traceId, spanId }) => `${traceId}/${spanId}`))).toEqual(new Set([`${span?.traceId ?? ""}/${span?.spanId ?? ""}`]));
  expect(Object.fromEntries(got.logs.find(({ event }) => event === "vetsh.command.received")?.attributes ?? [])).toMatchObject({ "vetsh.command.redacted": "make test", "gen_ai.agent.name": "codex", "vetsh.intent.text": "test it" });
  expect(got.logs.find(({ event }) => event === "vetsh.network.decision")).toMatchObject({ severity: "WARN" });
  expect(Object.fromEntries(got.logs.find(({ event }) => event === "vetsh.command.finished")?.attributes ?? [])).toMatchObject({ "vetsh.outcome": "signalled", "process.exit.code": 143, "vetsh.process.wall_us": 9_000 });
  expect(got.logs[0]?.resource.get("service.name")).toBe("vetsh");
});

test("checkpoints in the exported log records are what the journal is compared with", async () => {
  const state = stateFolder();
  const recorder = await open(state, { checkpointRecords: 5 });
  for (let index = 0; index < 10; index++) await recordOne(recorder, `id-${index}`, "true");
  await recorder.shutdown(5_000);
  const kept = readExported(logsFile(state));
  if (!kept.ok) throw new Error(kept.reason);
  const signed = [...readEntries(journalDirectory(state))].filter(({ entry }) => entry.kind === "checkpoint");
  expect(kept.checkpoints).toHaveLength(signed.length);
  expect(kept.checkpoints.length).toBeGreaterThan(5);
  expect(verifyJournals(journalDirectory(state), { against: kept.checkpoints })).toMatchObject({ ok: true });
});

const sum = (points: readonly ReceivedPoint[], name: string): number => points.filter((point) => point.name === name).reduce((total, { value }) => total + value, 0);

test("metrics count each request once, over restarts and repetitions", async () => {
  const { got, otlp } = await receiver();
  const state = stateFolder();
  const first = await open(state, { otlp });
  await recordAll(first);
  for (let index = 0; index < 20; index++) await recordOne(first, `id-${index}`, "true");
  await first.shutdown(5_000);
  const { start } = got.points[0] ?? {};
  expect(new Set(got.points.map(({ name }) => name))).toEqual(new Set(Object.values(METRICS).map(({ name }) => name)));
  expect([sum(got.points, "vetsh.decisions"), sum(got.points, "vetsh.command.duration"), sum(got.points, "vetsh.approval.wait"), sum(got.points, "vetsh.surprises")]).toEqual([21, 21, 2, 1]);
  const durations = got.points.filter(({ name }) => name === "vetsh.command.duration");
  expect(durations.map(({ attributes }) => Object.fromEntries(attributes))).toContainEqual({ "vetsh.outcome": "signalled", "gen_ai.agent.name": "codex" });
  for (const { buckets, value } of durations) expect(buckets.reduce((total, count) => total + count, 0)).toBe(value);
  got.faults.push("503", "reset", "503", "reset");
  const second = await open(state, { otlp, retry: { firstMs: 5, mostMs: 5 }, onError: () => undefined });
  for (let index = 20; index < 30; index++) await recordOne(second, `id-${index}`, "true");
  await expect.poll(() => got.spans.length, { timeout: 10_000 }).toBe(4 + 2 * 30);
  await second.shutdown(5_000);
  expect(sum(got.points, "vetsh.decisions")).toBe(31);
  expect(got.points[0]?.start).toBe(start);
  expect(readFileSync(metricsFile(state), "utf8").trim().split("\n").length).toBe(2);
}, 20_000);

test.each(["401", "404"] as const)("a collector that answers %s is left alone after a while, and gets everything when it is put right", async (answer) => {
  const { got, otlp } = await receiver();
  const clock = simulated();
  const told: string[] = [];
  got.failing = () => (clock.at < LIMITS.exportRefusedMs + 2 * LIMITS.exportRestMs ? answer : undefined);
  const recorder = await open(stateFolder(), { otlp: { url: otlp.url, headers: {}, timeoutMs: 2_000 }, clock, onError: (message) => told.push(message) });
  for (let index = 0; index < 5; index++) await recordOne(recorder, `id-${index}`, "true");
  await expect.poll(() => got.spans.length, { timeout: 10_000 }).toBe(10);
  await recorder.shutdown(5_000);
  expect(told).toEqual([`spans (otlp) wait: the collector answers ${answer}`, expect.stringMatching(/^spans \(otlp\): the collector answers \d+ for 10 minutes: tried once in 60 minutes from here on, and at the next start; what is not delivered waits in the journal$/)]);
  expect(clock.slept.filter((ms) => ms === LIMITS.exportRestMs)).toHaveLength(2);
  // Ten minutes of trying, each time a little later, are not many attempts.
  expect(got.requests.filter(({ answered }) => answered === answer).length).toBeLessThan(30);
});

test.each([["a page", Buffer.from("<html>hello</html>")], ["JSON", Buffer.from("{}")], ["half a message", Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1])]] as const)("a collector that answers with %s has what it took, and ends nothing", async (_what, body) => {
  const server = createServer((asked, answer) => { asked.resume().once("end", () => answer.end(body)); });
  await new Promise<void>((done) => { server.listen(0, "127.0.0.1", done); });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
  try {
    for (const { partial } of Object.values(encoders("1"))) {
      const place = httpPlace({ url, headers: {}, timeoutMs: 2_000, partial });
      expect(await place.put(Buffer.from("x"))).toEqual({ kind: "done" });
      place.close();
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("an hour without a collector costs nothing but the wait, and what it asks for is waited", async () => {
  const { got, otlp } = await receiver();
  const clock = simulated();
  const hour = 3_600_000;
  const down = ["503", "reset", "429"] as const;
  let asked = 0;
  got.failing = () => (clock.at < hour ? down[asked++ % down.length] : undefined);
  const recorder = await open(stateFolder(), { otlp: { url: otlp.url, headers: {}, timeoutMs: 2_000 }, clock, onError: () => undefined });
  for (let index = 0; index < 200; index++) await recordOne(recorder, `id-${index}`, "true");
  await expect.poll(() => got.spans.length, { timeout: 20_000 }).toBe(400);
  await recorder.shutdown(5_000);
  expect(new Set(got.spans.map(({ spanId }) => spanId)).size).toBe(400);
  expect(clock.at).toBeGreaterThanOrEqual(hour);
  expect(got.requests.length).toBeLessThan(200);
}, 30_000);

test("a collector that says when to come again is not asked before", async () => {
  const { got, otlp } = await receiver();
  const clock = simulated();
  got.faults.push("429");
  const recorder = await open(stateFolder(), { otlp: { url: otlp.url, headers: {}, timeoutMs: 2_000 }, clock, retry: { firstMs: 1, mostMs: 5 }, onError: () => undefined });
  await recordOne(recorder, "a", "true");
  await expect.poll(() => got.spans.length, { timeout: 10_000 }).toBe(2);
  await recorder.shutdown(5_000);
  expect(clock.slept).toContain(1_000);
});

/** How four agents start a shell: what matters here is that their lines, words and environments differ. */
const AGENTS = [
  { agent: "claude-code", argv: (line: string) => ["bash", "-c", "-l", `eval '${line}' < /dev/null && pwd -P >| /tmp/claude-1-cwd`] },
  { agent: "codex", argv: (line: string) => ["bash", "-lc", line] },
  { agent: "gemini-cli", argv: (line: string) => ["bash", "-c", line] },
  { agent: "opencode", argv: (line: string) => ["bash", "-c", `${line}\n`] },
];

test("a day of four agents arrives whole: nothing lost, repetitions known, the order as it was", async () => {
  const { got, otlp } = await receiver();
  const state = stateFolder();
  const options = { otlp: { ...otlp, timeoutMs: 300 }, segmentBytes: 200_000, retry: { firstMs: 5, mostMs: 20 }, onError: () => undefined };
  const count = 1_000;
  let recorder = await open(state, options);
  got.faults.push("503", "429", "reset", "hang", "503", "reset", "hang");
  for (let index = 0; index < count; index += 4) {
    // A broker that goes in between sends again what it does not know to have arrived.
    if (index === count / 2) { await recorder.shutdown(50); recorder = await open(state, options); }
    await Promise.all(AGENTS.map(async ({ agent, argv }, lane) => {
      const id = `c-${index + lane}`;
      const words = argv(`echo ${id}`);
      const asked = request(id, words.at(-1) ?? "", { argv: words });
      recorder.received(asked, { mode: "command", text: words.at(-1), workspace: "/w", intent: undefined, agent, trace: recorder.traceFor(asked) });
      await recorder.decided(id, decided());
      recorder.started(id, 1);
      recorder.finished(id, EXITED);
    }));
  }
  await expect.poll(() => new Set(got.logs.map(({ attributes }) => attributes.get("vetsh.record.seq"))).size, { timeout: 30_000 }).toBeGreaterThanOrEqual(4 * count);
  await recorder.shutdown(10_000);
  const written = [...readEntries(journalDirectory(state))].map(({ entry }) => entry);
  const finished = written.flatMap((entry) => (entry.kind === "finished" ? [entry.id] : []));
  expect(finished).toHaveLength(count);
  const spans = new Map(got.spans.map((span) => [span.spanId, span]));
  expect([...spans.values()].filter(({ name }) => name === "execute_tool shell").map(({ attributes }) => attributes.get("vetsh.command.id")).toSorted()).toEqual(finished.toSorted());
  expect(spans.size).toBe(2 * count);
  const logs = new Map(got.logs.map((log) => [Number(log.attributes.get("vetsh.record.seq")), log]));
  expect([...logs.keys()].toSorted((a, b) => a - b)).toEqual(written.map(({ seq }) => seq));
  expect([...logs].toSorted(([a], [b]) => a - b).flatMap(([, { event, attributes }]) => (event === "vetsh.command.finished" ? [attributes.get("vetsh.command.id")] : []))).toEqual(finished);
  expect(sum(got.points, "vetsh.decisions")).toBe(count);
  expect(new Set(got.points.filter(({ name }) => name === "vetsh.decisions").map(({ attributes }) => attributes.get("gen_ai.agent.name")))).toEqual(new Set(AGENTS.map(({ agent }) => agent)));
}, 60_000);
