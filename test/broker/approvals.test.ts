import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Grants } from "../../src/decide/index.ts";
import { Approvals, type Asked, type Channel, type HumanAnswer, type Keeper } from "../../src/broker/approvals.ts";
import { AttachedChannel } from "../../src/broker/attached-channel.ts";
import { processFacts } from "../../src/broker/process-tree.ts";
import { QuestionStore } from "../../src/broker/question-store.ts";
import { SessionGrants, type GrantRecord } from "../../src/broker/session-grants.ts";
import { sessionOf, type Session } from "../../src/broker/sessions.ts";
import { LIMITS, type PlanHash } from "../../src/model/index.ts";
import { until } from "../support/waiting.ts";

const folder = mkdtempSync(join(tmpdir(), "vetsh-approvals-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const path = (): string => join(folder, `${(files += 1)}.json`);
const hash = (text: string): PlanHash => text as PlanHash;
const asked = (plan: string): Asked => ({
  planHash: hash(plan), cwd: "/w", origin: { pid: process.pid, onTerminal: true },
  question: { command: "x", span: undefined, effects: ["do x"], reason: "because", rule: "r", instead: undefined, authority: "a", intent: undefined },
});
const yes: HumanAnswer = { answer: "yes", by: "u", message: undefined };
const no: HumanAnswer = { answer: "no", by: "u", message: "not this" };
const never = (): AbortSignal => new AbortController().signal;

/** A channel whose human answers when the test says so. */
function hand(name: Channel["name"]): Channel & { readonly shown: string[]; readonly withdrawn: string[]; answer: (answer: HumanAnswer) => void } {
  const channel = {
    name, shown: [] as string[], withdrawn: [] as string[], answer: undefined as unknown as (answer: HumanAnswer) => void,
    present: (question: { readonly id: string }, _origin: unknown, signal: AbortSignal): Promise<HumanAnswer | undefined> =>
      new Promise((done) => {
        channel.shown.push(question.id);
        channel.answer = done;
        signal.addEventListener("abort", () => { channel.withdrawn.push(question.id); done(undefined); });
      }),
  };
  return channel;
}

describe("a question", () => {
  test("with nobody there is pending at once and stays open", async () => {
    const store = new QuestionStore(path(), Date.now, () => undefined);
    const approvals = new Approvals(store, [], Date.now);
    const approval = await approvals.ask(asked("p"), 60_000, never());
    expect(approval).toMatchObject({ outcome: "pending", channel: "none" });
    expect(approvals.list()).toMatchObject([{ id: approval.id, held: false, state: "open" }]);
    expect((await approvals.ask(asked("p"), 60_000, never())).id).toBe(approval.id);
  });

  test("on two channels takes one answer, and the other is withdrawn", async () => {
    const [one, two] = [hand("terminal"), hand("outer-terminal")];
    const approvals = new Approvals(new QuestionStore(path(), Date.now, () => undefined), [one, two], Date.now);
    const asking = approvals.ask(asked("p"), 60_000, never());
    two.answer(yes);
    one.answer(no);
    expect(await asking).toMatchObject({ outcome: "approved", channel: "outer-terminal", by: "u" });
    expect(one.withdrawn).toEqual(one.shown);
    expect(approvals.list()).toEqual([]);
  });

  test("can be answered by id while it waits", async () => {
    const one = hand("terminal");
    const approvals = new Approvals(new QuestionStore(path(), Date.now, () => undefined), [one], Date.now);
    const asking = approvals.ask(asked("p"), 60_000, never());
    expect(approvals.list()).toMatchObject([{ held: true }]);
    expect(approvals.answer(one.shown[0] ?? "", no)).toEqual({ effect: "answered", kept: "once" });
    expect(await asking).toMatchObject({ outcome: "denied", channel: "control", message: "not this" });
  });

  test("is not held longer than it may be", async () => {
    const approvals = new Approvals(new QuestionStore(path(), Date.now, () => undefined), [hand("terminal")], Date.now);
    expect(await approvals.ask(asked("p"), 10, never())).toMatchObject({ outcome: "pending", channel: "terminal" });
  });

  test("of a caller that went away is withdrawn and stays open", async () => {
    const one = hand("terminal");
    const gone = new AbortController();
    const approvals = new Approvals(new QuestionStore(path(), Date.now, () => undefined), [one], Date.now);
    const asking = approvals.ask(asked("p"), 60_000, gone.signal);
    gone.abort();
    expect(await asking).toMatchObject({ outcome: "pending" });
    expect(one.withdrawn).toEqual(one.shown);
  });

  test("of two identical commands at once is one: a yes lets one of them run, and the other is asked about", async () => {
    const one = hand("terminal");
    const approvals = new Approvals(new QuestionStore(path(), Date.now, () => undefined), [one], Date.now);
    const asking = [approvals.ask(asked("p"), 60_000, never()), approvals.ask(asked("p"), 200, never())];
    expect(one.shown).toHaveLength(1);
    expect(approvals.list()).toMatchObject([{ times: 2 }]);
    approvals.answer(one.shown[0] ?? "", yes);
    expect((await Promise.all(asking)).map(({ outcome }) => outcome)).toEqual(["approved", "pending"]);
    expect(new Set(one.shown).size).toBe(2);
  });

  test("of identical commands at once is one: a no is for all of them, and for those that come right after", async () => {
    let now = 1_000_000;
    const one = hand("terminal");
    const approvals = new Approvals(new QuestionStore(path(), () => now, () => undefined), [one], () => now);
    const asking = [approvals.ask(asked("p"), 60_000, never()), approvals.ask(asked("p"), 60_000, never()), approvals.ask(asked("p"), 60_000, never())];
    one.answer(no);
    for (const approval of await Promise.all(asking)) expect(approval).toMatchObject({ outcome: "denied", message: "not this" });
    expect(await approvals.ask(asked("p"), 60_000, never())).toMatchObject({ outcome: "denied", message: "not this" });
    expect(one.shown).toHaveLength(1);
    now += LIMITS.answerAgainMs + 1;
    const again = approvals.ask(asked("p"), 60_000, never());
    expect(one.shown).toHaveLength(2);
    one.answer(yes);
    expect(await again).toMatchObject({ outcome: "approved", keep: "once" });
  });

  test("whose first caller went away is asked for the others", async () => {
    const one = hand("terminal");
    const gone = new AbortController();
    const approvals = new Approvals(new QuestionStore(path(), Date.now, () => undefined), [one], Date.now);
    const asking = [approvals.ask(asked("p"), 60_000, gone.signal), approvals.ask(asked("p"), 60_000, never())];
    gone.abort();
    await until(() => one.shown.length === 2, "the second question");
    one.answer(yes);
    expect((await Promise.all(asking)).map(({ outcome }) => outcome)).toEqual(["pending", "approved"]);
  });
});

describe("an approval that comes later", () => {
  test("fits its plan, once, and not for ever", async () => {
    let now = 1_000_000;
    const file = path();
    const store = new QuestionStore(file, () => now, () => undefined);
    const approvals = new Approvals(store, [], () => now);
    const { id } = await approvals.ask(asked("p"), 1, never());
    expect(store.grants().spend(hash("p"))).toBeUndefined();
    expect(approvals.answer(id, yes)).toEqual({ effect: "kept", kept: "once" });
    expect(store.grants().spend(hash("q"))).toBeUndefined();
    expect(JSON.parse(readFileSync(file, "utf8"))).toHaveLength(1);
    expect(store.grants().spend(hash("p"))).toMatchObject({ id, by: "u" });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual([]);
    expect(store.grants().spend(hash("p"))).toBeUndefined();

    const second = await approvals.ask(asked("p"), 1, never());
    approvals.answer(second.id, yes);
    now += LIMITS.pendingMs + 1;
    expect(store.grants().spend(hash("p"))).toBeUndefined();
    expect(approvals.answer(second.id, yes)).toBeUndefined();
  });

  test("a no takes the question away, and is told once", async () => {
    const store = new QuestionStore(path(), Date.now, () => undefined);
    const approvals = new Approvals(store, [], Date.now);
    const { id } = await approvals.ask(asked("p"), 1, never());
    expect(approvals.answer(id, no)).toEqual({ effect: "kept", kept: "once" });
    expect(approvals.answer(id, yes)).toBeUndefined();
    expect(await approvals.ask(asked("q"), 1, never())).toMatchObject({ outcome: "pending" });
    expect(await approvals.ask(asked("p"), 1, never())).toMatchObject({ id, outcome: "denied", channel: "control", message: "not this" });
    expect(await approvals.ask(asked("p"), 1, never())).toMatchObject({ outcome: "pending" });
    expect(approvals.answer(id, yes)).toBeUndefined();
    expect(store.grants().spend(hash("p"))).toBeUndefined();
  });

  test("is on disk, for this user alone, and survives; a damaged file approves nothing and says so", async () => {
    const file = path();
    const store = new QuestionStore(file, Date.now, () => undefined);
    const { id } = await new Approvals(store, [], Date.now).ask(asked("p"), 1, never());
    new Approvals(store, [], Date.now).answer(id, yes);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(new QuestionStore(file, Date.now, () => undefined).grants().spend(hash("p"))).toMatchObject({ id });
    writeFileSync(file, '[{"id": "x", "state": "approved"}]');
    const said: string[] = [];
    expect(new QuestionStore(file, Date.now, (message) => said.push(message)).all()).toEqual([]);
    expect(said.join()).toContain(file);
  });

  test("beyond the limit the oldest questions go", async () => {
    const store = new QuestionStore(path(), Date.now, () => undefined);
    const approvals = new Approvals(store, [], Date.now);
    for (let index = 0; index < 4; index += 1) await approvals.ask(asked(`p${index}`), 1, never());
    expect(store.all()).toHaveLength(4);
    expect(LIMITS.pendingQuestions).toBeLessThan(1_000);
  });
});

describe("a yes for the session", () => {
  const LASTS_MS = 60_000;
  /** A store of grants whose clock and journal the test holds. */
  const place = () => {
    const at = { now: 1_000_000, failing: false };
    const journal: object[] = [];
    const record: GrantRecord = { granted: (body) => (at.failing ? { ok: false, code: "ENOSPC", message: "the disk is full" } : (journal.push(body), { ok: true })), revoked: (body) => (journal.push(body), { ok: true }) };
    const file = path();
    const open = (): SessionGrants => new SessionGrants(file, () => at.now, record, () => undefined);
    const grants = open();
    const store = new QuestionStore(path(), () => at.now, () => undefined);
    const keeper: Keeper = { offers: ({ session }) => (session === undefined ? [] : ["session"]), keep: ({ planHash, session, command, cwd }, by, channel) => { if (session !== undefined) grants.add({ planHash, session, command, cwd, by }, channel, LASTS_MS); } };
    const one = hand("terminal");
    const ports = (session: Session | undefined, of = grants): Grants => of.with(store.grants(), () => session);
    return { at, journal, open, grants, store, one, ports, approvals: new Approvals(store, [one], () => at.now, keeper) };
  };
  const session = sessionOf(process.pid, () => false);
  const other = processFacts(process.pid);
  const forSession = { ...asked("p"), session };

  test("is for every run of exactly this plan in it, and in the journal", async () => {
    const { approvals, one, ports, journal, grants, open } = place();
    const asking = approvals.ask(forSession, 60_000, never());
    one.answer({ ...yes, keep: "session" });
    expect(await asking).toMatchObject({ outcome: "approved", keep: "session" });
    const [grant] = grants.list();
    expect(journal).toMatchObject([{ id: grant?.id, keep: "session", by: "u", channel: "terminal", planHash: "p" }]);
    for (let run = 0; run < 3; run += 1) expect(ports(session).spend(hash("p"))).toMatchObject({ id: grant?.id, keep: "session" });
    expect(grants.list()).toMatchObject([{ uses: 3 }]);
    expect(ports(session).spend(hash("q"))).toBeUndefined();
    expect(ports({ pid: other?.pid ?? 0, start: other?.start ?? "" }).spend(hash("p"))).toBeUndefined();
    expect(ports(undefined).spend(hash("p"))).toBeUndefined();
    // Another broker knows it, too.
    expect(ports(session, open()).spend(hash("p"))).toMatchObject({ id: grant?.id });
  });

  test("ends at its time, when it is revoked, and with its session", async () => {
    const { grants, ports, at, journal } = place();
    const what = { planHash: "p", session: session ?? { pid: 0, start: "" }, command: "x", cwd: "/w", by: "u" };
    grants.add(what, "terminal", LASTS_MS);
    at.now += LASTS_MS;
    expect(ports(session).spend(hash("p"))).toBeUndefined();
    const { id } = grants.add(what, "terminal", LASTS_MS);
    expect(grants.revoke(id, "u")).toBe(true);
    expect(grants.revoke(id, "u")).toBe(false);
    expect(journal.at(-1)).toEqual({ id, by: "u" });
    expect(ports(session).spend(hash("p"))).toBeUndefined();
    grants.add({ ...what, session: { ...what.session, start: "another process of that number" } }, "terminal", LASTS_MS);
    expect(grants.list()).toEqual([]);
  });

  test("is for all identical commands that wait", async () => {
    const { approvals, one } = place();
    const asking = [approvals.ask(forSession, 60_000, never()), approvals.ask(forSession, 60_000, never())];
    one.answer({ ...yes, keep: "session" });
    expect((await Promise.all(asking)).map(({ outcome }) => outcome)).toEqual(["approved", "approved"]);
    expect(one.shown).toHaveLength(1);
  });

  test("is for commands of its session alone: others that wait, or come later, are asked about themselves", async () => {
    const { approvals, one, grants, ports } = place();
    const elsewhere = { ...asked("p"), session: { pid: other?.pid ?? 0, start: other?.start ?? "" } };
    const asking = [approvals.ask(forSession, 60_000, never()), approvals.ask(elsewhere, 60_000, never())];
    one.answer({ ...yes, keep: "session" });
    await until(() => one.shown.length === 2, "the question of the other session");
    one.answer(no);
    expect((await Promise.all(asking)).map(({ outcome }) => outcome)).toEqual(["approved", "denied"]);
    expect(grants.list()).toMatchObject([{ session }]);
    const pending = [await approvals.ask({ ...forSession, planHash: hash("q") }, 1, never()), await approvals.ask({ ...elsewhere, planHash: hash("q") }, 1, never())];
    expect(pending[0]?.id).not.toBe(pending[1]?.id);
    approvals.answer(pending[0]?.id ?? "", { ...yes, keep: "session" });
    expect(ports(session).spend(hash("q"))).toMatchObject({ keep: "session" });
    expect(ports(elsewhere.session).spend(hash("q"))).toBeUndefined();
  });

  test("that was not offered is for one run, by whatever channel it comes", async () => {
    const { approvals, one, grants } = place();
    const asking = approvals.ask(asked("p"), 60_000, never());
    one.answer({ ...yes, keep: "session" });
    expect(await asking).toMatchObject({ outcome: "approved", keep: "once" });
    expect(grants.list()).toEqual([]);
  });

  test("can be given later by id, and what cannot be recorded does not count", async () => {
    const { approvals, grants, ports, at } = place();
    const { id } = await approvals.ask(forSession, 1, never());
    at.failing = true;
    expect(() => approvals.answer(id, { ...yes, keep: "session" })).toThrow("the disk is full");
    expect(grants.list()).toEqual([]);
    at.failing = false;
    expect(approvals.answer(id, { ...yes, keep: "session" })).toEqual({ effect: "kept", kept: "session" });
    expect(ports(session).spend(hash("p"))).toMatchObject({ keep: "session" });
    expect(ports(session).spend(hash("p"))).toMatchObject({ keep: "session" });
    expect(approvals.list()).toEqual([]);
  });
});

describe("attached programs", () => {
  const question = { id: "q", ...asked("p").question, expiresAt: 0 };

  test("nobody attached: not a channel", () => {
    expect(new AttachedChannel().present(question, { pid: process.pid, onTerminal: true }, never())).toBeUndefined();
  });

  test("the one around the agent is asked, and told when it is over", async () => {
    const channel = new AttachedChannel();
    const [mine, other]: [object[], object[]] = [[], []];
    channel.attach({ pid: process.ppid, asks: true, send: (message) => mine.push(message) });
    channel.attach({ pid: 999_999_999, asks: true, send: (message) => other.push(message) });
    const asking = channel.present(question, { pid: process.pid, onTerminal: true }, never());
    expect(channel.answer("another", yes)).toBe(false);
    expect(channel.answer("q", yes)).toBe(true);
    expect(await asking).toEqual(yes);
    expect(mine).toMatchObject([{ question: { id: "q" } }, { withdrawn: "q" }]);
    expect(other).toEqual([]);
  });

  test("one that leaves takes its question with it", async () => {
    const channel = new AttachedChannel();
    const detach = channel.attach({ pid: process.pid, asks: true, send: () => undefined });
    const asking = channel.present(question, { pid: process.pid, onTerminal: true }, never());
    detach();
    expect(await asking).toBeUndefined();
  });
});
