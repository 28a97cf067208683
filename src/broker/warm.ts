import { LIMITS, type Outcome } from "../model/index.ts";
import type { Plan, Rooms, Stay } from "../sandbox/index.ts";
import type { Judgement } from "./pipeline.ts";
import { likelyNext, type Placement } from "./placement.ts";

/** A command's place in a warm sandbox, from the decision to its end. */
export type Guest = {
  /** Resolves to undefined when it has none and starts cold. Never rejects. */
  readonly stay: Promise<Stay | undefined>;
  /** Its shell, as the shim reported it; believed only for what lives in the room. */
  child: number | undefined;
};

/**
 * In: the plan of a command that will run. Out: its place in a room; undefined when its plan has none. What is likely to be needed next
 * is made later, in the background.
 */
export function enterRoom(rooms: Rooms, plan: Plan | undefined, judged: Judgement, placement: Placement): Guest | undefined {
  if (plan?.room === undefined) return undefined;
  const { sandbox } = plan.authority;
  const stay = rooms.enter(plan.room, judged.requestId, placement.view);
  void stay.then((found) => {
    if (found?.isFirst !== true || (sandbox !== "read-only" && sandbox !== "workspace")) return;
    setTimeout(() => {
      const next = likelyNext(judged, sandbox, placement);
      if (next !== undefined) rooms.prepare(next, placement.view);
    }, LIMITS.roomPrepareMs).unref();
  });
  return { stay, child: undefined };
}

/** The command has ended, or never began. A shim that went away without a word was killed: what it left of its command is, too. */
export function leaveRoom(guest: Guest | undefined, outcome: Outcome): void {
  void guest?.stay.then((stay) => {
    if (outcome.kind === "lost" && guest.child !== undefined) stay?.endGroup(guest.child);
    stay?.leave();
  });
}
