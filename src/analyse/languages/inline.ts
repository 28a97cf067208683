import type { Call } from "../call.ts";
import { unescape } from "../output.ts";
import { field } from "../value.ts";

/**
 * What inline code of a general language gives away in its text. The sandbox holds such code to its claim; this only
 * makes verdicts stricter: shell commands in string literals are judged, and marks of remote control are named.
 */
export function inline(text: string, language: string, call: Call): void {
  for (const [pattern, reason] of SUSPICIOUS) if (pattern.test(text)) call.opaque(`${language}: ${reason}`, "suspicious");
  const shell = SHELL_CALLS.get(language) ?? SHELL_CALLS.get("*")!;
  for (const match of text.matchAll(shell)) {
    const literal = match[2] ?? match[3] ?? match[4];
    if (literal !== undefined) call.run.text(field([unescape(literal)]), call, { dialect: "sh", state: call.state.clone(), what: language });
  }
  files(text, call);
  if (PRINTS_ENVIRONMENT.test(text)) call.add({ kind: "secret", path: undefined, variable: "*" });
  for (const [pattern, add] of HINTS) if (pattern.test(text)) add(call, text);
}

/** A socket joined to a shell, a shell given a terminal, decoded text that is run. */
const SUSPICIOUS: readonly (readonly [RegExp, string])[] = [
  [/\bsocket\b[^]*\b(?:dup2|subprocess|pty\.spawn|exec[vl]?p?e?\b|fork|IO\.popen|spawn)\b/i, "a network connection is joined to a process"],
  [/\bfsockopen\b[^]*\b(?:exec|shell_exec|proc_open|passthru|system)\b/i, "a network connection is joined to a process"],
  [/\bnet\.(?:connect|Socket|createConnection)\b[^]*\b(?:spawn|exec)\b|\b(?:spawn|exec)\b[^]*\bnet\.(?:connect|Socket|createConnection)\b/, "a network connection is joined to a process"],
  [/\b(?:exec|eval)\s*\(?[^)]*\b(?:b64decode|base64\.|decode64|atob|unhexlify|fromhex|decompress|marshal\.loads|codecs\.decode|pack\(['"]H)/i, "decoded text is run"],
  [/\b(?:exec|eval)\s*\([^)]*\b(?:urlopen|requests\.get|urllib|http\.get|fetch)\b/i, "downloaded text is run"],
  [/\bpty\.spawn\s*\(/, "a shell is given a terminal"],
];

const QUOTED = String.raw`(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|${"`"}((?:\\.|[^${"`"}\\])*)${"`"})`;
const SHELL_CALLS: ReadonlyMap<string, RegExp> = new Map([
  ["*", new RegExp(String.raw`\b(os\.system|os\.popen|subprocess\.(?:getoutput|getstatusoutput)|subprocess\.(?:run|call|check_call|check_output|Popen)(?=\([^)]*shell\s*=\s*True)|system|popen|IO\.popen|shell_exec|passthru|exec|execSync|os\.execute|io\.popen)\s*\(?\s*[frbu]?${QUOTED}`, "g")],
]);

const HINTS: readonly (readonly [RegExp, (call: Call, text: string) => void])[] = [
  [/\b(?:shutil\.rmtree|rimraf|fs\.rm(?:Sync|dirSync)?|FileUtils\.rm_rf|remove_tree|os\.removedirs)\b/, (call, text) => removals(text, call)],
  [/\b(?:unlink|os\.remove|os\.unlink|File\.delete|fs\.unlinkSync|unlinkSync)\b/, (call, text) => unlinked(text, call)],
  [/(?:\/etc\/shadow|\.ssh\/id_|\.aws\/credentials|\.netrc\b)/, (call) => call.add({ kind: "secret", path: undefined, variable: "a credentials file named in the code" })],
  [/\bos\.set(?:e?uid|resuid)\s*\(\s*0|\bsetuid\s*\(?\s*0|Process::(?:UID|Sys)|POSIX::setuid|\$<\s*=\s*0|os\.setuid/, (call) => call.add({ kind: "privilege", via: "setuid" })],
];

const PRINTS_ENVIRONMENT = /\b(?:print|console\.log|console\.dir|JSON\.stringify|dict|pprint|puts|p|var_dump|print_r|json\.dumps|Dumper)\s*\(?\s*(?:JSON\.stringify\(|dict\(|\\?)?\s*(?:os\.environ|process\.env|ENV|%ENV|getenv\(\))(?!\s*[.[{])|^\s*process\.env\s*;?\s*$/;
const OPENS = new RegExp(String.raw`\b(?:open|readFile(?:Sync)?|createReadStream|Path|File\.(?:read|open|readlines|foreach)|IO\.(?:read|readlines)|file_get_contents|fopen|readfile|read_text|slurp)\s*\(?\s*(?:os\.path\.expanduser\(\s*|File\.expand_path\(\s*)?${QUOTED}(?:\s*,\s*["']([rwaxb+t]+)["'])?`, "g");
const WRITES = new RegExp(String.raw`\b(?:writeFile(?:Sync)?|appendFile(?:Sync)?|createWriteStream|file_put_contents|File\.write|IO\.write|copyFile(?:Sync)?|FileWriter|FileOutputStream|PrintWriter|RandomAccessFile|Files\.(?:write|newBufferedWriter)|os\.symlink|chmod(?:Sync)?)\s*\(?\s*${QUOTED}`, "g");

/** Files named as literals where they are opened: what is read may be a credential, what is written may lie elsewhere. */
function files(text: string, call: Call): void {
  const place = (literal: string, access: "read" | "write"): void => call.path(field([literal.replace(/^~(?=\/|$)/, call.context.facts.home)]), access);
  for (const match of text.matchAll(OPENS)) {
    const literal = match[1] ?? match[2] ?? match[3];
    if (literal !== undefined && literal !== "" && !/[\n$]/.test(literal)) place(literal, /[wax+]/.test(match[4] ?? "") || new RegExp(String.raw`Path\([^)]*\)\.write_`).test(match[0] + text.slice((match.index ?? 0) + match[0].length, (match.index ?? 0) + match[0].length + 16)) ? "write" : "read");
  }
  for (const match of text.matchAll(WRITES)) {
    const literal = match[1] ?? match[2] ?? match[3];
    if (literal !== undefined && literal !== "" && !/[\n$]/.test(literal)) place(literal, "write");
  }
}

/** Paths given as literals to plain removals; a pattern stands for many files. */
function unlinked(text: string, call: Call): void {
  for (const match of text.matchAll(new RegExp(String.raw`(?:unlink(?:Sync)?|os\.remove|os\.unlink|File\.delete)\s*\(?\s*(?:glob\s*\(\s*)?${QUOTED}`, "g"))) {
    const literal = (match[1] ?? match[2] ?? match[3] ?? "").replace(/^~(?=\/|$)/, call.context.facts.home);
    call.path(field([literal], /[*?]/.test(literal)), "delete");
  }
}

/** Paths given as literals to recursive removals. */
function removals(text: string, call: Call): void {
  let named = false;
  for (const match of text.matchAll(new RegExp(String.raw`(?:rmtree|rimraf(?:\.sync)?|rm(?:Sync|dirSync)?|rm_rf|remove_tree|removedirs)\s*\(?\s*(?:os\.path\.expanduser\()?${QUOTED}`, "g"))) {
    const literal = match[1] ?? match[2] ?? match[3];
    if (literal === undefined) continue;
    named = true;
    call.path(field([literal.replace(/^~(?=\/|$)/, call.context.facts.home)]), "delete-tree");
  }
  if (!named) call.path(field(["\0"]), "delete-tree");
}
