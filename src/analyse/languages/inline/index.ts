import type { Call } from "../../call.ts";
import { field } from "../../value.ts";
import { argumentsAt, constantsOf, type Constants } from "./arguments.ts";
import { CALLS } from "./calls.ts";
import { dynamicCode } from "./dynamic.ts";

/**
 * What inline code of a general language gives away in its text. The sandbox holds such code to its claim; this only
 * makes verdicts stricter: commands in it are judged, files and hosts that it names are effects of the line, text that it
 * computes and runs is not known, and marks of remote control are named.
 */
export function inline(source: string, language: string, call: Call): void {
  const text = language.startsWith("python") ? withPlainModules(source) : source;
  for (const [pattern, reason] of SUSPICIOUS) if (pattern.test(text)) call.opaque(`${language}: ${reason}`, "suspicious");
  const { home } = call.context.facts;
  const constants = constantsOf(text, home);
  const code = withoutTexts(text, language);
  for (const row of CALLS) {
    // Looking costs less than what `matchAll` makes before it looks, and most code makes none of a row's calls.
    if (!row.languages.test(language) || code.search(row.calls) < 0) continue;
    let calls = 0;
    for (const match of code.matchAll(row.calls)) {
      calls += 1;
      if (calls > MAX_CALLS) return call.opaque(`${language}: more calls than are followed`, "unknown");
      if (isDefinition(text, match.index)) continue;
      row.deed(argumentsAt(text, match.index + match[0].length, constants, home), call, match[0]);
    }
  }
  commandsInQuotes(text, language, constants, call);
  methodsOfPaths(text, call);
  removedByPattern(text, call);
  dynamicCode({ text, code }, language, constants, call);
  environment(text, call);
  for (const [pattern, add] of HINTS) if (pattern.test(text)) add(call);
}

/** Modules whose calls are looked for by their names. */
const MODULES = "os|subprocess|shutil|pathlib|socket|requests|urllib\\.request|httpx|pty|importlib|ctypes|commands";

/** `import os as o`, `__import__("os")`, `importlib.import_module("os")`, `from os import system as s`: under the names that everybody knows. */
function withPlainModules(text: string): string {
  let plain = text.replaceAll(/(?:__import__|importlib\.import_module|import_module)\(\s*["']([\w.]+)["']\s*\)/g, "$1");
  if (!plain.includes(" as ")) return plain;
  for (const match of text.matchAll(new RegExp(`\\b(${MODULES})\\s+as\\s+(\\w+)`, "g"))) plain = plain.replaceAll(new RegExp(`(?<![.\\w"'])${match[2]!}\\.(?=\\w)`, "g"), `${match[1]!}.`);
  for (const match of text.matchAll(new RegExp(`\\bfrom\\s+(${MODULES})\\s+import\\s+([^\\n;]+)`, "g"))) {
    for (const [, name, alias] of match[2]!.matchAll(/(\w+)\s+as\s+(\w+)/g)) plain = plain.replaceAll(new RegExp(`(?<![.\\w"'])${alias!}(?=\\s*\\()`, "g"), `${match[1]!}.${name!}`);
  }
  return plain;
}

/**
 * Python without its comments and plain strings, each place where it was: code in a string is data. Left to right, as Python
 * reads it. Other languages have more kinds of quotes than can be told apart here: all of their text counts.
 */
function withoutTexts(text: string, language: string): string {
  if (!language.startsWith("python")) return text;
  return text.replaceAll(/#[^\n]*|(?<![\w])([a-zA-Z]{0,2})("""[^]*?"""|'''[^]*?'''|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*')/g, (all: string, prefix: string | undefined) => (prefix !== undefined && /f/i.test(prefix) ? all : all.replaceAll(/[^\n]/g, " ")));
}

/** Calls of one kind in one text. */
const MAX_CALLS = 200;

function isDefinition(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", at) + 1, at);
  return /\b(?:def|function|sub|fn)\s+$|^\s*(?:#|\/\/|\*\s)/.test(line);
}

/** A socket joined to a shell, a shell given a terminal, decoded text that is run. */
const SUSPICIOUS: readonly (readonly [RegExp, string])[] = [
  [/(?:\b|TCP|UDP|UNIX)socket\b[^]*\b(?:dup2|subprocess|pty\.spawn|exec[vl]?p?e?\b|fork|IO\.popen|spawn)\b/i, "a network connection is joined to a process"],
  [/\bfsockopen\b[^]*\b(?:exec|shell_exec|proc_open|passthru|system)\b/i, "a network connection is joined to a process"],
  [/\bnet\.(?:connect|Socket|createConnection)\b[^]*\b(?:spawn|exec)\b|\b(?:spawn|exec)\b[^]*\bnet\.(?:connect|Socket|createConnection)\b/, "a network connection is joined to a process"],
  [/(?<![.\w])(?:exec|eval|Function|runInThisContext)\s*\(?[^;\n]*(?:b64decode|base64\b|decode64|decode_base64|base64_decode|atob|unhexlify|fromhex|hex2bin|gzinflate|str_rot13|decompress|marshal\.loads|codecs\.decode|pack\(['"]H)/i, "decoded text is run"],
  [/(?<![.\w])(?:exec|eval)\s*\([^;\n]*(?:urlopen|requests\.get|urllib|http\.get|fetch|file_get_contents\(\s*["']https?:)\b/i, "downloaded text is run"],
  [/\bpty\.spawn\s*\(/, "a shell is given a terminal"],
];

const HINTS: readonly (readonly [RegExp, (call: Call) => void])[] = [
  [/(?:\/etc\/shadow|\.ssh\/id_|\.aws\/credentials|\.netrc\b)/, (call) => call.add({ kind: "secret", path: undefined, variable: "a credentials file named in the code" })],
  [/\bos\.set(?:e?uid|resuid)\s*\(\s*0|\bsetuid\s*\(?\s*0|Process::(?:UID|Sys)|POSIX::setuid|\$<\s*=\s*0|os\.setuid/, (call) => call.add({ kind: "privilege", via: "setuid" })],
];

/** `` `cmd` ``, `qx(cmd)`, `%x(cmd)`: perl, ruby and php hand them to a shell. In other languages such quotes are text. */
function commandsInQuotes(text: string, language: string, constants: Constants, call: Call): void {
  if (language === "m4") for (const match of text.matchAll(/\be?syscmd\(\s*`*([^']*)/g)) call.run.text(field([match[1]!]), call, { dialect: "sh", state: call.state.clone(), what: language });
  if (!/^(?:perl|ruby|php)/.test(language)) return;
  for (const match of text.matchAll(/`((?:\\.|[^`\\])*)`|\bqx\s*(?:\(([^)]*)\)|\{([^}]*)\}|\/([^/]*)\/)|%x\s*(?:\(([^)]*)\)|\{([^}]*)\}|\[([^\]]*)\])/g)) {
    const [argument] = argumentsAt(`("${match.slice(1).find((group) => group !== undefined)!.replaceAll(/(?<!\\)"/g, '\\"')}")`, 0, constants, call.context.facts.home);
    if (argument !== undefined) call.run.text(field([argument.text]), call, { dialect: "sh", state: call.state.clone(), what: language });
  }
}

/** `Path("x").unlink()`, `.write_text(…)`. */
function methodsOfPaths(text: string, call: Call): void {
  if (!text.includes("Path(")) return;
  for (const match of text.matchAll(/\bPath\(\s*["']([^"'\n]+)["']\s*\)\.(unlink|rmdir|write_text|write_bytes|touch|mkdir|rename|replace|symlink_to|chmod|open|read_text|read_bytes)\b/g)) {
    const access = /^(?:unlink|rmdir)$/.test(match[2]!) ? "delete" : /^(?:read_|open)/.test(match[2]!) ? "read" : "write";
    call.path(field([match[1]!.replace(/^~(?=\/|$)/, call.context.facts.home)]), access);
  }
}

/** What a pattern finds, and a call then removes one by one: `for f in glob("*.c"): os.remove(f)`, `map(unlink, glob("*.c"))`. */
function removedByPattern(text: string, call: Call): void {
  if (!/(?:\b(?:os\.(?:remove|unlink)|unlink(?:Sync)?|File\.(?:delete|unlink)|FileUtils\.rm(?:_f)?)\b\s*\(?\s*(?![\s("'[])|\.unlink\(\s*\)|["']unlink["'])/.test(text)) return;
  for (const match of text.matchAll(/\b(?:Path\(\s*["']([^"'\n]*)["']\s*\)\.)?(?:i?glob|rglob|globSync|Dir\.glob|Dir)\s*[([]\s*["']([^"'\n]+)["']/g)) {
    const base = match[1] === undefined || match[1] === "." ? "" : `${match[1]}/`;
    call.path(field([base + match[2]!], true), "delete");
  }
}

const PRINTS_ENVIRONMENT = /\b(?:print|console\.log|console\.dir|JSON\.stringify|dict|pprint|puts|p|var_dump|print_r|json\.dumps|Dumper)\s*\(?\s*(?:JSON\.stringify\(|dict\(|\\?)?\s*(?:os\.environ|process\.env|ENV|%ENV|getenv\(\))(?!\s*[.[{])|^\s*process\.env\s*;?\s*$/;
const PRINTS_ONE = /\b(?:print|console\.(?:log|error|info)|puts|p|echo|print_r|var_dump|sys\.stdout\.write)\b[^;\n]*?(?:os\.environ(?:\.get)?[[(]|os\.getenv\(|process\.env(?:\.|\[)|ENV\[|ENV\.fetch\(|\$ENV\{|getenv\()\s*["']?([A-Za-z_]\w*)/g;
const CREDENTIAL = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY|AUTH)(?:_|$)/i;

/** The environment is shown, or one credential of it. */
function environment(text: string, call: Call): void {
  if (PRINTS_ENVIRONMENT.test(text)) call.add({ kind: "secret", path: undefined, variable: "*" });
  if (text.search(PRINTS_ONE) < 0) return;
  for (const match of text.matchAll(PRINTS_ONE)) if (CREDENTIAL.test(match[1]!)) call.add({ kind: "secret", path: undefined, variable: match[1]! });
}
