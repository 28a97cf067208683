import type { Call } from "../call.ts";
import { HOLE, field } from "../value.ts";

/**
 * A sed script (sed(1), GNU extensions): `w file`, `W file`, `r file`, `R file`, `e [command]`, and the flags `w` and
 * `e` of `s///`. Text with unknown pieces counts as inline code. Reads the grammar far enough not to mistake `w`
 * inside a pattern for a command: addresses, `s`, `y`, text of `a i c`, labels.
 */
export function sed(script: string, call: Call): void {
  if (script.includes(HOLE)) call.exec("inline", "sed");
  let at = 0;
  while (at < script.length) {
    at = address(script, at);
    const command = script[at];
    if (command === undefined) return;
    at += 1;
    if (command === "#") at = lineEnd(script, at);
    else if ("wWrR".includes(command)) {
      const end = lineEnd(script, at);
      const path = field([script.slice(at, end).trim()]);
      if (command.toLowerCase() === "w") call.output(path);
      else call.path(path, "read");
      at = end;
    } else if (command === "e") {
      const end = lineEnd(script, at);
      shellCommand(script.slice(at, end).trim(), call);
      at = end;
    } else if (command === "s" || command === "y") at = substitute(script, at, command, call);
    else if ("aic".includes(command)) at = textEnd(script, at);
    else if (":btTv".includes(command)) at = labelEnd(script, at);
  }
}

function shellCommand(text: string, call: Call): void {
  if (text === "") call.exec("inline", "sed e: the input lines are run");
  else {
    call.exec("program", "sed e");
    call.run.text(field([text]), call, { dialect: "sh", state: call.state.clone(), what: "sed e" });
  }
}

/** Skips addresses, blanks, `;`, braces and `!` before a command. */
function address(script: string, from: number): number {
  let at = from;
  for (;;) {
    const c = script[at];
    if (c === undefined) return at;
    if (/[\s;{},!$0-9~+]/.test(c)) at += 1;
    else if (c === "/") at = patternEnd(script, at + 1, "/");
    else if (c === "\\" && script[at + 1] !== undefined) at = patternEnd(script, at + 2, script[at + 1]!);
    else if ((c === "I" || c === "M") && script[at - 1] === "/") at += 1;
    else return at;
  }
}

/** Index after the delimiter that ends a pattern: a bracket expression hides it (`s/[/]/x/`). */
function patternEnd(script: string, from: number, delimiter: string): number {
  for (let at = from; at < script.length; at += 1) {
    if (script[at] === "\\") at += 1;
    else if (script[at] === delimiter) return at + 1;
    else if (script[at] === "[") {
      const bracket = /^\[\^?\]?(?:\[[:.=][^\]]*[:.=]\]|[^\]\n])*\]/.exec(script.slice(at));
      if (bracket !== null) at += bracket[0].length - 1;
    }
  }
  return script.length;
}

/** Index after the next unescaped delimiter. */
function delimited(script: string, from: number, delimiter: string): number {
  for (let at = from; at < script.length; at += 1) {
    if (script[at] === "\\") at += 1;
    else if (script[at] === delimiter) return at + 1;
  }
  return script.length;
}

function substitute(script: string, from: number, command: string, call: Call): number {
  const delimiter = script[from];
  if (delimiter === undefined) return from;
  const middle = command === "s" ? patternEnd(script, from + 1, delimiter) : delimited(script, from + 1, delimiter);
  let at = delimited(script, middle, delimiter);
  if (command === "y") return at;
  for (; at < script.length; at += 1) {
    const flag = script[at]!;
    if (flag === "w") {
      const end = lineEnd(script, at);
      call.output(field([script.slice(at + 1, end).trim()]));
      return end;
    }
    if (flag === "e") call.exec("program", "sed s///e: the result is run");
    else if (!/[gpIiMm0-9]/.test(flag)) return at;
  }
  return at;
}

function lineEnd(script: string, from: number): number {
  const end = script.indexOf("\n", from);
  return end < 0 ? script.length : end;
}

function textEnd(script: string, from: number): number {
  let at = lineEnd(script, from);
  while (at < script.length && script[at - 1] === "\\") at = lineEnd(script, at + 1);
  return at;
}

function labelEnd(script: string, from: number): number {
  const end = script.slice(from).search(/[;\n}]/);
  return end < 0 ? script.length : from + end;
}
