/**
 * policy: what we think of effects. In: an `Analysis` and a `RuleSet` (compiled once from the TOML of all tiers).
 * Out: an `Evaluation`: verdict, every rule that matched, and the claim, the authority that the effects need.
 * What holds: the verdict is the maximum over its matches; nothing loosens but an explicit rule of a tier that may;
 * an effect without a rule is at least `review`; a rules file that cannot be used makes everything stricter, never looser;
 * a rule carries its examples, and `checkExamples` proves them. Pure: no clock, no file, no environment; nothing throws.
 * The language of rules: docs/rules.md. The default rules: rules/policy/*.toml.
 */
export { compileRules } from "./compile.ts";
export { evaluate } from "./evaluate.ts";
export { judgeConnection } from "./connection.ts";
export type { Connection } from "./connection.ts";
export { checkExamples, exampleOf, EXAMPLE_PLACE } from "./examples.ts";
export type { ExampleJudge } from "./examples.ts";
export { isAddress } from "./condition.ts";
export { LOOPBACK } from "./claim.ts";
export type { Rule, RuleFile, RuleLayer, RuleProblem, RuleSet, Matchers, PolicyHost } from "./rule.ts";
