import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, field, only, type Field } from "../value.ts";

/** Options of jq(1) with one value, with two, and those that read a file. */
const ONE = new Set(["--indent", "--tab-width"]);
const PAIRS = new Set(["--arg", "--argjson"]);
const FILE_PAIRS = new Set(["--rawfile", "--slurpfile", "--argfile"]);

/** `jq [options] FILTER [FILE…]` (jq(1)): files are read; `env` and `$ENV` show the environment; `import` reads modules. */
export function jq(_args: Arguments, call: Call): void {
  let filter = false;
  for (let at = 0; at < call.args.length; at += 1) {
    const word = call.args[at]!;
    const text = only(word) ?? "";
    const next = call.args[at + 1];
    if (text === "--args" || text === "--jsonargs") {
      // The filter may still come; the rest is data.
      if (!filter && next !== undefined) jqFilter(next, call);
      return;
    }
    if (PAIRS.has(text)) at += 2;
    else if (FILE_PAIRS.has(text)) {
      if (call.args[at + 2] !== undefined) call.path(call.args[at + 2]!, "read");
      at += 2;
    } else if (ONE.has(text)) at += 1;
    else if (text === "-f" || text === "--from-file" || text === "-L") {
      if (next !== undefined) call.path(next, "read");
      if (text !== "-L") filter = true;
      at += 1;
    } else if (/^-./.test(text)) {
      if (/^-[a-zA-Z]*f/.test(text)) filter = true;
    } else if (!filter) {
      jqFilter(word, call);
      filter = true;
    } else call.path(word, "read");
  }
}

function jqFilter(word: Field, call: Call): void {
  for (const text of word.texts) {
    const plain = text.replaceAll(/"(?:\\.|[^"\\])*"/g, (s) => (s.includes("\\(") ? s : '""'));
    if (/\$ENV(?!\s*[.[])|(?<![.\w$])env(?!\s*[.[\w])/.test(plain)) call.add({ kind: "secret", path: undefined, variable: "*" });
    for (const match of plain.matchAll(/(?:\$ENV|(?<![.\w$])env)\.([A-Za-z_]\w*)/g)) named(match[1]!, call);
    if (/\b(?:import|include)\s/.test(plain)) call.path(field(["."]), "read");
  }
}

/** A variable whose name says that it holds a credential. */
function named(variable: string, call: Call): void {
  if (/(?:SECRET|TOKEN|PASSW|API_?KEY|PRIVATE|CREDENTIAL)/i.test(variable)) call.add({ kind: "secret", path: undefined, variable });
}

/** yq (mikefarah 4, kislyuk 3): `[eval] EXPRESSION FILE…`, `-i` changes the files; `load("F")` reads, `env`, `envsubst` show variables. */
export function yq(args: Arguments, call: Call): void {
  const edits = args.given.some((g) => g.option.names.includes("-i"));
  const operands = /^(?:eval|e|eval-all|ea)$/.test(only(args.operands[0]) ?? "") ? args.operands.slice(1) : args.operands;
  if (/^(?:completion|help|shell-completion)$/.test(only(operands[0]) ?? "")) return;
  const [expression, ...files] = operands;
  for (const text of expression?.texts ?? []) {
    for (const match of text.matchAll(/\bload(?:_\w+)?\s*\(\s*"([^"]*)"/g)) call.path(field([match[1]!]), "read");
    if (/\bload(?:_\w+)?\s*\(\s*[^"\s]/.test(text)) call.path(field([HOLE]), "read");
    for (const match of text.matchAll(/\b(?:str)?env\s*\(\s*([A-Za-z_]\w*)/g)) named(match[1]!, call);
    if (/^\.{0,2}\/?[\w./-]+\.(?:ya?ml|json|toml|xml|csv|properties)$/.test(text) || text.startsWith("/") || text.startsWith("~")) call.path(expression!, edits ? "write" : "read");
  }
  for (const file of files) {
    call.path(file, "read");
    if (edits) call.path(file, "write");
  }
}
