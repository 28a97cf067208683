import type { Arithmetic, Assignment, Command, Redirection, Script, SimpleCommand, Statement, Test, Word, WordPart } from "../model/index.ts";

/**
 * In: a script. Out: every simple command in it, also in substitutions, here-documents, arithmetic, functions and
 * branches; a command before the ones nested in its words, else in the order in which they stand.
 */
export function simpleCommands(script: Script): SimpleCommand[] {
  const out: SimpleCommand[] = [];
  statements(script.body, out);
  return out;
}

function statements(list: readonly Statement[], out: SimpleCommand[]): void {
  for (const statement of list) command(statement.command, out);
}

function command(node: Command, out: SimpleCommand[]): void {
  switch (node.kind) {
    case "simple":
      out.push(node);
      for (const item of node.assignments) assignment(item, out);
      for (const item of node.words) {
        if (item.kind === "assignment") assignment(item.assignment, out);
        else word(item, out);
      }
      for (const item of node.redirections) redirection(item, out);
      return;
    case "pipeline":
      for (const stage of node.stages) command(stage, out);
      return;
    case "and-or":
      for (const item of node.commands) command(item, out);
      return;
    case "subshell":
    case "group":
      return statements(node.body, out);
    case "if":
      for (const branch of node.branches) {
        statements(branch.condition, out);
        statements(branch.body, out);
      }
      return statements(node.otherwise ?? [], out);
    case "for":
    case "select":
      for (const item of node.words ?? []) word(item, out);
      return statements(node.body, out);
    case "arithmetic-for":
      for (const item of node.expressions) arithmetic(item, out);
      return statements(node.body, out);
    case "while":
    case "until":
      statements(node.condition, out);
      return statements(node.body, out);
    case "case":
      word(node.word, out);
      for (const item of node.items) {
        for (const pattern of item.patterns) word(pattern, out);
        statements(item.body, out);
      }
      return;
    case "function":
      word(node.name, out);
      return command(node.body, out);
    case "test":
      return test(node.expression, out);
    case "arithmetic":
      return node.expression === undefined ? undefined : arithmetic(node.expression, out);
    case "coproc":
      return command(node.body, out);
    case "redirected":
      command(node.command, out);
      for (const item of node.redirections) redirection(item, out);
      return;
    case "opaque":
      return;
  }
}

function assignment(node: Assignment, out: SimpleCommand[]): void {
  if (node.index !== undefined) word(node.index, out);
  if (node.value.kind === "word") word(node.value, out);
  else for (const element of node.value.elements) word(element, out);
}

function redirection(node: Redirection, out: SimpleCommand[]): void {
  switch (node.kind) {
    case "file":
    case "duplicate":
      return word(node.target, out);
    case "here-string":
      return word(node.word, out);
    case "here-document":
      return word(node.body, out);
  }
}

function word(node: Word, out: SimpleCommand[]): void {
  for (const item of node.parts) part(item, out);
}

function part(node: WordPart, out: SimpleCommand[]): void {
  switch (node.kind) {
    case "literal":
    case "tilde":
    case "opaque":
      return;
    case "parameter":
      if (node.index !== undefined) word(node.index, out);
      return parameterOperation(node.operation, out);
    case "command":
    case "process":
      return statements(node.script.body, out);
    case "arithmetic":
      return arithmetic(node.expression, out);
    case "glob":
      for (const item of node.parts) part(item, out);
      return;
    case "brace":
      for (const item of node.alternatives) word(item, out);
      return;
  }
}

function parameterOperation(node: Extract<WordPart, { kind: "parameter" }>["operation"], out: SimpleCommand[]): void {
  if (node === undefined) return;
  switch (node.kind) {
    case "default":
    case "remove":
      return word(node.operand, out);
    case "replace":
      word(node.pattern, out);
      return word(node.replacement, out);
    case "slice":
      word(node.offset, out);
      return node.length === undefined ? undefined : word(node.length, out);
    case "case":
      return node.operand === undefined ? undefined : word(node.operand, out);
    case "transform":
    case "names":
      return;
  }
}

function arithmetic(node: Arithmetic, out: SimpleCommand[]): void {
  for (const item of node.parts) part(item, out);
}

function test(node: Test, out: SimpleCommand[]): void {
  switch (node.kind) {
    case "unary":
      return word(node.operand, out);
    case "binary":
      word(node.left, out);
      return word(node.right, out);
    case "logical":
      for (const operand of node.operands) test(operand, out);
      return;
    case "not":
      return test(node.operand, out);
  }
}
