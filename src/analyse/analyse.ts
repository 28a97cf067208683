import { LIMITS, isWithin, shellWord, type Analysis, type Dialect, type Facts, type Invocation } from "../model/index.ts";
import { parseScript } from "../parse/index.ts";
import { claimInComment } from "./approval.ts";
import { classesOf } from "./classes.ts";
import { Context, INHERITED } from "./context.ts";
import { assignEnvironment } from "./environment.ts";
import { interpretScript } from "./interpret.ts";
import { findSearches } from "./searches.ts";
import type { Specs } from "./specs/types.ts";
import { State, positionalOf } from "./state.ts";
import { HOLE, SEGMENT, field } from "./value.ts";

/** Control characters but tab and newline, directional overrides and isolates, zero-width and unusual spaces (Unicode TR 36). */
const UNSEEN = /[\x02-\x08\x0b\x0c\x0e-\x1f\x7f\u0085\u00a0\u1680\u180e\u2000-\u200b\u200e\u200f\u2028-\u202e\u202f\u205f-\u2064\u2066-\u206f\u3000\ufeff\ufff9-\ufffb]/g;

/** The text of one command line → what it does. `parameters` are `$0 $1 …`. */
export function analyseText(text: string, dialect: Dialect, facts: Facts, specs: Specs, parameters: readonly string[] = [], inFile = false): Analysis {
  const context = new Context(facts, specs, parseScript, dialect);
  context.source = text;
  const whole = { start: 0, end: text.length };
  if (text.search(UNSEEN) >= 0) for (const match of text.matchAll(UNSEEN)) context.opaque(`an invisible or misleading character U+${match[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`, { start: match.index, end: match.index + 1 }, "text", "suspicious");
  claimInComment(text, whole, context);
  if (text.includes(HOLE) || text.includes(SEGMENT)) context.opaque("a control character that no shell word can hold", whole, "parse");
  else {
    const state = new State([facts.cwd], positionalOf(parameters.slice(1)), field([parameters[0] ?? dialect]));
    try {
      recall(text, state, context);
      const script = parseScript(text, dialect);
      // What a file holds after its `exit` is no matter; a line that the shell cannot read is nobody's to be asked about.
      if (!inFile) for (const { reason, span } of script.opaque.filter(({ syntax }) => syntax).slice(0, 1)) context.opaque(reason, span, "parse/syntax");
      interpretScript(script, state, INHERITED, context);
      runTraps(state, context);
      findSearches(context);
    } catch (error) {
      // A nesting that neither parser nor limits stopped; anything else is a defect and must be seen.
      if (!(error instanceof RangeError)) throw error;
      context.opaque("nested deeper than can be followed", whole, "limit/depth");
    }
  }
  return context.result(canonicalOf(context, text), classesOf(context.effects));
}

/** What the shell holds before the line. Its functions are read as if they stood behind the line, so that their spans are none of its own. */
function recall(text: string, state: State, context: Context): void {
  const { shell } = context.facts;
  if (shell === undefined) return;
  for (const [name, value] of shell.variables) state.setScalar(name, field([value]));
  for (const [name, value] of shell.aliases) state.setAlias(name, field([value]), "certainly");
  for (const definition of shell.functions) {
    const script = parseScript(`${" ".repeat(text.length)}\n${definition}`, context.dialect);
    // What cannot be read stays a name that nobody knows.
    if (script.opaque.length === 0 && script.body.every(({ command }) => command.kind === "function")) interpretScript(script, state, INHERITED, context);
  }
}

/** What `trap` left to be run, of this shell and of those it started: at any time after it was set. A trap may set another one. */
function runTraps(shell: State, context: Context): void {
  for (const state of shell.trapped) {
    // One state for all of them, since the first was set: as many traps as a line has stay linear.
    const found = state.anyTimeSince(state.traps[0]?.mark ?? 0);
    for (const trap of state.traps) context.within(trap.span, () => trap.run((trap.until ?? found).clone()));
  }
}

/** One start of a shell → what it does. */
export function analyse(invocation: Invocation, facts: Facts, specs: Specs): Analysis {
  switch (invocation.mode) {
    case "command":
      return analyseText(invocation.text, invocation.dialect, facts, specs, invocation.parameters);
    case "file": {
      const path = invocation.path.startsWith("/") ? invocation.path : `${facts.cwd}/${invocation.path}`;
      const script = facts.files.readScript(path);
      if (script === undefined) return unknownScript(`the script \`${invocation.path}\` cannot be read`, facts, specs, invocation.dialect);
      const analysis = analyseText(script.text, invocation.dialect, facts, specs, invocation.parameters, true);
      return { ...analysis, scripts: [{ path, sha256: script.sha256 }, ...analysis.scripts] };
    }
    case "print":
      return { effects: [], classes: ["read-only"], commands: [], scripts: [], canonical: `${invocation.dialect} --version` };
    case "stdin":
      return unknownScript("commands come from standard input and are not known before they run", facts, specs, invocation.dialect);
    case "interactive":
      return unknownScript("an interactive shell: commands are typed later and are not known yet", facts, specs, invocation.dialect);
    case "opaque":
      return unknownScript(invocation.reason, facts, specs, invocation.dialect);
  }
}

function unknownScript(reason: string, facts: Facts, specs: Specs, dialect: Dialect): Analysis {
  const context = new Context(facts, specs, parseScript, dialect);
  context.opaque(reason, { start: 0, end: 0 }, "shell/start");
  return context.result(reason, classesOf(context.effects));
}

/** What approvals bind to beside the exact text: resolved commands, one a line (unknown words as `?`). */
function canonicalOf(context: Context, text: string): string {
  const lines: string[] = [];
  let length = 0;
  for (const command of context.commands) {
    const words: string[] = [];
    // A blank before each word but the first.
    let before = length - 1;
    for (let at = 0; at < command.words.length; at += 1) {
      const word = command.words[at];
      const shownWord = word === undefined ? "?" : word.length === 1 ? shellWord(word[0]!) : `{${word.map(shellWord).join(",")}}`;
      before += 1 + shownWord.length;
      if (before > LIMITS.shownCommand) return lines.join("\n");
      words.push(shownWord);
    }
    length = Math.max(length, before);
    lines.push(words.join(" "));
  }
  return lines.length === 0 ? text.slice(0, LIMITS.shownCommand) : lines.join("\n");
}

/** Effects of variables that the command inherits from its environment (LD_PRELOAD, BASH_ENV, …). SECURITY: tightens only (I5). */
export function inheritedEffects(facts: Facts, specs: Specs, dialect: Dialect): Analysis["effects"] {
  if (facts.env.size === 0) return [];
  const context = new Context(facts, specs, parseScript, dialect);
  for (const [name, value] of facts.env) {
    const spec = specs.variables.exact.get(name);
    // A pager or a git setting that a harness gives every command is no command's doing, and the sandbox holds what it runs.
    if (spec?.inherited === true && !isWithin(value, facts.vetsh[0] ?? "/nowhere")) assignEnvironment(name, field([value]), { start: 0, end: 0 }, context);
  }
  return context.effects;
}
