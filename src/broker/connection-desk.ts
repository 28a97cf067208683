import { connectionHashOf, decide, spendPermit, type Ports, type Proposal } from "../decide/index.ts";
import { LIMITS, type Decision, type PlanHash } from "../model/index.ts";
import type { Decider, Leave, Sought } from "../network/index.ts";
import { judgeConnection, type Connection } from "../policy/index.ts";
import type { Answered, Rule } from "./connection-questions.ts";
import { needsRule, questionAbout, refusalOf, unanswered } from "./connection-words.ts";
import type { ExecutionParts } from "./execution.ts";
import { sha256 } from "./identity.ts";
import type { Judgement } from "./pipeline.ts";
import type { InForce } from "./rulebook.ts";

/** The command whose connections are decided about. */
export type RunningLine = {
  readonly id: string;
  readonly judged: Judgement;
  readonly inForce: InForce;
  /** pid of its shim, as the host knows it. */
  readonly pid: number;
  /** Hosts that it was given. */
  readonly given: readonly string[];
};

export type DeskParts = Pick<ExecutionParts, "approvals" | "questions" | "sessionGrants" | "sessionOf" | "reviews" | "recorder" | "connectionQuestions" | "log">;

type Desk = { readonly line: RunningLine; readonly parts: DeskParts; readonly allowed: Map<PlanHash, Promise<Leave>>; readonly asked: Set<PlanHash>; readonly recorded: Map<string, string> };

/**
 * In: a command that runs. Out: decides about each connection that it asks for, with the same rules, reviewer, people and
 * grants as lines. INVARIANT: deny wins; a yes is for this host and port, for the rest of this run; whatever fails refuses.
 */
export function deskFor(line: RunningLine, parts: DeskParts): Decider {
  const desk: Desk = { line, parts, allowed: new Map(), asked: new Set(), recorded: new Map() };
  return async (sought, gone) => {
    try {
      return await decideAbout(sought, desk, gone);
    } catch (error) {
      parts.log(`${line.id}: a connection could not be decided about: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return { kind: "refused", reason: "internal error", hint: "the broker's log says more; tell the person, `vetsh doctor` shows where it is" };
    }
  };
}

async function decideAbout(sought: Sought, desk: Desk, gone: AbortSignal): Promise<Leave> {
  const { line } = desk;
  const { judged, inForce } = line;
  const connection: Connection = { host: sought.target.host, port: sought.target.port, method: sought.method, beside: line.given };
  const { analysis, evaluation } = judgeConnection(connection, inForce.rules, { sandboxed: true, workspace: judged.facts.workspace, home: judged.facts.home });
  const { verdict } = evaluation;
  // What the line was given was decided with the line.
  if (sought.listed && verdict !== "deny") return { kind: "allowed", hosts: line.given };
  const hash = connectionHashOf({ command: judged.planHash, host: connection.host, port: connection.port, effects: analysis.effects, verdict }, sha256);
  const already = desk.allowed.get(hash);
  if (already !== undefined) return already;
  if (verdict === "review" || verdict === "ask") {
    if (!sought.askable) return needsRule(sought);
    desk.asked.add(hash);
    if (desk.asked.size > LIMITS.connectionQuestions) {
      desk.asked.delete(hash);
      return { kind: "refused", reason: `this command has asked for ${LIMITS.connectionQuestions} hosts that it was not given`, hint: "name the hosts in the command line so that they can be judged, or tell the person which are needed" };
    }
  }
  const proposal: Proposal = { requestId: line.id, analysis, evaluation, effects: analysis.effects, planHash: hash };
  const began = performance.now();
  const answered = await desk.parts.connectionQuestions.answer(hash, ruleWith(proposal, sought, desk), patienceOf(sought, desk), gone);
  return conclude(sought, answered, hash, performance.now() - began, proposal, desk);
}

/** Records what was decided, and only then lets the connection go on. */
function conclude(sought: Sought, answered: Answered, hash: PlanHash, waitedMs: number, { evaluation }: Proposal, desk: Desk): Promise<Leave> {
  const decision = answered.kind === "ruled" ? answered.decision : pending(evaluation, answered.id, waitedMs);
  const recorded = record(sought, decision, hash, waitedMs, desk);
  if (answered.kind === "unanswered") return recorded.then(() => unanswered(sought, answered.id));
  if (decision.final === "refuse") return recorded.then(() => refusalOf(sought, decision));
  // Known from now on: a connection that comes while this is being written waits for that, and asks nobody.
  const leave = recorded.then((): Leave => ({ kind: "allowed", hosts: answered.hosts }));
  desk.allowed.set(hash, leave);
  return leave;
}

/** Once for each answer: a client that tries again and again must not fill the journal. */
async function record({ target, method }: Sought, decision: Decision, hash: PlanHash, waitedMs: number, { line, parts, recorded }: Desk): Promise<void> {
  const outcome = `${decision.final} ${decision.source} ${decision.approval?.id ?? ""}`;
  if (recorded.get(hash) === outcome) return;
  recorded.set(hash, outcome);
  const written = await parts.recorder.connectionDecided(line.id, { decision, host: target.host, port: target.port, method, waitedMs });
  if (!written.ok) throw new Error(`the decision could not be recorded: ${written.message}`);
}

function pending(evaluation: Decision["evaluation"], id: string | undefined, ms: number): Decision {
  const approval = id === undefined ? undefined : ({ id, outcome: "pending", channel: "none", by: undefined, message: undefined, startedAt: Date.now() - ms, ms: Math.round(ms) } as const);
  return { final: "refuse", source: "fallback", evaluation, review: undefined, approval, reason: "its client did not wait for an answer", instead: undefined, span: undefined };
}

function ruleWith(proposal: Proposal, sought: Sought, desk: Desk): Rule {
  return async (signal) => {
    const ruling = await decide(proposal, portsFor(sought, desk), signal);
    const network = ruling.permit === undefined ? [] : spendPermit(ruling.permit).claim.network;
    return { ruling, hosts: network === "any" ? [] : network };
  };
}

function portsFor(sought: Sought, { line, parts }: Desk): Ports {
  const { judged, inForce, given } = line;
  const { settings } = inForce.loaded;
  const until = performance.now() + holdMsOf({ line });
  const left = (): number => Math.max(1, Math.round(until - performance.now()));
  const review = parts.reviews.portFor(settings.reviewer);
  const session = (): ReturnType<typeof parts.sessionOf> => parts.sessionOf(line.pid);
  return {
    grants: parts.sessionGrants.with(parts.questions.grants(), session),
    review: review === undefined ? undefined : (proposal, signal) => review(judged, AbortSignal.any([signal, AbortSignal.timeout(left())]), { evaluation: proposal.evaluation, host: sought.target.host, port: sought.target.port, method: sought.method, given }),
    approve: (proposal, _review, signal) => parts.approvals.ask({
      question: questionAbout(judged, given, sought, proposal.evaluation), planHash: proposal.planHash, cwd: judged.facts.cwd, origin: { pid: line.pid, onTerminal: settings.approvals.terminal }, session: session(),
    }, left(), signal),
  };
}

/** A client that waits as long as the question does hears its end from the question. */
function patienceOf({ holdMs }: Sought, desk: Desk): number {
  const question = holdMsOf(desk);
  return holdMs < question ? holdMs : question + LIMITS.connectionMarginMs;
}

function holdMsOf({ line }: Pick<Desk, "line">): number {
  return Math.min(LIMITS.connectionHoldMs, line.inForce.loaded.settings.approvals.holdMs ?? LIMITS.askMs);
}
