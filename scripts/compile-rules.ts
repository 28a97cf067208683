/**
 * Writes `dist/rules.json`: what rules/policy and rules/specs parse to, each file under the SHA-256 of its text, with the line
 * of every rule. Parsing TOML takes longer than everything else a starting broker does; a file that changed since is simply
 * parsed again. usage: node scripts/compile-rules.ts [DIRECTORY]
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { compileBuiltIn } from "../src/config/index.ts";

const app = resolve(process.argv[2] ?? join(import.meta.dirname, ".."));
const target = join(app, "dist", "rules.json");
const compiled = compileBuiltIn(app);
mkdirSync(join(app, "dist"), { recursive: true });
writeFileSync(`${target}.new`, JSON.stringify(compiled));
renameSync(`${target}.new`, target);
console.log(`${target}: ${Object.keys(compiled.files).length} files`);
