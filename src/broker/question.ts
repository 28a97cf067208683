import { describeEffect, leadingMatch } from "../decide/index.ts";
import { LIMITS } from "../model/index.ts";
import type { Claim, Effect, Intent, Question, RuleMatch, Verdict } from "../model/index.ts";
import { stakeOfQuestion } from "./losses.ts";
import { sourceOf, type Judgement } from "./pipeline.ts";

const MOST_EFFECTS = 20;

/** In: a judged line, why it is wanted, and whether it can be undone, in words. Out: what a human is asked about it. */
export function questionOf(judged: Judgement, intent: Intent | undefined, undo: string | undefined): Omit<Question, "id" | "expiresAt"> {
  const { evaluation, effects, analysis, subject } = judged;
  const match = leadingMatch(evaluation.matches, evaluation.verdict);
  const source = sourceOf(judged);
  return {
    command: source ?? (analysis.canonical === "" ? subject.argv.join(" ") : `${subject.argv.join(" ")}\n${analysis.canonical}`),
    span: source === undefined || match?.effect === undefined ? undefined : effects[match.effect]?.span,
    effects: weightiestFirst(judged).map(describeEffect).slice(0, MOST_EFFECTS),
    reason: match?.reason ?? "nobody understood what it does",
    rule: match === undefined || match.line === 0 ? undefined : ruleName(match),
    instead: match?.instead,
    stake: stakeOfQuestion(judged),
    detail: detailOf(judged),
    authority: undo === undefined ? authorityWords(evaluation.claim) : `${authorityWords(evaluation.claim)} · ${undo}`,
    intent,
  };
}

/** Every effect with the piece of source and the spec that say so, and every rule that wants a look. */
function detailOf(judged: Judgement): readonly string[] {
  const { evaluation, analysis } = judged;
  const source = sourceOf(judged);
  const cause = ({ span, by, sure }: Effect): string => {
    const piece = source?.slice(span.start, span.end) ?? "";
    return `${piece === "" ? "" : `\`${piece.slice(0, LIMITS.shownPiece)}\` `}(${by}${sure === "certain" ? "" : ", perhaps"})`;
  };
  const weighty = evaluation.matches.filter(({ verdict }) => verdict !== "allow");
  return [
    ...weightiestFirst(judged).slice(0, MOST_EFFECTS).map((effect) => `${cause(effect)}: ${describeEffect(effect)}`),
    ...new Set(weighty.map((match) => `${match.verdict}: ${match.reason} (${match.line === 0 ? match.id : `${match.id}, ${match.tier}, ${match.file}:${match.line}`})`)),
    `in ${judged.facts.cwd}`,
    ...(analysis.canonical === "" || analysis.canonical === source ? [] : [`read as: ${analysis.canonical}`]),
  ];
}

/** Where a person can look it up: our own rules by name, theirs by file and line. */
function ruleName({ id, tier, file, line }: RuleMatch): string {
  return tier === "built-in" ? id : `${id}, ${file}:${line}`;
}

/** Effects that asked for the verdict before those that did not; reads last, and each once. */
function weightiestFirst({ evaluation, effects }: Judgement): readonly Effect[] {
  const order: readonly Verdict[] = ["deny", "ask", "review", "allow"];
  const weight = (effect: Effect): number => {
    const found = evaluation.matches.filter((match) => match.effect !== undefined && effects[match.effect] === effect).map((match) => order.indexOf(match.verdict));
    return found.length === 0 ? order.length : Math.min(...found);
  };
  const seen = new Set<string>();
  return effects
    .map((effect) => ({ effect, weight: weight(effect) }))
    .sort((a, b) => a.weight - b.weight)
    .map(({ effect }) => effect)
    .filter((effect) => {
      const words = describeEffect(effect);
      if (seen.has(words)) return false;
      seen.add(words);
      return true;
    });
}

/** In: a claim. Out: the same in a few words: `writes in the workspace · no network`. */
export function authorityWords(claim: Claim): string {
  const network = claim.network === "any" ? "any host" : claim.network.length === 0 ? "no network" : claim.network.join(", ");
  const secrets = claim.secrets.length === 0 ? [] : [`reads secrets: ${claim.secrets.join(", ")}`];
  return [claim.privileged ? "no sandbox at all" : writesWords(claim), network, ...secrets].join(" · ");
}

function writesWords(claim: Claim): string {
  switch (claim.sandbox) {
    case "none":
      return "no sandbox at all";
    case "read-only":
      return "writes nothing";
    case "workspace":
      return "writes in the workspace";
    case "custom":
      return `writes in the workspace${claim.writable.length === 0 ? "" : ` and ${claim.writable.join(", ")}`}`;
  }
}
