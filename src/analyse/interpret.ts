import { LIMITS, type Command, type Redirection, type Script, type SimpleCommand, type Statement, type Test } from "../model/index.ts";
import { applyAssignments, assignTemporarily, assignmentFields, store } from "./assignment.ts";
import { INHERITED, type Context, type Input } from "./context.ts";
import { arithmetic, expandText, expandWord, expandWords, hidesCommand, type Expansion } from "./expand.ts";
import { readBack } from "./files.ts";
import { withoutInput } from "./descriptors.ts";
import { NOTHING, SOMETHING, either, readable, sequence, type Output } from "./output.ts";
import { cannotMatch } from "./pattern.ts";
import { redirect, type Redirected } from "./redirect.ts";
import { during, emptied, opened } from "./redirected.ts";
import { runWords } from "./run.ts";
import { shown } from "./searches.ts";
import { sinks, spelling } from "./spelling.ts";
import { joinDirectories, type State } from "./state.ts";
import { HOLE, SEGMENT, UNKNOWN, field, only, isKnown, unknownFrom, type Field, type Origin } from "./value.ts";
import { markCode } from "./shell-code.ts";

/** Statements in order; the state is changed as the shell's would be. Out: what they print together. */
export function interpretStatements(statements: readonly Statement[], state: State, input: Input, context: Context): Output {
  let output: Output = NOTHING;
  for (const statement of statements) {
    if (statement.background) interpretCommand(statement.command, state.clone(), INHERITED, context);
    else output = sequence(output, interpretCommand(statement.command, state, input, context));
    settleDirectory(state);
  }
  return output;
}

/** At the end of a statement a `cd` that failed left the shell where it was, unless `set -e` ended it. */
function settleDirectory(state: State): void {
  if (state.stayed !== undefined && !state.errexit) state.directories = joinDirectories(state.directories, state.stayed);
  state.stayed = undefined;
}

/** A script nested in the text: everything not understood in it is opaque here. */
export function interpretScript(script: Script, state: State, input: Input, context: Context): Output {
  for (const piece of script.opaque) context.opaque(piece.reason, piece.span, "parse", "unknown");
  return interpretStatements(script.body, state, input, context);
}

export function interpretCommand(command: Command, state: State, input: Input, context: Context): Output {
  if (!context.spend(command.span)) return SOMETHING;
  switch (command.kind) {
    case "simple":
      return simple(command, state, input, context);
    case "pipeline":
      return pipeline(command, state, input, context);
    case "and-or":
      return andOr(command, state, input, context);
    case "subshell": {
      return interpretStatements(command.body, state.clone(), input, context);
    }
    case "group":
      return interpretStatements(command.body, state, input, context);
    case "if":
      return branches(command, state, input, context);
    case "for":
    case "select":
      return forLoop(command, state, input, context);
    case "arithmetic-for":
      for (const expression of command.expressions) arithmetic(expression, expansion(state, context));
      return loop(state, context, () => {
        const output = interpretStatements(command.body, state, input, context);
        for (const expression of command.expressions) arithmetic(expression, expansion(state, context));
        return output;
      });
    case "while":
    case "until":
      return loop(state, context, () => {
        interpretStatements(command.condition, state, input, context);
        return interpretStatements(command.body, state, input, context);
      });
    case "case":
      return caseCommand(command, state, input, context);
    case "function": {
      const name = only(expandText(command.name, expansion(state, context)));
      if (name === undefined) context.opaque("the name of a function is not known", command.span, "shell/function");
      else state.setFunction(name, [command.body]);
      return NOTHING;
    }
    case "test":
      testExpression(command.expression, expansion(state, context));
      return NOTHING;
    case "arithmetic":
      if (command.expression !== undefined) arithmetic(command.expression, expansion(state, context));
      return NOTHING;
    case "coproc":
      interpretCommand(command.body, state.clone(), INHERITED, context);
      return NOTHING;
    case "redirected": {
      const redirected = redirections(command.redirections, expansion(state, context), input);
      return during(redirected, state, context, () => interpretCommand(command.command, state, redirected.input, context));
    }
    case "opaque":
      context.opaque(command.reason, command.span, "parse");
      return SOMETHING;
  }
}

function redirections(list: readonly Redirection[], inside: Expansion, input: Input): Redirected {
  const { state } = inside;
  const standard = state.ends.get(0);
  let so: Redirected = { input: standard?.kind === "input" ? standard.input : input, ends: state.ends };
  for (const redirection of list) so = redirect(redirection, so, inside);
  return so;
}

function simple(command: SimpleCommand, state: State, input: Input, context: Context): Output {
  const inside = expansion(state, context);
  const words: Field[] = [];
  // Whether each word is its own text: most lines have no others, and nothing is asked of how those are written.
  let asWritten = true;
  for (let at = 0; at < command.words.length; at += 1) {
    const word = command.words[at]!;
    const plain = word.kind === "word" && word.parts.length === 1 ? word.parts[0]! : undefined;
    if (plain?.kind !== "literal" || plain.value !== word.text) asWritten = false;
    if (plain?.kind === "literal") words.push(field([plain.value]));
    else for (const one of word.kind === "assignment" ? assignmentFields(word, inside) : expandWord(word, inside)) words.push(one);
  }
  const redirected = redirections(command.redirections, inside, input);
  if (words.length === 0) {
    applyAssignments(command.assignments, inside);
    emptied(redirected, command, context);
    // `$(<file)` stands for what is in the file.
    const { input: from } = redirected;
    if (command.redirections.length === 0 || from.kind === "inherited") return NOTHING;
    return (from.kind === "file" ? readBack([field(from.paths)], state.directories, context) : undefined) ?? SOMETHING;
  }
  const restore = command.assignments.length === 0 ? undefined : assignTemporarily(command.assignments, inside);
  if (!asWritten) {
    spelling(command, context);
    shown(command, only(words[0]), state, context);
    sinks(command, words[0]!, state, context);
  }
  if (only(words.at(-1)) === "exec" && words.every((word) => /^(?:exec|command|builtin)$/.test(only(word) ?? "")) && !state.functions.has("exec")) {
    // A shell that is fed its commands goes on with what is there then (src/broker/gate-tampering.ts).
    if (redirected.input !== input || redirected.ends.get(0) !== state.ends.get(0)) context.found([["exec"], ["<"]], command.span, undefined);
    opened(redirected, input, state, context);
    restore?.();
    return NOTHING;
  }
  const output = during(redirected, state, context, () => runWords(words, { span: command.span, input: redirected.input, state, context }));
  if (only(words[0]) === ":" || only(words[0]) === "true") emptied(redirected, command, context);
  restore?.();
  return output;
}

/** Each stage runs in a subshell and reads what the one before prints. */
function pipeline(command: Extract<Command, { kind: "pipeline" }>, state: State, input: Input, context: Context): Output {
  if (command.stages.length === 1) return interpretCommand(command.stages[0]!, state, input, context);
  let from = input;
  let output: Output = NOTHING;
  for (const [index, stage] of command.stages.entries()) {
    const last = index === command.stages.length - 1;
    // zsh (and bash with lastpipe) run the last stage in the shell itself: both readings are joined.
    const own = state.clone();
    if (!last) own.printTo({ kind: "output" });
    if (index > 0) own.ends = withoutInput(own.ends);
    output = interpretCommand(stage, own, from, context);
    if (last) {
      own.ends = state.ends;
      state.join(own);
    } else output = readable(output);
    from = output.texts === undefined ? { kind: "unknown", origin: output.origin, span: stage.span, files: output.files } : { kind: "text", texts: output.texts, span: stage.span, origin: output.origin };
  }
  return output;
}

function andOr(command: Extract<Command, { kind: "and-or" }>, state: State, input: Input, context: Context): Output {
  let output = interpretCommand(command.commands[0]!, state, input, context);
  let failed = state.stayed;
  let certain = state.position;
  context.conditional += 1;
  for (const [index, next] of command.commands.slice(1).entries()) {
    if (command.operators[index] === "&&") {
      // Here the command before succeeded: a `cd` in it took place. That it may not have is kept for the end.
      failed = failed ?? state.stayed;
      state.stayed = undefined;
      output = sequence(output, interpretCommand(next, state, input, context));
      failed = failed ?? state.stayed;
    } else {
      const otherwise = state.anyTimeSince(certain);
      otherwise.directories = failed === undefined ? state.directories : joinDirectories(failed, state.directories);
      output = either(output, interpretCommand(next, otherwise, input, context));
      if (leaves(next, state, context)) failed = undefined;
      else state.join(otherwise);
      certain = state.position;
    }
  }
  context.conditional -= 1;
  if (!command.commands.slice(0, -1).every(succeeds)) state.joinSince(certain);
  state.stayed = failed;
  return output;
}

/** `|| exit 1`, `|| return`: what follows only runs when the left side succeeded. */
function leaves(command: Command, state: State, context: Context): boolean {
  if (command.kind === "group") return command.body.some((statement) => !statement.background && leaves(statement.command, state, context));
  if (command.kind !== "simple" || command.redirections.length > 0) return false;
  const word = command.words[0];
  const part = word?.kind === "word" && word.parts.length === 1 ? word.parts[0] : undefined;
  if (part?.kind !== "literal" || state.functions.has(part.value)) return false;
  switch (part.value) {
    case "exit":
      return true;
    case "return":
      return context.inside("function");
    case "break":
    case "continue":
      return context.inside("loop");
    default:
      return false;
  }
}

/** Commands that do not fail: plain assignments and what only sets something. */
function succeeds(command: Command): boolean {
  if (command.kind !== "simple") return false;
  if (command.words.length === 0) return command.redirections.length === 0 && command.assignments.every(({ value }) => value.kind === "word" && value.parts.every((part) => part.kind !== "command"));
  const word = command.words[0]!;
  const part = word.kind === "word" && word.parts.length === 1 ? word.parts[0] : undefined;
  return part?.kind === "literal" && ["echo", "printf", ":", "true", "export", "set", "local", "trap"].includes(part.value) && command.redirections.length === 0;
}

function branches(command: Extract<Command, { kind: "if" }>, state: State, input: Input, context: Context): Output {
  let output: Output = NOTHING;
  const ends: State[] = [];
  context.conditional += 1;
  for (const branch of command.branches) {
    interpretStatements(branch.condition, state, input, context);
    const inside = state.clone();
    output = either(output, interpretStatements(branch.body, inside, input, context));
    ends.push(inside);
  }
  if (command.otherwise !== undefined) output = either(output, interpretStatements(command.otherwise, state, input, context));
  context.conditional -= 1;
  for (const end of ends) state.join(end);
  return output;
}

function forLoop(command: Extract<Command, { kind: "for" | "select" }>, state: State, input: Input, context: Context): Output {
  const words = command.words === undefined ? (state.positional ?? [{ ...UNKNOWN, many: true }]) : expandWords(command.words, expansion(state, context));
  const value = words.length === 0 ? field([""]) : loopValue(words);
  return loop(state, context, () => {
    // A reference takes on each word as its target.
    if (state.attributes.get(command.name)?.has("loose") === true) for (const text of value.texts) state.mark(text, "loose");
    store(command.name, { value: command.kind === "select" ? unknownFrom({ kind: "input", detail: undefined }) : value }, command.span, state, context);
    return interpretStatements(command.body, state, input, context);
  });
}

/** The loop variable is one word of the list. A pattern stands for one of its matches: still a pattern, but one word. */
function loopValue(words: readonly Field[]): Field {
  const all = words.reduce((a, b) => ({ texts: [...a.texts, ...b.texts], glob: a.glob || b.glob, many: a.many || b.many, origin: a.origin ?? b.origin }));
  return { ...field(all.texts, all.glob), many: false, origin: all.origin };
}

/** A loop body, until nothing changes any more or the limit makes what changes unknown. */
function loop(state: State, context: Context, body: () => Output): Output {
  context.conditional += 1;
  let output: Output = NOTHING;
  const once = (): State => {
    const before = state.clone();
    const left = context.leaving("loop", () => {
      output = sequence(output, body());
    });
    settleDirectory(state);
    if (left !== undefined) state.join(left);
    state.join(before);
    return before;
  };
  // First as it is, then with what changes made unknown, at last with nothing known.
  for (let round = 0; round < 2 * LIMITS.loopRounds; round += 1) {
    const before = once();
    if (state.sameAs(before)) break;
    if (round === 2 * LIMITS.loopRounds - 1) {
      state.forget();
      once();
    } else if (round >= LIMITS.loopRounds - 1) state.widen(before);
  }
  context.conditional -= 1;
  return { texts: undefined, origin: output.origin };
}

function caseCommand(command: Extract<Command, { kind: "case" }>, state: State, input: Input, context: Context): Output {
  const word = expandText(command.word, expansion(state, context));
  const ends: State[] = [];
  let output: Output = NOTHING;
  context.conditional += 1;
  let fallsInto: State | undefined;
  for (const item of command.items) {
    const patterns = item.patterns.map((pattern) => expandText(pattern, expansion(state, context)));
    const quoted = item.patterns.some((pattern) => pattern.parts.some((part) => part.kind === "literal" && part.quoted && /[\\*?[]/.test(part.value)));
    const possible = fallsInto !== undefined || quoted || state.anyCase || patterns.some((pattern) => word.texts.some((text) => pattern.texts.some((p) => !cannotMatch(text, p))));
    if (!possible) continue;
    const inside = state.clone();
    if (fallsInto !== undefined) inside.join(fallsInto);
    output = either(output, interpretStatements(item.body, inside, input, context));
    ends.push(inside);
    // `;;&` goes on with the patterns that follow, in the state it leaves.
    if (item.terminator === ";;&") state.join(inside);
    fallsInto = item.terminator === ";&" ? inside : undefined;
  }
  context.conditional -= 1;
  for (const end of ends) state.join(end);
  return output;
}

/** `[[ … ]]`: expansions run, and arithmetic operators evaluate their operands (bash(1), CONDITIONAL EXPRESSIONS). */
function testExpression(test: Test, inside: Expansion): void {
  switch (test.kind) {
    case "unary": {
      const operand = expandText(test.operand, inside);
      if (test.operator === "-v" && operand.texts.some(hidesCommand)) inside.context.opaque("`-v` evaluates a subscript that holds a command substitution", test.span, "shell/test", "suspicious");
      return;
    }
    case "binary": {
      const sides = [expandText(test.left, inside), expandText(test.right, inside)];
      if (/^-(?:eq|ne|lt|le|gt|ge)$/.test(test.operator)) {
        for (const [side, word] of [[sides[0]!, test.left], [sides[1]!, test.right]] as const) {
          if (side.texts.some(hidesCommand)) inside.context.opaque("arithmetic on a text that holds a command substitution", test.span, "shell/test", "suspicious");
          const name = /^[A-Za-z_]\w*$/.test(word.text) ? word.text : undefined;
          if (name !== undefined) arithmetic({ parts: [], variables: [name], assigns: [], span: test.span }, inside);
        }
      }
      if (test.operator === "=~") inside.store("BASH_REMATCH", UNKNOWN, test.span);
      return;
    }
    case "logical":
      for (const operand of test.operands) testExpression(operand, inside);
      return;
    case "not":
      return testExpression(test.operand, inside);
  }
}

/** The expansion context of one place: nested scripts run in subshells of `state`. */
export function expansion(state: State, context: Context): Expansion {
  return {
    state,
    context,
    store: (name, value, span) => store(name, { value }, span, state, context),
    nested: (part, at, ctx) => {
      const subshell = at.clone();
      let output: Output = SOMETHING;
      const before = ctx.effects.length;
      // A substitution's spans index our text, unless it has its own (escaped backticks).
      const same = part.script.source === ctx.source;
      subshell.printTo({ kind: "output" });
      const run = (): void => {
        output = readable(interpretScript(part.script, subshell, INHERITED, ctx));
      };
      if (same) run();
      else ctx.within(part.span, run);
      const known = part.kind === "process" && part.direction === "in" && output.texts?.length === 1 && isKnown(output.texts[0]!) ? output.texts[0] : undefined;
      if (known !== undefined) {
        const path = `/dev/fd/pipe-${(ctx.substitutions += 1)}`;
        ctx.written.set(path, { kind: "text", text: known });
        return field([path]);
      }
      if (part.kind === "process") return markCode({ ...field([`/dev/fd/${SEGMENT}`]), origin: output.origin ?? { kind: "input", detail: "process substitution" } }, part.direction === "in" ? output.code : undefined);
      const secret: Origin | undefined = ctx.effects.slice(before).some((effect) => effect.kind === "secret") ? { kind: "secret", detail: undefined } : undefined;
      if (output.texts === undefined) return markCode(unknownFrom(output.origin ?? secret), secret === undefined ? output.code : undefined);
      return { ...field(output.texts.map((text) => (text === HOLE ? text : text.replace(/\n+$/, "")))), origin: output.origin };
    },
  };
}
