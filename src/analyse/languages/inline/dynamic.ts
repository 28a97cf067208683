import type { Call } from "../../call.ts";
import { HOLE, field } from "../../value.ts";
import { argumentsAt, type Constants } from "./arguments.ts";
import { inline } from "./index.ts";

/** Calls whose text argument is code of the same language. Methods of other things have these names too, so no `.` stands before. */
const EVALUATES: readonly (readonly [RegExp, RegExp])[] = [
  [/^python/, /(?<![.\w])(?:exec|eval|compile)(?=\s*\()|\b(?:__builtins__|builtins)\.(?:exec|eval)(?=\s*\()/g],
  [/^(?:node|deno|bun|javascript)/, /(?<![.$\w])eval(?=\s*\()|\bnew Function(?=\s*\()|\brunIn(?:ThisContext|NewContext|Context)(?=\s*\()|\bnew vm\.Script(?=\s*\()/g],
  [/^perl/, /(?<![\w$@%>])eval\b(?!\s*\{)/g],
  [/^ruby/, /(?<![\w.])eval\b|\b(?:instance_eval|class_eval|module_eval)(?=\s*[("'])/g],
  [/^php/, /(?<![\w>$])(?:eval|assert|create_function)(?=\s*\()/g],
  [/^lua/, /(?<![.\w])(?:load|loadstring|dofile)(?=\s*\()/g],
];
const CHOSEN = /\bgetattr\s*\(\s*(?:__import__\s*\(|(?:os|subprocess|builtins|__builtins__|shutil|sys)\b)[^)]*\)?\s*,\s*(?!["']\w+["']\s*[,)])|\b__import__\s*\(\s*(?!["'][\w.]+["'])|\b(?:require|process\.binding)\s*\(\s*["'][^"']*["']\s*\)\s*\[(?!\s*["']\w+["']\s*\])|\[\s*(?:["'][a-z]+["']\s*\+\s*)+["'][a-z]+["']\s*\]\s*\(/;

/** Text that code computes and then runs as code: read as well where it is known, and said to be unknown where not. */
export function dynamicCode({ text, code: plain }: { readonly text: string; readonly code: string }, language: string, constants: Constants, call: Call): void {
  const { context } = call;
  if (CHOSEN.test(text)) call.opaque(`${language}: which function is called is computed`, "unknown");
  for (const [languages, pattern] of EVALUATES) {
    if (!languages.test(language) || plain.search(pattern) < 0) continue;
    for (const match of plain.matchAll(pattern)) {
      const line = text.slice(text.lastIndexOf("\n", match.index) + 1, match.index);
      if (/\bdef\s+$|\bfunction\s+$|^\s*(?:#|\/\/)/.test(line)) continue;
      const args = argumentsAt(text, match.index + match[0].length, constants, context.facts.home);
      const code = /Function$/.test(match[0]) ? args.at(-1) : args[0];
      if (code !== undefined) evaluated(code.text, code.source, language, call);
    }
  }
}

function evaluated(text: string, source: string, language: string, call: Call): void {
  const file = /\bopen\s*\(\s*["']([^"'\n]+)["'][^)]*\)\.read\(\)|readFileSync\s*\(\s*["']([^"'\n]+)["']|File\.read\s*\(?\s*["']([^"'\n]+)["']|\bPath\(\s*["']([^"'\n]+)["']\s*\)\.read_text\(\)/.exec(source);
  const path = file?.slice(1).find((group) => group !== undefined);
  if (path !== undefined) return call.run.file(field([path]), call, { language, parameters: [], state: call.state.clone() });
  // `eval(compile(x, …))`: the inner call is looked at by itself.
  if (/^(?:compile|ast\.parse|rb?["']{3})/.test(source) && /^compile/.test(source)) return;
  if (text.includes(HOLE) || call.context.tooDeep) return call.opaque(`${language}: text that is computed is run as code`, "unknown");
  call.context.within(call.span, () => inline(text, language, call));
}
