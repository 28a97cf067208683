import { leadingMatch } from "../decide/index.ts";
import { escapeText, LIMITS, type Decision, type Evaluation, type Question } from "../model/index.ts";
import type { Leave, Sought } from "../network/index.ts";
import { sourceOf, type Judgement } from "./pipeline.ts";

type Refused = Extract<Leave, { kind: "refused" }>;

/** In: where to. Out: as people write it. */
export function shownTarget({ host, port }: Sought["target"]): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** In: the command that asks, what it was given, where to, what rules say. Out: what a human is asked. */
export function questionAbout(judged: Judgement, given: readonly string[], sought: Sought, evaluation: Evaluation): Omit<Question, "id" | "expiresAt"> {
  const match = leadingMatch(evaluation.matches, evaluation.verdict);
  const target = shownTarget(sought.target);
  return {
    command: sourceOf(judged) ?? judged.subject.argv.join(" "),
    span: undefined,
    running: true,
    effects: [sought.protocol === "http" ? `connect to \`${target}\`, to ${sought.method} by plain HTTP` : `connect to \`${target}\``],
    reason: match === undefined || match.line === 0 ? "it runs already, and asks for a host that its line does not name" : match.reason,
    rule: match === undefined || match.line === 0 ? undefined : `${match.id} (${match.file}:${match.line})`,
    instead: match?.instead,
    authority: `${target}, beside ${given.length === 0 ? "no host" : given.join(", ")} that it was given`,
    intent: undefined,
  };
}

/** In: where to, the decision to refuse. Out: what the client is told. */
export function refusalOf(sought: Sought, decision: Decision): Refused {
  const target = shownTarget(sought.target);
  if (decision.approval?.outcome === "pending") return unanswered(sought, decision.approval.id);
  const match = leadingMatch(decision.evaluation.matches, decision.evaluation.verdict);
  if (decision.evaluation.verdict === "deny") return { kind: "refused", reason: `\`${target}\` is denied: ${safe(match?.reason ?? decision.reason)} (rule ${safe(match?.id ?? "")})`, hint: decision.instead ?? "do not reach it in another way; ask the person whose machine this is" };
  return { kind: "refused", reason: `\`${target}\` is not among the hosts of this command: ${decision.reason}`, hint: "do not reach it in another way; follow what was said, or ask the person" };
}

/** Out: what the client is told when nobody answered yet. */
export function unanswered(sought: Sought, id: string | undefined): Refused {
  const target = shownTarget(sought.target);
  if (id === undefined) return { kind: "refused", reason: `\`${target}\` is not among the hosts of this command`, hint: "nobody could be asked; name the host in the command line so that it can be judged" };
  return { kind: "refused", reason: `\`${target}\` is not among the hosts of this command and needs a person's approval, question ${id}`, hint: `only a person can, in a terminal of their own: vetsh approve ${id}; then run exactly the same command once more` };
}

/** Out: what the client is told where no yes could help. */
export function needsRule(sought: Sought): Refused {
  return { kind: "refused", reason: `\`${shownTarget(sought.target)}\` is not among the hosts of this command, and addresses are not asked about`, hint: `use the name of the host, or a person adds a \`[[network]]\` rule with \`host = "${sought.target.host}"\`` };
}

function safe(text: string): string {
  return escapeText(text, { maxLength: LIMITS.shownPiece });
}
