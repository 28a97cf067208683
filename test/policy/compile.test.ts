import { describe, expect, test } from "vitest";
import { compileRules, evaluate } from "../../src/policy/index.ts";
import { HOST, analysis, at, effect, layer, rule } from "./support.ts";

const GOOD = rule("good", 'when = { effect = "read" }\ndecision = "allow"');

/** What is wrong with a rule, and the words that its message or hint must hold. */
const BROKEN: readonly (readonly [string, string, string])[] = [
  ["no id", '[[rule]]\nwhen = { effect = "read" }\ndecision = "allow"\nreason = "x"\nmatch = ["x"]\nnot_match = ["y"]', "`id` is missing"],
  ["bad id", rule("Bad Id", 'when = { effect = "read" }\ndecision = "allow"'), "lower-case"],
  ["no decision", rule("a", 'when = { effect = "read" }'), "`decision` is missing"],
  ["unknown decision", rule("a", 'when = { effect = "read" }\ndecision = "permit"'), "allow, review, ask, deny"],
  ["unknown key", rule("a", 'when = { effect = "read" }\ndecision = "allow"\nwenn = 1'), "unknown key `wenn`"],
  ["unknown condition", rule("a", 'when = { efect = "read" }\ndecision = "ask"'), "unknown key `efect`"],
  ["unknown effect", rule("a", 'when = { effect = "reed" }\ndecision = "ask"'), "`reed` is not a value of `effect`"],
  ["unknown zone", rule("a", 'when = { effect = "read", zone = "attic" }\ndecision = "ask"'), "`attic`"],
  ["empty when", rule("a", 'when = {}\ndecision = "ask"'), "would match everything"],
  ["empty list of when", rule("a", 'when = []\ndecision = "ask"'), "would match everything"],
  ["no when", rule("a", 'decision = "ask"'), "would match everything"],
  ["empty list in when", rule("a", 'when = { effect = [] }\ndecision = "ask"'), "empty list"],
  ["no reason", '[[rule]]\nid = "a"\nwhen = { effect = "read" }\ndecision = "ask"\nmatch = ["x"]\nnot_match = ["y"]', "`reason`"],
  ["no match", '[[rule]]\nid = "a"\nwhen = { effect = "read" }\ndecision = "ask"\nreason = "x"\nnot_match = ["y"]', "no `match` example"],
  ["no not_match", '[[rule]]\nid = "a"\nwhen = { effect = "read" }\ndecision = "ask"\nreason = "x"\nmatch = ["y"]', "no `not_match` example"],
  ["empty match", '[[rule]]\nid = "a"\nwhen = { effect = "read" }\ndecision = "ask"\nreason = "x"\nmatch = []\nnot_match = ["y"]', "`match`"],
  ["allow without effect", rule("a", 'when = { zone = "home" }\ndecision = "allow"'), "must name the `effect`"],
  ["allow with two conditions", rule("a", 'when = [{ effect = "read" }, { effect = "write" }]\ndecision = "allow"'), "one `when` table"],
  ["hosts without allow", rule("a", 'when = { effect = "network" }\ndecision = "ask"\nhosts = ["a.example"]'), "`hosts` belongs to a rule that allows"],
  ["host with scheme", rule("a", 'when = { effect = "network" }\ndecision = "allow"\nhosts = ["https://a.example"]'), "is not a host"],
  ["host pattern", rule("a", 'when = { effect = "network", host = "a.*.example" }\ndecision = "ask"'), "is not a host pattern"],
  ["port", rule("a", 'when = { effect = "network", port = 70000 }\ndecision = "ask"'), "port"],
  ["number for a flag", rule("a", 'when = { effect = "network", sends = 1 }\ndecision = "ask"'), "`sends` is not true or false"],
  ["command without words", rule("a", 'command = []\ndecision = "ask"'), "`command`"],
  ["command of any program", rule("a", 'command = ["*"]\ndecision = "deny"'), "does not name a program"],
  ["user rule that is fixed", rule("a", 'when = { effect = "read" }\ndecision = "deny"\nfixed = true'), "`fixed` belongs to"],
  ["override of nothing", rule("a", 'when = { effect = "read" }\ndecision = "allow"\noverrides = ["no-such-rule"]'), "does not exist"],
  ["twin", `${rule("twin", 'when = { effect = "read" }\ndecision = "allow"')}\n${rule("twin", 'when = { effect = "write" }\ndecision = "allow"')}`, "exists already (user.toml:1)"],
  ["rule is no list", 'rule = "x"', "not a list of tables"],
];

describe("a rule that cannot be used", () => {
  test.each(BROKEN)("%s", (_what, text, words) => {
    const { problems } = compileRules([layer("user", text)]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ tier: "user", file: "user.toml" });
    expect(`${problems[0]?.message} ${problems[0]?.hint}`).toContain(words);
    expect(problems[0]?.hint).not.toBe("");
  });

  test("names its line, and the rules beside it hold", () => {
    const { problems, rules } = compileRules([layer("user", `# a comment\n${GOOD}\n\n${rule("bad", 'when = { effect = "read" }\ndecision = "maybe"')}`)]);
    expect(problems).toEqual([expect.objectContaining({ line: 11, rule: "bad", file: "user.toml" })]);
    expect(rules.map((one) => [one.id, one.line])).toEqual([["good", 2]]);
  });

  test("escapes what it quotes", () => {
    const { problems } = compileRules([layer("user", rule("a", 'when = { effect = "re\\u001b[2Jad" }\ndecision = "ask"'))]);
    expect(problems[0]?.message).toContain("re\\x1b[2Jad");
  });
});

describe("a broken file makes everything stricter", () => {
  const read = analysis([effect({ kind: "read", path: at("workspace", "/home/dev/repo/a") })]);
  const base = layer("built-in", GOOD);

  test.each([["user", "ask"], ["workspace", "ask"], ["managed", "deny"]] as const)("%s: %s", (tier, verdict) => {
    const set = compileRules([base, layer(tier, rule("bad", 'when = { effect = "read" }\ndecision = "maybe"'))]);
    const result = evaluate(read, set, HOST);
    expect(result.verdict).toBe(verdict);
    expect(result.matches[0]).toMatchObject({ id: "broken-rules", tier, file: `${tier}.toml`, line: 1, verdict });
  });

  test("also one that could not even be read", () => {
    const problem = { tier: "user" as const, file: "config.toml", line: 3, rule: undefined, message: "the file does not parse", hint: "correct it" };
    expect(evaluate(read, compileRules([base], "", [problem]), HOST).verdict).toBe("ask");
    expect(evaluate(read, compileRules([base]), HOST).verdict).toBe("allow");
  });
});
