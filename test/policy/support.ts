import { readToml } from "../../src/config/index.ts";
import type { Analysis, Effect, EffectBody, FoundCommand, PathFlag, PathTarget, Tier, Zone } from "../../src/model/index.ts";
import { compileRules } from "../../src/policy/index.ts";
import type { PolicyHost, RuleLayer, RuleSet } from "../../src/policy/index.ts";

export const HOST: PolicyHost = { sandboxed: true, workspace: "/home/dev/repo", home: "/home/dev" };

/** TOML text of one rules file as a layer, read by the same reader as the product's. */
export function layer(tier: Tier, text: string, options: { readonly mayLoosen?: boolean; readonly file?: string } = {}): RuleLayer {
  const toml = readToml(text);
  if (!toml.ok) throw new Error(`${toml.line}: ${toml.message}`);
  return { tier, mayLoosen: options.mayLoosen ?? true, files: [{ file: options.file ?? `${tier}.toml`, data: toml.data, lines: toml.ruleLines, networkLines: toml.networkLines }] };
}

/** Rules that must compile. */
export function rules(...layers: readonly RuleLayer[]): RuleSet {
  const set = compileRules(layers);
  if (set.problems.length > 0) throw new Error(set.problems.map((problem) => `${problem.file}:${problem.line}: ${problem.message}`).join("\n"));
  return set;
}

/** One rule in TOML; examples are filled in, because these tests are about something else. */
export function rule(id: string, body: string): string {
  return `[[rule]]\nid = "${id}"\n${body}\nreason = "${id}"\nmatch = ["x"]\nnot_match = ["y"]\n`;
}

export function at(zone: Zone, path: string | undefined, ...flags: PathFlag[]): PathTarget {
  return { path, zone, flags };
}

export function effect(body: EffectBody, by = "test/x", sure: Effect["sure"] = "certain"): Effect {
  return { ...body, span: { start: 0, end: 1 }, sure, by };
}

export function analysis(effects: readonly Effect[], commands: readonly FoundCommand[] = []): Analysis {
  return { effects, classes: [], commands, scripts: [], canonical: "" };
}

export function command(spec: string | undefined, ...words: readonly (string | undefined)[]): FoundCommand {
  return { words: words.map((word) => (word === undefined ? undefined : [word])), span: { start: 0, end: 1 }, depth: 0, spec };
}
