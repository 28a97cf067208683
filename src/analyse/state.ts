import type { Command } from "../model/index.ts";
import { EMPTY, UNKNOWN, field, joinFields, sameField, type Field } from "./value.ts";

/** A shell variable: a scalar, an array (subscripts are not told apart), or something not known. */
export type Variable = { readonly value: Field; readonly elements: readonly Field[] | undefined; readonly exported: boolean };

/** What a running shell knows, as far as we follow it. Cloned for subshells and branches, joined after them. */
export class State {
  variables: Map<string, Variable>;
  functions: Map<string, Command>;
  aliases: Map<string, Field>;
  /** Absolute directories the shell may be in; undefined when unknown. */
  directories: readonly string[] | undefined;
  /** `$1 …`; undefined when unknown. */
  positional: readonly Field[] | undefined;
  zero: Field;
  /** `set -e`: a failing `cd` ends the script. */
  errexit: boolean;
  /** Where the shell still is if the `cd` of the running statement failed. */
  stayed: readonly string[] | undefined;
  /** `set -f`, `extglob`, … are not followed: globs are patterns in any case. */

  constructor(directory: string, positional: readonly Field[], zero: Field) {
    this.variables = new Map();
    this.functions = new Map();
    this.aliases = new Map();
    this.directories = [directory];
    this.positional = positional;
    this.zero = zero;
    this.errexit = false;
    this.stayed = undefined;
  }

  clone(): State {
    const copy = new State("/", [], this.zero);
    copy.variables = new Map(this.variables);
    copy.functions = new Map(this.functions);
    copy.aliases = new Map(this.aliases);
    copy.directories = this.directories;
    copy.positional = this.positional;
    copy.errexit = this.errexit;
    copy.stayed = undefined;
    return copy;
  }

  /** Afterwards this state stands for "either was the case". */
  join(other: State): void {
    for (const name of new Set([...this.variables.keys(), ...other.variables.keys()])) {
      const a = this.variables.get(name);
      const b = other.variables.get(name);
      if (a === b) continue;
      this.variables.set(name, joinVariables(a, b));
    }
    for (const [name, body] of other.functions) if (!this.functions.has(name)) this.functions.set(name, body);
    for (const [name, value] of other.aliases) {
      const mine = this.aliases.get(name);
      this.aliases.set(name, mine === undefined ? value : joinFields(mine, value));
    }
    this.directories = joinDirectories(this.directories, other.directories);
    if (this.positional !== other.positional) this.positional = joinPositional(this.positional, other.positional);
    this.errexit = this.errexit && other.errexit;
  }

  /** Whether nothing changed that a further round of a loop could see. */
  sameAs(other: State): boolean {
    if (this.variables.size !== other.variables.size || this.functions.size !== other.functions.size) return false;
    if ((this.directories ?? []).join("\0") !== (other.directories ?? []).join("\0")) return false;
    for (const [name, a] of this.variables) {
      const b = other.variables.get(name);
      if (b === undefined || !sameField(a.value, b.value) || !sameElements(a.elements, b.elements)) return false;
    }
    return true;
  }

  /** Every variable that differs from `before` becomes unknown: the end of following a loop. */
  widen(before: State): void {
    for (const [name, now] of this.variables) {
      const old = before.variables.get(name);
      if (old === undefined || !sameField(old.value, now.value) || !sameElements(old.elements, now.elements)) {
        this.variables.set(name, { value: { ...UNKNOWN, many: true }, elements: undefined, exported: now.exported });
      }
    }
    if ((this.directories ?? []).join("\0") !== (before.directories ?? []).join("\0")) this.directories = undefined;
  }

  setScalar(name: string, value: Field): void {
    this.variables.set(name, { value, elements: undefined, exported: this.variables.get(name)?.exported ?? false });
  }
  setUnknown(name: string, origin: Field["origin"] = undefined): void {
    this.setScalar(name, { ...UNKNOWN, origin });
  }
  setArray(name: string, elements: readonly Field[]): void {
    this.variables.set(name, { value: elements[0] ?? EMPTY, elements, exported: false });
  }
}

function joinVariables(a: Variable | undefined, b: Variable | undefined): Variable {
  // A variable that only one branch set keeps what it was before in the other: unknown, since it may be inherited.
  if (a === undefined || b === undefined) {
    const set = (a ?? b)!;
    return { value: joinFields(set.value, UNKNOWN), elements: undefined, exported: set.exported };
  }
  const elements = a.elements === undefined || b.elements === undefined ? undefined : sameElements(a.elements, b.elements) ? a.elements : undefined;
  const value = a.elements !== b.elements && elements === undefined && (a.elements ?? b.elements) !== undefined ? { ...UNKNOWN, many: true } : joinFields(a.value, b.value);
  return { value, elements, exported: a.exported || b.exported };
}

function sameElements(a: readonly Field[] | undefined, b: readonly Field[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((f, i) => sameField(f, b[i]!));
}

const MAX_DIRECTORIES = 8;
export function joinDirectories(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  if (a === undefined || b === undefined) return undefined;
  const set = new Set([...a, ...b]);
  return set.size > MAX_DIRECTORIES ? undefined : [...set];
}

function joinPositional(a: readonly Field[] | undefined, b: readonly Field[] | undefined): readonly Field[] | undefined {
  if (a === undefined || b === undefined || a.length !== b.length) return undefined;
  return a.map((f, i) => joinFields(f, b[i]!));
}

/** In: known strings. Out: positional parameters that are exactly these. */
export function positionalOf(values: readonly string[]): readonly Field[] {
  return values.map((value) => field([value]));
}
