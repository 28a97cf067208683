import type { AndOr, Assignment as ParsedAssignment, Case, Command as ParsedCommand, CompoundList, CommandNode, Coproc, Pipeline, PipelineNode, Redirection as ParsedRedirection, Statement as ParsedStatement } from "unbash";
import type { Assignment, AssignmentWord, Command, Redirection, SimpleCommand, Span, Statement, Word } from "../model/index.ts";
import { buildArithmetic } from "./arithmetic.ts";
import { buildTest } from "./conditional.ts";
import { COVER } from "./cover.ts";
import { dashBackground, endsInBackground } from "./dash-background.ts";
import { checkAssignment, checkCommand, checkSimple } from "./dialect.ts";
import { ARGUMENT_VALUE, ARITHMETIC, ELEMENT, PLAIN, VALUE, spanOf, type Frame, type Quoting } from "./frame.ts";
import { buildRedirection } from "./redirections.ts";
import { buildWord } from "./words.ts";

/** In: the statements of a list. Out: ours, in order, none left out. */
export function buildStatements(frame: Frame, list: readonly ParsedStatement[]): Statement[] {
  const built: Statement[] = [];
  for (const node of list) {
    const background = node.background === true;
    if (frame.dialect === "dash" && node.command.type === "Command" && endsInBackground(node.command)) built.push(...dashBackground(frame, node.command, background));
    else built.push({ command: buildCommand(frame, node.command), background, span: spanOf(node) });
  }
  return built;
}

type AnyCommand = AndOr | PipelineNode | CompoundList;

function buildCommand(frame: Frame, node: AnyCommand): Command {
  const span = spanOf(node);
  const built = frame.deeper(span, () => commandNode(frame, node), (reason): Command => ({ kind: "opaque", span, reason }));
  checkCommand(frame, built);
  return built;
}

function commandNode(frame: Frame, node: AnyCommand): Command {
  if (node.type === "Command") return simpleCommand(frame, node);
  return compoundCommand(frame, node);
}

function compoundCommand(frame: Frame, node: Exclude<AnyCommand, ParsedCommand>): Command {
  const span = spanOf(node);
  const list = (body: CompoundList): Statement[] => buildStatements(frame, body.commands);
  switch (node.type) {
    case "AndOr":
      return { kind: "and-or", span, commands: node.commands.map((command) => buildCommand(frame, command)), operators: node.operators };
    case "Pipeline":
      return pipeline(frame, node);
    case "Redirected":
      return { kind: "redirected", span, command: buildCommand(frame, node.command), redirections: redirections(frame, node.redirects) };
    case "Subshell":
      return { kind: "subshell", span, body: list(node.body) };
    case "BraceGroup":
      return { kind: "group", span, body: list(node.body) };
    case "If": {
      const branches = [{ condition: list(node.clause), body: list(node.then) }, ...node.elif.map((elif) => ({ condition: list(elif.clause), body: list(elif.then) }))];
      return { kind: "if", span, branches, otherwise: node.else === undefined ? undefined : list(node.else) };
    }
    case "For":
    case "Select": {
      const name = buildWord(frame, node.name, PLAIN).text;
      const words = node.wordlist?.map((word) => buildWord(frame, word));
      return { kind: node.type === "For" ? "for" : "select", span, name, words, body: list(node.body) };
    }
    case "ArithmeticFor": {
      const head = [node.initialize, node.test, node.update].filter((part) => part !== undefined);
      const expressions = head.map((part) => buildArithmetic(frame, part, spanOf(part)));
      return { kind: "arithmetic-for", span, expressions, body: list(node.body) };
    }
    case "While":
      return { kind: node.kind, span, condition: list(node.clause), body: list(node.body) };
    case "Case":
      return caseCommand(frame, node);
    case "Function":
      if (frame.dialect !== "bash" && frame.dialect !== "zsh" && /^function\b/.test(frame.source.slice(span.start, span.start + 9))) frame.report("`function` is not known to sh", span);
      return { kind: "function", span, name: buildWord(frame, node.name), body: buildCommand(frame, node.body) };
    case "Coproc":
      return coproc(frame, node);
    case "TestCommand":
      return { kind: "test", span, expression: buildTest(frame, node.expression) };
    case "ArithmeticCommand": {
      const inner: Span = { start: span.start + 2, end: Math.max(span.start + 2, span.end - 2) };
      frame.cover.paintSpan(COVER.live, inner);
      if (node.expression === undefined && node.body.trim() !== "") return opaqueCommand(frame, span, "an arithmetic command that was not read");
      return { kind: "arithmetic", span, expression: node.expression === undefined ? undefined : buildArithmetic(frame, node.expression, inner) };
    }
    case "CompoundList":
      return opaqueCommand(frame, span, "a body that was not read");
    default:
      return unknownCommand(frame, span, node);
  }
}

function unknownCommand(frame: Frame, span: Span, node: never): Command {
  return opaqueCommand(frame, span, `unknown command \`${String((node as { type?: unknown }).type)}\``);
}

function opaqueCommand(frame: Frame, span: Span, reason: string): Command {
  frame.report(reason, span);
  return { kind: "opaque", span, reason };
}

function pipeline(frame: Frame, node: Pipeline): Command {
  const stages = node.commands.map((command: CommandNode) => buildCommand(frame, command));
  const negations = node.prefixes.filter((prefix) => prefix.type === "Negation").length;
  return { kind: "pipeline", span: spanOf(node), negated: negations % 2 === 1, timed: node.prefixes.some((prefix) => prefix.type === "Time"), stages, operators: node.operators };
}

function coproc(frame: Frame, node: Coproc): Command {
  const name = node.name === undefined ? undefined : buildWord(frame, node.name).text;
  return { kind: "coproc", span: spanOf(node), name, body: buildCommand(frame, node.body) };
}

function caseCommand(frame: Frame, node: Case): Command {
  const word = buildWord(frame, node.word, PLAIN);
  const items = node.items.map((item) => ({
    patterns: item.pattern.map((pattern) => buildWord(frame, pattern, PLAIN)),
    body: buildStatements(frame, item.body.commands),
    terminator: item.terminator ?? (";;" as const),
  }));
  return { kind: "case", span: spanOf(node), word, items };
}

function redirections(frame: Frame, nodes: readonly ParsedRedirection[]): Redirection[] {
  return nodes.map((node) => buildRedirection(frame, node));
}

export function simpleCommand(frame: Frame, node: ParsedCommand): SimpleCommand {
  const assignments: Assignment[] = [];
  const words: (Word | AssignmentWord)[] = [];
  const redirected: Redirection[] = [];
  for (const item of node.prefix) {
    if (item.type === "Assignment") assignments.push(buildAssignment(frame, item, VALUE));
    else redirected.push(buildRedirection(frame, item));
  }
  let glued = false;
  let last = -1;
  if (node.name !== undefined) {
    words.push(buildWord(frame, node.name));
    last = node.name.end;
  }
  // By number, as wherever every word of a line is seen: an iterator makes an object for each until V8 has optimised it.
  for (let at = 0; at < node.suffix.length; at += 1) {
    const item = node.suffix[at]!;
    if (item.type !== "Word" && item.type !== "Assignment") {
      redirected.push(buildRedirection(frame, item));
      continue;
    }
    words.push(item.type === "Word" ? buildWord(frame, item) : assignmentWord(frame, item));
    if (item.pos <= last) glued = true;
    last = item.end;
  }
  if (glued) checkCommandApart(frame, node);
  const built: SimpleCommand = { kind: "simple", span: spanOf(node), assignments, words, redirections: redirected };
  checkSimple(frame, built);
  return built;
}

type Placed = { readonly pos: number; readonly end: number };

/** Words without anything between them are one word to bash: the parser has split it (`a<(b)`). */
function checkApart(frame: Frame, before: Placed | undefined, word: Placed): void {
  if (before !== undefined && word.pos <= before.end) frame.report("words that run into each other", { start: before.pos, end: word.end });
}

function checkCommandApart(frame: Frame, node: ParsedCommand): void {
  let before: Placed | undefined = node.name;
  for (const item of node.suffix) {
    if (item.type !== "Word" && item.type !== "Assignment") continue;
    checkApart(frame, before, item);
    before = item;
  }
}

function assignmentWord(frame: Frame, node: ParsedAssignment): AssignmentWord {
  const span = spanOf(node);
  return { kind: "assignment", span, assignment: buildAssignment(frame, node, ARGUMENT_VALUE), text: frame.source.slice(span.start, span.end) };
}

function buildAssignment(frame: Frame, node: ParsedAssignment, quoting: Quoting): Assignment {
  const span = spanOf(node);
  frame.cover.paintSpan(COVER.text, span);
  const index = node.index === undefined ? undefined : buildWord(frame, node.index, { ...ARITHMETIC, double: false });
  const { value } = node;
  const valueSpan = spanOf(value);
  if (valueSpan.end !== span.end) frame.report("text after the value of an assignment", span);
  const built: Assignment["value"] =
    value.type === "ArrayValue"
      ? { kind: "array", span: valueSpan, elements: arrayElements(frame, valueSpan, value.elements) }
      : buildWord(frame, value, quoting);
  const assignment: Assignment = { span, name: node.name, index, append: node.append === true, value: built };
  checkAssignment(frame, assignment);
  return assignment;
}

function arrayElements(frame: Frame, span: Span, elements: readonly Parameters<typeof buildWord>[1][]): Word[] {
  if (frame.source[span.end - 1] !== ")") frame.report("an array without its end", span);
  frame.cover.paint(COVER.gap, span.start, span.end);
  for (const [index, element] of elements.entries()) checkApart(frame, elements[index - 1], element);
  return elements.map((element) => buildWord(frame, element, ELEMENT));
}
