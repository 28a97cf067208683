import { TIERS, VERDICTS, stricter } from "../model/index.ts";
import type { Analysis, Effect, EffectKind, Evaluation, RuleMatch, Tier, Verdict } from "../model/index.ts";
import { claimOf } from "./claim.ts";
import { isUsable } from "./compile.ts";
import { candidates, coveredBy, mayFit, surelyFits } from "./command.ts";
import { meets, pathOf } from "./condition.ts";
import { facetOf } from "./facet.ts";
import type { Condition, Matchers, PolicyHost, Rule } from "./rule.ts";

/** One rule meeting one effect (or the line) before loosening is settled. */
type Finding = { readonly rule: Rule; readonly verdict: Verdict; readonly effect: number | undefined; readonly whole: boolean; readonly note: string | undefined };

/**
 * In: what a line does, the rules, and what this host can enforce. Out: the verdict with all its evidence, the weightiest first, and the claim.
 * INVARIANT: `verdict` is the maximum over `matches` (I1); an effect that no rule speaks about is a match of `no-rule`
 * with `review` (I2). Pure; never throws.
 */
export function evaluate(analysis: Analysis, rules: Matchers, host: PolicyHost): Evaluation {
  const findings = find(analysis, rules, host);
  const loosening = findings.some(mayLift) ? Map.groupBy(findings.filter(mayLift), ({ effect }) => effect) : NO_FINDINGS;
  const matches = (loosening.size === 0 ? findings : findings.filter((finding) => !isLifted(finding, loosening, analysis, host))).map(toMatch);
  for (const index of unspoken(analysis.effects.length, findings)) matches.push(ownMatch("no-rule", "review", "no rule speaks about this effect", index));
  for (const { verdict, problem } of rules.floors) {
    matches.push({ ...ownMatch("broken-rules", verdict, `the ${problem.tier} rules cannot be used: ${problem.message}`, undefined), tier: problem.tier, file: problem.file, line: problem.line, instead: problem.hint });
  }
  const verdict = matches.reduce<Verdict>((sum, match) => stricter(sum, match.verdict), "allow");
  const bare = withoutSandbox(analysis, verdict, host);
  if (bare !== undefined) matches.push(bare);
  sortByWeight(matches, analysis);
  return { verdict: bare === undefined ? verdict : stricter(verdict, bare.verdict), matches, claim: claimOf(analysis, matches), policy: rules.policy };
}

/** The effects that no finding is about. */
function unspoken(effects: number, findings: readonly Finding[]): readonly number[] {
  // Findings about single effects come in the order of the effects: most lines have one for each.
  let next = 0;
  for (const { effect } of findings) if (effect === next) next += 1;
  if (next === effects) return [];
  const spoken = new Set(findings.map(({ effect }) => effect));
  return Array.from({ length: effects }, (_, index) => index).filter((index) => !spoken.has(index));
}

/** The weightiest first; most lines have it that way from the start. */
function sortByWeight(matches: RuleMatch[], analysis: Analysis): void {
  let before = 0;
  for (const match of matches) {
    const weight = weigh(match, analysis);
    if (weight < before) {
      matches.sort((a, b) => weigh(a, analysis) - weigh(b, analysis));
      return;
    }
    before = weight;
  }
}

const NO_FINDINGS: ReadonlyMap<number | undefined, readonly Finding[]> = new Map();

function mayLift({ rule }: Finding): boolean {
  return rule.tier !== "built-in" && leaning(rule) === "loosens";
}

/** What a person should hear of first, among effects that weigh the same: what is lost, then who gains what, then the rest. */
const KIND_ORDER: readonly EffectKind[] = ["lose", "delete", "secret", "privilege", "persist", "remote", "process", "write", "exec", "opaque", "network", "read"];

/** In: a match. Out: its place: strictest first, then what is about the whole line, then by the kind of its effect. */
function weigh(match: RuleMatch, analysis: Analysis): number {
  const kind = match.effect === undefined ? undefined : analysis.effects[match.effect]?.kind;
  return (VERDICTS.length - VERDICTS.indexOf(match.verdict)) * 100 + (kind === undefined ? 0 : 1 + KIND_ORDER.indexOf(kind));
}

/** In: one rule and an analysis. Out: whether the rule has something to say about the line, loosening aside. For examples. */
export function speaksAbout(rule: Rule, analysis: Analysis, host: PolicyHost): boolean {
  if (rule.commands.length > 0) return findCommand(rule, analysis, host).length > 0;
  if (rule.when.length > 1) return findCombined(rule, analysis, host).length > 0;
  const condition = rule.when[0];
  return condition !== undefined && analysis.effects.some((effect) => applies(rule, condition, effect, analysis, host));
}

function find(analysis: Analysis, rules: Matchers, host: PolicyHost): Finding[] {
  const findings: Finding[] = [];
  for (const [index, effect] of analysis.effects.entries()) {
    for (const rule of rulesFor(effect, rules)) {
      const condition = rule.when[0];
      if (condition !== undefined && applies(rule, condition, effect, analysis, host)) findings.push({ rule, verdict: rule.decision, effect: index, whole: false, note: undefined });
    }
  }
  if (analysis.effects.length > 0) for (const rule of rules.combined) findings.push(...findCombined(rule, analysis, host));
  for (const rule of candidates(analysis, rules)) if (isUsable(rule)) findings.push(...findCommand(rule, analysis, host));
  return findings;
}

const NO_RULES: readonly Rule[] = [];

/** The rules that could speak about an effect. A facet that is not listed stands for all rules of the kind. */
function rulesFor(effect: Effect, rules: Matchers): readonly Rule[] {
  const ofKind = rules.byKind.get(effect.kind);
  if (ofKind === undefined) return NO_RULES;
  const facet = facetOf(effect);
  return (facet === undefined ? undefined : ofKind.byFacet.get(facet)) ?? ofKind.all;
}

function leaning(rule: Rule): "tightens" | "loosens" {
  return rule.decision === "allow" || rule.overrides.length > 0 ? "loosens" : "tightens";
}

function applies(rule: Rule, condition: Condition, effect: Effect, analysis: Analysis, host: PolicyHost): boolean {
  const leans = leaning(rule);
  if (!meets(condition, effect, analysis, host, leans)) return false;
  return leans === "tightens" || rule.tier === "built-in" || !isSensitive(effect) || namesSensitive(condition, effect);
}

/**
 * SECURITY: "allow writes in home" must not be read as "allow writes to ~/.bashrc". A rule from outside the installation
 * covers a sensitive path only if it names the flag or the path.
 */
function isSensitive(effect: Effect): boolean {
  const target = pathOf(effect);
  return target !== undefined && (target.zone === "vetsh" || target.zone === "device" || target.flags.some((flag) => flag === "protected" || flag === "secret" || flag === "root"));
}

function namesSensitive(condition: Condition, effect: Effect): boolean {
  const target = pathOf(effect);
  if (target === undefined) return true;
  if (target.zone === "vetsh" || target.zone === "device") return condition.zone?.includes(target.zone) === true || condition.path !== undefined;
  if (condition.path !== undefined) return true;
  return target.flags.every((flag) => (flag !== "protected" && flag !== "secret" && flag !== "root") || condition.flags?.includes(flag) === true);
}

/** A combined rule matches when each of its conditions is met by some effect; the first condition's effects are shown. */
function findCombined(rule: Rule, analysis: Analysis, host: PolicyHost): Finding[] {
  let first: number | undefined;
  for (const [order, condition] of rule.when.entries()) {
    const index = analysis.effects.findIndex((effect) => meets(condition, effect, analysis, host, "tightens"));
    if (index < 0) return [];
    if (order === 0) first = index;
  }
  return [{ rule, verdict: rule.decision, effect: first, whole: true, note: undefined }];
}

function findCommand(rule: Rule, analysis: Analysis, host: PolicyHost): Finding[] {
  if (leaning(rule) === "loosens") {
    const covers = coveredBy(rule.commands, analysis);
    return [...analysis.effects.entries()].filter(([, effect]) => covers(effect) && coversKind(rule, effect, analysis, host)).map(([index]) => ({ rule, verdict: rule.decision, effect: index, whole: false, note: undefined }));
  }
  const fits = analysis.commands.map((command) => mayFit(rule.commands, command));
  const fit = fits.includes("yes") ? "yes" : fits.includes("maybe") ? "maybe" : "no";
  if (fit === "no") return [];
  if (!rule.when.every((condition) => analysis.effects.some((effect) => meets(condition, effect, analysis, host, "tightens")))) return [];
  if (fit === "yes") return [{ rule, verdict: rule.decision, effect: undefined, whole: true, note: undefined }];
  return [{ rule, verdict: rule.decision === "deny" ? "ask" : rule.decision, effect: undefined, whole: true, note: "a word of the command is not known" }];
}

/** What a command rule covers without naming it: ordinary effects. Secrets, privilege, persistence and the unknown have to be named. */
function coversKind(rule: Rule, effect: Effect, analysis: Analysis, host: PolicyHost): boolean {
  const condition = rule.when[0];
  if (condition !== undefined) return applies(rule, condition, effect, analysis, host);
  if (effect.kind === "secret" || effect.kind === "privilege" || effect.kind === "persist") return false;
  if (effect.kind === "opaque") return effect.severity === "unmodelled";
  return !isSensitive(effect);
}

/** In: a finding, the findings of rules that loosen by effect. Out: whether an explicit rule of a tier that may lifts it (I1). See docs/rules.md, "Loosening". */
function isLifted(finding: Finding, loosening: ReadonlyMap<number | undefined, readonly Finding[]>, analysis: Analysis, host: PolicyHost): boolean {
  if (finding.verdict === "allow") return false;
  const liftedAt = (index: number | undefined): boolean => loosening.get(index)?.some((other) => lifts(other.rule, finding)) === true;
  if (!finding.whole) return liftedAt(finding.effect);
  const { rule } = finding;
  if (rule.commands.length > 0) return liftsCommands(finding, loosening, analysis);
  // A combined rule is lifted when every effect that meets one of its conditions is covered: `curl vault` beside `curl elsewhere` is not.
  return rule.when.some((condition) => analysis.effects.every((effect, index) => !meets(condition, effect, analysis, host, "tightens") || liftedAt(index)));
}

/** A rule about commands is lifted by another one that names it and fits every command that it fits. */
function liftsCommands(finding: Finding, loosening: ReadonlyMap<number | undefined, readonly Finding[]>, analysis: Analysis): boolean {
  const lifters = new Set([...loosening.values()].flat().map(({ rule }) => rule));
  return [...lifters].some((other) => lifts(other, finding) && analysis.commands.every((command) => mayFit(finding.rule.commands, command) === "no" || surelyFits(other.commands, command)));
}

function lifts(rule: Rule, finding: Finding): boolean {
  const other = finding.rule;
  if (!rule.mayLoosen || !isLooser(rule.decision, finding.verdict) || !isAbove(rule.tier, other.tier)) return false;
  if (other.fixed && rule.tier !== "managed") return false;
  if (rule.overrides.includes(other.id)) return true;
  return rule.decision === "allow" && other.tier === "built-in" && finding.verdict !== "deny" && !finding.whole && !other.fixed;
}

function isLooser(a: Verdict, b: Verdict): boolean {
  return a !== b && stricter(a, b) === b;
}

/** A trusted workspace speaks with its owner's voice at most: it may lift built-in rules, not the user's own. */
function isAbove(tier: Tier, other: Tier): boolean {
  if (tier === "workspace") return other === "built-in";
  return TIERS.indexOf(tier) > TIERS.indexOf(other);
}

function toMatch({ rule, verdict, effect, note }: Finding): RuleMatch {
  const reason = note === undefined ? rule.reason : `${rule.reason} (${note})`;
  return { id: rule.id, tier: rule.tier, file: rule.file, line: rule.line, verdict, reason, instead: rule.instead, effect, hosts: rule.hosts };
}

/** A match that no file holds: what policy itself says. */
function ownMatch(id: string, verdict: Verdict, reason: string, effect: number | undefined): RuleMatch {
  return { id, tier: "built-in", file: "vetsh", line: 0, verdict, reason, instead: undefined, effect, hosts: [] };
}

/**
 * On a host without a sandbox nothing holds a line to its claim, so only lines that need no holding stay allowed: those
 * that solely read what is no secret, by programs whose options are all known. Writes, even of a named file, lean on the
 * sandbox: the spec, a hook, a configuration file or a link put there a moment ago may make it another write.
 */
function withoutSandbox(analysis: Analysis, verdict: Verdict, host: PolicyHost): RuleMatch | undefined {
  if (host.sandboxed || host.unconfined === "allow" || verdict !== "allow") return undefined;
  const leaning = analysis.effects.findIndex((effect) => !isPureRead(effect));
  return leaning < 0 ? undefined : ownMatch("no-sandbox", "review", "this host has no sandbox that could hold the command to what it claims", leaning);
}

function isPureRead(effect: Effect): boolean {
  if (effect.kind === "read") return !effect.path.flags.includes("secret");
  if (effect.kind === "process") return effect.action === "look";
  return effect.kind === "write" && effect.path.zone === "null";
}
