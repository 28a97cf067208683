import type { EffectBody } from "../../model/index.ts";

/** What an operand or an option value is; docs/specs.md says what each does. */
export const ROLES = [
  "data", "list", "read", "read-dir", "output", "write", "append", "edit", "mkdir", "delete", "delete-tree", "move", "cwd", "host", "url", "remote-read", "remote-write",
  "program", "command…", "shell", "shell…", "script", "module", "assignment", "signal", "package", "archive", "config", "analyse",
] as const;
export type PlainRole = (typeof ROLES)[number];
export type Role = { readonly role: PlainRole; readonly language: string | undefined } | { readonly role: "code"; readonly language: string };

export const STYLES = ["gnu", "posix", "exact", "go", "long", "open", "words"] as const;
export type Style = (typeof STYLES)[number];

export type Option = {
  /** All spellings; the first names the option. */
  readonly names: readonly string[];
  readonly value: "none" | "required" | "optional";
  readonly role: Role;
  readonly effects: readonly SpecEffect[];
  /** What follows its value belongs to what it starts: `python -m MODULE ARGS…`. */
  readonly ends: boolean;
};

/** An effect as a spec states it; paths are not resolved yet. */
export type SpecEffect =
  | { readonly kind: "print" }
  | { readonly kind: "cd-root" }
  | { readonly kind: "send" }
  | { readonly kind: "serve" }
  | { readonly kind: "stdin"; readonly language: string }
  | { readonly kind: "path"; readonly access: "read" | "write" | "delete" | "delete-tree" | "secret"; readonly path: string }
  | { readonly kind: "effect"; readonly body: EffectBody };

export type OperandRole = { readonly role: Role; readonly repeat: boolean; readonly optional: boolean };

export type When = {
  readonly any: readonly string[];
  readonly all: readonly string[];
  readonly none: readonly string[];
  readonly operandsAtLeast: number;
  readonly operandsAtMost: number;
  readonly operand: readonly string[];
  readonly stdin: boolean | undefined;
  readonly operands: readonly OperandRole[] | undefined;
  readonly effects: readonly SpecEffect[];
  readonly onlyEffects: readonly SpecEffect[] | undefined;
};

export type OptionTable = {
  readonly style: Style;
  readonly byName: ReadonlyMap<string, Option>;
  /** Long names, sorted: for abbreviations. */
  readonly longNames: readonly string[];
  /** The option that a bare number after `-` stands for (`head -5`). */
  readonly number: Option | undefined;
};

/** What one program, or one subcommand of it, takes and does. */
export type Usage = {
  readonly options: OptionTable;
  readonly operands: readonly OperandRole[];
  readonly effects: readonly SpecEffect[];
  readonly when: readonly When[];
  readonly analyser: string | undefined;
};

export type Program = {
  /** `family/name`: what effects are reported as. */
  readonly id: string;
  readonly names: readonly string[];
  readonly file: string;
  readonly usage: Usage;
  /** Subcommands by their words joined with a blank; empty for plain programs. */
  readonly subs: ReadonlyMap<string, Usage>;
  /** Longest subcommand in words. */
  readonly subWords: number;
  readonly defaultSub: "unmodelled" | "print";
};

export type VariableSpec = { readonly names: readonly string[]; readonly effects: readonly SpecEffect[]; readonly harmless: readonly string[]; /** Counts also when a command finds it set: it changes what programs do that never look for it. */ readonly inherited: boolean };

export type Specs = {
  readonly programs: ReadonlyMap<string, Program>;
  readonly variables: { readonly exact: ReadonlyMap<string, VariableSpec>; readonly prefixes: readonly { readonly prefix: string; readonly spec: VariableSpec }[] };
};

/** A spec that cannot be used. Names the file and the program, and what to write instead. */
export class SpecError extends Error {
  override readonly name = "SpecError";
  readonly file: string;
  constructor(file: string, where: string, problem: string) {
    super(`${file}: ${where}: ${problem}`);
    this.file = file;
  }
}
