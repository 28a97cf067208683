import { describe, expect, test } from "vitest";
import { VERDICTS, stricter } from "../../src/model/index.ts";
import type { Verdict } from "../../src/model/index.ts";
import { EXAMPLE_PLACE, compileRules, evaluate } from "../../src/policy/index.ts";
import type { RuleLayer } from "../../src/policy/index.ts";
import { defaults } from "./judge.ts";

/**
 * Rules are tested by breaking them: take a default rule away, or let it say one step less, and one of its own examples
 * must be judged differently, as a whole or in one of its effects. A rule for which nothing changes is dead, hidden behind others, or has examples that prove nothing.
 */
const { loaded, judge } = defaults();
const layer = loaded.tiers.flatMap(({ tier, mayLoosen, files }): readonly RuleLayer[] => [{ tier, mayLoosen, files }]);
const original = loaded.rules;

type Table = { readonly id: string; readonly decision: Verdict };

/** The default rules with one table changed; `undefined` takes it away. */
function mutate(id: string, change: (table: Table) => Table | undefined): ReturnType<typeof compileRules> {
  return compileRules(layer.map((one) => ({
    ...one,
    files: one.files.map((file) => ({ ...file, data: { rule: (file.data as { readonly rule: readonly Table[] }).rule.map((table) => (table.id === id ? change(table) : table)).filter((table) => table !== undefined) } })),
  })));
}

/** What is said of each effect, and of the line: the strictest verdict, and whether any rule spoke. */
function verdicts(rules: ReturnType<typeof compileRules>, lines: readonly string[]): readonly string[] {
  return lines.map((line) => {
    const analysis = judge(line);
    const { verdict, matches } = evaluate(analysis, rules, EXAMPLE_PLACE);
    const heaviest = (of: number | undefined): Verdict => matches.filter(({ effect }) => effect === of).reduce<Verdict>((sum, match) => stricter(sum, match.verdict), "allow");
    const silent = matches.filter(({ id }) => id === "no-rule").map(({ effect }) => effect);
    return JSON.stringify([verdict, [undefined, ...analysis.effects.keys()].map(heaviest), silent]);
  });
}

test("there are rules to break", () => {
  expect(original.problems).toEqual([]);
  expect(original.rules.length).toBeGreaterThan(40);
});

describe("taken away", () => {
  test.each(original.rules.map((rule) => [rule.id, rule] as const))("%s", (id, rule) => {
    const without = mutate(id, () => undefined);
    expect(without.rules).toHaveLength(original.rules.length - 1);
    expect(verdicts(without, rule.match)).not.toEqual(verdicts(original, rule.match));
  });
});

describe("one step looser", () => {
  test.each(original.rules.filter(({ decision }) => decision !== "allow").map((rule) => [rule.id, rule] as const))("%s", (id, rule) => {
    const looser = mutate(id, (table) => ({ ...table, decision: VERDICTS[VERDICTS.indexOf(table.decision) - 1] ?? "allow" }));
    expect(looser.rules).toHaveLength(original.rules.length);
    expect(verdicts(looser, rule.match)).not.toEqual(verdicts(original, rule.match));
  });
});
