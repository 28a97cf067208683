import { LIMITS, type Approval, type Channel as ChannelName, type Keep, type PlanHash, type Question } from "../model/index.ts";
import type { QuestionStore, StoredQuestion } from "./question-store.ts";
import { newId } from "./session-grants.ts";
import { isSame, type Session } from "./sessions.ts";

/** One way to reach a human. */
export type Channel = {
  readonly name: ChannelName;
  /** It is not used for a question that one of these shows. */
  readonly unless?: readonly ChannelName[];
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

export type HumanAnswer = { readonly answer: "yes" | "no"; readonly by: string | undefined; readonly message: string | undefined; /** How far a yes goes; this run alone when left out, or when no more was offered. */ readonly keep?: Keep | undefined };

/** What is asked, before it has an id and a time. `session`: whose command asks. */
export type Asked = { readonly question: Omit<Question, "id" | "expiresAt" | "offers">; readonly planHash: PlanHash; readonly cwd: string; readonly origin: Origin; readonly session?: Session | undefined };

/** What an answer by id did. answered: a command waited for it · kept: for the identical command. */
export type Answered = { readonly effect: "answered" | "kept"; readonly kept: Keep };

/** Who keeps a yes that goes beyond one run. */
export type Keeper = {
  /** Which channels are used, in their order; all of them when left out. */
  channels?(): readonly ChannelName[];
  /** How far a yes to this question may go, as settings have it. */
  offers(question: Pick<StoredQuestion, "session" | "planHash">): readonly Exclude<Keep, "once">[];
  /** Keeps a yes for the session. Throws when that cannot be written down: then the command is not let run either. */
  keep(question: StoredQuestion, by: string, channel: Approval["channel"]): void;
};

const NO_KEEPER: Keeper = { offers: () => [], keep: () => undefined };

type Waiting = { readonly question: Question; readonly stored: StoredQuestion; readonly settle: (channel: Approval["channel"], answer: HumanAnswer) => void };
/** A question that is being asked, and what became of it: `undefined` when its own caller lost interest. */
type Asking = { readonly id: string; readonly session: Session | undefined; readonly over: Promise<Approval | undefined> };

/**
 * One question, several channels, one answer.
 * What holds: the first answer wins and the others are withdrawn; with nobody to ask the answer is "pending" at once; a
 * question that was not answered stays open under its id for LIMITS.pendingMs, and a "yes" that comes then lets the
 * identical plan pass once, a "no" is told to it once. Identical commands that wait at the same time are one question: a no, and a yes
 * for the session, is for all of them; a yes for one run is for one of them, and the next is asked about. A no is told again for
 * LIMITS.answerAgainMs without asking. SECURITY: nothing that a shim sends can be an answer.
 */
export class Approvals {
  readonly #store: QuestionStore;
  readonly #channels: readonly Channel[];
  readonly #now: () => number;
  readonly #keeper: Keeper;
  readonly #waiting = new Map<string, Waiting>();
  readonly #asking = new Map<PlanHash, Asking>();
  readonly #refused = new Map<PlanHash, Approval>();

  constructor(store: QuestionStore, channels: readonly Channel[], now: () => number, keeper: Keeper = NO_KEEPER) {
    this.#store = store;
    this.#channels = channels;
    this.#now = now;
    this.#keeper = keeper;
  }

  /** Asks. `holdMs`: how long the command may be held for the answer. Rejects only when the question, or a yes for the session, cannot be stored. */
  async ask(asked: Asked, holdMs: number, gone: AbortSignal): Promise<Approval> {
    const startedAt = this.#now();
    const until = performance.now() + holdMs;
    for (;;) {
      const known = this.#answeredBefore(asked.planHash, startedAt);
      if (known !== undefined) return known;
      const twin = this.#asking.get(asked.planHash);
      if (twin === undefined) return this.#askFirst(asked, startedAt, Math.max(1, Math.round(until - performance.now())), gone);
      const over = await this.#waitFor(twin, asked.session, until, gone, startedAt);
      if (over !== undefined) return over;
    }
  }

  /** What is known without asking: a no that was not told yet, or that was just said. */
  #answeredBefore(planHash: PlanHash, startedAt: number): Approval | undefined {
    const refused = this.#store.all().find((one) => one.state === "denied" && one.planHash === planHash);
    if (refused !== undefined) {
      this.#store.remove(refused.id);
      return { id: refused.id, outcome: "denied", channel: "control", by: refused.by, message: refused.message, startedAt, ms: 0 };
    }
    const lately = this.#refused.get(planHash);
    if (lately === undefined) return undefined;
    if (this.#now() - lately.startedAt - lately.ms < LIMITS.answerAgainMs) return { ...lately, startedAt, ms: 0 };
    this.#refused.delete(planHash);
    return undefined;
  }

  async #askFirst(asked: Asked, startedAt: number, holdMs: number, gone: AbortSignal): Promise<Approval> {
    const stored = this.#unanswered(asked) ?? this.#open(asked, startedAt);
    const over = this.#answerTo(asked, stored, startedAt, holdMs, gone);
    // Twins hear of a failure as of a caller that went away: each asks for itself.
    const heard = over.then((approval) => (gone.aborted ? undefined : approval), () => undefined);
    this.#asking.set(asked.planHash, { id: stored.id, session: asked.session, over: heard.finally(() => this.#asking.delete(asked.planHash)) });
    return over;
  }

  async #answerTo(asked: Asked, stored: StoredQuestion, startedAt: number, holdMs: number, gone: AbortSignal): Promise<Approval> {
    const offers = this.#keeper.offers(stored);
    const question: Question = { ...asked.question, id: stored.id, expiresAt: this.#now() + holdMs, offers, times: stored.times };
    const { channel, answer } = await this.#firstAnswer(question, stored, asked.origin, holdMs, gone);
    const ms = this.#now() - startedAt;
    if (answer === undefined) return { id: stored.id, outcome: "pending", channel, by: undefined, message: undefined, startedAt, ms };
    this.#store.remove(stored.id);
    const said = { id: stored.id, channel, by: answer.by, message: answer.message, startedAt, ms };
    if (answer.answer === "no") return this.#remember(asked.planHash, { ...said, outcome: "denied" });
    const keep = this.#kept(stored, answer);
    if (keep === "session") this.#keeper.keep(stored, answer.by ?? "a person", channel);
    return { ...said, outcome: "approved", keep };
  }

  #remember(planHash: PlanHash, approval: Approval): Approval {
    this.#refused.delete(planHash);
    this.#refused.set(planHash, approval);
    const oldest = this.#refused.keys().next().value;
    if (this.#refused.size > LIMITS.pendingQuestions && oldest !== undefined) this.#refused.delete(oldest);
    return approval;
  }

  /** A command whose twin is being asked about. Out: its answer, when that is for both; undefined: it must be asked about itself. */
  async #waitFor(twin: Asking, session: Session | undefined, until: number, gone: AbortSignal, startedAt: number): Promise<Approval | undefined> {
    const stored = this.#store.get(twin.id);
    if (stored !== undefined) this.#store.put({ ...stored, times: stored.times + 1 });
    const { promise: impatient, resolve } = Promise.withResolvers<"impatient">();
    const leave = (): void => resolve("impatient");
    const timer = setTimeout(leave, Math.max(0, until - performance.now()));
    gone.addEventListener("abort", leave, { once: true });
    if (gone.aborted) leave();
    try {
      const heard = await Promise.race([twin.over, impatient]);
      const ms = this.#now() - startedAt;
      if (heard === "impatient") return { id: twin.id, outcome: "pending", channel: "none", by: undefined, message: undefined, startedAt, ms };
      // SECURITY: a yes for a session is for commands of that session, whoever else waits.
      if (heard === undefined || (heard.outcome === "approved" && !(heard.keep === "session" && twin.session !== undefined && isSame(twin.session, session)))) return undefined;
      return { ...heard, startedAt, ms };
    } finally {
      clearTimeout(timer);
      gone.removeEventListener("abort", leave);
    }
  }

  /** An answer by id, from the human's command line. Out: what it did, or undefined when no such question is open. */
  answer(id: string, answer: HumanAnswer): Answered | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      waiting.settle("control", answer);
      return { effect: "answered", kept: this.#kept(waiting.stored, answer) };
    }
    const stored = this.#store.get(id);
    if (stored?.state !== "open") return undefined;
    const kept = answer.answer === "yes" ? this.#kept(stored, answer) : "once";
    if (kept !== "once") {
      // Rules were written already: they let it pass.
      if (kept === "session") this.#keeper.keep(stored, answer.by ?? "a person", "control");
      this.#store.remove(id);
      return { effect: "kept", kept };
    }
    this.#store.put({ ...stored, state: answer.answer === "yes" ? "approved" : "denied", by: answer.by, message: answer.message, expiresAt: this.#now() + LIMITS.pendingMs });
    return { effect: "kept", kept: "once" };
  }

  /** SECURITY: nobody widens what was offered. */
  #kept(stored: StoredQuestion, { keep }: HumanAnswer): Keep {
    return this.#keeper.offers(stored).find((one) => one === keep) ?? "once";
  }

  /** A question that a command waits for, as channels show it. */
  question(id: string): Question | undefined {
    return this.#waiting.get(id)?.question;
  }

  /** In: the id of an open question. Out: the plan that it is about. */
  planOf(id: string): PlanHash | undefined {
    const stored = this.#store.get(id);
    return stored?.state === "open" ? (stored.planHash as PlanHash) : undefined;
  }

  /** Open questions and answers not used yet; `held`: a command is waiting right now. */
  list(): readonly (StoredQuestion & { readonly held: boolean })[] {
    return this.#store.all().map((question) => ({ ...question, held: this.#waiting.has(question.id) }));
  }

  #present(question: Question, origin: Origin, signal: AbortSignal): readonly { readonly channel: Channel; readonly shown: Promise<HumanAnswer | undefined> }[] {
    const wanted = this.#keeper.channels?.();
    const channels = wanted === undefined ? this.#channels : wanted.flatMap((name) => this.#channels.filter((channel) => channel.name === name));
    const asked: { readonly channel: Channel; readonly shown: Promise<HumanAnswer | undefined> }[] = [];
    for (const channel of channels) {
      if (asked.some((other) => channel.unless?.includes(other.channel.name) === true)) continue;
      const shown = channel.present(question, origin, signal);
      if (shown !== undefined) asked.push({ channel, shown });
    }
    return asked;
  }

  /** The same plan keeps its id when its session asks it again. SECURITY: who read a question of one session does not answer another one by its id. */
  #unanswered({ planHash, session }: Asked): StoredQuestion | undefined {
    const isOwn = (one: StoredQuestion): boolean => (one.session === undefined ? session === undefined : isSame(one.session, session));
    const known = this.#store.all().find((one) => one.state === "open" && one.planHash === planHash && isOwn(one) && !this.#waiting.has(one.id));
    if (known === undefined) return undefined;
    const again = { ...known, times: known.times + 1 };
    this.#store.put(again);
    return again;
  }

  #open({ question, planHash, cwd, session }: Asked, askedAt: number): StoredQuestion {
    const stored: StoredQuestion = {
      id: newId((id) => this.#store.get(id) !== undefined), planHash, cwd, session, times: 1, askedAt, expiresAt: askedAt + LIMITS.pendingMs, state: "open", by: undefined, message: undefined,
      command: question.command.slice(0, LIMITS.shownCommand), reason: question.reason, rule: question.rule, effects: question.effects.slice(0, 20), authority: question.authority, intent: question.intent?.text,
    };
    this.#store.put(stored);
    return stored;
  }

  async #firstAnswer(question: Question, stored: StoredQuestion, origin: Origin, holdMs: number, gone: AbortSignal): Promise<{ readonly channel: Approval["channel"]; readonly answer: HumanAnswer | undefined }> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, gone, AbortSignal.timeout(holdMs)]);
    try {
      return await new Promise((resolve) => {
        const settle = (channel: Approval["channel"], answer: HumanAnswer | undefined): void => resolve({ channel, answer });
        const asked = this.#present(question, origin, signal);
        if (asked.length === 0) return settle("none", undefined);
        this.#waiting.set(stored.id, { question, stored, settle });
        let left = asked.length;
        const none = (name: Channel["name"]): void => {
          left -= 1;
          if (left === 0) settle(name, undefined);
        };
        for (const { channel, shown } of asked) {
          void shown.then((answer) => (answer === undefined ? none(channel.name) : settle(channel.name, answer)), () => none(channel.name));
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
