import type { Assignment, Command, Redirection, Word, WordPart } from "../model/index.ts";

/**
 * What dash (and whatever else is called `sh`) reads differently from bash. Each function: a node → why it is not
 * understood, or undefined. Source: dash(1) and dash 0.5.12 itself; `[[`, `((` and `&>` run other things there.
 */
export function commandReason(node: Command): string | undefined {
  switch (node.kind) {
    case "test":
      return "`[[` is not a test in sh";
    case "arithmetic":
      return "`((` starts two subshells in sh";
    case "arithmetic-for":
    case "select":
    case "coproc":
      return `\`${node.kind}\` is not known to sh`;
    case "pipeline":
      if (node.timed) return "`time` is a program in sh";
      return node.operators.includes("|&") ? "`|&` is not known to sh" : undefined;
    case "case":
      return node.items.some((item) => item.terminator !== ";;") ? "`;&` is not known to sh" : undefined;
    case "function":
    case "simple":
    case "and-or":
    case "subshell":
    case "group":
    case "if":
    case "for":
    case "while":
    case "until":
    case "redirected":
    case "opaque":
      return undefined;
  }
}

export function wordReason(node: Word): string | undefined {
  if (node.parts.some((part, index) => isDigit(part) && startsWithDigit(node.parts[index + 1]))) return "`$10` is one parameter in some shells";
  return node.parts.some((part) => part.kind === "tilde" && /^[-+0-9]/.test(part.user)) ? "`~+` and `~-` are not known to sh" : undefined;
}

function isDigit(part: WordPart): boolean {
  return part.kind === "parameter" && /^[0-9]$/.test(part.name) && part.span.end - part.span.start === 2;
}

function startsWithDigit(part: WordPart | undefined): boolean {
  return part?.kind === "literal" && /^[0-9]/.test(part.value);
}

export function partReason(node: WordPart): string | undefined {
  switch (node.kind) {
    case "parameter": {
      const operation = node.operation?.kind;
      const known = operation === undefined || operation === "default" || operation === "remove";
      return known && !node.indirect && node.index === undefined ? undefined : "a parameter expansion that sh does not know";
    }
    case "process":
      return "process substitution is not known to sh";
    case "glob":
      return /^[?*+@!]\(/.test(node.pattern) ? "extended patterns are not known to sh" : undefined;
    case "tilde":
    case "literal":
    case "command":
    case "arithmetic":
    case "brace":
    case "opaque":
      return undefined;
  }
}

export function redirectionReason(node: Redirection): string | undefined {
  if (typeof node.fd === "string" || (node.fd ?? 0) > 9) return "a file descriptor that sh takes for a word";
  switch (node.kind) {
    case "here-string":
      return "`<<<` is not known to sh";
    case "file":
      return node.operator === "&>" || node.operator === "&>>" ? "`&>` puts the command into the background in sh" : undefined;
    case "duplicate":
      return /^(?:[0-9]|-)$/.test(node.target.text) || node.target.text.startsWith("$") ? undefined : "sh duplicates only single-digit descriptors";
    case "here-document":
      return undefined;
  }
}

export function assignmentReason(node: Assignment): string | undefined {
  if (node.append) return "`+=` is not known to sh";
  return node.index !== undefined || node.value.kind === "array" ? "sh has no arrays" : undefined;
}
