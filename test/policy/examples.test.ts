import { expect, test } from "vitest";
import { checkExamples, compileRules } from "../../src/policy/index.ts";
import { defaults } from "./judge.ts";
import { layer } from "./support.ts";

const { loaded, judge } = defaults();

test("the default rules load without a problem", () => {
  expect(loaded.problems).toEqual([]);
  expect(loaded.rules.rules.length).toBeGreaterThan(40);
});

test("every example of every default rule holds", () => {
  expect(checkExamples(loaded.rules, judge).map((problem) => `${problem.file}:${problem.line}: ${problem.message}`)).toEqual([]);
});

test("an example that does not hold is named with file, line, rule and the fix", () => {
  const rules = compileRules([layer("user", '\n[[rule]]\nid = "mine"\nwhen = { effect = "write" }\ndecision = "ask"\nreason = "x"\nmatch = ["touch a", "cat a"]\nnot_match = ["cat b", "touch \\u001bb"]\n')]);
  expect(checkExamples(rules, judge)).toEqual([
    { tier: "user", file: "user.toml", line: 2, rule: "mine", message: "rule `mine` does not match its `match` example `cat a`", hint: expect.stringContaining("widen") },
    { tier: "user", file: "user.toml", line: 2, rule: "mine", message: "rule `mine` matches its `not_match` example `touch \\x1bb`", hint: expect.stringContaining("narrow") },
  ]);
});
