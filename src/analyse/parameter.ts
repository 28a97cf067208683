import type { ParameterOperation, WordPart } from "../model/index.ts";
import { arithmetic, expandText, expandWord, hidesCommand, inheritedHome, type Expansion } from "./expand.ts";
import { removePattern, replacePattern } from "./pattern.ts";
import { EMPTY, HOLE, concat, SEGMENT, UNKNOWN, field, isKnown, joinFields, known, only, type Field } from "./value.ts";

type Parameter = Extract<WordPart, { kind: "parameter" }>;

/** Variables whose value is some number or name without a slash, whatever it is. */
const PLAIN_VARIABLES = new Set(["?", "$", "!", "#", "RANDOM", "SRANDOM", "SECONDS", "EPOCHSECONDS", "EPOCHREALTIME", "LINENO", "UID", "EUID", "PPID", "BASHPID", "COLUMNS", "LINES", "USER", "LOGNAME", "HOSTNAME", "HOSTTYPE", "OSTYPE", "MACHTYPE", "SHLVL"]);

/** `$x`, `${x…}` → its possible values. More than one field only for `"$@"` and arrays. */
export function parameterField(part: Parameter, expansion: Expansion): readonly Field[] {
  if (part.index !== undefined) scanIndex(part, expansion);
  if (part.length) return [field([SEGMENT])];
  const plural = part.name === "@" || part.index?.text === "@" || (!part.quoted && (part.name === "*" || part.index?.text === "*"));
  const base = part.indirect ? [indirect(part, expansion)] : lookup(part, expansion);
  if (part.operation === undefined) {
    if (plural || base.length === 1) return base;
    // `"$*"`: one word, joined with the first character of IFS.
    const spaced = !expansion.state.variables.has("IFS") && base.every((f) => !f.many);
    return [base.length === 0 ? EMPTY : base.reduce((a, b) => ({ ...joinFields(a, b), texts: spaced ? concat(concat(a.texts, [" "]), b.texts) : [HOLE] }))];
  }
  if (plural && part.operation.kind === "slice") return elementsFrom(base, part, part.operation, expansion);
  if (base.length === 0) return [operate(EMPTY, part.operation, part, expansion)];
  return base.map((value) => operate(value, part.operation!, part, expansion));
}

function isWholeArray(part: Parameter): boolean {
  return part.index?.text === "@" || part.index?.text === "*";
}

/** SECURITY: a subscript is arithmetic: `${a[$(cmd)]}` and `i='x[$(cmd)]'; ${a[i]}` run cmd. */
function scanIndex(part: Parameter, expansion: Expansion): void {
  if (isWholeArray(part)) return;
  const index = part.index!;
  const variables = /^[A-Za-z_]\w*$/.test(index.text) ? [index.text] : [];
  arithmetic({ parts: index.parts, variables, assigns: [], span: index.span }, expansion);
}

function lookup(part: Parameter, { state, context }: Expansion): readonly Field[] {
  const { name } = part;
  if (name === "@" || name === "*") return state.positional ?? [{ ...UNKNOWN, many: true }];
  if (name === "0") return [state.zero];
  if (/^[1-9][0-9]*$/.test(name)) return [state.positional === undefined ? UNKNOWN : parameterAt(state.positional, Number(name) - 1)];
  const variable = state.variables.get(name);
  if (variable !== undefined) {
    if (isWholeArray(part)) return variable.elements ?? [{ ...variable.value, many: true }];
    if (part.index === undefined || variable.elements === undefined) return [variable.value];
    const at = Number(part.index.text);
    if (Number.isInteger(at) && at >= 0) return [variable.elements[at] ?? EMPTY];
    return [[...variable.elements, EMPTY].reduce(joinFields)];
  }
  if (name === "HOME") return [field(inheritedHome(context))];
  if (name === "PWD") return [state.directories === undefined ? UNKNOWN : field(state.directories)];
  if (name === "IFS") return [field([" \t\n"])];
  if (PLAIN_VARIABLES.has(name)) return [field([SEGMENT])];
  return [UNKNOWN];
}

/** A pattern among the parameters may stand for several: from there on each may be any of those that follow, or none. */
function parameterAt(parameters: readonly Field[], at: number): Field {
  const open = parameters.findIndex((parameter) => parameter.glob);
  return open < 0 || at <= open ? (parameters[at] ?? EMPTY) : [...parameters.slice(open), EMPTY].reduce(joinFields);
}

function indirect(part: Parameter, expansion: Expansion): Field {
  const names = known(lookup({ ...part, indirect: false, operation: undefined }, expansion)[0] ?? UNKNOWN);
  if (names === undefined || part.operation?.kind === "names") {
    if (part.operation?.kind !== "names" && !expansion.state.variables.has(part.name)) expansion.context.opaque(`\`\${!${part.name}}\` expands a variable whose name is not known`, part.span, "shell/indirect", "unmodelled");
    return { ...UNKNOWN, many: true };
  }
  if (names.some(hidesCommand)) expansion.context.opaque(`\`\${!${part.name}}\` evaluates a subscript that holds a command substitution`, part.span, "shell/indirect", "suspicious");
  return names.flatMap((name) => (/^[A-Za-z_]\w*$/.test(name) ? lookup({ ...part, name, index: undefined }, expansion) : [UNKNOWN])).reduce(joinFields, names.length === 0 ? UNKNOWN : EMPTY);
}

function operate(value: Field, operation: ParameterOperation, part: Parameter, expansion: Expansion): Field {
  const { context } = expansion;
  switch (operation.kind) {
    case "default": {
      // The operand is expanded whether or not it is used: its substitutions may run.
      const operand = wordValue(operation.operand, part, expansion);
      const letter = operation.operator.at(-1);
      if (letter === "?") return value;
      if (letter === "+") return isSet(value) ? operand : joinFields(EMPTY, operand);
      const result = isSet(value) ? value : isUnset(value, part, expansion) ? operand : joinFields(value, operand);
      if (letter === "=") expansion.store(part.name, result, part.span);
      return result;
    }
    case "remove": {
      const pattern = only({ ...wordValue(operation.operand, part, expansion), glob: false });
      return mapTexts(value, (text) => (pattern === undefined || !isKnown(text) ? undefined : removePattern(text, operation.operator, pattern)));
    }
    case "replace": {
      const pattern = only({ ...wordValue(operation.pattern, part, expansion), glob: false });
      const replacement = only({ ...wordValue(operation.replacement, part, expansion), glob: false });
      return mapTexts(value, (text) => (pattern === undefined || replacement === undefined || !isKnown(text) ? undefined : replacePattern(text, operation.operator, pattern, replacement)));
    }
    case "slice": {
      const offset = sliceNumber(operation.offset, expansion);
      const length = operation.length === undefined ? Number.POSITIVE_INFINITY : sliceNumber(operation.length, expansion);
      return mapTexts(value, (text) => (offset === undefined || length === undefined || !isKnown(text) ? undefined : slice(text, offset, length)));
    }
    case "case": {
      if (operation.operand !== undefined) return mapTexts(value, () => undefined);
      return mapTexts(value, (text) => (isKnown(text) ? changeCase(text, operation.operator) : undefined));
    }
    case "transform":
      // SECURITY: `${x@P}` expands as a prompt: command substitutions in the value run.
      if (operation.operator.endsWith("P") && (known(value) === undefined || value.texts.some(hidesCommand))) context.opaque("`@P` runs the substitutions in a value", part.span, "shell/transform");
      return { ...UNKNOWN, many: value.many };
    case "names":
      return { ...UNKNOWN, many: true };
  }
}

function wordValue(word: Parameters<typeof expandText>[0], part: Parameter, expansion: Expansion): Field {
  const fields = part.quoted ? [expandText(word, expansion)] : expandWord(word, expansion);
  return fields.length === 0 ? EMPTY : fields.length === 1 ? fields[0]! : { ...fields.reduce(joinFields), many: true };
}

/** Known to be set and not empty. */
function isSet(value: Field): boolean {
  return !value.many && value.texts.every((text) => text !== "" && text !== HOLE);
}
/** Known to be unset or empty. */
function isUnset(value: Field, part: Parameter, { state }: Expansion): boolean {
  const positional = /^[1-9]/.test(part.name) && state.positional !== undefined && state.positional[Number(part.name) - 1] === undefined;
  return positional || (state.variables.has(part.name) && value.texts.length === 1 && value.texts[0] === "");
}

function mapTexts(value: Field, change: (text: string) => string | undefined): Field {
  return { ...field(value.texts.map((text) => change(text) ?? (text.includes(SEGMENT) && !text.includes(HOLE) && !text.includes("/") ? SEGMENT : HOLE)), value.glob), many: value.many, origin: value.origin };
}

/** `${@:2}`, `${a[@]:1:2}`: some of the elements; of the parameters, `$0` is the first. */
function elementsFrom(base: readonly Field[], part: Parameter, operation: Extract<ParameterOperation, { kind: "slice" }>, expansion: Expansion): readonly Field[] {
  const offset = sliceNumber(operation.offset, expansion);
  const length = operation.length === undefined ? Number.POSITIVE_INFINITY : sliceNumber(operation.length, expansion);
  const all = part.name === "@" || part.name === "*" ? [expansion.state.zero, ...base] : base;
  if (offset === undefined || offset < 0 || length === undefined || length < 0 || base.some((f) => f.many || f.glob)) return [{ ...UNKNOWN, many: true }];
  return all.slice(offset, offset + length);
}

function sliceNumber(word: Parameters<typeof expandText>[0], expansion: Expansion): number | undefined {
  const text = only(expandText(word, expansion))?.trim();
  const variables = text !== undefined && /^[A-Za-z_]\w*$/.test(text) ? [text] : [];
  if (variables.length > 0) arithmetic({ parts: [], variables, assigns: [], span: word.span }, expansion);
  return text !== undefined && /^-?[0-9]{1,6}$/.test(text) ? Number(text) : undefined;
}

function slice(text: string, offset: number, length: number): string {
  const characters = [...text];
  const start = offset < 0 ? Math.max(0, characters.length + offset) : offset;
  const end = length < 0 ? characters.length + length : start + length;
  return characters.slice(start, Math.min(end, characters.length)).join("");
}

function changeCase(text: string, operator: "^" | "^^" | "," | ",,"): string {
  const change = operator[0] === "^" ? (s: string) => s.toUpperCase() : (s: string) => s.toLowerCase();
  return operator.length === 2 ? change(text) : change(text.slice(0, 1)) + text.slice(1);
}
