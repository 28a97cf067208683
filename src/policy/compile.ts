import { EFFECT_KINDS, escapeText } from "../model/index.ts";
import type { EffectKind, Tier, Verdict } from "../model/index.ts";
import { readCommands } from "./command.ts";
import { ConditionError, readCondition, strings } from "./condition.ts";
import { facetsOf, mayMeetFacet } from "./facet.ts";
import { isTable, readDecision, readExamples, readFixed, readId, readText } from "./fields.ts";
import { readNetworkRule } from "./network-table.ts";
import type { Condition, Matchers, Rule, RuleFile, RuleLayer, RuleProblem, RuleSet, RulesOfKind } from "./rule.ts";

const RULE_KEYS = ["id", "when", "command", "decision", "reason", "instead", "hosts", "overrides", "fixed", "match", "not_match"] as const;

/**
 * In: the rules files of every tier, lowest tier first, and the hash that names the policy. Out: rules ready to use.
 * Never throws for what a file says: a bad rule is a problem that names tier, file, line and fix, and its tier gets a floor.
 */
export function compileRules(layers: readonly RuleLayer[], policy = "", unread: readonly RuleProblem[] = []): RuleSet {
  const rules: Rule[] = [];
  const problems: RuleProblem[] = [...unread];
  const seen = new Map<string, Rule>();
  for (const layer of layers) {
    for (const file of layer.files) readFile(layer, file, seen, rules, problems);
  }
  for (const rule of rules) checkOverrides(rule, seen, problems);
  return { ...indexed(rules, problems, policy), connections: indexed(rules.filter(({ table }) => table === "network"), problems, policy) };
}

function indexed(rules: readonly Rule[], problems: readonly RuleProblem[], policy: string): Matchers {
  const single = rules.filter((rule) => rule.commands.length === 0 && rule.when.length === 1);
  return {
    rules,
    problems,
    floors: problems.map((problem) => ({ verdict: floorOf(problem.tier), problem })),
    byKind: new Map(EFFECT_KINDS.map((kind): [EffectKind, RulesOfKind] => [kind, ofKind(kind, single.filter((rule) => isUsable(rule) && canConcern(rule.when[0], kind)))])),
    combined: rules.filter((rule) => rule.commands.length === 0 && rule.when.length > 1),
    ...indexCommands(rules.filter((rule) => rule.commands.length > 0)),
    policy,
  };
}

/** INVARIANT: an `allow` of a tier that may not loosen is as if it were not there (I5): it does not even speak about an effect. */
export function isUsable(rule: Rule): boolean {
  return rule.decision !== "allow" || rule.mayLoosen;
}

/**
 * What a file that cannot be used imposes. INVARIANT: a broken file never makes anything looser. It stands for the
 * strictest rule it could hold that a human here could still lift: everything is asked. What managed policy or the
 * installation itself denies, no user may lift, so while those cannot be read everything is denied.
 */
function floorOf(tier: Tier): Verdict {
  switch (tier) {
    case "built-in":
    case "managed":
      return "deny";
    case "user":
    case "workspace":
      return "ask";
  }
}

function indexCommands(byCommand: readonly Rule[]): Pick<Matchers, "byCommand" | "byProgram" | "globs"> {
  const byProgram = new Map<string, Rule[]>();
  const globs: { readonly begins: string; readonly rule: Rule }[] = [];
  for (const rule of byCommand) {
    for (const program of new Set(rule.commands.map((pattern) => pattern.program))) if (program !== undefined) byProgram.set(program, [...(byProgram.get(program) ?? []), rule]);
    for (const begins of new Set(rule.commands.filter(({ program }) => program === undefined).map((pattern) => pattern.begins))) globs.push({ begins, rule });
  }
  return { byCommand, byProgram, globs };
}

/** A rule of one zone is not asked about another one: most rules speak about one zone, or one kind of code. */
function ofKind(kind: EffectKind, all: readonly Rule[]): RulesOfKind {
  const byFacet = facetsOf(kind).map((facet): [string, readonly Rule[]] => [facet, all.filter(({ when: [condition] }) => condition !== undefined && mayMeetFacet(condition, kind, facet))]);
  return { all, byFacet: new Map(byFacet) };
}

function canConcern(condition: Condition | undefined, kind: EffectKind): boolean {
  return condition !== undefined && (condition.effect === undefined || condition.effect.includes(kind));
}

function readFile(layer: RuleLayer, file: RuleFile, seen: Map<string, Rule>, rules: Rule[], problems: RuleProblem[]): void {
  const complain = (line: number, rule: string | undefined, message: string, hint: string): void => {
    problems.push({ tier: layer.tier, file: file.file, line, rule, message, hint });
  };
  for (const { key, lines, read } of TABLES) {
    const list = tablesOf(file.data, key);
    if (list === undefined) {
      complain(1, undefined, `\`${key}\` is not a list of tables`, `start each one with \`[[${key}]]\``);
      continue;
    }
    for (const [index, table] of list.entries()) {
      const line = lines(file)[index] ?? 1;
      const name = isTable(table) && typeof table["id"] === "string" ? escapeText(table["id"], { maxLength: 100 }) : undefined;
      try {
        const rule = read(table, layer, file.file, line);
        const twin = seen.get(rule.id);
        if (twin !== undefined) throw new ConditionError(`a rule \`${rule.id}\` exists already (${twin.file}:${twin.line})`, "choose another id; to change what that rule says, name it in `overrides`");
        seen.set(rule.id, rule);
        rules.push(rule);
      } catch (error) {
        if (!(error instanceof ConditionError)) throw error;
        complain(line, name, escapeText(error.message, { maxLength: 400 }), error.hint);
      }
    }
  }
}

/** The lists of tables that policy looks at; a file may hold settings beside them. */
const TABLES: readonly { readonly key: Rule["table"]; readonly lines: (file: RuleFile) => readonly number[]; readonly read: (table: unknown, layer: RuleLayer, file: string, line: number) => Rule }[] = [
  { key: "rule", lines: ({ lines }) => lines, read: readRule },
  { key: "network", lines: ({ networkLines }) => networkLines ?? [], read: readNetworkRule },
];

function tablesOf(data: unknown, key: Rule["table"]): readonly unknown[] | undefined {
  if (!isTable(data)) return undefined;
  const list = data[key];
  return list === undefined ? [] : Array.isArray(list) ? list : undefined;
}

function readRule(table: unknown, layer: RuleLayer, file: string, line: number): Rule {
  if (!isTable(table)) throw new ConditionError("a rule is not a table", "start each rule with `[[rule]]`");
  const unknown = Object.keys(table).find((key) => !RULE_KEYS.includes(key as (typeof RULE_KEYS)[number]));
  if (unknown !== undefined) throw new ConditionError(`unknown key \`${unknown}\``, `known keys: ${RULE_KEYS.join(", ")}`);
  const when = table["when"];
  const rule: Rule = {
    id: readId(table["id"]),
    table: "rule",
    tier: layer.tier,
    mayLoosen: layer.mayLoosen,
    file,
    line,
    decision: readDecision(table["decision"]),
    fixed: readFixed(table["fixed"], layer.tier),
    reason: readText(table["reason"], "reason", "say in a few words what could go wrong: it is shown to people and agents"),
    instead: table["instead"] === undefined ? undefined : readText(table["instead"], "instead", "name a safer way"),
    hosts: strings(table["hosts"], "hosts") ?? [],
    overrides: strings(table["overrides"], "overrides") ?? [],
    when: when === undefined ? [] : (Array.isArray(when) ? when : [when]).map(readCondition),
    commands: table["command"] === undefined ? [] : readCommands(table["command"]),
    match: readExamples(table["match"], "match"),
    notMatch: readExamples(table["not_match"], "not_match"),
  };
  checkShape(rule);
  return rule;
}

function checkShape(rule: Rule): void {
  if (rule.when.length === 0 && rule.commands.length === 0) throw new ConditionError("`when` is missing or empty: the rule would match everything", "write `when = { effect = … }` or `command = […]`");
  if (rule.decision !== "allow" && rule.hosts.length > 0) throw new ConditionError("`hosts` belongs to a rule that allows", "remove `hosts`, or let the rule `decision = \"allow\"`");
  const bad = rule.hosts.find((host) => !/^(?:(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::\d{1,5})?|\d+\.\d+\.\d+\.\d+\/\d{1,2}|[0-9a-f]*:[0-9a-f:.]+(?:\/\d{1,3})?|\[[0-9a-f:.]+\](?::\d{1,5})?)$/i.test(host));
  if (bad !== undefined) throw new ConditionError(`\`${bad}\` in \`hosts\` is not a host`, "write `api.example.org`, `*.example.org`, `api.example.org:8443`, `10.1.2.3` or `10.0.0.0/8`; no scheme, no path");
  const loosens = rule.decision === "allow" || rule.overrides.length > 0;
  if (!loosens) return;
  if (rule.when.length > 1) throw new ConditionError("a rule that allows or overrides has one `when` table", "write one rule for each effect that it is about");
  if (rule.when[0] !== undefined && rule.when[0].effect === undefined) throw new ConditionError("a rule that allows or overrides must name the `effect`", `add \`effect\`, one of: ${EFFECT_KINDS.join(", ")}`);
  if (rule.tier === "built-in" && rule.overrides.length > 0) throw new ConditionError("a built-in rule cannot override", "change the rule itself");
}

/** SECURITY: a misspelt name in `overrides` must not go unnoticed, or somebody believes in a rule that does nothing. */
function checkOverrides(rule: Rule, seen: ReadonlyMap<string, Rule>, problems: RuleProblem[]): void {
  const missing = rule.overrides.find((id) => !seen.has(id));
  if (missing === undefined) return;
  problems.push({ tier: rule.tier, file: rule.file, line: rule.line, rule: rule.id, message: `\`overrides\` names \`${escapeText(missing, { maxLength: 100 })}\`, which does not exist`, hint: "`vetsh check -- 'COMMAND'` shows the ids of the rules that match" });
}
