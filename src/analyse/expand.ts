import type { Span, Word, WordPart } from "../model/index.ts";
import type { Context } from "./context.ts";
import { parameterField } from "./parameter.ts";
import type { State } from "./state.ts";
import { EMPTY, HOLE, SEGMENT, concat, field, isKnown, joinFields, type Field, type Origin } from "./value.ts";
import { codeOf, markCode } from "./shell-code.ts";

/** Runs a nested script in a subshell and says what it prints; given by the interpreter. */
export type RunNested = (part: Extract<WordPart, { kind: "command" | "process" }>, state: State, context: Context) => Field;

/** `store`: an assignment that stands in an expression or expansion, also given by the interpreter. */
export type Expansion = { readonly state: State; readonly context: Context; readonly nested: RunNested; readonly store: (name: string, value: Field, span: Span) => void };

const DEFAULT_IFS = " \t\n";

/**
 * One word → the fields it becomes (bash(1), EXPANSION: brace, tilde, parameter, command, arithmetic, splitting, quote removal).
 * In: a word and the state, which `${x:=y}` may change. Out: zero or more fields. Globs stay patterns.
 */
export function expandWord(word: Word, expansion: Expansion): readonly Field[] {
  const only = word.parts.length === 1 ? word.parts[0]! : undefined;
  if (only?.kind === "literal") return [field([only.value])];
  const brace = word.parts.findIndex((part) => part.kind === "brace");
  if (brace >= 0) {
    const part = word.parts[brace] as Extract<WordPart, { kind: "brace" }>;
    const before = word.parts.slice(0, brace);
    const after = word.parts.slice(brace + 1);
    return part.alternatives.flatMap((alternative) => expandWord({ ...word, parts: [...before, ...alternative.parts, ...after] }, expansion));
  }
  return assemble(word.parts, expansion);
}

/** As `expandWord` but for places that do not split: assignments, redirection targets, `case` words, here-strings. */
export function expandText(word: Word, expansion: Expansion): Field {
  let result: Field = EMPTY;
  for (const part of word.parts) {
    const piece = part.kind === "brace" ? field([word.text]) : joinPieces(partFields(part, expansion));
    result = append(result, piece);
  }
  return { ...result, many: false };
}

/** All fields of several words, in order. */
export function expandWords(words: readonly Word[], expansion: Expansion): readonly Field[] {
  return words.flatMap((word) => expandWord(word, expansion));
}

function assemble(parts: readonly WordPart[], expansion: Expansion): readonly Field[] {
  const done: Field[] = [];
  let current: Field = EMPTY;
  let present = false;
  for (const part of parts) {
    const quoted = "quoted" in part ? part.quoted : true;
    const pieces = partFields(part, expansion);
    // `"$@"` with no parameters, and unquoted expansions that are empty, add nothing.
    const words = quoted ? pieces : pieces.flatMap((piece) => split(piece, expansion.state));
    // White space at the edge of an unquoted expansion ends the word before it and begins a new one after it.
    const edges = quoted || pieces.length !== 1 ? undefined : edgesOf(pieces[0]!);
    if (edges?.start === true && present) {
      done.push(current);
      current = EMPTY;
      present = false;
    }
    if (quoted && part.kind !== "parameter") present = true;
    if (quoted && part.kind === "parameter" && !((part.name === "@" || part.index?.text === "@") && pieces.length === 0)) present = true;
    words.forEach((piece, index) => {
      if (index > 0) {
        done.push(current);
        current = EMPTY;
      }
      current = append(current, piece);
      present = true;
    });
    if (edges?.end === true && present) {
      done.push(current);
      current = EMPTY;
      present = false;
    }
  }
  if (present) done.push(current);
  return done;
}

function edgesOf(piece: Field): { readonly start: boolean; readonly end: boolean } {
  const text = piece.texts.length === 1 ? piece.texts[0]! : "";
  return { start: /^[ \t\n]/.test(text), end: /[ \t\n]$/.test(text) };
}

function append(left: Field, right: Field): Field {
  if (left === EMPTY) return right;
  return { texts: concat(left.texts, right.texts), glob: left.glob || right.glob, many: left.many || right.many, origin: left.origin ?? right.origin };
}

/** Several fields in a place that takes one: joined with blanks, as `"$*"` and assignments do. */
function joinPieces(pieces: readonly Field[]): Field {
  if (pieces.length === 0) return EMPTY;
  return pieces.reduce((all, piece) => append(append(all, field([" "])), piece));
}

/** Word splitting of one unquoted expansion result. */
function split(piece: Field, state: State): readonly Field[] {
  const ifs = state.variables.get("IFS");
  if (ifs !== undefined && ifs.value.texts.some((text) => text !== DEFAULT_IFS)) {
    return piece.texts.every((text) => /^[\w./-]*$/.test(text)) && isPlainIfs(ifs.value) ? nonEmpty(piece) : [{ ...piece, texts: [HOLE], many: true }];
  }
  if (piece.texts.length === 1) {
    const text = piece.texts[0]!;
    if (text.includes(HOLE)) return [markCode({ ...piece, many: true, glob: true }, codeOf(piece))];
    const words = text.split(/[ \t\n]+/).filter((w) => w !== "");
    return words.map((w) => ({ ...piece, texts: [w], glob: piece.glob || /[*?[]/.test(w) }));
  }
  const words = piece.texts.flatMap((text) => text.split(/[ \t\n]+/));
  if (words.length === piece.texts.length) return [{ ...piece, many: piece.many || words.includes("") || words.some((w) => w.includes(HOLE)), glob: piece.glob || words.some((w) => /[*?[]/.test(w)) }];
  return [{ ...field(words), many: true, origin: piece.origin }];
}

function isPlainIfs(value: Field): boolean {
  return value.texts.every((text) => isKnown(text) && !/[\w./-]/.test(text));
}

function nonEmpty(piece: Field): readonly Field[] {
  return piece.texts.length === 1 && piece.texts[0] === "" ? [] : [piece];
}

/** What one part may be, before splitting. Only `"$@"` and arrays give more (or less) than one field. */
function partFields(part: WordPart, expansion: Expansion): readonly Field[] {
  const { state, context } = expansion;
  switch (part.kind) {
    case "literal":
      return [field([part.value])];
    case "glob": {
      for (const inner of part.parts) partFields(inner, expansion);
      return [field([part.parts.some((p) => p.kind !== "literal" && p.kind !== "glob") ? HOLE : part.pattern], true)];
    }
    case "tilde":
      return [field(homeOf(part.user, state, context))];
    case "parameter":
      return parameterField(part, expansion);
    case "command":
    case "process":
      return [expansion.nested(part, state, context)];
    case "arithmetic":
      return [arithmetic(part.expression, expansion)];
    case "brace":
      return [part.alternatives.map((word) => expandText(word, expansion)).reduce(joinFields)];
    case "opaque":
      context.opaque(part.reason, part.span, "shell/word");
      return [field([HOLE])];
  }
}

/** Where `~` and `~user` lead: HOME as the line or its environment sets it, and what passwd says. */
export function homeOf(user: string, state: State, context: Context): readonly string[] {
  if (user === "+") return state.directories ?? [HOLE];
  if (user === "-") return [HOLE];
  if (user !== "") return [user === "root" ? "/root" : `/home/${user}`];
  const assigned = state.variables.get("HOME");
  if (assigned !== undefined) return assigned.value.texts;
  return inheritedHome(context);
}

/** SECURITY: the agent may have set HOME; both readings are kept, so that neither hides a target. */
export function inheritedHome(context: Context): readonly string[] {
  const inherited = context.facts.env.get("HOME");
  return inherited === undefined || inherited === context.facts.home ? [context.facts.home] : [context.facts.home, inherited];
}

/**
 * An arithmetic expression runs the substitutions in it and evaluates variables as expressions again, subscripts included
 * (bash(1), ARITHMETIC EVALUATION): `x='a[$(cmd)]'; ((x))` runs cmd. Out: some number.
 */
export function arithmetic(expression: { readonly parts: readonly WordPart[]; readonly variables: readonly string[]; readonly assigns: readonly string[]; readonly span: { start: number; end: number } }, expansion: Expansion): Field {
  const { state, context } = expansion;
  for (const part of expression.parts) for (const value of partFields(part, expansion)) evaluated(value, expression.span, state, context);
  for (const name of expression.variables) {
    const value = state.variables.get(name)?.value;
    if (value !== undefined) evaluated(value, expression.span, state, context);
    if (value?.origin !== undefined && value.origin.kind !== "processes") context.opaque(`arithmetic on \`${name}\`, which holds text from outside`, expression.span, "shell/arithmetic", "unmodelled");
  }
  for (const name of expression.assigns) expansion.store(name, field([SEGMENT]), expression.span);
  return field([SEGMENT]);
}

/** A text that is evaluated as arithmetic: names in it are evaluated in turn, however often they lead to others. */
export function evaluated(value: Field, span: Span, state: State, context: Context): void {
  const seen = new Set<string>();
  const pending = [...value.texts];
  for (let text = pending.pop(); text !== undefined; text = pending.pop()) {
    if (hidesCommand(text)) return context.opaque("arithmetic on a text that holds a command substitution", span, "shell/arithmetic", "suspicious");
    for (const [name] of text.matchAll(/[A-Za-z_]\w*/g)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const variable = state.variables.get(name);
      for (const part of variable?.elements ?? (variable === undefined ? [] : [variable.value])) pending.push(...part.texts);
    }
  }
}

export function hidesCommand(text: string): boolean {
  return text.includes("$(") || text.includes("`") || text.includes("${");
}

/** The first origin among fields, if any. */
export function originOf(fields: readonly Field[]): Origin | undefined {
  return fields.find((f) => f.origin !== undefined)?.origin;
}
