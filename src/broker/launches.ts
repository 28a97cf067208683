import { readlinkSync } from "node:fs";
import type { ApprovePort } from "../decide/index.ts";
import { LIMITS } from "../model/index.ts";
import { processFacts } from "./process-tree.ts";

/**
 * Starts of agents by their human: `vetsh run -- agent`, or `agent` typed in a terminal that was registered by `vetsh env`. Many
 * agents, and much that agents are started with (version managers), are scripts with `#!/usr/bin/env bash`, which call further
 * scripts, so that their own start comes through us. The human named them: they run as they would without us, and what the
 * agent starts is judged.
 * SECURITY: recognised by whose child the shim is: of the human's own program or shell, of a shim that is such a start itself (a
 * launcher that executes the next one), or of shells that run such a start. An agent is no shell, so what it starts ends that
 * chain. Who claims another parent than it has could as well have started a real shell. Only scripts count: `-c` text and
 * shells to type into are judged.
 */
export class Launches {
  readonly #isHumans: (pid: number) => boolean;
  readonly #isShell: (program: string) => boolean;
  readonly #shims = new Set<number>();

  /** `isHumans`: whether a process is the human's own program around an agent, or the shell of a registered terminal. `isShell`: whether a path is a real shell's. */
  constructor(isHumans: (pid: number) => boolean, isShell: (program: string) => boolean) {
    this.#isHumans = isHumans;
    this.#isShell = isShell;
  }

  /** In: the parent of a shim that was started with a script. Out: whether a human started that script, or one that calls it. */
  isOne(parent: number): boolean {
    let at: number | undefined = parent;
    for (let step = 0; at !== undefined && step < LIMITS.launcherDepth; step += 1) {
      if (this.#shims.has(at) || this.#isHumans(at)) return true;
      at = this.#isShell(programOf(at)) ? processFacts(at)?.parent : undefined;
    }
    return false;
  }

  /** In: the pid of a shim that is one. Out: to be called when it has ended. */
  begin(shim: number): () => void {
    this.#shims.add(shim);
    return () => void this.#shims.delete(shim);
  }
}

function programOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    // Gone, or not ours to look at: no shell that we know.
    return "";
  }
}

/** The human's yes to what they typed. */
export const typedByHuman: ApprovePort = (proposal) =>
  Promise.resolve({ id: proposal.requestId, outcome: "approved", channel: "terminal", by: "the person who started it", message: undefined, startedAt: Date.now(), ms: 0 });
