import type { ApprovePort } from "../decide/index.ts";

/**
 * Starts of agents by their human: `vetsh run -- agent`, or `agent` typed in a terminal that was registered by `vetsh env`. Many
 * agents, and much that agents are started with (version managers), are scripts with `#!/usr/bin/env bash`, so that their own
 * start comes through us. The human named them: they run as they would without us, and what *they* start is judged.
 * SECURITY: recognised by whose child the shim is: of the human's own program or shell, or of a shim that is such a start
 * itself (a launcher that executes the next one). A command of the agent is a child of the agent. Who claims another parent than
 * it has could as well have started a real shell. Only scripts count: `-c` text and shells to type into are judged.
 */
export class Launches {
  readonly #isHumans: (pid: number) => boolean;
  readonly #shims = new Set<number>();

  /** `isHumans`: whether a process is the human's own program around an agent, or the shell of a registered terminal. */
  constructor(isHumans: (pid: number) => boolean) {
    this.#isHumans = isHumans;
  }

  /** In: the parent of a shim that was started with a script. Out: whether a human started that script. */
  isOne(parent: number): boolean {
    return this.#shims.has(parent) || this.#isHumans(parent);
  }

  /** In: the pid of a shim that is one. Out: to be called when it has ended. */
  begin(shim: number): () => void {
    this.#shims.add(shim);
    return () => void this.#shims.delete(shim);
  }
}

/** The human's yes to what they typed. */
export const typedByHuman: ApprovePort = (proposal) =>
  Promise.resolve({ id: proposal.requestId, outcome: "approved", channel: "terminal", by: "the person who started it", message: undefined, startedAt: Date.now(), ms: 0 });
