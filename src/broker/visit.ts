import type { Outcome } from "../model/index.ts";
import type { EndReport } from "./frames.ts";
import type { Visit } from "./shim-connection.ts";

/** How a request got on, seen from the connection. */
export type VisitPorts = {
  readonly started: (pid: number) => void;
  /** Called exactly once. */
  readonly ended: (outcome: Outcome) => void;
};

/**
 * One request from its arrival to its end. INVARIANT: it ends once (I6): the first of refused, finished, failed and lost
 * counts. Reports that arrive before RUN was said are not believed: nothing can have run.
 */
export class OpenVisit implements Visit {
  readonly #ports: VisitPorts;
  #state: "deciding" | "running" | "ended" = "deciding";
  /** What the shim did while we were deciding. */
  #early: string | undefined;

  constructor(ports: VisitPorts) {
    this.#ports = ports;
  }

  /** RUN goes out now. Out: false when the shim is gone already: then do not send it. */
  running(): boolean {
    if (this.#state !== "deciding" || this.#early !== undefined) return false;
    this.#state = "running";
    return true;
  }

  /** DENY goes out, or nothing can. */
  refused(code: number): void {
    this.#end(this.#early === undefined ? { kind: "refused", code } : { kind: "lost", reason: this.#early });
  }

  started(pid: number): void {
    if (this.#state === "running") this.#ports.started(pid);
  }

  finished(end: EndReport): void {
    if (this.#state === "deciding") this.#early ??= "the shim reported an end before it was told to run";
    else this.#end(end);
  }

  failed(reason: string): void {
    if (this.#state === "deciding") this.#early ??= "the shim reported a failure before it was told to run";
    else this.#end({ kind: "lost", reason: `the program could not be started: ${reason}` });
  }

  lost(reason: string): void {
    if (this.#state === "deciding") this.#early ??= `the shim went away before an answer: ${reason}`;
    else this.#end({ kind: "lost", reason: `the shim went away before it reported the end: ${reason}` });
  }

  #end(outcome: Outcome): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#ports.ended(outcome);
  }
}
