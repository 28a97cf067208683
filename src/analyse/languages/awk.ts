import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, field, only } from "../value.ts";

/**
 * An awk program (awk(1), POSIX and gawk): `system(…)`, `print | "cmd"`, `"cmd" | getline`, `|&`, `print > "file"`,
 * `getline < "file"`, `@load`, `@include`, `/inet/…`. Strings, regular expressions and comments are skipped. A target that is not a string
 * literal is unknown: a command then is opaque, a file is held by the sandbox.
 */
export function awk(program: string, call: Call): void {
  if (program.includes(HOLE)) call.exec("inline", "awk");
  const tokens = tokenize(program);
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    const before = tokens[index - 1];
    if (token === "system" && next === "(") command(tokens[index + 2], tokens[index + 3] === ")", call);
    else if (token === "|" || token === "|&") {
      if (next === "getline") command(before, isString(before), call);
      else command(next, true, call);
    } else if ((token === ">" || token === ">>") && isOutput(tokens, index)) target(next, "write", call);
    else if (token === "<" && before === "getline") target(next, "read", call);
    else if (token === "<" && tokens[index - 2] === "getline") target(next, "read", call);
    else if (token.startsWith("@") && next === "(") command(undefined, false, call);
    else if (token === "@load" || token === "@include") call.exec("program", `awk ${token}`);
    else if (token.startsWith('"/inet')) call.host(undefined, { sends: true });
  }
}

/** gawk(1) `-i`: its own extension `inplace` writes the files that are read; any other is a file of awk text. */
export function include(args: Arguments, call: Call): void {
  for (const { option, value } of args.given) {
    if (!option.names.includes("-i") || value === undefined) continue;
    if (only(value) !== "inplace") call.run.file(value, call, { language: "awk", parameters: [], state: call.state.clone() });
    else for (const file of args.operands.slice(args.given.some((g) => g.option.names.some((name) => name === "-f" || name === "-e")) ? 0 : 1)) call.path(file, "write");
  }
}

function isString(token: string | undefined): boolean {
  return token?.startsWith('"') ?? false;
}

function command(token: string | undefined, whole: boolean, call: Call): void {
  call.exec("program", "awk runs a command");
  if (isString(token) && whole) call.run.text(field([literal(token!)]), call, { dialect: "sh", state: call.state.clone(), what: "awk" });
  else call.opaque("awk runs a command that is put together at run time", "unknown");
}

function target(token: string | undefined, access: "read" | "write", call: Call): void {
  call.path(isString(token) ? field([literal(token!)]) : field([HOLE]), access);
}

function literal(token: string): string {
  return token.slice(1, -1).replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c === "t" ? "\t" : c));
}

/** Whether a `>` belongs to `print`/`printf` (outside parentheses) and is no comparison. */
function isOutput(tokens: readonly string[], index: number): boolean {
  let depth = 0;
  for (let at = index - 1; at >= 0; at -= 1) {
    const token = tokens[at]!;
    if (token === ")") depth += 1;
    else if (token === "(") depth -= 1;
    if (depth < 0) return false;
    if (depth === 0 && (token === "print" || token === "printf")) return true;
    if (depth === 0 && (token === ";" || token === "{" || token === "}" || token === "\n")) return false;
  }
  return false;
}

/** Words, strings (with their quotes) and operators; a `/` where a value may begin starts a regular expression. */
function tokenize(program: string): string[] {
  const tokens: string[] = [];
  const pattern = /\\\n|#[^\n]*|"(?:\\[^]|[^"\\])*"|@?[A-Za-z_]\w*|[0-9.]+|\|&|\|\||&&|>>|>=|<=|==|!=|\n|[^\s]/y;
  for (let at = 0; at < program.length; ) {
    if (/[ \t\r]/.test(program[at]!)) {
      at += 1;
      continue;
    }
    if (program[at] === "/" && regexMayStart(tokens.at(-1))) {
      const end = regexEnd(program, at + 1);
      tokens.push("/regex/");
      at = end;
      continue;
    }
    pattern.lastIndex = at;
    const match = pattern.exec(program);
    if (match === null) return tokens;
    at = pattern.lastIndex;
    if (!match[0].startsWith("#") && match[0] !== "\\\n") tokens.push(match[0]);
  }
  return tokens;
}

function regexMayStart(before: string | undefined): boolean {
  return before === undefined || /^(?:[(,{;!~&|\n}]|&&|\|\||==|!=|print|return|~)$/.test(before);
}

function regexEnd(program: string, from: number): number {
  let inClass = false;
  for (let at = from; at < program.length; at += 1) {
    const c = program[at];
    if (c === "\\") at += 1;
    else if (c === "[") inClass = true;
    else if (c === "]") inClass = false;
    else if (c === "/" && !inClass) return at + 1;
    else if (c === "\n") return at;
  }
  return program.length;
}
