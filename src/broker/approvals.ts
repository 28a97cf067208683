import { randomInt } from "node:crypto";
import { LIMITS, type Approval, type PlanHash, type Question } from "../model/index.ts";
import type { QuestionStore, StoredQuestion } from "./question-store.ts";

/** One way to reach a human. */
export type Channel = {
  readonly name: Exclude<Approval["channel"], "none">;
  /**
   * Shows the question; resolves with the answer, or undefined when nobody can answer here (any more). Must stop showing it
   * and settle soon after `signal` fires. `undefined` instead of a promise: nobody is there now.
   */
  present(question: Question, origin: Origin, signal: AbortSignal): Promise<HumanAnswer | undefined> | undefined;
};

/**
 * Where a question comes from: `pid`, a claim of the agent's side, lets a channel pick among the terminals it knows.
 * `onTerminal`: settings let questions appear on the terminal that the agent runs in.
 */
export type Origin = { readonly pid: number; readonly onTerminal: boolean };

export type HumanAnswer = { readonly answer: "yes" | "no"; readonly by: string | undefined; readonly message: string | undefined };

/** What is asked, before it has an id and a time. */
export type Asked = { readonly question: Omit<Question, "id" | "expiresAt">; readonly planHash: PlanHash; readonly cwd: string; readonly origin: Origin };

type Waiting = { readonly stored: StoredQuestion; readonly settle: (channel: Approval["channel"], answer: HumanAnswer) => void };

/**
 * One question, several channels, one answer.
 * What holds: the first answer wins and the others are withdrawn; with nobody to ask the answer is "pending" at once; a
 * question that was not answered stays open under its id for LIMITS.pendingMs, and a "yes" that comes then lets the
 * identical plan pass once, a "no" is told to it once. SECURITY: nothing that a shim sends can be an answer.
 */
export class Approvals {
  readonly #store: QuestionStore;
  readonly #channels: readonly Channel[];
  readonly #now: () => number;
  readonly #waiting = new Map<string, Waiting>();

  constructor(store: QuestionStore, channels: readonly Channel[], now: () => number) {
    this.#store = store;
    this.#channels = channels;
    this.#now = now;
  }

  /** Asks. `holdMs`: how long the command may be held for the answer. Rejects only when the question cannot be stored. */
  async ask(asked: Asked, holdMs: number, gone: AbortSignal): Promise<Approval> {
    const startedAt = this.#now();
    const refused = this.#store.all().find(({ state, planHash }) => state === "denied" && planHash === asked.planHash);
    if (refused !== undefined) {
      this.#store.remove(refused.id);
      return { id: refused.id, outcome: "denied", channel: "control", by: refused.by, message: refused.message, startedAt, ms: 0 };
    }
    const stored = this.#unanswered(asked.planHash) ?? this.#open(asked, startedAt);
    const question: Question = { ...asked.question, id: stored.id, expiresAt: startedAt + holdMs };
    const { channel, answer } = await this.#firstAnswer(question, stored, asked.origin, holdMs, gone);
    const ms = this.#now() - startedAt;
    if (answer === undefined) return { id: stored.id, outcome: "pending", channel, by: undefined, message: undefined, startedAt, ms };
    this.#store.remove(stored.id);
    return { id: stored.id, outcome: answer.answer === "yes" ? "approved" : "denied", channel, by: answer.by, message: answer.message, startedAt, ms };
  }

  /** An answer by id, from the human's command line. Out: what it did, or undefined when no such question is open. */
  answer(id: string, answer: HumanAnswer): "answered" | "kept" | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      waiting.settle("control", answer);
      return "answered";
    }
    const stored = this.#store.get(id);
    if (stored?.state !== "open") return undefined;
    this.#store.put({ ...stored, state: answer.answer === "yes" ? "approved" : "denied", by: answer.by, message: answer.message, expiresAt: this.#now() + LIMITS.pendingMs });
    return "kept";
  }

  /** Open questions and answers not used yet; `held`: a command is waiting right now. */
  list(): readonly (StoredQuestion & { readonly held: boolean })[] {
    return this.#store.all().map((question) => ({ ...question, held: this.#waiting.has(question.id) }));
  }

  /** The same plan keeps its id when it is asked again; while a command waits under that id, its twin gets one of its own: one yes, one run. */
  #unanswered(planHash: PlanHash): StoredQuestion | undefined {
    return this.#store.all().find((known) => known.state === "open" && known.planHash === planHash && !this.#waiting.has(known.id));
  }

  #open({ question, planHash, cwd }: Asked, askedAt: number): StoredQuestion {
    const stored: StoredQuestion = {
      id: this.#newId(), planHash, cwd, askedAt, expiresAt: askedAt + LIMITS.pendingMs, state: "open", by: undefined, message: undefined,
      command: question.command.slice(0, LIMITS.shownCommand), reason: question.reason, rule: question.rule, effects: question.effects.slice(0, 20), authority: question.authority, intent: question.intent?.text,
    };
    this.#store.put(stored);
    return stored;
  }

  /** Short enough to type; not a secret: it gives no power without the control socket. */
  #newId(): string {
    const letters = "abcdefghjkmnpqrstuvwxyz23456789";
    for (;;) {
      const id = Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join("");
      if (this.#store.get(id) === undefined) return id;
    }
  }

  async #firstAnswer(question: Question, stored: StoredQuestion, origin: Origin, holdMs: number, gone: AbortSignal): Promise<{ readonly channel: Approval["channel"]; readonly answer: HumanAnswer | undefined }> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, gone, AbortSignal.timeout(holdMs)]);
    try {
      return await new Promise((resolve) => {
        const settle = (channel: Approval["channel"], answer: HumanAnswer | undefined): void => resolve({ channel, answer });
        const asked = this.#channels.map((channel) => ({ channel, shown: channel.present(question, origin, signal) })).filter(({ shown }) => shown !== undefined);
        if (asked.length === 0) return settle("none", undefined);
        this.#waiting.set(stored.id, { stored, settle });
        let left = asked.length;
        const none = (name: Channel["name"]): void => {
          left -= 1;
          if (left === 0) settle(name, undefined);
        };
        for (const { channel, shown } of asked) {
          void shown?.then((answer) => (answer === undefined ? none(channel.name) : settle(channel.name, answer)), () => none(channel.name));
        }
        const last = asked[0]?.channel.name ?? "none";
        signal.addEventListener("abort", () => settle(last, undefined), { once: true });
        if (signal.aborted) settle(last, undefined);
      });
    } finally {
      this.#waiting.delete(stored.id);
      over.abort();
    }
  }
}
