/**
 * decide: from an evaluation to a decision. In: what a line does and what policy says, the hash of its plan, and ports to
 * a reviewer, to a human, and to the grants given before. Out: a `Decision` and, when it may run, a `Permit`.
 * What holds: deny is final; an approval is bound to one plan hash and spent once; a reviewer only ever turns `review`
 * into allow, ask or deny, and never widens the claim; no answer, a failing port or an abort refuses, at once.
 * Only this room makes permits, and execution must spend one. Pure but for the ports: no clock, no file, no environment.
 */
export { decide, leadingMatch, reviewedVerdict } from "./decide.ts";
export type { ApprovePort, Ports, Proposal, ReviewPort, Ruling } from "./decide.ts";
export { createGrants } from "./grants.ts";
export type { Grant, Grants } from "./grants.ts";
export { isGood, spendPermit } from "./permit.ts";
export type { Permit } from "./permit.ts";
export { connectionHashOf, planHashOf } from "./plan-hash.ts";
export type { PlanParts, Sha256 } from "./plan-hash.ts";
export { describeEffect, refusalMessage } from "./refusal.ts";
