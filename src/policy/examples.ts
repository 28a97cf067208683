import { escapeText } from "../model/index.ts";
import type { Analysis } from "../model/index.ts";
import { analyseConnection, readConnection } from "./connection.ts";
import { speaksAbout } from "./evaluate.ts";
import type { PolicyHost, Rule, RuleProblem, RuleSet } from "./rule.ts";

/** Where the examples of rules take place: a judge analyses them with these directories, so that they mean the same everywhere. */
export const EXAMPLE_PLACE: PolicyHost = { sandboxed: true, workspace: "/home/dev/repo", home: "/home/dev" };

/** What an example line does, analysed at EXAMPLE_PLACE with the command specs in force. */
export type ExampleJudge = (line: string) => Analysis;

/**
 * In: rules, and the real analysis. Out: one problem for each example that does not hold; none means all hold.
 * A rule's examples are about the rule alone, whatever other rules say of the line.
 */
export function checkExamples(rules: RuleSet, judge: ExampleJudge): readonly RuleProblem[] {
  return rules.rules.flatMap((rule) => [
    ...rule.match.filter((line) => !speaksAbout(rule, exampleOf(rule, line, judge), EXAMPLE_PLACE)).map((line) => broken(rule, line, "does not match its `match` example", rule.table === "network" ? "correct the example, or widen `host`, `port` or `method`" : "correct the example, or widen `when` until it covers the example")),
    ...rule.notMatch.filter((line) => speaksAbout(rule, exampleOf(rule, line, judge), EXAMPLE_PLACE)).map((line) => broken(rule, line, "matches its `not_match` example", rule.table === "network" ? "narrow `host`, `port` or `method`, or move the example to `match`" : "narrow `when`, or move the example to `match`")),
  ]);
}

/** In: a rule, one of its examples. Out: what the example does: a command line, or for a rule about hosts a connection. */
export function exampleOf(rule: Rule, example: string, judge: ExampleJudge): Analysis {
  const connection = rule.table === "network" ? readConnection(example) : undefined;
  return connection === undefined ? judge(example) : analyseConnection(connection);
}

function broken(rule: Rule, line: string, what: string, hint: string): RuleProblem {
  return { tier: rule.tier, file: rule.file, line: rule.line, rule: rule.id, message: `rule \`${rule.id}\` ${what} \`${escapeText(line, { maxLength: 200 })}\``, hint };
}
