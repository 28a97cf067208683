import { basename } from "node:path";
import { parse } from "toml";
import { expect, test } from "vitest";
import { compileSpecs } from "../../src/analyse/index.ts";
import { EFFECT_KINDS, EXEC_KINDS, LOSS_KINDS, VERDICTS } from "../../src/model/index.ts";
import { sources } from "./sources.ts";

type Rule = { readonly id: string; readonly when?: { readonly effect?: string | readonly string[]; readonly what?: string | readonly string[] }; readonly decision: string; readonly reason: string; readonly match?: readonly string[]; readonly not_match?: readonly string[] };

const policy = sources("rules/policy", /\.toml$/).map((file) => ({ file: file.path, data: parse(file.text) as { readonly rule?: readonly Rule[]; readonly network?: readonly Rule[] } }));
const specs = sources("rules/specs", /\.toml$/).map((file) => ({ file: basename(file.path), data: parse(file.text) as Record<string, unknown> }));
const rules = policy.flatMap(({ file, data }) => [...(data.rule ?? []), ...(data.network ?? [])].map((rule) => ({ file, rule })));

const list = (value: string | readonly string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === "string" ? [value] : value);

test("every built-in rule says why, and carries lines it is about and lines it is not about", () => {
  expect(rules.length).toBeGreaterThan(20);
  for (const { file, rule } of rules) {
    const name = `${file}: ${rule.id}`;
    expect(rule.id, name).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
    expect(VERDICTS, name).toContain(rule.decision);
    expect(rule.reason.length, name).toBeGreaterThan(8);
    expect(rule.match?.length ?? 0, `${name} has \`match\` examples`).toBeGreaterThan(0);
    expect(rule.not_match?.length ?? 0, `${name} has \`not_match\` examples`).toBeGreaterThan(0);
  }
});

test("no two built-in rules share a name", () => {
  const ids = rules.map(({ rule }) => rule.id);
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
});

test("there is a built-in opinion on every kind of effect, of code that is run, and of loss", () => {
  const spoken = new Set(rules.flatMap(({ rule }) => list(rule.when?.effect)));
  expect(EFFECT_KINDS.filter((kind) => !spoken.has(kind))).toEqual([]);
  const what = (effect: string): ReadonlySet<string> => new Set(rules.filter(({ rule }) => list(rule.when?.effect).includes(effect)).flatMap(({ rule }) => list(rule.when?.what)));
  const whole = (effect: string): boolean => rules.some(({ rule }) => list(rule.when?.effect).includes(effect) && rule.when?.what === undefined);
  for (const [effect, kinds] of [["exec", EXEC_KINDS], ["lose", LOSS_KINDS]] as const) {
    const covered = what(effect);
    expect(whole(effect) ? [] : kinds.filter((kind) => !covered.has(kind)), effect).toEqual([]);
  }
});

test("every spec compiles and says where its facts come from", () => {
  expect(specs.length).toBeGreaterThan(1);
  const compiled = compileSpecs(specs);
  expect(compiled.programs.size).toBeGreaterThan(100);
  for (const { file, data } of specs) expect(typeof data["source"] === "string" && data["source"].length > 8, `${file}: \`source\``).toBe(true);
});
