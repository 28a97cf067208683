import type { WordPart } from "../model/index.ts";
import type { WordRole } from "./frame.ts";

type TildeRole = Extract<WordRole, "word" | "value" | "plain">;

/** An argument that looks like an assignment: bash expands `~` after its `=` and after each `:`. */
const ASSIGNMENT_LIKE = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;

/**
 * In: the parts of a word in order. Out: the same with unquoted `~` and `~user` cut out as tilde parts.
 * A tilde counts at the start of a word; in assignments (and words that look like one) also after `=` and `:`.
 */
export function splitTildes(parts: readonly WordPart[], role: TildeRole): WordPart[] {
  if (!parts.some((part) => part.kind === "literal" && !part.quoted && part.value.includes("~"))) return [...parts];
  const first = parts[0];
  const assignment = role === "value" || (role === "word" && first?.kind === "literal" && !first.quoted && ASSIGNMENT_LIKE.test(first.value));
  return parts.flatMap((part, index) => splitPart(part, index === 0, index === parts.length - 1, assignment, role));
}

function splitPart(part: WordPart, isFirst: boolean, isLast: boolean, assignment: boolean, role: TildeRole): WordPart[] {
  if (part.kind !== "literal" || part.quoted) return [part];
  const out: WordPart[] = [];
  const { value, span } = part;
  let from = 0;
  for (const start of tildeStarts(value, isFirst, assignment, role)) {
    let end = start + 1;
    while (end < value.length && value[end] !== "/" && !(assignment && value[end] === ":")) end += 1;
    // `~"x"` and `~$x`: the prefix runs into a quoted or expanded piece, so bash leaves it alone.
    if (end === value.length && !isLast) continue;
    if (start > from) out.push({ kind: "literal", span: { start: span.start + from, end: span.start + start }, value: value.slice(from, start), quoted: false });
    out.push({ kind: "tilde", span: { start: span.start + start, end: span.start + end }, user: value.slice(start + 1, end) });
    from = end;
  }
  if (from < value.length) out.push({ kind: "literal", span: { start: span.start + from, end: span.end }, value: value.slice(from), quoted: false });
  return out;
}

function tildeStarts(value: string, isFirst: boolean, assignment: boolean, role: TildeRole): number[] {
  const starts: number[] = [];
  const afterEquals = assignment && role === "word" && isFirst ? ASSIGNMENT_LIKE.exec(value)?.[0].length : undefined;
  for (let at = value.indexOf("~"); at !== -1; at = value.indexOf("~", at + 1)) {
    const before = value[at - 1];
    if (at === 0 && isFirst) starts.push(at);
    else if (assignment && before === ":") starts.push(at);
    else if (at === afterEquals) starts.push(at);
  }
  return starts;
}
