import { join } from "node:path";
import type { Layout, Tier } from "../model/index.ts";
import { compileRules } from "../policy/index.ts";
import type { RuleLayer, RuleProblem, RuleSet } from "../policy/index.ts";
import { parseDirectory, parseFile, readCompiled } from "./built-in.ts";
import type { CompiledRules, ParsedFile, ParsedFiles } from "./built-in.ts";
import { sha256 } from "./files.ts";
import { mergeSettings } from "./settings.ts";
import { readToml } from "./toml-text.ts";
import type { Origin, Settings } from "./settings.ts";
import { readTrust } from "./trust.ts";

/** What one tier's files hold. */
type TierFiles = ParsedFiles & { readonly tier: Tier; readonly mayLoosen: boolean };

/** Configuration in force. */
export type Loaded = {
  readonly settings: Settings;
  /** `section.key` → where it was set; keys that are missing have their default. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly rules: RuleSet;
  /** Parsed command specs, for `compileSpecs`. */
  readonly specs: readonly { readonly file: string; readonly data: unknown }[];
  /** SHA-256 over rules, specs and settings in force. */
  readonly policy: string;
  /** What is wrong with the files as they are now: tier, file, line, message, hint. Safe to print. */
  readonly problems: readonly RuleProblem[];
  /** True when a tier is in force as it was before, because its files cannot be used now. */
  readonly stale: boolean;
  /** For `reload` and `withWorkspace`. */
  readonly tiers: readonly TierFiles[];
};

/**
 * In: the installation. Out: settings, rules and specs of the built-in, user and managed tiers. Errors are values in
 * `problems`; a tier with a problem is strict (see `compileRules`), never left out silently. Throws nothing for what files say.
 */
export function loadConfig(layout: Layout): Loaded {
  const compiled = readCompiled(layout);
  const specs = loadSpecs(layout, compiled);
  const tiers: TierFiles[] = [
    { tier: "built-in", mayLoosen: true, ...withProblem(parseDirectory(join(layout.app, "rules", "policy"), "built-in", compiled), layout) },
    { tier: "user", mayLoosen: true, ...joined(oneFile(join(layout.config, "config.toml"), "user"), parseDirectory(join(layout.config, "rules"), "user")) },
    { tier: "managed", mayLoosen: true, ...parseDirectory(layout.managed, "managed") },
  ];
  return assemble(tiers, specs.files, specs.problems, layout.home);
}

/**
 * In: what is in force, the installation. Out: the new configuration; where a tier's files cannot be used now, that tier as it
 * was when it last could, with `stale` and the problems. INVARIANT: a broken file neither loosens nor undoes what held.
 */
export function reload(previous: Loaded, layout: Layout): Loaded {
  const next = loadConfig(layout);
  if (next.problems.length === 0) return next;
  const broken = new Set(next.problems.map((problem) => problem.tier));
  const last = new Map(previous.tiers.map((tier) => [tier.tier, tier]));
  const tiers = next.tiers.map((tier) => (broken.has(tier.tier) ? (last.get(tier.tier) ?? tier) : tier));
  const mixed = assemble(tiers, broken.has("built-in") ? previous.specs : next.specs, [], layout.home);
  // When the old tier was no better, or does not go with the new others, everything stays as it was.
  const kept = mixed.problems.length <= previous.problems.length ? mixed : previous;
  return { ...kept, problems: next.problems, stale: true };
}

/**
 * In: configuration, the installation, a workspace. Out: the same with the workspace's `.vetsh.toml`, if it has one; the very
 * same value if not. Its rules only tighten, unless the user trusted exactly this text. Its settings are refused.
 */
export function withWorkspace(loaded: Loaded, layout: Layout, workspace: string): Loaded {
  const file = join(workspace, ".vetsh.toml");
  const found = oneFile(file, "workspace");
  if (found.files.length === 0 && found.problems.length === 0) return loaded;
  const hash = found.files[0]?.sha256;
  const mayLoosen = hash !== undefined && readTrust(layout).get(workspace) === hash;
  const tiers = [...loaded.tiers.filter(({ tier }) => tier !== "workspace"), { tier: "workspace" as const, mayLoosen, ...found }];
  const next = assemble(tiers, loaded.specs, [], layout.home);
  return { ...next, problems: [...loaded.problems, ...next.problems.filter(({ tier }) => tier === "workspace")], stale: loaded.stale };
}

/**
 * In: configuration (of a workspace or not), the installation, a file of the user's and the text that it would have. Out: what would then be in
 * force; `problems` says what is wrong with it. Nothing is written.
 */
export function withUserFile(loaded: Loaded, layout: Layout, file: string, text: string): Loaded {
  const toml = readToml(text);
  const own = (tier: TierFiles): TierFiles => {
    const others = tier.files.filter((one) => one.file !== file);
    if (!toml.ok) return { ...tier, problems: [...tier.problems, { tier: "user", file, line: toml.line, rule: undefined, message: `the file does not parse: ${toml.message} (line ${toml.line}, column ${toml.column})`, hint: "correct that line" }] };
    return { ...tier, files: [...others, { file, data: toml.data, lines: toml.ruleLines, networkLines: toml.networkLines, keyLines: toml.keyLines, sha256: sha256(text) }] };
  };
  return assemble(loaded.tiers.map((tier) => (tier.tier === "user" ? own(tier) : tier)), loaded.specs, [], layout.home);
}

/** In: the installation. Out: the parsed files of `rules/specs`, for `compileSpecs`, and what is wrong with them. */
export function loadSpecFiles(layout: Layout): { readonly files: readonly { readonly file: string; readonly data: unknown }[]; readonly problems: readonly RuleProblem[] } {
  return loadSpecs(layout, readCompiled(layout));
}

function loadSpecs(layout: Layout, compiled: CompiledRules | undefined): ParsedFiles {
  return parseDirectory(join(layout.app, "rules", "specs"), "built-in", compiled);
}

function assemble(tiers: readonly TierFiles[], specs: Loaded["specs"], specProblems: readonly RuleProblem[], home: string): Loaded {
  const order: readonly Tier[] = ["built-in", "user", "workspace", "managed"];
  const sorted = [...tiers].sort((a, b) => order.indexOf(a.tier) - order.indexOf(b.tier));
  const merged = mergeSettings(sorted.flatMap((tier) => tier.files.filter(() => tier.tier !== "built-in").map((file) => ({ tier: tier.tier, file: file.file, data: settingsOf(file.data), keyLines: file.keyLines }))), home);
  const unread = [...sorted.flatMap(({ problems }) => problems), ...specProblems, ...merged.problems];
  const layers: readonly RuleLayer[] = sorted.map(({ tier, mayLoosen, files }) => ({ tier, mayLoosen, files: files.map(({ file, data, lines, networkLines }) => ({ file, data, lines, networkLines })) }));
  const policy = policyHash(sorted, specs, merged.settings);
  const rules = compileRules(layers, policy, unread);
  return { settings: merged.settings, origins: merged.origins, rules, specs, policy, problems: rules.problems, stale: false, tiers: sorted };
}

/** Everything of a file but its rules. */
function settingsOf(data: unknown): unknown {
  if (typeof data !== "object" || data === null) return data;
  return Object.fromEntries(Object.entries(data).filter(([key]) => key !== "rule" && key !== "network"));
}

function policyHash(tiers: readonly TierFiles[], specs: Loaded["specs"], settings: Settings): string {
  const files = tiers.map(({ tier, mayLoosen, files: list }) => [tier, mayLoosen, list.map((file) => [file.file, file.sha256])]);
  return sha256(JSON.stringify(["vetsh-policy-1", files, specs.map((spec) => ("sha256" in spec ? spec.sha256 : spec.data)), settings]));
}

/** An installation without default rules is broken, not permissive. */
function withProblem(files: ParsedFiles, layout: Layout): ParsedFiles {
  if (files.files.length > 0 || files.problems.length > 0) return files;
  return { files: [], problems: [{ tier: "built-in", file: join(layout.app, "rules", "policy"), line: 1, rule: undefined, message: "the default rules are missing", hint: "install vetsh again" }] };
}

function oneFile(path: string, tier: Tier): ParsedFiles {
  const result = parseFile(path, tier);
  if (result === undefined) return { files: [], problems: [] };
  return "parsed" in result ? { files: [result.parsed], problems: [] } : { files: [], problems: [result.problem] };
}

function joined(a: ParsedFiles, b: ParsedFiles): ParsedFiles {
  return { files: [...a.files, ...b.files], problems: [...a.problems, ...b.problems] };
}

export type { ParsedFile };
