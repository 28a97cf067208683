import type { Assignment, Command, Redirection, SimpleCommand, Word, WordPart } from "../model/index.ts";

/**
 * What zsh reads differently from bash although bash's grammar accepts it. Each function: a node → why it is not
 * understood, or undefined. Source: zshmisc(1), zshexpn(1), zsh 5.9 itself.
 */
export function commandReason(node: Command): string | undefined {
  return node.kind === "coproc" ? "`coproc` is read differently by zsh" : undefined;
}

/** Words that change what follows them, or that start a construct bash does not have. */
const PREFIXES = new Set(["-", "noglob", "nocorrect", "repeat", "foreach", "end", "always"]);

export function simpleReason(node: SimpleCommand): string | undefined {
  if (node.words.length === 0 && node.redirections.length > 0) return "zsh runs a program of its own for a redirection alone";
  const first = node.words[0];
  const name = first?.kind === "word" ? literalText(first) : undefined;
  if (name !== undefined && PREFIXES.has(name)) return `\`${name}\` has a meaning of its own in zsh`;
  // `{ls}` is a group in zsh.
  if (first?.kind === "word" && first.text.startsWith("{")) return "zsh reads `{` as the start of a group";
  return undefined;
}

export function wordReason(node: Word, source: string): string | undefined {
  const first = node.parts[0];
  const equals = first?.kind === "literal" && !first.quoted && first.value.startsWith("=");
  if (equals && (first.value.length > 1 || node.parts.length > 1)) return "zsh replaces `=name` by a path";
  if (node.text.includes("..") && node.parts.some((part) => part.kind === "literal" && !part.quoted && part.value.includes("{"))) return "a brace expansion that zsh reads differently";
  if (!bracesMatch(node)) return "zsh reads `}` as the end of a group";
  for (const [index, part] of node.parts.entries()) {
    const next = node.parts[index + 1];
    if (part.kind === "parameter" && next !== undefined && runsOn(part, source)) return "zsh reads what follows a parameter as part of it";
    if (part.kind === "literal" && opensInZsh(source.slice(part.span.start, part.span.end), next !== undefined)) return "a `$` that zsh reads as an expansion";
  }
  return undefined;
}

function bracesMatch(node: Word): boolean {
  let level = 0;
  for (const part of node.parts) {
    if (part.kind !== "literal" || part.quoted) continue;
    for (const char of part.value) {
      if (char === "{") level += 1;
      if (char === "}") level -= 1;
      if (level < 0) return false;
    }
  }
  return level === 0;
}

/** `$x:h`, `$x[1]`, `$#x` and `$10` take more with them in zsh than in bash. */
function runsOn(part: Extract<WordPart, { kind: "parameter" }>, source: string): boolean {
  if (source[part.span.start + 1] === "{") return false;
  const after = source.slice(part.span.end, part.span.end + 2);
  return /^(?:\[|:[A-Za-z&])/.test(after) || (/^[#0-9]$/.test(part.name) && /^\w/.test(after));
}

/** `$~x`, `$=x`, `$+x`: text to bash. In: raw text of a literal, and whether another piece follows it. */
function opensInZsh(raw: string, followed: boolean): boolean {
  if (raw.startsWith("'")) return false;
  const bare = raw.replace(/\\./gs, "");
  return /\$[~=^+#:(]/.test(bare) || (followed && bare.endsWith("$"));
}

export function partReason(node: WordPart, source: string): string | undefined {
  switch (node.kind) {
    case "parameter":
      return parameterReason(node);
    case "glob":
      return /^[?*+@!]\(/.test(node.pattern) ? "zsh reads parentheses after a pattern as qualifiers, which can run commands" : undefined;
    case "literal": {
      const raw = source.slice(node.span.start, node.span.end);
      return raw.startsWith("$'") && /\\(?![ntabefrv\\'"0-7]|x[0-9a-fA-F])/.test(raw.replace(/\\\\/g, "")) ? "an escape in `$'…'` that zsh reads differently" : undefined;
    }
    case "command":
    case "process":
    case "arithmetic":
    case "brace":
    case "tilde":
    case "opaque":
      return undefined;
  }
}

function parameterReason(node: Extract<WordPart, { kind: "parameter" }>): string | undefined {
  const reason = "a parameter expansion that zsh reads differently";
  if (node.indirect || (node.index !== undefined && !/^[@*]$/.test(node.index.text))) return reason;
  switch (node.operation?.kind) {
    case undefined:
    case "default":
    case "remove":
    case "replace":
      return undefined;
    case "slice":
      return /^(?:[0-9]+| -[0-9]+)$/.test(node.operation.offset.text) ? undefined : reason;
    case "case":
    case "transform":
    case "names":
      return reason;
  }
}

export function redirectionReason(node: Redirection): string | undefined {
  if (node.kind !== "file" && node.kind !== "duplicate") return undefined;
  if (node.target.text.startsWith("!") || node.target.text.startsWith("|")) return "zsh reads `>!` as an operator";
  return /^[0-9]*-[0-9]*$/.test(node.target.text) && node.kind === "file" ? "zsh reads `<1-9>` as a pattern" : undefined;
}

/** Parameters through which zsh changes its own grammar. */
const SPECIAL = new Set(["aliases", "galiases", "saliases", "dis_aliases", "options", "functions", "commands", "NULLCMD", "READNULLCMD", "reswords", "dis_reswords", "histchars", "HISTCHARS"]);

export function assignmentReason(node: Assignment): string | undefined {
  // `$a` is all of an array in zsh, and its first element in bash.
  if (node.value.kind === "array") return "zsh expands arrays differently";
  return SPECIAL.has(node.name) ? "an assignment that changes how zsh reads text" : undefined;
}

function literalText(word: Word): string | undefined {
  let text = "";
  for (const part of word.parts) {
    if (part.kind !== "literal") return undefined;
    text += part.value;
  }
  return text;
}
