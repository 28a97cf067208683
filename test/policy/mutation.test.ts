import { describe, expect, test } from "vitest";
import { VERDICTS, stricter } from "../../src/model/index.ts";
import type { Verdict } from "../../src/model/index.ts";
import { EXAMPLE_PLACE, checkExamples, compileRules, evaluate, exampleOf } from "../../src/policy/index.ts";
import type { Rule, RuleLayer } from "../../src/policy/index.ts";
import { defaults } from "./judge.ts";

/**
 * Rules are tested by breaking them: take a default rule away, or let it say one step less, and one of its own examples
 * must be judged differently, as a whole or in one of its effects. A rule for which nothing changes is dead, hidden behind others, or has examples that prove nothing.
 */
const { loaded, judge } = defaults();
const layer = loaded.tiers.flatMap(({ tier, mayLoosen, files }): readonly RuleLayer[] => [{ tier, mayLoosen, files }]);
const original = loaded.rules;

type When = Readonly<Record<string, unknown>>;
type Table = { readonly id: string; readonly decision: Verdict; readonly when?: When | readonly When[] };

const TABLES = ["rule", "network"] as const;
const tablesOf = (data: unknown, key: (typeof TABLES)[number]): readonly Table[] => (data as { readonly [name in (typeof TABLES)[number]]?: readonly Table[] })[key] ?? [];

/** The default rules with one table changed; `undefined` takes it away. */
function mutate(id: string, change: (table: Table) => Table | undefined): ReturnType<typeof compileRules> {
  return compileRules(layer.map((one) => ({
    ...one,
    files: one.files.map((file) => ({ ...file, data: Object.fromEntries(TABLES.map((key) => [key, tablesOf(file.data, key).map((table) => (table.id === id ? change(table) : table)).filter((table) => table !== undefined)])) })),
  })));
}

/** What is said of each effect, and of the line: the strictest verdict, and whether any rule spoke. */
function verdicts(rules: ReturnType<typeof compileRules>, rule: Rule): readonly string[] {
  return rule.match.map((line) => {
    const analysis = exampleOf(rule, line, judge);
    const { verdict, matches } = evaluate(analysis, rule.table === "network" ? rules.connections : rules, EXAMPLE_PLACE);
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
    expect(verdicts(without, rule)).not.toEqual(verdicts(original, rule));
  });
});

describe("one step looser", () => {
  test.each(original.rules.filter(({ decision }) => decision !== "allow").map((rule) => [rule.id, rule] as const))("%s", (id, rule) => {
    const looser = mutate(id, (table) => ({ ...table, decision: VERDICTS[VERDICTS.indexOf(table.decision) - 1] ?? "allow" }));
    expect(looser.rules).toHaveLength(original.rules.length);
    expect(verdicts(looser, rule)).not.toEqual(verdicts(original, rule));
  });
});

/** Conditions that no line can be told by: another key of the same rule implies them, or nothing else reports such effects. */
const IMPLIED: ReadonlySet<string> = new Set(["wipe.recursive", "fork-bomb.by", "overwrite-logs.by", "delete-artefact.zone", "run-installer.what", "network-loopback.direction", "root-shell.by"]);

describe("without one of its conditions", () => {
  const tables = layer.flatMap(({ files }) => files.flatMap((file) => tablesOf(file.data, "rule")));
  const keys = tables.flatMap((table) => [table.when ?? []].flat().flatMap((when, at) => Object.keys(when).filter((key) => key !== "effect" && !IMPLIED.has(`${table.id}.${key}`)).map((key) => [`${table.id}: ${key}`, table.id, at, key] as const)));
  test.each(keys)("%s", (_what, id, at, key) => {
    const widened = mutate(id, (table) => {
      const when = [table.when ?? []].flat().map((one, index) => (index === at ? Object.fromEntries(Object.entries(one).filter(([name]) => name !== key)) : one));
      return { ...table, when: when.length === 1 ? when[0] ?? {} : when };
    });
    // A rule that cannot do without the condition does not even load; one that can must fit what it should not.
    if (widened.problems.length === 0) expect(checkExamples(widened, judge).map(({ rule }) => rule)).toContain(id);
  });
});

describe("a rule about hosts without one of its keys", () => {
  const tables = layer.flatMap(({ files }) => files.flatMap((file) => tablesOf(file.data, "network")));
  const keys = tables.flatMap((table) => ["port", "method", "beside"].filter((key) => key in table).map((key) => [`${table.id}: ${key}`, table.id, key] as const));
  test.each(keys)("%s", (_what, id, key) => {
    expect(tables.length).toBeGreaterThan(2);
    const widened = mutate(id, (table) => Object.fromEntries(Object.entries(table).filter(([name]) => name !== key)) as Table);
    expect(widened.problems).toEqual([]);
    expect(checkExamples(widened, judge).map(({ rule }) => rule)).toContain(id);
  });
});
