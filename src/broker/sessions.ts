import { lineage, processFacts } from "./process-tree.ts";

/** One stretch of work of an agent: as long as this process lives. `start` tells it from a later process of the same number. */
export type Session = { readonly pid: number; readonly start: string };

/**
 * In: the shim of a command that came from outside every sandbox, and which processes are the human's own around an agent (`vetsh run`, the
 * shell of a registered terminal). Out: its session: the nearest of those, else the process that started the shim, which is the
 * agent itself; undefined when that is gone, or is one that ends only with the machine.
 * SECURITY: the pid is a claim. Only processes outside of every sandbox can make another one than their own (what is inside is
 * never asked about), and those could use the human's socket as well: see docs/limits.md.
 */
export function sessionOf(pid: number, isHumans: (pid: number) => boolean): Session | undefined {
  const [, ...above] = lineage(pid);
  const found = above.find((one) => isHumans(one.pid)) ?? above[0];
  return found === undefined || found.pid === 1 || found.pid === process.pid ? undefined : { pid: found.pid, start: found.start };
}

/** In: a session. Out: whether its process still lives. */
export function isAlive({ pid, start }: Session): boolean {
  return processFacts(pid)?.start === start;
}

/** In: two sessions. Out: whether they are the same. */
export function isSame(one: Session, other: Session | undefined): boolean {
  return one.pid === other?.pid && one.start === other.start;
}
