import { LIMITS, escapeText } from "../model/index.ts";
import type { Approval, Decision, DecisionSource, Judged, PlanHash, Review, RuleMatch, Span, Verdict } from "../model/index.ts";
import type { Grant, Grants } from "./grants.ts";
import { issuePermit } from "./permit.ts";
import type { Permit } from "./permit.ts";

/** `requestId` names the request in records; the permit carries it on. */
export type Proposal = Judged & { readonly requestId: string; readonly planHash: PlanHash };

/** Asks a model. Failures are a `Review` with `error`; a rejection counts the same. */
export type ReviewPort = (proposal: Proposal, signal: AbortSignal) => Promise<Review>;

/**
 * Asks a human. Ends at once as `pending` when nobody is there, and after a named limit when nobody answers; the question
 * then stays open under its id. `review` is what a reviewer said before, if one was asked.
 */
export type ApprovePort = (proposal: Proposal, review: Review | undefined, signal: AbortSignal) => Promise<Approval>;

export type Ports = { readonly review?: ReviewPort | undefined; readonly approve?: ApprovePort | undefined; readonly grants: Grants };

/** INVARIANT: `permit` is there exactly when `decision.final` is "run". */
export type Ruling = { readonly decision: Decision; readonly permit: Permit | undefined };

/**
 * In: a judged line with the hash of its plan, the ports, and the end of anybody's interest in it.
 * Out: the decision and, when it may run, the permit. Order: deny, grants, allow, reviewer, human. Never rejects.
 * INVARIANT: no path without an explicit yes ends in "run": a failing port, a missing one and an abort all refuse (I2).
 */
export async function decide(proposal: Proposal, ports: Ports, signal: AbortSignal): Promise<Ruling> {
  const { verdict } = proposal.evaluation;
  if (signal.aborted) return refuse(proposal, "fallback", { reason: GONE });
  if (verdict === "deny") return refuse(proposal, "rule", {});
  const grant = ports.grants.spend(proposal.planHash);
  if (grant !== undefined) return run(proposal, "grant", { reason: `a person approved exactly this ${grant.keep === "session" ? "for the session" : "before"}`, grant });
  switch (verdict) {
    case "allow":
      return run(proposal, "rule", {});
    case "review":
      return decideReview(proposal, ports, signal);
    case "ask":
      return decideAsk(proposal, ports, undefined, signal);
  }
}

/** I4: a reviewer turns `review` into allow, ask or deny. The verdict is derived here, not taken from its words. */
async function decideReview(proposal: Proposal, ports: Ports, signal: AbortSignal): Promise<Ruling> {
  const review = await settled(ports.review, (ask) => ask(proposal, signal));
  if (signal.aborted) return refuse(proposal, "fallback", { review, reason: GONE });
  switch (reviewedVerdict(review)) {
    case "allow":
      return run(proposal, "reviewer", { review, reason: `the reviewer allowed it: ${safe(review?.rationale ?? "")}` });
    case "deny":
      return refuse(proposal, "reviewer", { review, reason: `the reviewer refused it: ${safe(review?.rationale ?? "")}` });
    case "ask":
      return decideAsk(proposal, ports, review, signal);
  }
}

/**
 * In: what a reviewer answered, if it did. Out: what that is worth. An error, a missing answer, and "allow" beside a risk
 * that is high, critical or not known are all `ask`: a model that was talked into a yes often still names the risk.
 */
export function reviewedVerdict(review: Review | undefined): Exclude<Verdict, "review"> {
  if (review === undefined || review.error !== undefined) return "ask";
  if (review.outcome !== "allow") return review.outcome;
  return review.risk === "low" || review.risk === "medium" ? "allow" : "ask";
}

async function decideAsk(proposal: Proposal, ports: Ports, review: Review | undefined, signal: AbortSignal): Promise<Ruling> {
  const approval = await settled(ports.approve, (ask) => ask(proposal, review, signal));
  if (signal.aborted) return refuse(proposal, "fallback", { review, approval, reason: GONE });
  if (approval === undefined) return refuse(proposal, "fallback", { review, reason: `needs a person's approval and nobody can be asked: ${leadingReason(proposal)}` });
  switch (approval.outcome) {
    case "approved":
      return run(proposal, "human", { review, approval, reason: `approved by ${safe(approval.by ?? "a person")}` });
    case "denied":
      return refuse(proposal, "human", { review, approval, reason: `a person said no: ${safe(approval.message ?? leadingReason(proposal))}` });
    case "pending":
      return refuse(proposal, "fallback", { review, approval, reason: `needs a person's approval, pending as ${safe(approval.id)}: ${leadingReason(proposal)}` });
  }
}

const GONE = "the caller went away before a decision was made";

/** A port that is missing, throws or rejects has not said yes: its answer is no answer, which every caller reads as "ask" or "refuse". */
async function settled<Port, T>(port: Port | undefined, ask: (port: Port) => Promise<T>): Promise<T | undefined> {
  if (port === undefined) return undefined;
  try {
    return await ask(port);
  } catch {
    return undefined;
  }
}

type Facets = { readonly reason?: string; readonly review?: Review | undefined; readonly approval?: Approval | undefined; readonly grant?: Grant };

function run(proposal: Proposal, source: DecisionSource, facets: Facets): Ruling {
  return { decision: decision(proposal, "run", source, facets), permit: issuePermit(proposal, proposal.evaluation.claim, source) };
}

function refuse(proposal: Proposal, source: DecisionSource, facets: Facets): Ruling {
  return { decision: decision(proposal, "refuse", source, facets), permit: undefined };
}

function decision(proposal: Proposal, final: Decision["final"], source: DecisionSource, facets: Facets): Decision {
  const { evaluation } = proposal;
  const match = leadingMatch(evaluation.matches, evaluation.verdict);
  return {
    final,
    source,
    evaluation,
    review: facets.review,
    approval: facets.approval,
    ...(facets.grant === undefined ? {} : { grant: { id: facets.grant.id, by: facets.grant.by, keep: facets.grant.keep } }),
    reason: facets.reason ?? leadingReason(proposal),
    instead: match?.instead === undefined ? undefined : safe(match.instead),
    span: spanOf(proposal, match),
  };
}

/** In: matches and the verdict they gave. Out: the one that weighed most: of that verdict, a rule before our own fallbacks, the first. */
export function leadingMatch(matches: readonly RuleMatch[], verdict: Verdict): RuleMatch | undefined {
  const heaviest = matches.filter((match) => match.verdict === verdict);
  return heaviest.find((match) => match.line > 0) ?? heaviest[0];
}

function leadingReason({ evaluation }: Proposal): string {
  const match = leadingMatch(evaluation.matches, evaluation.verdict);
  return match === undefined ? "it does nothing that a rule speaks about" : `${safe(match.reason)} (rule ${safe(match.id)})`;
}

function spanOf(proposal: Proposal, match: RuleMatch | undefined): Span | undefined {
  return match?.effect === undefined ? undefined : proposal.analysis.effects[match.effect]?.span;
}

function safe(text: string): string {
  return escapeText(text, { maxLength: LIMITS.shownReason });
}
