import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** One file of the repository: path from the root with `/`, and its text. */
export type Source = { readonly path: string; readonly text: string };

/** In: a folder of the repository (`.` for all of it) and how names end. Out: every file that git tracks; below a folder also what it would track. */
export function sources(folder: string, ending: RegExp): readonly Source[] {
  const listed = execFileSync("git", ["ls-files", "--cached", ...(folder === "." ? [] : ["--others", "--exclude-standard"]), "-z", "--", folder], { encoding: "utf8" });
  const paths = listed.split("\0").filter((path) => path !== "" && ending.test(path) && existsSync(path));
  return [...new Set(paths)].toSorted().map((path) => ({ path, text: readFileSync(path, "utf8") }));
}

/** The text with comments blanked out, line numbers kept. Rough on purpose: a `//` inside a string may go too. */
export function withoutComments(text: string): string {
  const blank = (found: string): string => found.replace(/[^\n]/g, " ");
  return text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/(^|[\s;{}(),])\/\/[^\n]*/g, blank);
}

/** Every module that a source names: static, re-exported, type-only, dynamic. */
export function imports(source: Source): readonly string[] {
  const text = withoutComments(source.text);
  const static_ = [...text.matchAll(/^\s*(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']/gm)];
  const bare = [...text.matchAll(/^\s*import\s*["']([^"']+)["']/gm)];
  const dynamic = [...text.matchAll(/\b(?:import|require|require\.resolve)\(\s*["']([^"']+)["']/g)];
  // A path into a package, kept in a constant for an import without declarations.
  const constants = [...text.matchAll(/=\s*["']((?:@[\w.-]+\/)?[\w-]+\/lib\/[\w./-]+\.js)["']/g)];
  return [...static_, ...bare, ...dynamic, ...constants].map((found) => found[1] ?? "");
}

/** `src/parse/words.ts` → `parse`. */
export function roomOf(path: string): string {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? "";
}

/** The name of an npm package in an import specifier: `@a/b/c` → `@a/b`. */
export function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
