import { createHash } from "node:crypto";
import { LIMITS, type Review } from "../model/index.ts";
import { factsOf, PROMPT_VERSION, type ReviewInput } from "./prompt.ts";

type Kept = { readonly until: number; readonly outcome: "allow" | "deny"; readonly risk: Review["risk"]; readonly rationale: string };

/** Answers that may be given again: allow and deny, for LIMITS.reviewKeptMs, in this process only. */
export class Cache {
  readonly #kept = new Map<string, Kept>();
  readonly #model: string;

  constructor(model: string) {
    this.#model = model;
  }

  get(input: ReviewInput, now: number): Kept | undefined {
    const found = this.#kept.get(this.#key(input));
    return found !== undefined && now < found.until ? found : undefined;
  }

  put(input: ReviewInput, review: Review, now: number): void {
    if (review.error !== undefined || review.outcome === "ask" || !isWholeStory(input)) return;
    const key = this.#key(input);
    this.#kept.delete(key);
    this.#kept.set(key, { until: now + LIMITS.reviewKeptMs, outcome: review.outcome, risk: review.risk, rationale: review.rationale });
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > LIMITS.reviewsKept && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** INVARIANT: the unredacted text is part of the key (as a hash), and so is everything the model was told. */
  #key(input: ReviewInput): string {
    const { analysis, evaluation } = input;
    return createHash("sha256").update(JSON.stringify([PROMPT_VERSION, this.#model, evaluation.policy, input.text, analysis.canonical, factsOf(input)])).digest("hex");
  }
}

/** SECURITY: code that was not read can be other code the next time, under the same words: such an answer is for once. */
function isWholeStory({ analysis }: ReviewInput): boolean {
  return analysis.scripts.length > 0 || !analysis.effects.some((effect) => effect.kind === "exec" && effect.what !== "inline" && effect.what !== "program");
}
