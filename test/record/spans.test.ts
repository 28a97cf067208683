import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { spansFile, type Recorder } from "../../src/record/index.ts";
import { ATTRIBUTES, EVENTS, SPANS, type Attribute, type AttributeType } from "../../src/record/attributes.ts";
import { Receiver, type ReceivedSpan } from "./support/receiver.ts";
import { decided, EXITED, NOW, open, recordOne, request } from "./support/sample.ts";
import { stateFolder } from "./support/state-folder.ts";

const receivers: Receiver[] = [];
afterEach(async () => { for (const receiver of receivers.splice(0)) await receiver.close(); });

async function receiver(): Promise<{ readonly receiver: Receiver; readonly otlp: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number } }> {
  const made = new Receiver();
  receivers.push(made);
  return { receiver: made, otlp: { url: await made.listen(), headers: { "x-team": "shells" }, timeoutMs: 600 } };
}

const byName = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => spans.find((span) => span.name === name) ?? (() => { throw new Error(`no span \`${name}\``); })();
const ids = (spans: readonly ReceivedSpan[]): readonly unknown[] => spans.filter((span) => span.name === "execute_tool shell").map((span) => span.attributes.get("vetsh.command.id"));

/** A command with everything that can be said of one, started inside another. */
async function recordFull(recorder: Recorder): Promise<void> {
  const outer = request("outer", "make test", { env: new Map([["TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"]]) });
  const outerTrace = recorder.traceFor(outer);
  recorder.received(outer, { mode: "command", text: "make test", workspace: "/w", intent: { text: "test it", source: "env", trust: "agent" }, agent: "opencode", session: "s-1", call: "call_42", trace: outerTrace });
  await recorder.decided("outer", { ...decided({
    source: "human",
    review: { outcome: "ask", rationale: "writes a lot", risk: "medium", model: "judge-1", startedAt: NOW + 1, ms: 20, error: "http_503", usage: { input: 800, output: 60 } },
    approval: { id: "7c1e", outcome: "approved", channel: "control", by: "anna", message: undefined, startedAt: NOW + 30, ms: 500 },
  }), undo: { outcome: "partly", snapshot: "k7m2qx", ms: 24.1, files: 412, bytes: 9_000, uncovered: ["what it changes elsewhere"] } });
  recorder.started("outer", 4711);
  recorder.connection("outer", { protocol: "connect", host: "api.example.org", port: 443, outcome: "allowed", reason: undefined, sent: 100, received: 2_000 });
  recorder.connection("outer", { protocol: "connect", host: "2001:db8::1", port: 80, outcome: "refused", reason: "not listed", sent: 0, received: 0 });
  recorder.connection("outer", { protocol: undefined, host: undefined, port: undefined, outcome: "refused", reason: "no request", sent: 0, received: 0 });
  await recorder.connectionDecided("outer", {
    host: "cdn.example.org", port: 443, method: "CONNECT", waitedMs: 5_200.4,
    decision: decided({ final: "run", source: "human", approval: { id: "9k2m", outcome: "approved", channel: "outer-terminal", by: "anna", message: undefined, startedAt: NOW, ms: 5_200 } }).decision,
  });
  recorder.planted("outer", ["/home/dev/app/.envrc"]);
  recorder.intent({ id: "outer", text: "test it", source: "transcript", trust: "agent", call: "call_42", prompt: "please test" });
  const inner = request("inner", "exit 3", { shell: "sh", env: new Map([["TRACEPARENT", outerTrace.traceparent]]) });
  const innerTrace = recorder.traceFor(inner);
  recorder.received(inner, { mode: "command", text: "exit 3", workspace: "/w", intent: undefined, agent: undefined, trace: innerTrace });
  await recorder.decided("inner", decided());
  recorder.started("inner", 4712);
  recorder.finished("inner", { kind: "exited", code: 3, usage: { wallUs: 2500, userUs: 1, systemUs: 2, maxRssKb: 3 } });
  recorder.finished("outer", { kind: "signalled", signal: 15, usage: { wallUs: 9000, userUs: 4, systemUs: 5, maxRssKb: 6 } });
  await recordOne(recorder, "refused", "x", { kind: "refused", code: 126 });
}

test("one trace tells intent, verdict, review, approval, process and the command inside", async () => {
  const { receiver: got, otlp } = await receiver();
  const recorder = await open(stateFolder(), { otlp });
  await recordFull(recorder);
  await recorder.shutdown(5000);
  const trace = got.spans.filter((span) => span.traceId === "4bf92f3577b34da6a3ce929d0e0e4736");
  const [inner, outer] = [trace.find((span) => span.attributes.get("vetsh.command.id") === "inner"), trace.find((span) => span.attributes.get("vetsh.command.id") === "outer")];
  const [review, approval, process, innerProcess] = [byName(trace, "chat judge-1"), byName(trace, "await_approval"), byName(trace, "bash"), byName(trace, "sh")];
  expect(trace).toHaveLength(6);
  expect(outer).toMatchObject({ name: "execute_tool shell", kind: 1, parentSpanId: "00f067aa0ba902b7", status: 2, start: BigInt(NOW) * 1_000_000n });
  expect([review.parentSpanId, approval.parentSpanId, process.parentSpanId]).toEqual([outer?.spanId, outer?.spanId, outer?.spanId]);
  expect([review.kind, approval.kind, process.kind]).toEqual([3, 1, 3]);
  expect(inner?.parentSpanId).toBe(process.spanId);
  expect(innerProcess.parentSpanId).toBe(inner?.spanId);
  // 0x100: whether the parent is remote is known; 0x200: it is; 1: sampled, though the inherited flag said that it is not.
  expect([outer?.flags, process.flags]).toEqual([0x301, 0x101]);
  expect(Object.fromEntries(outer?.attributes ?? [])).toMatchObject({
    "gen_ai.operation.name": "execute_tool", "gen_ai.agent.name": "opencode", "vetsh.command.redacted": "make test", "vetsh.intent.text": "test it", "vetsh.intent.trust": "agent",
    "vetsh.verdict": "allow", "vetsh.decision": "allow", "vetsh.decision.source": "human", "enduser.id": "anna", "vetsh.rule.id": ["reads"], "vetsh.rule.place": ["built-in rules/read.toml:7"],
    "process.exit.code": 143, "error.type": "signal 15", "vetsh.outcome": "signalled", "vetsh.network.reached": ["api.example.org:443"], "vetsh.network.refused": ["[2001:db8::1]:80", "?"], "vetsh.network.sent_bytes": 100, "vetsh.network.received_bytes": 2_000, "vetsh.authority.sandbox": "read-only", "vetsh.undo.id": "k7m2qx", "vetsh.undo.outcome": "partly", "vetsh.undo.us": 24_100, "vetsh.undo.uncovered": ["what it changes elsewhere"], "vetsh.command.traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
  });
  expect(outer?.events.map(({ name, attributes }) => [name, Object.fromEntries(attributes)])).toEqual([["vetsh.network.decision", {
    "server.address": "cdn.example.org", "server.port": 443, "vetsh.network.method": "CONNECT", "vetsh.network.held_ms": 5_200, "vetsh.verdict": "allow", "vetsh.decision": "allow", "vetsh.decision.source": "human",
    "vetsh.decision.reason": "reads only", "vetsh.rule.id": ["reads"], "vetsh.approval.id": "9k2m", "vetsh.approval.channel": "outer-terminal", "enduser.id": "anna",
  }]]);
  expect(Object.fromEntries(inner?.attributes ?? [])).toMatchObject({ "vetsh.command.depth": 1, "vetsh.command.parent": "outer", "process.exit.code": 3, "error.type": "3" });
  expect(Object.fromEntries(review.attributes)).toEqual({
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "judge-1", "gen_ai.output.type": "json", "gen_ai.usage.input_tokens": 800,
    "gen_ai.usage.output_tokens": 60, "vetsh.review.outcome": "ask", "vetsh.review.risk": "medium", "vetsh.review.rationale": "writes a lot", "error.type": "http_503",
  });
  expect(Object.fromEntries(approval.attributes)).toEqual({ "vetsh.approval.id": "7c1e", "vetsh.approval.outcome": "approved", "vetsh.approval.channel": "control", "enduser.id": "anna" });
  expect(Object.fromEntries(process.attributes)).toMatchObject({ "process.pid": 4711, "vetsh.process.signal": 15, "process.executable.name": "bash" });
  expect(approval.end - approval.start).toBe(500_000_000n);
  expect(innerProcess.end - innerProcess.start).toBe(2_500_000n);
});

test("what we emit is what the table says, all of it, and no text of commands is a name", async () => {
  const { receiver: got, otlp } = await receiver();
  const recorder = await open(stateFolder(), { otlp });
  await recordFull(recorder);
  await recorder.shutdown(5000);
  const onSpans = Object.values<Attribute>(ATTRIBUTES).filter(({ on }) => on.some((place) => place in SPANS || place in EVENTS || place === "resource"));
  const types = new Map<string, AttributeType>(onSpans.map(({ name, type }) => [name, type]));
  const emitted = new Set<string>();
  for (const span of got.spans) {
    for (const [name, value] of [...span.attributes, ...span.resource, ...span.events.flatMap(({ attributes }) => [...attributes])]) {
      emitted.add(name);
      expect(typeOf(value), name).toBe(types.get(name));
    }
    expect(span.name).not.toMatch(/make|exit/);
  }
  expect([...emitted].sort()).toEqual([...types.keys()].sort());
});

function typeOf(value: unknown): AttributeType {
  if (Array.isArray(value)) return "string[]";
  if (typeof value === "number") return "int";
  return typeof value === "boolean" ? "boolean" : "string";
}

test("a request that nobody allowed has no process", async () => {
  const { receiver: got, otlp } = await receiver();
  const recorder = await open(stateFolder(), { otlp });
  const asked = request("no", "rm -r x");
  recorder.received(asked, { mode: "command", text: "rm -r x", workspace: undefined, intent: undefined, agent: undefined, trace: recorder.traceFor(asked) });
  await recorder.decided("no", decided({ final: "refuse", source: "human", approval: { id: "1", outcome: "denied", channel: "terminal", by: "anna", message: "not now", startedAt: NOW, ms: 3 } }));
  recorder.finished("no", { kind: "refused", code: 126 });
  await recorder.shutdown(5000);
  expect(got.spans.map((span) => span.name)).toEqual(["execute_tool shell", "await_approval"]);
  expect(Object.fromEntries(got.spans[0]?.attributes ?? [])).toMatchObject({ "vetsh.decision": "ask_denied", "error.type": "denied", "process.exit.code": 126, "vetsh.outcome": "refused" });
});

test("the local file holds the same spans as OTLP-JSON lines, for this user only", async () => {
  const state = stateFolder();
  const recorder = await open(state);
  await recordOne(recorder, "a", "ls");
  await recorder.shutdown(5000);
  const lines = readFileSync(spansFile(state), "utf8").trim().split("\n").map((line) => JSON.parse(line) as { readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly { readonly name: string; readonly traceId: string }[] }[] }[] });
  const spans = lines.flatMap((line) => line.resourceSpans.flatMap((of) => of.scopeSpans.flatMap((scope) => scope.spans)));
  expect(spans.map((span) => span.name)).toEqual(["execute_tool shell", "bash"]);
  expect(spans[0]?.traceId).toMatch(/^[0-9a-f]{32}$/);
});

test("a collector that fails in every way gets every span, in order, none twice by mistake", async () => {
  const { receiver: got, otlp } = await receiver();
  got.faults.push("503", "reset", "429", "hang", "503");
  const told: string[] = [];
  const recorder = await open(stateFolder(), { otlp, retry: { firstMs: 10, mostMs: 50 }, onError: (message) => told.push(message) });
  for (let index = 0; index < 150; index++) await recordOne(recorder, `id-${index}`, `echo ${index}`);
  await expect.poll(() => ids(got.spans).length, { timeout: 15_000 }).toBe(150);
  await recorder.shutdown(5000);
  expect(got.requests.slice(0, 6).map((one) => one.answered)).toEqual(["503", "reset", "429", "hang", "503", "200"]);
  expect(ids(got.spans)).toEqual(Array.from({ length: 150 }, (_, index) => `id-${index}`));
  expect(new Set(got.requests.map((one) => `${one.path} ${one.type} ${String(one.headers["x-team"])}`))).toEqual(new Set(["/v1/traces application/x-protobuf shells"]));
  expect(told).toEqual([expect.stringMatching(/^spans \(otlp\) wait: /)]);
}, 20_000);

test("a collector that is away blocks nothing; the next start sends what waited", async () => {
  const { receiver: got, otlp } = await receiver();
  await got.close();
  const state = stateFolder();
  const port = Number(new URL(otlp.url).port);
  const first = await open(state, { otlp, retry: { firstMs: 10, mostMs: 50 }, onError: () => undefined, segmentBytes: 20_000 });
  for (let index = 0; index < 100; index++) await recordOne(first, `id-${index}`, "true");
  await first.shutdown(300);
  const back = new Receiver();
  receivers.splice(0, receivers.length, back);
  await back.listen(port);
  const second = await open(state, { otlp, retry: { firstMs: 10, mostMs: 50 } });
  await recordOne(second, "id-100", "true");
  await second.shutdown(5000);
  expect(ids(back.spans)).toEqual(Array.from({ length: 101 }, (_, index) => `id-${index}`));
  const third = await open(state, { otlp });
  await recordOne(third, "id-101", "true");
  await third.shutdown(5000);
  expect(ids(back.spans).slice(101)).toEqual(["id-101"]);
}, 20_000);

test("one request that the collector will never take costs that one only", async () => {
  const { receiver: got, otlp } = await receiver();
  got.refuses = (span) => span.attributes.get("vetsh.command.id") === "id-7";
  const told: string[] = [];
  const recorder = await open(stateFolder(), { otlp, onError: (message) => told.push(message) });
  for (let index = 0; index < 20; index++) await recordOne(recorder, `id-${index}`, "true");
  await recorder.shutdown(5000);
  expect(ids(got.spans)).toEqual(Array.from({ length: 20 }, (_, index) => `id-${index}`).filter((id) => id !== "id-7"));
  expect(told).toEqual([expect.stringMatching(/^spans \(otlp\): the span of id-7 was refused and is left out: /)]);
});

test("a request that is open over a restart is exported whole, when it ends", async () => {
  const { receiver: got, otlp } = await receiver();
  const state = stateFolder();
  const first = await open(state, { otlp });
  const asked = request("long", "sleep 1000");
  first.received(asked, { mode: "command", text: "sleep 1000", workspace: undefined, intent: undefined, agent: undefined, trace: first.traceFor(asked) });
  await first.decided("long", decided());
  await recordOne(first, "short", "true");
  await first.shutdown(5000);
  expect(ids(got.spans)).toEqual(["short"]);
  const second = await open(state, { otlp });
  second.late("long", EXITED);
  await second.shutdown(5000);
  expect(ids(got.spans)).toEqual(["short", "long"]);
  expect(got.spans.find((span) => span.attributes.get("vetsh.command.id") === "long")?.attributes.get("vetsh.command.redacted")).toBe("sleep 1000");
});

test("a collector that never answers does not hold the end up, and loses nothing", async () => {
  const { receiver: got, otlp } = await receiver();
  got.faults.push("hang", "hang", "hang");
  const state = stateFolder();
  const first = await open(state, { otlp: { ...otlp, timeoutMs: 60_000 } });
  await recordOne(first, "a", "true");
  await first.shutdown(200);
  got.faults.splice(0);
  const second = await open(state, { otlp });
  await recordOne(second, "b", "true");
  await second.shutdown(5000);
  expect(ids(got.spans)).toEqual(["a", "b"]);
});

test("commands that come while the collector is away are all recorded at once and sent later, over several files", async () => {
  const { receiver: got, otlp } = await receiver();
  got.faults.push(...Array.from({ length: 6 }, () => "503" as const));
  const recorder = await open(stateFolder(), { otlp, segmentBytes: 20_000, retry: { firstMs: 100, mostMs: 100 }, onError: () => undefined });
  await Promise.all(Array.from({ length: 300 }, (_, index) => recordOne(recorder, `id-${index}`, "true")));
  await expect.poll(() => got.spans.length, { timeout: 15_000 }).toBe(600);
  await recorder.shutdown(5000);
  expect(new Set(ids(got.spans)).size).toBe(300);
  expect(new Set(got.spans.map((span) => span.spanId)).size).toBe(600);
}, 20_000);
