/**
 * What ran while nothing could be written, where settings say that it may (`journal.when_full = "run"`): remembered until it can.
 */
import { LIMITS } from "../model/index.ts";
import type { UnrecordedBody } from "./entries.ts";

type Missed = UnrecordedBody["requests"][number];

/** Memory: the first `LIMITS.unrecordedNamed` requests, the others as a number; and the ids of those that still run. */
export class Unrecorded {
  readonly #running = new Set<string>();
  #requests: Missed[] = [];
  #count = 0;
  #since = 0;
  #until = 0;
  #code = "";

  /** In: what could not be written of which request, why, and when. */
  note(missed: Missed, code: string, now: number): void {
    if (this.#count === 0) this.#since = now;
    if (missed.what === "request") this.#running.add(missed.id);
    this.#until = now;
    this.#code = code;
    this.#count += 1;
    if (this.#requests.length < LIMITS.unrecordedNamed) this.#requests.push(missed);
  }

  /** Whether nothing at all is known of this request: then nothing more is written about it. */
  has(id: string): boolean {
    return this.#running.has(id);
  }

  ended(id: string): void {
    this.#running.delete(id);
  }

  /** What has to be written; undefined when nothing was missed. */
  get body(): UnrecordedBody | undefined {
    return this.#count === 0 ? undefined : { code: this.#code, since: this.#since, until: this.#until, count: this.#count, requests: this.#requests };
  }

  /** The body was written. */
  written(): void {
    this.#requests = [];
    this.#count = 0;
  }
}
