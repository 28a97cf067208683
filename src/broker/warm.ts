import { LIMITS, type Facts, type Outcome } from "../model/index.ts";
import type { Plan, Rooms, Stay } from "../sandbox/index.ts";
import { sessionTmpOf } from "./directories.ts";
import type { Judgement } from "./pipeline.ts";
import { plainRoom, type Placement } from "./placement.ts";

/** A command's place in a warm sandbox, from the decision to its end. */
export type Guest = {
  /** Resolves to undefined when it has none and starts cold. Never rejects. */
  readonly stay: Promise<Stay | undefined>;
  /** Its shell, as the shim reported it; believed only for what lives in the room. */
  child: number | undefined;
};

type WarmParts = { readonly rooms: Rooms; readonly log: (message: string) => void };

/**
 * In: the plan of a command that will run. Out: its place in a room; undefined when its plan has none. What is likely to be needed next
 * is made later, in the background.
 */
export function enterRoom({ rooms, log }: WarmParts, plan: Plan | undefined, judged: Judgement, placement: Placement): Guest | undefined {
  if (plan?.room === undefined) return undefined;
  const { sandbox } = plan.authority;
  const stay = rooms.enter(plan.room, judged.requestId, placement.view);
  void stay.then((found) => {
    if (found?.isFirst !== true || (sandbox !== "read-only" && sandbox !== "workspace")) return;
    const prepare = (): Promise<void> => prepareNext(rooms, judged.facts, sandbox === "read-only" ? "workspace" : "read-only", placement);
    setTimeout(() => void prepare().catch((error: unknown) => log(`a warm sandbox was not made ahead: ${String(error)}`)), LIMITS.roomPrepareMs).unref();
  });
  return { stay, child: undefined };
}

/**
 * In: where a command is that nobody has judged yet. The room that it most likely needs is begun if its session has none: making one takes longer
 * than judging, and is done by somebody else meanwhile.
 */
export function expectGuest(rooms: Rooms, facts: Facts, placement: Placement): void {
  if (rooms.knows(sessionTmpOf(placement.places.state, facts.workspace))) return;
  const first = plainRoom(facts, "read-only", placement, undefined);
  if (first !== undefined) rooms.prepare(first, placement.view);
}

async function prepareNext(rooms: Rooms, facts: Facts, sandbox: "read-only" | "workspace", placement: Placement): Promise<void> {
  const next = plainRoom(facts, sandbox, placement, sandbox === "read-only" ? undefined : await placement.caches?.of(facts.workspace));
  if (next !== undefined) rooms.prepare(next, placement.view);
}

/** The command has ended, or never began. A shim that went away without a word was killed: what it left of its command is, too. */
export function leaveRoom(guest: Guest | undefined, outcome: Outcome): void {
  void guest?.stay.then((stay) => {
    if (outcome.kind === "lost" && guest.child !== undefined) stay?.endGroup(guest.child);
    stay?.leave();
  });
}
