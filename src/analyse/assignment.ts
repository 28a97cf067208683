import type { Assignment, AssignmentWord, Span } from "../model/index.ts";
import type { Context } from "./context.ts";
import { assignEnvironment } from "./environment.ts";
import { arithmetic, evaluated, expandText, expandWords, type Expansion } from "./expand.ts";
import type { State, Variable } from "./state.ts";
import { EMPTY, HOLE, SEGMENT, UNKNOWN, concat, field, joinFields, known, type Field } from "./value.ts";

/** `NAME=value` alone: the shell keeps it (and exports it when it was exported). */
export function applyAssignments(list: readonly Assignment[], expansion: Expansion): void {
  for (const assignment of list) assign(assignment, assigned(assignment, expansion), expansion);
}

/**
 * `NAME=value COMMAND`: only the command sees it; a function, a builtin or a shell that the command is sees it as a variable.
 * Out: what ends that. The POSIX shells keep what stands before a special builtin, so there it may also stay.
 */
export function assignTemporarily(list: readonly Assignment[], expansion: Expansion): () => void {
  const { state, context } = expansion;
  const position = state.position;
  const hidden = new Map<string, Variable | undefined>();
  for (const assignment of list) {
    const value = assigned(assignment, expansion);
    if (!hidden.has(assignment.name)) hidden.set(assignment.name, state.variables.get(assignment.name));
    assign(assignment, value, expansion, { exported: true });
  }
  return () => {
    if (context.dialect === "sh" || context.dialect === "dash") state.joinSince(position);
    else for (const [name, before] of hidden) state.restore(name, before);
  };
}

/** Elements of an array that are followed; beyond: not known. Each change of an array copies it. */
const MAX_ELEMENTS = 512;

/** Stores one assignment in the shell's state. */
function assign(assignment: Assignment, { value, elements: given }: Assigned, { state, context }: Expansion, options: { readonly exported?: boolean } = {}): void {
  const { name } = assignment;
  const before = state.variables.get(name);
  const inherits = assignment.value.kind === "word" && assignment.value.parts.some((part) => part.kind === "parameter" && part.name === "PATH");
  const next = (change: Omit<Variable, "exported">): void => store(name, { ...((change.elements?.length ?? 0) > MAX_ELEMENTS ? { value: { ...UNKNOWN, many: true }, elements: undefined } : change), ...options, inherits }, assignment.span, state, context);
  const many = { value: { ...UNKNOWN, many: true }, elements: undefined };
  if (assignment.value.kind === "array") {
    // `([2]=x)`, `(*.c x)`: where elements stand is not known.
    if (given === undefined) next(assignment.append || value.texts.some((text) => text.startsWith("[")) ? many : { value: { ...value, many: true }, elements: undefined });
    else if (!assignment.append) next({ value: given[0] ?? EMPTY, elements: given });
    else if (before?.elements !== undefined) next({ value: before.elements[0] ?? given[0] ?? EMPTY, elements: [...before.elements, ...given] });
    else next(many);
  } else if (assignment.index !== undefined) {
    const at = /^[0-9]{1,4}$/.test(assignment.index.text) && !assignment.append ? Number(assignment.index.text) : undefined;
    const elements = before === undefined ? [] : before.elements;
    if (at === undefined || elements === undefined || at > elements.length) return next(many);
    const all = at === elements.length ? [...elements, value] : elements.with(at, value);
    next({ value: all[0]!, elements: all });
  } else {
    const whole = assignment.append ? (before === undefined ? UNKNOWN : { ...value, texts: concat(before.value.texts, value.texts) }) : value;
    // `a=x` on an array changes its first element.
    next({ value: whole, elements: before?.elements === undefined ? undefined : [whole, ...before.elements.slice(1)] });
  }
}

/**
 * A variable gets a value, however the line says so (`x=`, `read x`, `for x`, `printf -v x`).
 * Out: the state after it, and the effects of variables that shells or programs act on.
 */
export function store(name: string, to: { readonly value: Field; readonly elements?: readonly Field[] | undefined; readonly exported?: boolean; /** What is not known in it is what `PATH` was before. */ readonly inherits?: boolean }, span: Span, state: State, context: Context): void {
  const exported = to.exported ?? (state.allexport || (state.variables.get(name)?.exported ?? ALWAYS_EXPORTED.has(name)));
  const integer = state.attributes.get(name)?.has("integer") === true;
  if (integer) evaluated(to.value, span, state, context);
  const number = known(to.value)?.every((text) => /^-?[0-9]+$/.test(text)) ?? false;
  const value = integer && !number ? joinFields(to.value, field([SEGMENT])) : to.value;
  state.put(name, { value, elements: to.elements, exported });
  if (COMMAND_TABLES.has(name)) context.opaque(`\`${name}\` changes what command words mean`, span, "shell/assignment", "unknown");
  if (name === "path" && context.dialect === "zsh") assignEnvironment("PATH", to.value, span, context);
  const seen = name === "PATH" && to.inherits !== true ? { ...to.value, texts: to.value.texts.map((text) => text.replaceAll(HOLE, "?")) } : to.value;
  if (exported || SHELL_READS.has(name)) assignEnvironment(name, seen, span, context);
}

/** Variables that any shell has exported already: assigning them changes what programs see. */
const ALWAYS_EXPORTED = new Set(["PATH", "HOME", "PWD", "SHELL", "TERM", "LANG", "USER", "EDITOR", "PAGER", "VISUAL"]);
/** Variables the shell itself acts on, exported or not. */
const SHELL_READS = new Set(["PATH", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS4", "BASH_ENV", "ENV", "IFS", "HISTFILE"]);
/** Arrays that are the shell's own tables of commands (bash(1), Shell Variables; zshmodules(1), zsh/parameter). */
const COMMAND_TABLES = new Set(["BASH_ALIASES", "BASH_CMDS", "aliases", "galiases", "saliases", "functions", "commands", "builtins"]);

type Assigned = { readonly value: Field; /** Of an array, when it is known where they stand. */ readonly elements: readonly Field[] | undefined };

/** The value of an assignment; its substitutions run, and a subscript is arithmetic. */
function assigned(assignment: Assignment, expansion: Expansion): Assigned {
  if (assignment.index !== undefined) {
    const { index } = assignment;
    arithmetic({ parts: index.parts, variables: /^[A-Za-z_]\w*$/.test(index.text) ? [index.text] : [], assigns: [], span: index.span }, expansion);
  }
  if (assignment.value.kind === "array") {
    const elements = expandWords(assignment.value.elements, expansion);
    const placed = assignment.value.elements.some((word) => word.text.startsWith("[")) || elements.some((element) => element.many || element.glob);
    return { value: elements.length === 0 ? field([""]) : elements.reduce(joinFields), elements: placed ? undefined : elements };
  }
  return { value: expandText(assignment.value, expansion), elements: undefined };
}

/** An argument that looks like an assignment (`export A=b`, `dd if=x`, `env A=b`) as the word it is. */
export function assignmentFields(word: AssignmentWord, expansion: Expansion): readonly Field[] {
  const { assignment } = word;
  const { value } = assigned(assignment, expansion);
  const subscript = assignment.index === undefined ? "" : `[${assignment.index.text}]`;
  const name = `${assignment.name}${subscript}${assignment.append ? "+=" : "="}`;
  return [{ ...value, texts: concat([name], value.texts), many: false }];
}
