/**
 * config: from files to values. In: the layout of the installation. Out: `Loaded`: settings, rules of all tiers, command specs,
 * each value knowing its tier, file and line, and one hash that names the policy in force.
 * Tiers: built-in (app/rules) < user (config.toml, rules/*.toml) < workspace (.vetsh.toml) < managed (root-owned *.toml).
 * What holds: errors are values naming file, line and fix; a file that cannot be used makes decisions stricter, never looser;
 * a workspace brings rules that tighten, no settings; managed policy counts only if root alone can write it; nothing is read
 * from an environment variable. The only importer of `toml`. Settings: docs/configuration.md, rules: docs/rules.md.
 */
export { loadConfig, loadSpecFiles, reload, withUserFile, withWorkspace } from "./load.ts";
export type { Loaded } from "./load.ts";
export { DEFAULT_SETTINGS, KEYS } from "./settings.ts";
export type { Origin, Settings } from "./settings.ts";
export { loadPlaces } from "./places.ts";
export type { CachePlace, Handover, Harness, Registry, Seed } from "./places.ts";
export { readTrust, trustWorkspace } from "./trust.ts";
export { readToml } from "./toml-text.ts";
export { compileBuiltIn } from "./built-in.ts";
export type { CompiledRules } from "./built-in.ts";
