import type { Question } from "../model/index.ts";
import type { Channel, HumanAnswer, Origin } from "./approvals.ts";
import { lineage } from "./process-tree.ts";

/** A program of the human: `vetsh run` around an agent. `asks`: it shows questions (it has a terminal). `send` must not throw. */
export type Attached = { readonly pid: number; readonly asks: boolean; readonly send: (message: { readonly question: Question } | { readonly withdrawn: string }) => void };

/** Programs that are attached through the control socket, as one channel. */
export class AttachedChannel implements Channel {
  readonly name = "outer-terminal" as const;
  readonly #programs = new Set<Attached>();
  readonly #waiting = new Map<string, Set<(answer: HumanAnswer | undefined) => void>>();
  readonly #shown = new Map<Attached, Set<string>>();

  /** Out: how to take it away again. A question that only it showed then ends without an answer. */
  attach(program: Attached): () => void {
    this.#programs.add(program);
    this.#shown.set(program, new Set());
    return () => {
      this.#programs.delete(program);
      const ids = this.#shown.get(program) ?? new Set();
      this.#shown.delete(program);
      for (const id of ids) if (![...this.#shown.values()].some((others) => others.has(id))) this.answer(id, undefined);
    };
  }

  /** In: a process. Out: whether it is such a program. */
  has(pid: number): boolean {
    return [...this.#programs].some((program) => program.pid === pid);
  }

  /** In: an answer that an attached program sent. Out: whether such a question was being shown. */
  answer(id: string, answer: HumanAnswer | undefined): boolean {
    const waiting = this.#waiting.get(id);
    for (const settle of waiting ?? []) settle(answer);
    return waiting !== undefined;
  }

  present(question: Question, origin: Origin, signal: AbortSignal): Promise<HumanAnswer | undefined> | undefined {
    const audience = this.#audience(origin);
    if (audience.length === 0) return undefined;
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(question.id) ?? new Set();
      this.#waiting.set(question.id, waiting);
      const settle = (answer: HumanAnswer | undefined): void => {
        waiting.delete(settle);
        if (waiting.size === 0) this.#waiting.delete(question.id);
        for (const program of audience) {
          if (this.#shown.get(program)?.delete(question.id) === true) program.send({ withdrawn: question.id });
        }
        resolve(answer);
      };
      waiting.add(settle);
      signal.addEventListener("abort", () => settle(undefined), { once: true });
      for (const program of audience) {
        this.#shown.get(program)?.add(question.id);
        program.send({ question });
      }
    });
  }

  /** The program around the agent that asks; all of them when that cannot be told (an agent's daemon leaves its terminal). */
  #audience(origin: Origin): readonly Attached[] {
    const above = new Set(lineage(origin.pid).map(({ pid }) => pid));
    const asking = [...this.#programs].filter(({ asks }) => asks);
    const around = asking.filter(({ pid }) => above.has(pid));
    return around.length > 0 ? around : asking;
  }
}
