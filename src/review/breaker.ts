import { LIMITS } from "../model/index.ts";

/** Stops asking an endpoint that does not answer, and stops denying in a row without a human. Times in milliseconds. */
export class Breaker {
  #failures = 0;
  #openUntil = -Infinity;
  #denied = 0;
  readonly #recent: boolean[] = [];

  /** True when the endpoint has failed so often that it is left alone for a while. */
  isOpen(now: number): boolean {
    return now < this.#openUntil;
  }

  failed(now: number): void {
    this.#failures += 1;
    if (this.#failures >= LIMITS.reviewFailures) {
      this.#openUntil = now + LIMITS.reviewPauseMs;
      this.#failures = 0;
    }
  }

  /** In: what was decided. Out: nothing; counts towards `tooManyDenials`. */
  answered(outcome: "allow" | "ask" | "deny"): void {
    this.#failures = 0;
    this.#denied = outcome === "deny" ? this.#denied + 1 : 0;
    this.#recent.push(outcome === "deny");
    if (this.#recent.length > LIMITS.reviewDenialWindow) this.#recent.shift();
  }

  /**
   * Out: true when the reviewer has said no too often: in a row, or among the last ones. Then a human is to look once instead,
   * and counting begins anew: an agent that is refused again and again either needs help or looks for a way around.
   */
  tooManyDenials(): boolean {
    const many = this.#denied >= LIMITS.reviewDenialsInRow || this.#recent.filter(Boolean).length >= LIMITS.reviewDenials;
    if (many) {
      this.#denied = 0;
      this.#recent.length = 0;
    }
    return many;
  }
}
