import type { Claim, DecisionSource, PlanHash } from "../model/index.ts";

declare const brand: unique symbol;

/**
 * Leave to run one plan, once. Made only by `decide`; the sandbox plan is built from it, and execution must spend it.
 * SECURITY: the type is branded and every genuine permit is remembered, so neither a cast nor an object that looks alike passes.
 */
export type Permit = {
  readonly [brand]: "Permit";
  readonly requestId: string;
  readonly planHash: PlanHash;
  /** The authority granted: never more than what was judged. */
  readonly claim: Claim;
  readonly source: DecisionSource;
};

const unspent = new WeakSet<Permit>();

/** Not exported by the room: only `decide` calls it. */
export function issuePermit(plan: { readonly requestId: string; readonly planHash: PlanHash }, claim: Claim, source: DecisionSource): Permit {
  // The brand exists only in the type: this is the one place that may claim it.
  const permit = Object.freeze({ requestId: plan.requestId, planHash: plan.planHash, claim: grantedClaim(claim, source), source }) as Permit;
  unspent.add(permit);
  return permit;
}

/** In: a permit. Out: whether it is genuine and was not spent yet. */
export function isGood(permit: Permit): boolean {
  return unspent.has(permit);
}

/** In: a permit about to be executed. Out: the same permit, now spent. Throws when it was forged or spent before. */
export function spendPermit(permit: Permit): Permit {
  if (!unspent.delete(permit)) throw new Error("permit is forged or was spent before");
  return permit;
}

/**
 * INVARIANT: a reviewer never lets a command out of its sandbox (I4). Rules that allow privilege, grants and answers are
 * words of a human.
 */
function grantedClaim(claim: Claim, source: DecisionSource): Claim {
  switch (source) {
    case "rule":
    case "human":
    case "grant":
      return claim;
    case "reviewer":
    case "fallback":
      return { ...claim, privileged: false, secrets: [], sandbox: claim.sandbox === "none" ? "custom" : claim.sandbox };
  }
}
