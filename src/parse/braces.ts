import { LIMITS, type Span, type Word, type WordPart } from "../model/index.ts";
import type { Frame } from "./frame.ts";
import { sequence } from "./sequence.ts";
import { splitTildes } from "./tilde.ts";

/** One character of unquoted text, or a piece that braces cannot split (quoted text, an expansion, a pattern). */
type Atom = { readonly kind: "char"; readonly char: string; readonly start: number; readonly end: number } | { readonly kind: "part"; readonly part: WordPart; readonly start: number; readonly end: number };
/** What one word may still cost; `steps` is shared by all words of a source. */
type Budget = { alternatives: number; readonly frame: Frame };

/**
 * In: the parts of a word in which bash expands braces, in order, with no `brace` part yet, and their frame.
 * Out: the same with every brace expansion spelt out as alternatives, by bash's own rules (braces.c); where the
 * spelling would change what stands around it, or is too long, an opaque part.
 */
export function spellOutBraces(frame: Frame, span: Span, parts: readonly WordPart[]): WordPart[] {
  const { source } = frame;
  const atoms = toAtoms(parts);
  if (!hasBrace(atoms)) return [...parts];
  const commands = parts.filter((part) => part.kind !== "literal");
  const opaque = (reason: string): WordPart[] => [...commands, { kind: "opaque", span, reason }];
  if (atoms.length > LIMITS.braceAtoms) return opaque("a brace expansion that is too long");
  const budget: Budget = { alternatives: 0, frame };
  const out = expand(source, atoms, budget, 0);
  if (frame.braceSteps >= LIMITS.braceSteps) return opaque("too many braces");
  if (!out.some((part) => part.kind === "brace")) return [...parts];
  if (budget.alternatives > LIMITS.braceAlternatives) return opaque(`a brace expansion with more than ${LIMITS.braceAlternatives} alternatives`);
  const glued = gluedReason(source, out, span);
  return glued === undefined ? withTildes(out) : opaque(glued);
}

function toAtoms(parts: readonly WordPart[]): Atom[] {
  return parts.flatMap((part): Atom[] => {
    if (part.kind !== "literal" || part.quoted) return [{ kind: "part", part, ...part.span }];
    return [...part.value].reduce<Atom[]>((list, char) => {
      const start = list.at(-1)?.end ?? part.span.start;
      list.push({ kind: "char", char, start, end: start + char.length });
      return list;
    }, []);
  });
}

const isChar = (atom: Atom | undefined, char: string): boolean => atom?.kind === "char" && atom.char === char;

function hasBrace(atoms: readonly Atom[]): boolean {
  const open = atoms.findIndex((atom) => isChar(atom, "{"));
  return open !== -1 && atoms.some((atom, index) => index > open && isChar(atom, "}"));
}

/** Bash's brace_expand: text before the first valid brace, its alternatives, then the rest. */
function expand(source: string, atoms: readonly Atom[], budget: Budget, depth: number): WordPart[] {
  const out: WordPart[] = [];
  let from = 0;
  let at = 0;
  while (at < atoms.length) {
    const close = isChar(atoms[at], "{") ? closing(atoms, at, budget) : -1;
    const brace = close === -1 ? undefined : alternatives(source, atoms.slice(at + 1, close), budget, depth);
    if (brace === undefined) {
      at += 1;
      continue;
    }
    out.push(...textOf(source, atoms.slice(from, at)));
    out.push({ kind: "brace", span: { start: atoms[at]?.start ?? 0, end: atoms[close]?.end ?? 0 }, alternatives: brace });
    at = close + 1;
    from = at;
  }
  out.push(...textOf(source, atoms.slice(from)));
  return out;
}

/** Index of the `}` that ends the brace at `open`: at level 0, after a `,` or `..` at level 0. Else -1. */
function closing(atoms: readonly Atom[], open: number, budget: Budget): number {
  let level = 0;
  let separators = 0;
  for (let at = open + 1; at < atoms.length && budget.frame.braceSteps < LIMITS.braceSteps; at++) {
    budget.frame.braceSteps += 1;
    const atom = atoms[at];
    if (isChar(atom, "{")) level += 1;
    else if (isChar(atom, "}")) {
      if (level === 0 && separators > 0) return at;
      if (level > 0) level -= 1;
    } else if (level === 0 && (isChar(atom, ",") || (isChar(atom, ".") && isChar(atoms[at + 1], ".") && !isChar(atoms[at + 2], "}")))) separators += 1;
  }
  return -1;
}

function alternatives(source: string, inner: readonly Atom[], budget: Budget, depth: number): Word[] | undefined {
  const pieces = splitAtCommas(inner);
  if (pieces.length < 2) return inner.some((atom) => isChar(atom, ",")) ? undefined : sequenceWords(source, inner, budget);
  budget.alternatives += pieces.length;
  if (depth >= LIMITS.braceDepth || budget.alternatives > LIMITS.braceAlternatives) {
    budget.alternatives = LIMITS.braceAlternatives + 1;
    return [];
  }
  let after = inner[0]?.start ?? 0;
  return pieces.map((piece) => {
    const span = { start: piece[0]?.start ?? after, end: piece.at(-1)?.end ?? after };
    after = span.end + 1;
    return { kind: "word", span, text: source.slice(span.start, span.end), parts: expand(source, piece, budget, depth + 1) };
  });
}

function splitAtCommas(atoms: readonly Atom[]): Atom[][] {
  const pieces: Atom[][] = [[]];
  let level = 0;
  for (const atom of atoms) {
    if (isChar(atom, "{")) level += 1;
    if (isChar(atom, "}") && level > 0) level -= 1;
    if (level === 0 && isChar(atom, ",")) pieces.push([]);
    else pieces.at(-1)?.push(atom);
  }
  return pieces;
}

function sequenceWords(source: string, inner: readonly Atom[], budget: Budget): Word[] | undefined {
  if (!inner.every((atom) => atom.kind === "char")) return undefined;
  const span = { start: inner[0]?.start ?? 0, end: inner.at(-1)?.end ?? 0 };
  const values = sequence(source.slice(span.start, span.end), LIMITS.braceAlternatives);
  if (values === undefined) return undefined;
  budget.alternatives += values === "too long" ? LIMITS.braceAlternatives + 1 : values.length;
  if (values === "too long") return [];
  return values.map((value) => ({ kind: "word", span, text: value, parts: [{ kind: "literal", span, value, quoted: false }] }));
}

/** Atoms back to parts: runs of characters are literals, `*` and `?` are patterns. */
function textOf(source: string, atoms: readonly Atom[]): WordPart[] {
  const out: WordPart[] = [];
  for (let at = 0; at < atoms.length; at++) {
    const atom = atoms[at];
    if (atom === undefined) continue;
    if (atom.kind === "part") {
      out.push(atom.part);
      continue;
    }
    const last = out.at(-1);
    const span = { start: atom.start, end: atom.end };
    if (atom.char === "*" || atom.char === "?") out.push({ kind: "glob", span, pattern: atom.char, parts: [] });
    else if (last?.kind === "literal" && !last.quoted && last.span.end === atom.start && at > 0 && atoms[at - 1]?.kind === "char") out[out.length - 1] = { ...last, span: { start: last.span.start, end: atom.end }, value: source.slice(last.span.start, atom.end) };
    else out.push({ kind: "literal", span, value: atom.char, quoted: false });
  }
  return out;
}

/**
 * Bash expands braces in the text, before anything else: `$x{a,b}` is `$xa $xb`, `{a,$}x` is `ax $x`. Where pieces join
 * into something that was not there before, the word is not followed. Out: why, or undefined.
 */
function gluedReason(source: string, parts: readonly WordPart[], span: Span): string | undefined {
  const text = source.slice(span.start, span.end);
  if (text.includes("[") || parts.some((part) => part.kind === "glob" && part.pattern.includes("{"))) return "a brace expansion together with `[`";
  if (joins(source, parts)) return "a brace expansion next to `$`";
  const first = parts[0];
  const rest = first?.kind === "brace" ? text.slice(first.span.end - span.start) : text;
  const plainTildes = first?.kind === "brace" && !rest.includes("~") && (rest === "" || rest.startsWith("/"));
  const tildes = parts.some((part) => part.kind === "brace" && part.alternatives.some((word) => word.text.includes("~")));
  if (tildes && !plainTildes) return "a brace expansion together with `~`";
  return text.startsWith("~") && !/^~[^/{}]*\//.test(text) ? "a brace expansion together with `~`" : undefined;
}

function joins(source: string, parts: readonly WordPart[]): boolean {
  return parts.some((part, index) => {
    const next = parts[index + 1];
    if (part.kind === "brace" && part.alternatives.some((word) => joins(source, word.parts))) return true;
    return next !== undefined && (part.kind === "brace" || next.kind === "brace") && endsOpen(source, part);
  });
}

/** Whether a following character could become part of this piece: a parameter without braces, a `$`. */
function endsOpen(source: string, part: WordPart): boolean {
  if (part.kind === "parameter") return !part.quoted && source[part.span.start + 1] !== "{";
  if (part.kind === "literal") return !part.quoted && part.value.endsWith("$");
  return part.kind === "brace" && part.alternatives.some((word) => {
    const last = word.parts.at(-1);
    return last !== undefined && endsOpen(source, last);
  });
}

function withTildes(parts: readonly WordPart[]): WordPart[] {
  const [first, ...rest] = parts;
  if (first?.kind !== "brace") return [...parts];
  const alternativesWithTilde = first.alternatives.map((word) => ({ ...word, parts: word.text.startsWith("~") ? splitTildes(word.parts, "plain") : word.parts }));
  return [{ ...first, alternatives: alternativesWithTilde }, ...rest];
}
