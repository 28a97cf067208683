import { LIMITS, type Analysis, type Dialect, type Effect, type EffectBody, type Facts, type FoundCommand, type PathTarget, type Script, type Span } from "../model/index.ts";
import type { Specs } from "./specs/types.ts";
import type { State } from "./state.ts";
import type { Field, Origin } from "./value.ts";

/** What a command finds on its standard input. */
export type Input =
  | { readonly kind: "inherited" }
  /** Known text: a here-document, a here-string, `echo … |`. */
  | { readonly kind: "text"; readonly texts: readonly string[]; readonly span: Span; /** What it went through on its way here: a decoder. */ readonly origin?: Origin | undefined }
  | { readonly kind: "unknown"; readonly origin: Origin | undefined; readonly span: Span; /** Names of files, as patterns. */ readonly files?: Field | undefined }
  /** `< file`: the texts are paths. */
  | { readonly kind: "file"; readonly paths: readonly string[]; readonly span: Span };

export const INHERITED: Input = { kind: "inherited" };

/** Parses text that the analysis found inside the line; injected so that this room stays pure and testable. */
export type ParseText = (text: string, dialect: Dialect) => Script;

/** What a file holds that this line wrote: a text, what another file held before the line, or who knows what. */
export type Written = { readonly kind: "text"; readonly text: string } | { readonly kind: "copy"; readonly of: string } | { readonly kind: "unknown"; readonly as: "text" | "anything" };

type Added = { readonly body: EffectBody; readonly span: Span; readonly by: string };

/** Programs that write text, and not programs. */
const WRITES_TEXT = /^(?:redirection|coreutils\/|textutils\/)/;

/** Programs that say `write` of a file and leave what it holds as it is. */
const KEEPS_CONTENT = /\/(?:chmod|chown|chgrp|touch|mv|ln)$/;

/** Everything one analysis shares: the facts, the specs, what was found, what is left of the budgets. */
export class Context {
  readonly facts: Facts;
  readonly specs: Specs;
  readonly parse: ParseText;
  readonly effects: Effect[] = [];
  readonly commands: FoundCommand[] = [];
  readonly scripts = new Map<string, string>();
  /** Files this line wrote with known text, by path: a script that is run afterwards is what was written. */
  readonly written = new Map<string, Written>();
  /** Files that hold what this line downloaded, with the host; and links that it made. */
  readonly downloads = new Map<string, string | undefined>();
  readonly links = new Map<string, string>();
  /** Process substitutions whose output is known are files under these numbers. */
  substitutions = 0;
  readonly resolved = new Map<string, string | undefined>();
  dialect: Dialect;
  /** The text whose spans effects carry. */
  source = "";
  /** How many scripts deep we are: `sh -c`, `eval`, sourced files. */
  depth = 0;
  /** Not zero inside branches and loops: effects there are possible, not certain. */
  conditional = 0;
  /** Not zero inside a script file: its `exec workspace` effect already says that code not in the line runs. */
  inFile = 0;
  /** Function calls on the stack. */
  calls = 0;
  private readonly exits: { readonly of: "function" | "loop"; state: State | undefined }[] = [];
  private outer: Span | undefined;
  private interpreted = 0;
  /** What was added, by where its place starts and by subject. */
  private readonly seen = new Map<number, Map<string, Added[]>>();
  private full = false;
  /** What words were found to mean as paths, by where they were looked at from; most calls look from where the last one did. */
  private readonly targets = new Map<string, Map<string, PathTarget>>();
  private lastTargets: { readonly base: string; readonly glob: boolean; readonly links: number; readonly found: Map<string, PathTarget> } | undefined;

  constructor(facts: Facts, specs: Specs, parse: ParseText, dialect: Dialect) {
    this.facts = facts;
    this.specs = specs;
    this.parse = parse;
    this.dialect = dialect;
  }

  /** In: a directory, whether words are patterns. Out: what words were found to mean there, as long as the line makes no further link. */
  targetsFrom(base: string, glob: boolean): Map<string, PathTarget> {
    const last = this.lastTargets;
    const links = this.links.size;
    if (last !== undefined && last.base === base && last.glob === glob && last.links === links) return last.found;
    const key = `${glob ? "*" : ""}${links}:${base}`;
    let found = this.targets.get(key);
    if (found === undefined) this.targets.set(key, (found = new Map<string, PathTarget>()));
    this.lastTargets = { base, glob, links, found };
    return found;
  }

  /** Whether LIMITS.effects was reached. */
  get isFull(): boolean {
    return this.full;
  }

  /** Adds one effect; beyond LIMITS.effects a single opaque effect stands for the rest. */
  add(body: EffectBody, span: Span, by: string): void {
    // What a file held before is gone; who knows what it holds now says so afterwards.
    if (body.kind === "write" && body.path.path !== undefined && !KEEPS_CONTENT.test(by)) this.changed(body.path.path, WRITES_TEXT.test(by) ? "text" : "anything");
    if (this.full) return;
    if (this.inFile > 0 && ((body.kind === "opaque" && body.severity !== "suspicious") || (body.kind === "exec" && body.what === "program"))) return;
    const at = this.outer ?? span;
    const twins = this.twinsOf(body, at);
    for (const twin of twins) if (twin.span.end === at.end && twin.by === by && isSame(twin.body, body)) return;
    twins.push({ body, span: at, by });
    if (this.effects.length >= LIMITS.effects) {
      this.full = true;
      this.effects.push({ kind: "opaque", reason: "more effects than the limit", severity: "unknown", span: at, sure: "certain", by: "limit/effects" });
      return;
    }
    this.effects.push(effectOf(body, at, this.conditional > 0 ? "possible" : "certain", by));
  }

  /** What was added at the same place about the same subject. */
  private twinsOf(body: EffectBody, { start }: Span): Added[] {
    let there = this.seen.get(start);
    if (there === undefined) this.seen.set(start, (there = new Map<string, Added[]>()));
    const subject = subjectOf(body);
    let twins = there.get(subject);
    if (twins === undefined) there.set(subject, (twins = []));
    return twins;
  }

  /** Something of this line wrote to a file, and what is in it now is not known. */
  changed(path: string, as: "text" | "anything" = "text"): void {
    this.written.set(path, { kind: "unknown", as });
  }

  opaque(reason: string, span: Span, by: string, severity: "unmodelled" | "unknown" | "suspicious" = "unknown"): void {
    this.add({ kind: "opaque", reason, severity }, span, by);
  }

  /** Counts one interpreted command. Out: false when the budget is spent (and the rest was marked opaque). */
  spend(span: Span): boolean {
    this.interpreted += 1;
    if (this.interpreted <= LIMITS.interpretedCommands) return true;
    this.opaque("more commands than the limit", span, "limit/commands");
    return false;
  }

  found(words: readonly (readonly string[] | undefined)[], span: Span, spec: string | undefined): void {
    if (this.commands.length < LIMITS.interpretedCommands) this.commands.push({ words, span: this.outer ?? span, depth: this.depth, spec });
  }

  /** Runs `body` with every span in it standing for `span` of the outer text (nested scripts have their own text). */
  within(span: Span, body: () => void): void {
    const before = this.outer;
    this.outer = before ?? span;
    this.depth += 1;
    try {
      body();
    } finally {
      this.depth -= 1;
      this.outer = before;
    }
  }

  /** The body of a function or loop. Out: what the state was where `return`, `break` or `continue` left it. */
  leaving(of: "function" | "loop", body: () => void): State | undefined {
    const exit = { of, state: undefined };
    this.exits.push(exit);
    try {
      body();
    } finally {
      this.exits.pop();
    }
    return exit.state;
  }

  /** Whether `return` (or `break` and `continue`) has something to leave. */
  inside(of: "function" | "loop"): boolean {
    return this.exits.some((exit) => exit.of === of);
  }

  /** The running function, or the innermost loops, may end here in this state. */
  leave(of: "function" | "loop", state: State, levels: number): void {
    let left = levels;
    for (let at = this.exits.length - 1; at >= 0 && left > 0; at -= 1) {
      const exit = this.exits[at]!;
      if (exit.of !== of) continue;
      left -= 1;
      if (exit.state === undefined) exit.state = state.clone();
      else exit.state.join(state);
    }
  }

  /** Where a piece of the running text stands in the outer one. */
  here(span: Span): Span {
    return this.outer ?? span;
  }

  get tooDeep(): boolean {
    return this.depth >= LIMITS.nestedScripts;
  }

  result(canonical: string, classes: Analysis["classes"]): Analysis {
    return { effects: this.effects, classes, commands: this.commands, scripts: [...this.scripts].map(([path, sha256]) => ({ path, sha256 })), canonical };
  }
}

/** Field by field: copying objects of any shape is slow, and whoever looks at effects of one kind finds them alike. */
function effectOf(body: EffectBody, span: Span, sure: Effect["sure"], by: string): Effect {
  switch (body.kind) {
    case "read":
    case "write":
      return { kind: body.kind, path: body.path, span, sure, by };
    case "delete":
      return { kind: "delete", path: body.path, recursive: body.recursive, span, sure, by };
    case "exec":
      return { kind: "exec", what: body.what, name: body.name, span, sure, by };
    case "network":
    case "process":
    case "privilege":
    case "persist":
    case "secret":
    case "lose":
    case "remote":
      return { ...body, span, sure, by };
    case "opaque":
      return { kind: "opaque", reason: body.reason, severity: body.severity, span, sure, by };
  }
}

/** What tells most effects of one place apart: effects that differ in it are never compared. */
function subjectOf(body: EffectBody): string {
  switch (body.kind) {
    case "read":
    case "write":
    case "delete":
    case "persist":
    case "secret":
      return body.path?.path ?? "";
    case "exec":
      return body.name;
    case "network":
      return body.host ?? "";
    case "process":
    case "lose":
    case "remote":
      return body.target ?? "";
    case "privilege":
      return body.via;
    case "opaque":
      return body.reason;
  }
}

/** Whether two plain values have the same fields, all the way down; a field that is undefined counts as absent. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  for (const name in a) if (!isSame(fieldOf(a, name), fieldOf(b, name))) return false;
  for (const name in b) if (!(name in a) && fieldOf(b, name) !== undefined) return false;
  return true;
}

function fieldOf(value: object, name: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[name];
}
