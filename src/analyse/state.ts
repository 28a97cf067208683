import type { Command, Span } from "../model/index.ts";
import { joinEnds, sameEnds, startingEnds, type End, type Ends } from "./descriptors.ts";
import { Table } from "./table.ts";
import { UNKNOWN, field, joinFields, sameField, type Field } from "./value.ts";

/** A shell variable: a scalar, an array (its elements in order, or undefined when they are not known), or something not known. */
export type Variable = { readonly value: Field; readonly elements: readonly Field[] | undefined; readonly exported: boolean };

/** What the shell does with values assigned to a name (bash(1), declare). "loose": a reference or a change of case, its value is not followed. */
export type Attribute = "readonly" | "integer" | "loose";

/** What a function name may stand for; undefined in it: perhaps no function. Empty: too many to follow. */
export type Bodies = readonly (Command | undefined)[];

/** Text that runs when the shell that set it ends or is signalled; `mark` says which changes came later. */
export type Trap = { readonly mark: number; readonly signals: readonly string[]; /** Taken away again: what the shell knew until then. */ readonly until?: State; readonly run: (state: State) => void; readonly span: Span };

type Change = { readonly variable: string; readonly before: Variable | undefined } | { readonly function: string; readonly before: Bodies | undefined } | { readonly positional: readonly Field[] | undefined } | { readonly errexit: boolean };
type Local = { readonly before: Variable | undefined; readonly sure: boolean };

/** Tables never change, so that all states begin with the same ones. */
const NO_VARIABLES: Table<Variable> = new Table();
const NO_FUNCTIONS: Table<Bodies> = new Table();
export const NO_ALIASES: Table<Field> = new Table();
const NO_ATTRIBUTES: ReadonlyMap<string, ReadonlySet<Attribute>> = new Map();
const NO_NAMES: ReadonlySet<string> = new Set();

/** What a running shell knows, as far as we follow it. Cloned for subshells and branches, joined after them. */
export class State {
  variables: Table<Variable> = NO_VARIABLES;
  functions: Table<Bodies> = NO_FUNCTIONS;
  aliases: Table<Field> = NO_ALIASES;
  attributes: ReadonlyMap<string, ReadonlySet<Attribute>> = NO_ATTRIBUTES;
  /** Functions that shells started from here know as well (`export -f`). */
  exportedFunctions: ReadonlySet<string> = NO_NAMES;
  zero: Field;
  /** `set -a`: what is assigned is exported. */
  allexport = false;
  /** `shopt -s nocasematch`: patterns of `case` fit more than they say. */
  anyCase = false;
  /** Where numbered descriptors lead, and which end is what this shell is said to print. */
  ends: Ends;
  printsTo: End;
  /** Where the shell still is if the `cd` of the running statement failed. */
  stayed: readonly string[] | undefined = undefined;
  /** In a function: what its local variables hide. */
  locals: Map<string, Local> | undefined = undefined;
  readonly traps: Trap[] = [];
  /** Every directory this shell may have been in. */
  visited: readonly string[] | undefined;
  private at: readonly string[] | undefined;
  private parameters: readonly Field[] | undefined;
  private endsOnFailure = false;
  private readonly changes: Change[] = [];
  /** States with traps, those of subshells included: whoever runs the analysis runs them at the end. */
  readonly trapped: Set<State>;

  constructor(directories: readonly string[] | undefined, positional: readonly Field[] | undefined, zero: Field, from?: State) {
    this.at = directories;
    this.visited = directories;
    this.parameters = positional;
    this.zero = zero;
    this.trapped = from?.trapped ?? new Set();
    this.printsTo = from?.printsTo ?? { kind: "output" };
    this.ends = from?.ends ?? startingEnds(this.printsTo);
  }

  /** Absolute directories the shell may be in; undefined when unknown. */
  get directories(): readonly string[] | undefined {
    return this.at;
  }
  set directories(next: readonly string[] | undefined) {
    if (next !== this.at) this.visited = joinDirectories(this.visited, next);
    this.at = next;
  }

  /** `$1 …`; undefined when unknown. */
  get positional(): readonly Field[] | undefined {
    return this.parameters;
  }
  set positional(next: readonly Field[] | undefined) {
    this.changes.push({ positional: this.parameters });
    this.parameters = next;
  }

  /** `set -e`: a failing `cd` ends the script. */
  get errexit(): boolean {
    return this.endsOnFailure;
  }
  set errexit(next: boolean) {
    this.changes.push({ errexit: this.endsOnFailure });
    this.endsOnFailure = next;
  }

  clone(): State {
    const copy = new State(this.at, this.parameters, this.zero, this);
    copy.variables = this.variables;
    copy.functions = this.functions;
    copy.aliases = this.aliases;
    copy.attributes = this.attributes;
    copy.exportedFunctions = this.exportedFunctions;
    copy.endsOnFailure = this.endsOnFailure;
    copy.allexport = this.allexport;
    copy.anyCase = this.anyCase;
    copy.locals = this.locals === undefined ? undefined : new Map(this.locals);
    return copy;
  }

  /** Afterwards this state stands for "either was the case". */
  join(other: State): void {
    const mark = this.changes.length;
    if (this.variables !== other.variables) for (const [name, a, b] of this.variables.differences(other.variables)) this.set(name, joinVariables(a, b));
    if (this.functions !== other.functions) for (const [name, a, b] of this.functions.differences(other.functions)) this.setFunction(name, joinBodies(a, b));
    if (other.aliases !== this.aliases) for (const [name, value] of other.aliases) this.setAlias(name, value, "perhaps");
    if (other.attributes !== this.attributes) for (const [name, marks] of other.attributes) for (const one of marks) this.mark(name, one);
    if (other.exportedFunctions !== this.exportedFunctions) this.exportedFunctions = new Set([...this.exportedFunctions, ...other.exportedFunctions]);
    this.visited = joinDirectories(this.visited, other.visited);
    this.directories = joinDirectories(this.at, other.at);
    if (this.positional !== other.positional) this.positional = joinPositional(this.positional, other.positional);
    if (this.errexit !== other.errexit) this.errexit = false;
    this.allexport ||= other.allexport;
    this.anyCase ||= other.anyCase;
    this.ends = joinEnds(this.ends, other.ends);
    this.joinLocals(other);
    for (const trap of other.traps) this.trap({ ...trap, mark });
  }

  private joinLocals(other: State): void {
    if (this.locals === undefined || other.locals === undefined) return;
    for (const [name, local] of other.locals) if (!this.locals.has(name)) this.locals.set(name, { ...local, sure: false });
    for (const [name, local] of this.locals) if (!other.locals.has(name)) this.locals.set(name, { ...local, sure: false });
  }

  /** Whether nothing changed that a further round of a loop could see. */
  sameAs(other: State): boolean {
    if (this.variables.size !== other.variables.size || this.functions.size !== other.functions.size || this.aliases.size !== other.aliases.size) return false;
    if (this.attributes !== other.attributes && this.attributes.size !== other.attributes.size) return false;
    if (!sameEnds(this.ends, other.ends) || !sameDirectories(this.at, other.at) || !sameElements(this.positional, other.positional)) return false;
    for (const [, a, b] of this.variables.differences(other.variables)) if (a === undefined || !sameVariable(a, b)) return false;
    for (const [, a, b] of this.functions.differences(other.functions)) if (a === undefined || !sameBodies(a, b)) return false;
    return true;
  }

  /** What differs from `before` becomes unknown. */
  widen(before: State): void {
    for (const [name, now, old] of this.variables.differences(before.variables)) if (now !== undefined && !sameVariable(now, old)) this.set(name, { ...LOOSE, exported: now.exported });
    if (!sameDirectories(this.at, before.at)) this.directories = undefined;
    if (!sameElements(this.positional, before.positional)) this.positional = undefined;
  }

  /** Nothing is known any more of variables, parameters and the directory. */
  forget(): void {
    for (const [name, now] of this.variables) this.set(name, { ...LOOSE, exported: now.exported });
    this.directories = undefined;
    this.positional = undefined;
  }

  /** A position in what changes; `joinSince` takes it. */
  get position(): number {
    return this.changes.length;
  }

  /** Each change since then may not have happened, or only some: values from before count as well. */
  joinSince(position: number): void {
    this.joinChanges(this.changes.slice(position));
  }

  private joinChanges(changes: readonly Change[]): void {
    for (const change of changes) {
      if ("variable" in change) {
        const now = this.variables.get(change.variable);
        if (now !== change.before) this.set(change.variable, joinVariables(now, change.before));
      } else if ("function" in change) this.setFunction(change.function, joinBodies(this.functions.get(change.function), change.before));
      else if ("errexit" in change) this.errexit &&= change.errexit;
      else if (change.positional !== this.positional) this.positional = joinPositional(this.positional, change.positional);
    }
  }

  /** What a trap finds that was set at `mark`, whenever it runs. */
  anyTimeSince(mark: number): State {
    const copy = this.clone();
    copy.joinChanges(this.changes.slice(mark));
    copy.directories = this.visited;
    return copy;
  }

  /** Assigns, as the attributes of the name say. Effects of an assignment are the business of `store`. */
  put(name: string, variable: Variable): void {
    const marks = this.attributes.get(name);
    if (marks?.has("loose") === true) return this.set(name, { ...LOOSE, exported: variable.exported });
    // To a read-only variable the assignment fails.
    if (marks?.has("readonly") === true && this.variables.has(name)) return this.set(name, joinVariables(this.variables.get(name), variable));
    this.set(name, variable);
  }

  /** Puts back what a temporary assignment hid. */
  restore(name: string, before: Variable | undefined): void {
    if (this.attributes.get(name)?.has("loose") === true) return this.set(name, { ...LOOSE, exported: before?.exported ?? false });
    if (before !== undefined) return this.set(name, before);
    this.changes.push({ variable: name, before: this.variables.get(name) });
    this.variables = this.variables.without(name);
  }

  private set(name: string, variable: Variable): void {
    this.changes.push({ variable: name, before: this.variables.get(name) });
    this.variables = this.variables.with(name, variable);
  }

  setFunction(name: string, bodies: Bodies | undefined): void {
    this.changes.push({ function: name, before: this.functions.get(name) });
    this.functions = bodies === undefined ? this.functions.without(name) : this.functions.with(name, bodies);
  }

  /** `alias name=…`. */
  setAlias(name: string, value: Field, sure: "certainly" | "perhaps"): void {
    const mine = sure === "perhaps" ? this.aliases.get(name) : undefined;
    this.aliases = this.aliases.with(name, mine === undefined ? value : joinFields(mine, value));
  }

  mark(name: string, attribute: Attribute): void {
    const marks = this.attributes.get(name);
    if (marks?.has(attribute) === true) return;
    this.attributes = new Map(this.attributes).set(name, new Set([...(marks ?? []), attribute]));
    if (attribute === "loose") this.set(name, { ...LOOSE, exported: this.variables.get(name)?.exported ?? false });
  }

  /** `local x`: what `x` was comes back when the function returns. */
  declareLocal(name: string): void {
    if (this.locals !== undefined && !this.locals.has(name)) this.locals.set(name, { before: this.variables.get(name), sure: true });
  }

  /** The end of a function: its local variables go. In: those of the caller. */
  leaveFunction(outer: Map<string, Local> | undefined): void {
    for (const [name, { before, sure }] of this.locals ?? []) {
      const now = this.variables.get(name);
      if (sure || now === undefined) this.restore(name, before);
      else this.set(name, joinVariables(before, now));
    }
    this.locals = outer;
  }

  /** What this shell prints is read by something of its own: a substitution, the next stage of a pipeline, a file. */
  printTo(end: End): void {
    this.printsTo = end;
    this.ends = new Map(this.ends).set(1, end);
  }

  /** `trap - EXIT`, or another text for the same signal: earlier ones may have run until here, and not later. */
  endTraps(signals: readonly string[]): void {
    for (const [at, trap] of this.traps.entries()) {
      if (trap.until === undefined && trap.signals.every((signal) => signals.includes(signal))) this.traps[at] = { ...trap, until: this.anyTimeSince(trap.mark) };
    }
  }

  trap(...traps: readonly Trap[]): void {
    this.traps.push(...traps);
    this.trapped.add(this);
  }

  setScalar(name: string, value: Field): void {
    this.put(name, { value, elements: undefined, exported: this.variables.get(name)?.exported ?? false });
  }
  setUnknown(name: string, origin: Field["origin"] = undefined): void {
    this.setScalar(name, { ...UNKNOWN, origin });
  }
}

const LOOSE: Variable = { value: { ...UNKNOWN, many: true }, elements: undefined, exported: false };

function joinVariables(a: Variable | undefined, b: Variable | undefined): Variable {
  // A variable that only one branch set keeps what it was before in the other: unknown, since it may be inherited.
  if (a === undefined || b === undefined) {
    const set = (a ?? b)!;
    return { value: joinFields(set.value, UNKNOWN), elements: undefined, exported: set.exported };
  }
  const elements = a.elements === undefined || b.elements === undefined ? undefined : sameElements(a.elements, b.elements) ? a.elements : undefined;
  const value = a.elements !== b.elements && elements === undefined && (a.elements ?? b.elements) !== undefined ? { ...UNKNOWN, many: true } : joinFields(a.value, b.value);
  // Exported in one case only: a shell started from here finds it, or does not.
  return { value: a.exported === b.exported ? value : joinFields(value, UNKNOWN), elements, exported: a.exported || b.exported };
}

const MAX_BODIES = 16;
const NO_FUNCTION: Bodies = [undefined];

function joinBodies(a: Bodies = NO_FUNCTION, b: Bodies = NO_FUNCTION): Bodies {
  if (a === b) return a;
  const all = new Set([...a, ...b]);
  return a.length === 0 || b.length === 0 || all.size > MAX_BODIES ? [] : [...all];
}

function sameBodies(a: Bodies, b: Bodies | undefined): boolean {
  return a === b || (b !== undefined && a.length === b.length && a.every((body) => b.includes(body)));
}

function sameVariable(a: Variable, b: Variable | undefined): boolean {
  return a === b || (b !== undefined && sameField(a.value, b.value) && sameElements(a.elements, b.elements));
}

function sameElements(a: readonly Field[] | undefined, b: readonly Field[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || (a.length === b.length && a.every((f, i) => sameField(f, b[i]!)));
}

function sameDirectories(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.length === b.length && a.every((directory) => b.includes(directory)));
}

const MAX_DIRECTORIES = 8;
export function joinDirectories(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (a === b) return a;
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

