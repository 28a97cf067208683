import type { Dialect, Opaque, Span } from "./source.ts";

/**
 * Our command tree. Made only by `parse`, walked by `analyse`. Every piece of source that bash could run is a node
 * here or an entry in `Script.opaque`; there is no third place.
 */
export type Script = {
  /** The text that the spans of this script's nodes index (a nested backtick script has its own decoded text). */
  readonly source: string;
  readonly dialect: Dialect;
  readonly body: readonly Statement[];
  /** What was not understood, of this script and of every script nested in it. Not empty ⇒ the whole line is opaque. */
  readonly opaque: readonly Opaque[];
};

export type Statement = { readonly command: Command; readonly background: boolean; readonly span: Span };

export type Command =
  | SimpleCommand
  | { readonly kind: "pipeline"; readonly span: Span; readonly negated: boolean; readonly timed: boolean; readonly stages: readonly Command[]; readonly operators: readonly ("|" | "|&")[] }
  | { readonly kind: "and-or"; readonly span: Span; readonly commands: readonly Command[]; readonly operators: readonly ("&&" | "||")[] }
  | { readonly kind: "subshell" | "group"; readonly span: Span; readonly body: readonly Statement[] }
  | { readonly kind: "if"; readonly span: Span; readonly branches: readonly { readonly condition: readonly Statement[]; readonly body: readonly Statement[] }[]; readonly otherwise: readonly Statement[] | undefined }
  | { readonly kind: "for" | "select"; readonly span: Span; readonly name: string; readonly words: readonly Word[] | undefined; readonly body: readonly Statement[] }
  | { readonly kind: "arithmetic-for"; readonly span: Span; readonly expressions: readonly Arithmetic[]; readonly body: readonly Statement[] }
  | { readonly kind: "while" | "until"; readonly span: Span; readonly condition: readonly Statement[]; readonly body: readonly Statement[] }
  | { readonly kind: "case"; readonly span: Span; readonly word: Word; readonly items: readonly { readonly patterns: readonly Word[]; readonly body: readonly Statement[]; readonly terminator: ";;" | ";&" | ";;&" }[] }
  | { readonly kind: "function"; readonly span: Span; readonly name: Word; readonly body: Command }
  | { readonly kind: "test"; readonly span: Span; readonly expression: Test }
  | { readonly kind: "arithmetic"; readonly span: Span; readonly expression: Arithmetic | undefined }
  | { readonly kind: "coproc"; readonly span: Span; readonly name: string | undefined; readonly body: Command }
  | { readonly kind: "redirected"; readonly span: Span; readonly command: Command; readonly redirections: readonly Redirection[] }
  | { readonly kind: "opaque"; readonly span: Span; readonly reason: string };

export type SimpleCommand = {
  readonly kind: "simple";
  readonly span: Span;
  /** Assignments before the command word. */
  readonly assignments: readonly Assignment[];
  /** Command word and arguments in order; an argument that is an assignment (of `export`, `declare`, …) is both. */
  readonly words: readonly (Word | AssignmentWord)[];
  readonly redirections: readonly Redirection[];
};

export type Assignment = {
  readonly span: Span;
  readonly name: string;
  readonly index: Word | undefined;
  readonly append: boolean;
  readonly value: Word | { readonly kind: "array"; readonly elements: readonly Word[]; readonly span: Span };
};
export type AssignmentWord = { readonly kind: "assignment"; readonly span: Span; readonly assignment: Assignment; readonly text: string };

export type Word = { readonly kind: "word"; readonly span: Span; readonly text: string; readonly parts: readonly WordPart[] };

export type WordPart =
  /** Text after quote removal. `quoted` text is not split, globbed or tilde-expanded. */
  | { readonly kind: "literal"; readonly span: Span; readonly value: string; readonly quoted: boolean }
  | { readonly kind: "parameter"; readonly span: Span; readonly quoted: boolean; readonly name: string; readonly indirect: boolean; readonly length: boolean; readonly index: Word | undefined; readonly operation: ParameterOperation | undefined }
  | { readonly kind: "command"; readonly span: Span; readonly quoted: boolean; readonly script: Script }
  | { readonly kind: "arithmetic"; readonly span: Span; readonly quoted: boolean; readonly expression: Arithmetic }
  | { readonly kind: "process"; readonly span: Span; readonly direction: "in" | "out"; readonly script: Script }
  /** A pattern that stands for file names: `*`, `?`, `[…]`, extglob. Substitutions inside are in `parts`. */
  | { readonly kind: "glob"; readonly span: Span; readonly pattern: string; readonly parts: readonly WordPart[] }
  /** `{a,b}` as alternatives, `{1..9}` as its text when it is small enough to spell out; else opaque. */
  | { readonly kind: "brace"; readonly span: Span; readonly alternatives: readonly Word[] }
  /** An unquoted leading `~` or `~user` (also after `=` and `:` in assignments). */
  | { readonly kind: "tilde"; readonly span: Span; readonly user: string }
  | { readonly kind: "opaque"; readonly span: Span; readonly reason: string };

export type ParameterOperation =
  | { readonly kind: "default"; readonly operator: "-" | ":-" | "=" | ":=" | "+" | ":+" | "?" | ":?"; readonly operand: Word }
  | { readonly kind: "remove"; readonly operator: "#" | "##" | "%" | "%%"; readonly operand: Word }
  | { readonly kind: "replace"; readonly operator: "/" | "//" | "/#" | "/%"; readonly pattern: Word; readonly replacement: Word }
  | { readonly kind: "slice"; readonly offset: Word; readonly length: Word | undefined }
  | { readonly kind: "case"; readonly operator: "^" | "^^" | "," | ",,"; readonly operand: Word | undefined }
  | { readonly kind: "transform"; readonly operator: string }
  | { readonly kind: "names" };

/** An arithmetic expression: bash evaluates variables in it recursively, so only its words and commands matter. */
export type Arithmetic = {
  readonly span: Span;
  readonly text: string;
  /** Every expansion inside, in order. */
  readonly parts: readonly WordPart[];
  /** Variable names that bash would evaluate as expressions (`x`, and `a` of `a[i]`). */
  readonly variables: readonly string[];
  /** Names that the expression assigns (`x=1`, `x++`). */
  readonly assigns: readonly string[];
};

export type Test =
  | { readonly kind: "unary"; readonly span: Span; readonly operator: string; readonly operand: Word }
  | { readonly kind: "binary"; readonly span: Span; readonly operator: string; readonly left: Word; readonly right: Word }
  | { readonly kind: "logical"; readonly span: Span; readonly operands: readonly Test[] }
  | { readonly kind: "not"; readonly span: Span; readonly operand: Test };

export type Redirection =
  | { readonly kind: "file"; readonly span: Span; readonly fd: number | string | undefined; readonly operator: "<" | ">" | ">>" | "<>" | ">|" | "&>" | "&>>"; readonly target: Word }
  /** `2>&1`, `<&3`, `>&-`; a target word that is not a number, `-` or number`-` is a file (`>&file`) or unknown. */
  | { readonly kind: "duplicate"; readonly span: Span; readonly fd: number | string | undefined; readonly operator: "<&" | ">&"; readonly target: Word }
  | { readonly kind: "here-string"; readonly span: Span; readonly fd: number | string | undefined; readonly word: Word }
  | { readonly kind: "here-document"; readonly span: Span; readonly fd: number | string | undefined; readonly quoted: boolean; readonly body: Word };
