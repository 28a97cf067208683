/** Who is asked about a connection, how often, and what becomes of the answer. Real approvals and stores; a hand instead of a person. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Approvals, type Channel, type HumanAnswer } from "../../src/broker/approvals.ts";
import { ConnectionQuestions } from "../../src/broker/connection-questions.ts";
import { deskFor, type DeskParts } from "../../src/broker/connection-desk.ts";
import { judge, type Judgement } from "../../src/broker/index.ts";
import { SessionGrants } from "../../src/broker/session-grants.ts";
import { QuestionStore } from "../../src/broker/question-store.ts";
import type { AskReview } from "../../src/broker/review-port.ts";
import { compileSpecs } from "../../src/analyse/index.ts";
import { LIMITS, type Question, type Review } from "../../src/model/index.ts";
import type { Sought } from "../../src/network/index.ts";
import { layer, rules } from "../policy/support.ts";
import { defaults } from "../policy/judge.ts";
import { nothingKnown } from "../../src/model/index.ts";

const folder = mkdtempSync(join(tmpdir(), "vetsh-connections-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

const { loaded } = defaults();
const specs = compileSpecs(loaded.specs);
const never = (): AbortSignal => new AbortController().signal;
const yes: HumanAnswer = { answer: "yes", by: "u", message: undefined };
const no: HumanAnswer = { answer: "no", by: "u", message: "not that one" };
const to = (host: string, more: Partial<Sought> = {}): Sought => ({ target: { host, port: 443 }, protocol: "connect", method: "CONNECT", listed: false, askable: true, holdMs: 60_000, ...more });

type Options = { readonly person?: boolean; readonly review?: (count: number) => Partial<Review>; readonly network?: string; readonly holdMs?: number };

/** A broker's half that decides about connections of `line`. */
function world(options: Options = {}) {
  let now = 1_000_000;
  const store = new QuestionStore(join(folder, `${(files += 1)}.json`), () => now, () => undefined);
  const shown: { readonly question: Question; readonly answer: (answer: HumanAnswer | undefined) => void; withdrawn: boolean }[] = [];
  const person: Channel = {
    name: "outer-terminal",
    present: (question, _origin, signal) => new Promise((answer) => {
      const one = { question, answer, withdrawn: false };
      shown.push(one);
      signal.addEventListener("abort", () => { one.withdrawn = true; answer(undefined); });
    }),
  };
  const approvals = new Approvals(store, options.person === false ? [] : [person], () => now);
  const recorded: Record<string, unknown>[] = [];
  let reviews = 0;
  const reviewed: unknown[] = [];
  const review: AskReview = async (_judged, _signal, connection) => {
    reviewed.push(connection);
    return { outcome: "ask", rationale: "r", risk: "low", model: "m", startedAt: 0, ms: 0, error: undefined, usage: undefined, ...options.review?.(reviews++) };
  };
  const parts = {
    approvals, questions: store, sessionOf: () => undefined,
    sessionGrants: new SessionGrants(join(folder, `${(files += 1)}.json`), () => now, { granted: () => ({ ok: true }), revoked: () => ({ ok: true }) }, () => undefined), connectionQuestions: new ConnectionQuestions(store, () => now), log: (message: string) => { throw new Error(message); },
    reviews: { portFor: () => (options.review === undefined ? undefined : review) },
    recorder: { connectionDecided: async (id: string, { decision, host, waitedMs }: { decision: { final: string; source: string; approval: unknown }; host: string; waitedMs: number }) => { recorded.push({ id, host, final: decision.final, source: decision.source, waited: waitedMs >= 0 }); return { ok: true }; } },
  } as unknown as DeskParts;
  const set = rules(...loaded.tiers.map(({ tier, mayLoosen, files: all }) => ({ tier, mayLoosen, files: all })), ...(options.network === undefined ? [] : [layer("user", options.network)]));
  const line = (text: string): Judgement => judge({ id: "x", shell: "bash", argv: ["bash", "-c", text], tty: { stdin: false }, inherited: new Map(), unreadable: undefined }, { cwd: "/w", workspace: "/w", home: "/h", env: new Map(), vetsh: [], files: nothingKnown }, { specs, rules: set }, { sandboxed: true, unconfined: undefined });
  const run = (text = "npm test", given: readonly string[] = ["api.example"]) => deskFor({
    id: `run${(files += 1)}`, judged: line(text), given, pid: process.pid,
    inForce: { specs, rules: set, loaded: { ...loaded, settings: { ...loaded.settings, approvals: { ...loaded.settings.approvals, holdMs: options.holdMs ?? 60_000 } } } },
  }, parts);
  return { run, shown, store, approvals, recorded, reviewed, reviews: () => reviews, pass: (ms: number) => { now += ms; } };
}

const network = (id: string, body: string): string => `[[network]]\nid = "${id}"\n${body}\nreason = "${id} reason"\nmatch = ["cdn.example:443"]\nnot_match = ["b.example:443"]\n`;

describe("without asking", () => {
  test("a host that the command was given", async () => {
    const { run, shown, recorded } = world();
    expect(await run()(to("api.example", { listed: true }), never())).toEqual({ kind: "allowed", hosts: ["api.example"] });
    expect([shown, recorded]).toEqual([[], []]);
  });

  test("a rule that denies wins over what the command was given, and over a grant", async () => {
    const { run, shown, recorded } = world({ network: network("no-cdn", 'host = "cdn.example"\ndecision = "deny"') });
    for (const listed of [true, false]) expect(await run()(to("cdn.example", { listed }), never())).toMatchObject({ kind: "refused", reason: "`cdn.example:443` is denied: no-cdn reason (rule no-cdn)" });
    expect(shown).toEqual([]);
    expect(recorded).toMatchObject([{ final: "refuse", source: "rule" }, { final: "refuse", source: "rule" }]);
  });

  test("a rule that allows opens this host, with the addresses it names", async () => {
    const { run, shown } = world({ network: network("cdn", 'host = "cdn.example"\naddresses = ["10.0.0.0/8"]\ndecision = "allow"') });
    expect(await run()(to("cdn.example"), never())).toEqual({ kind: "allowed", hosts: ["cdn.example", "10.0.0.0/8"] });
    expect(shown).toEqual([]);
  });

  test("nobody there: refused at once, the id and the way in the answer, and the question stays open", async () => {
    const { run, store } = world({ person: false });
    const refused = await run()(to("cdn.example"), never());
    const [question] = store.all();
    expect(question).toMatchObject({ state: "open", command: "npm test", reason: "it runs already, and asks for a host that its line does not name", authority: "cdn.example:443, beside api.example that it was given" });
    expect(refused).toEqual({ kind: "refused", reason: `\`cdn.example:443\` is not among the hosts of this command and needs a person's approval, question ${question?.id}`, hint: `only a person can, in a terminal of their own: vetsh approve ${question?.id}; then run exactly the same command once more` });
  });

  test("where no yes could help nobody is asked", async () => {
    const { run, shown } = world();
    expect(await run()(to("9.9.9.9", { askable: false }), never())).toMatchObject({ kind: "refused", reason: expect.stringContaining("addresses are not asked about") as string });
    expect(shown).toEqual([]);
  });

  test("so many hosts, and no more", async () => {
    const { run, store } = world({ person: false });
    const desk = run();
    for (let at = 0; at < LIMITS.connectionQuestions; at += 1) await desk(to(`h${at}.example`), never());
    expect(await desk(to("more.example"), never())).toMatchObject({ reason: `this command has asked for ${LIMITS.connectionQuestions} hosts that it was not given` });
    expect(store.all()).toHaveLength(LIMITS.connectionQuestions);
    expect(await desk(to("h0.example"), never())).toMatchObject({ reason: expect.stringContaining("question") as string });
  });
});

describe("a person", () => {
  test("is asked once for many connections to one host and port, and a yes holds for the rest of the run and no longer", async () => {
    const { run, shown, recorded } = world();
    const desk = run();
    const held = [1, 2, 3].map(() => desk(to("cdn.example"), never()));
    await expect.poll(() => shown.length).toBe(1);
    shown[0]?.answer(yes);
    expect(await Promise.all(held)).toEqual([1, 2, 3].map(() => ({ kind: "allowed", hosts: ["cdn.example"] })));
    expect(await desk(to("cdn.example"), never())).toMatchObject({ kind: "allowed" });
    expect(shown).toHaveLength(1);
    expect(recorded).toMatchObject([{ host: "cdn.example", final: "run", source: "human", waited: true }]);
    void run()(to("cdn.example"), never());
    await expect.poll(() => shown.length).toBe(2);
  });

  test("is asked about each host, each port, and sending by itself", async () => {
    const { run, shown } = world();
    const desk = run();
    for (const sought of [to("cdn.example"), to("cdn.example", { target: { host: "cdn.example", port: 444 } }), to("b.example"), to("cdn.example", { protocol: "http", method: "POST" }), to("cdn.example", { protocol: "http", method: "PUT" })]) void desk(sought, never());
    await expect.poll(() => shown.length).toBe(4);
  });

  test("is asked once for two runs of one line, and once for each line", async () => {
    const { run, shown } = world();
    const held = [run("npm test")(to("cdn.example"), never()), run("npm test")(to("cdn.example"), never()), run("make")(to("cdn.example"), never())];
    await expect.poll(() => shown.length).toBe(2);
    shown.find(({ question }) => question.command === "npm test")?.answer(yes);
    expect((await Promise.all(held.slice(0, 2))).map(({ kind }) => kind)).toEqual(["allowed", "allowed"]);
    shown.find(({ question }) => question.command === "make")?.answer(no);
    expect(await held[2]).toMatchObject({ kind: "refused", reason: "`cdn.example:443` is not among the hosts of this command: a person said no: not that one" });
  });

  test("who said no is not asked again for a while", async () => {
    const { run, shown, pass } = world();
    const desk = run();
    const held = desk(to("cdn.example"), never());
    await expect.poll(() => shown.length).toBe(1);
    shown[0]?.answer(no);
    await held;
    expect(await desk(to("cdn.example"), never())).toMatchObject({ kind: "refused" });
    expect(await run()(to("cdn.example"), never())).toMatchObject({ kind: "refused" });
    expect(shown).toHaveLength(1);
    pass(LIMITS.connectionAnswerMs + 1);
    void run()(to("cdn.example"), never());
    await expect.poll(() => shown.length).toBe(2);
  });

  test("who does not answer in time: pending, and a yes by id lets the next run pass, once", async () => {
    const { run, shown, approvals, store, recorded } = world({ holdMs: 50 });
    const refused = await run()(to("cdn.example"), never());
    const id = store.all()[0]?.id ?? "";
    expect(refused).toMatchObject({ kind: "refused", hint: expect.stringContaining(`vetsh approve ${id}`) as string });
    expect(recorded).toMatchObject([{ final: "refuse", source: "fallback" }]);
    expect(approvals.answer(id, yes)?.effect).toBe("kept");
    const rerun = run();
    expect(await rerun(to("cdn.example"), never())).toMatchObject({ kind: "allowed" });
    expect(await rerun(to("cdn.example"), never())).toMatchObject({ kind: "allowed" });
    expect(recorded.at(-1)).toMatchObject({ final: "run", source: "grant" });
    expect(await run()(to("cdn.example"), never())).toMatchObject({ kind: "refused" });
    expect(shown).toHaveLength(2);
  });

  test("whose yes comes when an impatient client gave up: the question stays on the screen, and the yes is kept for the next try, once", async () => {
    const { run, shown, store } = world();
    const desk = run();
    const refused = await desk(to("cdn.example", { holdMs: 20 }), never());
    expect(refused).toMatchObject({ kind: "refused", reason: expect.stringContaining(store.all()[0]?.id ?? "?") as string });
    expect(shown).toMatchObject([{ withdrawn: false }]);
    shown[0]?.answer(yes);
    await expect.poll(() => store.all().map(({ state }) => state)).toEqual(["approved"]);
    expect(await desk(to("cdn.example"), never())).toMatchObject({ kind: "allowed" });
    expect(store.all()).toEqual([]);
  });

  test("whose command ended: the question is withdrawn", async () => {
    const { run, shown } = world();
    const ended = new AbortController();
    const held = run()(to("cdn.example"), ended.signal);
    await expect.poll(() => shown.length).toBe(1);
    ended.abort();
    expect(await held).toMatchObject({ kind: "refused" });
    await expect.poll(() => shown[0]?.withdrawn).toBe(true);
  });
});

describe("a reviewer", () => {
  test("may allow where rules say `review`, and is told what is in question", async () => {
    const { run, shown, reviewed, recorded } = world({ review: () => ({ outcome: "allow" }) });
    expect(await run()(to("cdn.example"), never())).toEqual({ kind: "allowed", hosts: ["cdn.example"] });
    expect(shown).toEqual([]);
    expect(reviewed).toMatchObject([{ host: "cdn.example", port: 443, method: "CONNECT", given: ["api.example"] }]);
    expect(recorded).toMatchObject([{ final: "run", source: "reviewer" }]);
  });

  test("is not asked where rules say `ask`, and cannot lift `deny`", async () => {
    const { run, shown, reviews } = world({ review: () => ({ outcome: "allow" }), network: network("no-cdn", 'host = "cdn.example"\ndecision = "deny"') });
    expect(await run()(to("cdn.example"), never())).toMatchObject({ kind: "refused" });
    void run()(to("mail.example", { target: { host: "mail.example", port: 25 } }), never());
    await expect.poll(() => shown.length).toBe(1);
    expect(reviews()).toBe(0);
  });

  test("that is not sure, or names a high risk: a person is asked", async () => {
    const { run, shown } = world({ review: (count) => (count === 0 ? {} : { outcome: "allow", risk: "high" }) });
    void run("one")(to("cdn.example"), never());
    void run("two")(to("cdn.example"), never());
    await expect.poll(() => shown.length).toBe(2);
  });
});
