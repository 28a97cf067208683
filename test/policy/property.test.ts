import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EXEC_KINDS, LOSS_KINDS, OPAQUE_SEVERITIES, PATH_FLAGS, VERDICTS, ZONES } from "../../src/model/index.ts";
import type { Effect, EffectBody, FoundCommand, Verdict } from "../../src/model/index.ts";
import { compileRules, evaluate } from "../../src/policy/index.ts";
import type { RuleLayer, RuleSet } from "../../src/policy/index.ts";
import { speaksAbout } from "../../src/policy/evaluate.ts";
import { HOST, analysis, layer } from "./support.ts";
import { defaults } from "./judge.ts";

const { loaded } = defaults();
const builtIn: readonly RuleLayer[] = loaded.tiers.map(({ tier, mayLoosen, files }) => ({ tier, mayLoosen, files }));

const name = fc.constantFrom("a", "git", "../x", "", "\u001b[2J", "api.example.org", "10.0.0.1", "__proto__", "*");
const path = fc.record({
  path: fc.option(fc.constantFrom("/", "/home/dev", "/home/dev/repo", "/home/dev/repo/a*", "/home/dev/.ssh/id", "/etc/passwd", "/dev/sda", "/tmp/x"), { nil: undefined }),
  zone: fc.constantFrom(...ZONES),
  flags: fc.subarray([...PATH_FLAGS]),
});
const body: fc.Arbitrary<EffectBody> = fc.oneof(
  fc.record({ kind: fc.constantFrom("read" as const, "write" as const), path }),
  fc.record({ kind: fc.constant("delete" as const), path, recursive: fc.boolean() }),
  fc.record({ kind: fc.constant("exec" as const), what: fc.constantFrom(...EXEC_KINDS), name }),
  fc.record({ kind: fc.constant("network" as const), host: fc.option(name, { nil: undefined }), port: fc.option(fc.constantFrom(80, 443), { nil: undefined }), direction: fc.constantFrom("in" as const, "out" as const), loopback: fc.boolean(), sends: fc.boolean() }),
  fc.record({ kind: fc.constant("process" as const), action: fc.constantFrom("signal", "service", "other"), target: fc.option(name, { nil: undefined }) }),
  fc.record({ kind: fc.constant("privilege" as const), via: name }),
  fc.record({ kind: fc.constant("persist" as const), via: name, path: fc.option(path, { nil: undefined }) }),
  fc.record({ kind: fc.constant("secret" as const), path: fc.option(path, { nil: undefined }), variable: fc.option(name, { nil: undefined }) }),
  fc.record({ kind: fc.constant("lose" as const), what: fc.constantFrom(...LOSS_KINDS), target: fc.option(name, { nil: undefined }) }),
  fc.record({ kind: fc.constant("remote" as const), what: name, target: fc.option(name, { nil: undefined }) }),
  fc.record({ kind: fc.constant("opaque" as const), reason: name, severity: fc.constantFrom(...OPAQUE_SEVERITIES) }),
);
const effect: fc.Arbitrary<Effect> = body.map((one) => ({ ...one, span: { start: 0, end: 1 }, sure: "certain", by: "git/git" }));
const word = fc.option(fc.array(name, { minLength: 1, maxLength: 2 }), { nil: undefined });
const found: fc.Arbitrary<FoundCommand> = fc.record({ words: fc.array(word, { minLength: 1, maxLength: 4 }), span: fc.constant({ start: 0, end: 1 }), depth: fc.constant(0), spec: fc.constantFrom(undefined, "git/git") });

/** Rules of any shape, strict and loose, of any tier. */
const condition = fc.record({ effect: fc.subarray(["read", "write", "delete", "network", "exec", "secret", "opaque", "remote"], { minLength: 1 }), zone: fc.subarray([...ZONES], { minLength: 1 }) }, { requiredKeys: ["effect"] });
const strict = fc.record({ when: fc.oneof(condition, fc.array(condition, { minLength: 2, maxLength: 2 })), decision: fc.constantFrom("review", "ask", "deny") });
const loose = fc.record({ when: condition, decision: fc.constantFrom("allow", "review"), overrides: fc.subarray(loaded.rules.rules.map((rule) => rule.id), { minLength: 1, maxLength: 5 }) });

function asLayer(tier: RuleLayer["tier"], tables: readonly object[], mayLoosen: boolean): RuleLayer {
  return { tier, mayLoosen, files: [{ file: `${tier}.toml`, lines: tables.map(() => 1), data: { rule: tables.map((table, index) => ({ id: `${tier}-${index}`, reason: "x", match: ["x"], not_match: ["y"], ...table })) } }] };
}

function rank(verdict: Verdict): number {
  return VERDICTS.indexOf(verdict);
}

function verdict(set: RuleSet, effects: readonly Effect[], commands: readonly FoundCommand[]): number {
  return rank(evaluate(analysis(effects, commands), set, HOST).verdict);
}

const lists = [fc.array(effect, { maxLength: 8 }), fc.array(found, { maxLength: 4 })] as const;

test("an effect is shown to every rule that speaks about it", () => {
  fc.assert(fc.property(effect, fc.array(strict, { maxLength: 3 }), (one, tables) => {
    const set = compileRules([...builtIn, asLayer("user", tables, false)]);
    const line = analysis([one]);
    const speaking = set.rules.filter((rule) => rule.when.length === 1 && rule.commands.length === 0 && speaksAbout(rule, line, HOST)).map(({ id }) => id);
    const heard = new Set(evaluate(line, set, HOST).matches.map(({ id }) => id));
    expect(speaking.filter((id) => !heard.has(id))).toEqual([]);
  }), { numRuns: 300 });
});

describe("verdicts are monotone", () => {
  const defaultsOnly = compileRules(builtIn);

  test("one more effect never loosens", () => {
    fc.assert(fc.property(...lists, effect, (effects, commands, more) => {
      expect(verdict(defaultsOnly, [...effects, more], commands)).toBeGreaterThanOrEqual(verdict(defaultsOnly, effects, commands));
    }), { numRuns: 2000 });
  });

  test("also when a user's rules loosen", () => {
    fc.assert(fc.property(...lists, effect, fc.array(loose, { minLength: 1, maxLength: 3 }), (effects, commands, more, tables) => {
      const set = compileRules([...builtIn, asLayer("user", tables, true)]);
      expect(verdict(set, [...effects, more], commands)).toBeGreaterThanOrEqual(verdict(set, effects, commands));
    }), { numRuns: 150 });
  });

  test("strict rules of any tier never loosen", () => {
    fc.assert(fc.property(...lists, fc.array(strict, { maxLength: 4 }), fc.constantFrom("user" as const, "workspace" as const, "managed" as const), (effects, commands, tables, tier) => {
      const set = compileRules([...builtIn, asLayer(tier, tables, true)]);
      expect(set.problems).toEqual([]);
      // An effect that no rule knew is `review` already, so a rule about it cannot be looser either.
      expect(verdict(set, effects, commands)).toBeGreaterThanOrEqual(verdict(defaultsOnly, effects, commands));
    }), { numRuns: 150 });
  });

  test("no rule of an untrusted workspace ever loosens", () => {
    fc.assert(fc.property(...lists, fc.array(fc.oneof(strict, loose), { maxLength: 4 }), (effects, commands, tables) => {
      const set = compileRules([...builtIn, asLayer("workspace", tables, false)]);
      expect(verdict(set, effects, commands)).toBeGreaterThanOrEqual(verdict(defaultsOnly, effects, commands));
    }), { numRuns: 150 });
  });

  test("nothing below loosens a managed rule", () => {
    fc.assert(fc.property(...lists, fc.array(strict, { minLength: 1, maxLength: 3 }), fc.array(loose, { maxLength: 3 }), (effects, commands, managed, user) => {
      const only = compileRules([asLayer("managed", managed, true)]);
      const bound = evaluate(analysis(effects, commands), only, HOST).matches.filter((match) => match.tier === "managed").reduce((most, match) => Math.max(most, rank(match.verdict)), 0);
      const both = compileRules([...builtIn, asLayer("user", user, true), asLayer("managed", managed, true)]);
      expect(verdict(both, effects, commands)).toBeGreaterThanOrEqual(bound);
    }), { numRuns: 150 });
  });
});

test("evaluation never throws, and its verdict is the maximum of its evidence", () => {
  const set = compileRules([...builtIn, layer("user", '[[rule]]\nid = "c"\ncommand = ["git", "*"]\ndecision = "ask"\nreason = "x"\nmatch = ["git x"]\nnot_match = ["y"]\n')]);
  fc.assert(fc.property(...lists, fc.boolean(), (effects, commands, sandboxed) => {
    const result = evaluate(analysis(effects, commands), set, { ...HOST, sandboxed });
    expect(rank(result.verdict)).toBe(result.matches.reduce((most, match) => Math.max(most, rank(match.verdict)), 0));
    for (const index of effects.keys()) expect(result.matches.some((match) => match.effect === index)).toBe(true);
  }), { numRuns: 2000 });
});
