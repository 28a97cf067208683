import type { Ruling } from "../decide/index.ts";
import { LIMITS, type Decision, type PlanHash } from "../model/index.ts";
import type { QuestionStore } from "./question-store.ts";

/** What came of a question about a connection. `hosts`: what its permit opens. `unanswered`: the wait is over, the question is not. */
export type Answered = { readonly kind: "ruled"; readonly decision: Decision; readonly hosts: readonly string[] } | { readonly kind: "unanswered"; readonly id: string | undefined };

/** Rules about one connection, permit spent; `signal` fires when nobody wants to know any more. */
export type Rule = (signal: AbortSignal) => Promise<{ readonly ruling: Ruling; readonly hosts: readonly string[] }>;

type Shared = { readonly ruled: Promise<Answered>; readonly over: AbortController; readonly commands: Set<AbortSignal>; held: number };

/**
 * Questions about connections that commands wait for, each asked once however many connections, or runs of the same line, wait.
 * What holds: a yes goes to those who wait for it; when all of them gave up meanwhile it is kept and lets the next one
 * pass, once; a no, or no answer, is told again for LIMITS.connectionAnswerMs without asking anybody, so that a client which
 * tries again and again asks once.
 */
export class ConnectionQuestions {
  readonly #store: QuestionStore;
  readonly #now: () => number;
  readonly #shared = new Map<PlanHash, Shared>();
  readonly #refused = new Map<PlanHash, { readonly until: number; readonly answered: Answered }>();

  constructor(store: QuestionStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** In: which connection, how it is ruled about, how long its client waits, when its command ends. Rejects only when `rule` does. */
  async answer(hash: PlanHash, rule: Rule, holdMs: number, gone: AbortSignal): Promise<Answered> {
    const before = this.#lately(hash);
    if (before !== undefined) return before;
    const shared = this.#shared.get(hash) ?? this.#ask(hash, rule);
    shared.commands.add(gone);
    const leave = (): void => {
      shared.commands.delete(gone);
      if (shared.commands.size === 0) shared.over.abort(new Error("every command that asked has ended"));
    };
    gone.addEventListener("abort", leave, { once: true });
    if (gone.aborted) leave();
    shared.held += 1;
    const patience = this.#patience(hash, holdMs, gone);
    try {
      return await Promise.race([shared.ruled, patience.over]);
    } finally {
      shared.held -= 1;
      patience.end();
      // While the question is open, the end of its command is of interest to it.
      const forget = (): void => gone.removeEventListener("abort", leave);
      void shared.ruled.then(forget, forget);
    }
  }

  #ask(hash: PlanHash, rule: Rule): Shared {
    const over = new AbortController();
    const ruled = rule(over.signal).then(({ ruling, hosts }): Answered => {
      const answered: Answered = { kind: "ruled", decision: ruling.decision, hosts };
      if (ruling.decision.final === "refuse") this.#remember(hash, answered, over.signal);
      else if (shared.held === 0) this.#keep(hash, ruling.decision);
      return answered;
    });
    const shared: Shared = { over, commands: new Set(), held: 0, ruled: ruled.finally(() => this.#shared.delete(hash)) };
    // Whoever waits hears of a failure; when nobody does, there is nobody to tell.
    shared.ruled.catch(() => undefined);
    this.#shared.set(hash, shared);
    return shared;
  }

  /** The end of one client's patience, or of its command. */
  #patience(hash: PlanHash, holdMs: number, gone: AbortSignal): { readonly over: Promise<Answered>; readonly end: () => void } {
    const { promise, resolve } = Promise.withResolvers<Answered>();
    const end = (): void => {
      clearTimeout(timer);
      gone.removeEventListener("abort", end);
      resolve({ kind: "unanswered", id: this.#store.all().find(({ planHash }) => planHash === hash)?.id });
    };
    const timer = setTimeout(end, holdMs).unref();
    gone.addEventListener("abort", end, { once: true });
    if (gone.aborted) end();
    return { over: promise, end };
  }

  /** A yes that came when its clients had given up. SECURITY: only a person's: a reviewer is asked again. */
  #keep(hash: PlanHash, { approval }: Decision): void {
    if (approval?.outcome === "approved") this.#store.grants().add({ planHash: hash, id: approval.id, by: approval.by ?? "a person", expiresAt: this.#now() + LIMITS.pendingMs, keep: "once" });
  }

  #remember(hash: PlanHash, answered: Answered, over: AbortSignal): void {
    if (over.aborted) return;
    this.#refused.set(hash, { until: this.#now() + LIMITS.connectionAnswerMs, answered });
    const oldest = this.#refused.keys().next().value;
    if (this.#refused.size > LIMITS.pendingQuestions && oldest !== undefined) this.#refused.delete(oldest);
  }

  /** What was refused a moment ago, unless a person answered since. */
  #lately(hash: PlanHash): Answered | undefined {
    const known = this.#refused.get(hash);
    if (known === undefined) return undefined;
    if (known.until > this.#now() && !this.#store.all().some(({ planHash, state }) => planHash === hash && state !== "open")) return known.answered;
    this.#refused.delete(hash);
    return undefined;
  }
}
