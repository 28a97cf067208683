import type { Assignment, AssignmentWord, Span } from "../model/index.ts";
import { assignEnvironment } from "./environment.ts";
import { arithmetic, expandText, expandWords, type Expansion } from "./expand.ts";
import { UNKNOWN, concat, field, joinFields, type Field } from "./value.ts";

/**
 * `NAME=value` before a command or alone. "shell": the shell keeps it (and exports it when it was exported);
 * "environment": only the command that follows sees it.
 */
export function applyAssignments(list: readonly Assignment[], where: "shell" | "environment", expansion: Expansion, span: Span): void {
  for (const assignment of list) {
    const value = assignedValue(assignment, expansion);
    if (where === "environment") assignEnvironment(assignment.name, value, span, expansion.context, expansion.state);
    else assign(assignment, value, expansion);
  }
}

/** Stores one assignment in the shell's state. */
export function assign(assignment: Assignment, value: Field, { state, context }: Expansion, options: { readonly exported?: boolean } = {}): void {
  const before = state.variables.get(assignment.name);
  const exported = options.exported ?? before?.exported ?? ALWAYS_EXPORTED.has(assignment.name);
  if (assignment.value.kind === "array") {
    const elements = expandWords(assignment.value.elements, { state, context, nested: () => UNKNOWN });
    state.setArray(assignment.name, assignment.append && before?.elements !== undefined ? [...before.elements, ...elements] : elements);
  } else if (assignment.index !== undefined) {
    const elements = before?.elements === undefined ? undefined : [...before.elements, value];
    state.variables.set(assignment.name, { value: before === undefined ? value : joinFields(before.value, value), elements, exported });
  } else {
    const whole = assignment.append ? (before === undefined ? UNKNOWN : { ...value, texts: concat(before.value.texts, value.texts) }) : value;
    state.variables.set(assignment.name, { value: whole, elements: undefined, exported });
  }
  if (exported || SHELL_READS.has(assignment.name)) assignEnvironment(assignment.name, value, assignment.span, context, state);
}

/** Variables that any shell has exported already: assigning them changes what programs see. */
const ALWAYS_EXPORTED = new Set(["PATH", "HOME", "PWD", "SHELL", "TERM", "LANG", "USER", "EDITOR", "PAGER", "VISUAL"]);
/** Variables the shell itself acts on, exported or not. */
const SHELL_READS = new Set(["PATH", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS4", "BASH_ENV", "ENV", "IFS"]);

/** The value of an assignment; its substitutions run, and a subscript is arithmetic. */
export function assignedValue(assignment: Assignment, expansion: Expansion): Field {
  if (assignment.index !== undefined) {
    const { index } = assignment;
    arithmetic({ parts: index.parts, variables: /^[A-Za-z_]\w*$/.test(index.text) ? [index.text] : [], assigns: [], span: index.span }, expansion);
  }
  if (assignment.value.kind === "array") {
    const elements = expandWords(assignment.value.elements, expansion);
    return elements.length === 0 ? field([""]) : elements.reduce(joinFields);
  }
  return expandText(assignment.value, expansion);
}

/** An argument that looks like an assignment (`export A=b`, `dd if=x`, `env A=b`) as the word it is. */
export function assignmentFields(word: AssignmentWord, expansion: Expansion): readonly Field[] {
  const { assignment } = word;
  const value = assignedValue(assignment, expansion);
  const subscript = assignment.index === undefined ? "" : `[${assignment.index.text}]`;
  const name = `${assignment.name}${subscript}${assignment.append ? "+=" : "="}`;
  return [{ ...value, texts: concat([name], value.texts), many: false }];
}
