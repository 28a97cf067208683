import type { Ruling } from "../decide/index.ts";
import type { Decision, Request } from "../model/index.ts";
import type { Plan } from "../sandbox/index.ts";
import { decideNested, type Origin, type RunningCommand } from "./nested.ts";
import type { Judgement } from "./pipeline.ts";
import type { Placed } from "./placement.ts";

/** How a permitted command is told to start. */
export type Start = {
  readonly plan: Plan;
  readonly nested: boolean;
  /** What it has around it; undefined where nothing is its own. */
  readonly placed?: Placed;
};

/** The decision that counts: for a nested command what is around it decides; a plan that misses something runs nothing. */
export function settle(origin: Origin, judged: Judgement, ruling: Ruling, planned: Start | undefined): { readonly decision: Decision; readonly start: Start | undefined } {
  if (origin.kind === "nested") {
    const decision = decideNested(judged.evaluation, origin.around, judged.invocation.mode === "file");
    return { decision, start: decision.final === "run" ? { plan: withoutOwnSandbox(origin), nested: true } : undefined };
  }
  if (planned === undefined || planned.plan.missing.length === 0) return { decision: ruling.decision, start: planned };
  const reason = `it cannot be given what it needs: ${planned.plan.missing.join("; ")}`;
  return { decision: { ...ruling.decision, final: "refuse", reason }, start: undefined };
}

/** SECURITY: only for requests that are inside a sandbox, or inside a command that a human let run without one. */
export function withoutOwnSandbox(origin: Extract<Origin, { kind: "nested" }>): Plan {
  const around = origin.around?.claim;
  return bare(around === undefined ? { sandbox: "read-only", writable: [], network: [] } : { sandbox: around.sandbox, writable: around.writable, network: around.network });
}

/** What a human typed to start an agent runs as it would without us. */
export function asTyped(): Plan {
  return bare({ sandbox: "none", writable: ["/"], network: "any" });
}

/** The real shell and nothing else, with the authority that its surroundings give it. */
function bare(authority: Plan["authority"]): Plan {
  return { prefix: [], closeFds: false, unset: [], set: [], missing: [], notes: [], proxy: undefined, room: undefined, authority };
}

/** In: a command that will run. Out: what shells that it starts will find around them. */
export function runningCommand({ id, pid }: Pick<Request, "id" | "pid">, origin: Origin, decision: Decision, start: Start): RunningCommand {
  if (origin.kind === "nested" && origin.around !== undefined) return { ...origin.around, id, gated: false };
  return {
    id, pid, claim: decision.evaluation.claim, source: decision.source,
    confined: start.nested || start.plan.authority.sandbox !== "none",
  };
}
