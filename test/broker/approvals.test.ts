import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Approvals, type Asked, type Channel, type HumanAnswer } from "../../src/broker/approvals.ts";
import { AttachedChannel } from "../../src/broker/attached-channel.ts";
import { QuestionStore } from "../../src/broker/question-store.ts";
import { LIMITS, type PlanHash } from "../../src/model/index.ts";

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
    expect(approvals.answer(one.shown[0] ?? "", no)).toBe("answered");
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

  test("of two identical commands at once: one yes lets one of them run", async () => {
    const one = hand("terminal");
    const approvals = new Approvals(new QuestionStore(path(), Date.now, () => undefined), [one], Date.now);
    const asking = [approvals.ask(asked("p"), 200, never()), approvals.ask(asked("p"), 200, never())];
    expect(new Set(one.shown).size).toBe(2);
    approvals.answer(one.shown[0] ?? "", yes);
    expect((await Promise.all(asking)).map(({ outcome }) => outcome)).toEqual(["approved", "pending"]);
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
    expect(approvals.answer(id, yes)).toBe("kept");
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
    expect(approvals.answer(id, no)).toBe("kept");
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
