import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Layout, Tier } from "../model/index.ts";
import type { RuleProblem } from "../policy/index.ts";
import { listToml, readText } from "./files.ts";
import { readToml } from "./toml-text.ts";

/** A parsed TOML file; `lines` are those of its `[[rule]]` headers, `networkLines` of `[[network]]`. */
export type ParsedFile = { readonly file: string; readonly data: unknown; readonly lines: readonly number[]; readonly networkLines: readonly number[]; readonly keyLines: ReadonlyMap<string, number>; readonly sha256: string };

export type ParsedFiles = { readonly files: readonly ParsedFile[]; readonly problems: readonly RuleProblem[] };

/** `dist/rules.json`: what the TOML files of the installation parse to, each under the hash of its text. Made at build time. */
export type CompiledRules = { readonly version: 2; readonly files: { readonly [sha256: string]: { readonly data: unknown; readonly lines: readonly number[]; readonly networkLines: readonly number[] } } };

/** In: one file, its tier. Out: it parsed, or the problem; undefined when it is missing. `compiled` saves parsing a text that is in it. */
export function parseFile(file: string, tier: Tier, compiled?: CompiledRules): { readonly parsed: ParsedFile } | { readonly problem: RuleProblem } | undefined {
  const text = readText(file, tier === "managed" ? "root" : tier === "user" ? "user" : "any");
  const fail = (line: number, message: string, hint: string): { readonly problem: RuleProblem } => ({ problem: { tier, file, line, rule: undefined, message, hint } });
  if (text.state === "missing") return undefined;
  if (text.state === "bad") return fail(1, text.message, text.hint.replaceAll("FILE", file));
  const known = compiled?.files[text.sha256];
  if (known !== undefined) return { parsed: { file, data: known.data, lines: known.lines, networkLines: known.networkLines, keyLines: new Map(), sha256: text.sha256 } };
  const toml = readToml(text.text);
  if (!toml.ok) return fail(toml.line, `the file does not parse: ${toml.message} (line ${toml.line}, column ${toml.column})`, "correct that line; `vetsh test` checks the file again");
  return { parsed: { file, data: toml.data, lines: toml.ruleLines, networkLines: toml.networkLines, keyLines: toml.keyLines, sha256: text.sha256 } };
}

/** In: a directory. Out: every `.toml` file in it, parsed, by name. */
export function parseDirectory(directory: string, tier: Tier, compiled?: CompiledRules): ParsedFiles {
  const found = listToml(directory, tier === "managed" ? "root" : tier === "user" ? "user" : "any");
  if ("message" in found) return { files: [], problems: [{ tier, file: directory, line: 1, rule: undefined, message: found.message, hint: found.hint.replaceAll("FILE", directory) }] };
  const files: ParsedFile[] = [];
  const problems: RuleProblem[] = [];
  for (const file of found.files) {
    const result = parseFile(file, tier, compiled);
    if (result === undefined) continue;
    if ("parsed" in result) files.push(result.parsed);
    else problems.push(result.problem);
  }
  return { files, problems };
}

/** In: the installation. Out: its compiled rules, if the build made any. They are a cache: each text is checked by its hash. */
export function readCompiled(layout: Layout): CompiledRules | undefined {
  try {
    const data = JSON.parse(readFileSync(join(layout.app, "dist", "rules.json"), "utf8")) as CompiledRules;
    return data.version === 2 ? data : undefined;
  } catch {
    // Without the cache the TOML itself is parsed: slower, the same result.
    return undefined;
  }
}

/**
 * In: the directory of the application. Out: the compiled form of every file below `rules/`, to be written to
 * `dist/rules.json`. Throws an error that names file, line and reason when one does not parse or would not survive JSON.
 */
export function compileBuiltIn(app: string): CompiledRules {
  const files: Record<string, CompiledRules["files"][string]> = {};
  for (const folder of ["policy", "specs", "places"]) {
    const { files: parsed, problems } = parseDirectory(join(app, "rules", folder), "built-in");
    for (const problem of problems) throw new Error(`${problem.file}:${problem.line}: ${problem.message}`);
    if (parsed.length === 0) throw new Error(`${join(app, "rules", folder)} holds no rules`);
    for (const { file, data, lines, networkLines, sha256 } of parsed) {
      // Dates, infinities and the like mean nothing in rules, and would come back as something else.
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(data)), structuredClone(data))) throw new Error(`${file}: a value cannot be kept as JSON`);
      files[sha256] = { data, lines, networkLines };
    }
  }
  return { version: 2, files };
}
