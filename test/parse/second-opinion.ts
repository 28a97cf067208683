import { createRequire } from "node:module";
import { parseScript, simpleCommands } from "../../src/parse/index.ts";

type Position = { Offset(): number };
type Node = { readonly Args?: readonly { Pos(): Position; End(): Position }[] };
type Mvdan = {
  readonly syntax: {
    NewParser(...options: unknown[]): { Parse(text: string, name: string): unknown };
    Variant(variant: unknown): unknown;
    readonly LangBash: unknown;
    NodeType(node: unknown): string;
    Walk(node: unknown, visit: (node: Node | null) => boolean): void;
  };
};
// The package has no types; this is the part of its interface that is used here.
const { syntax } = createRequire(import.meta.url)("mvdan-sh") as Mvdan;

/** Calls `visit` for each node; false when that parser rejects the text. */
function walk(text: string, visit: (node: Node, type: string) => void): boolean {
  try {
    const file = syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(text, "");
    syntax.Walk(file, (node) => {
      if (node !== null) visit(node, syntax.NodeType(node));
      return true;
    });
    return true;
  } catch {
    // It throws what it does not accept, and nothing is compared then: callers count their comparisons.
    return false;
  }
}

/** First words of all simple commands as the text has them, sorted; undefined when that parser rejects the text. */
export function mvdanCommandWords(text: string): string[] | undefined {
  const bytes = Buffer.from(text);
  const words: string[] = [];
  const accepted = walk(text, (node, type) => {
    const first = type === "CallExpr" ? node.Args?.[0] : undefined;
    if (first !== undefined) words.push(bytes.subarray(first.Pos().Offset(), first.End().Offset()).toString());
  });
  return accepted ? words.sort() : undefined;
}

/** Names of all commands, `declare` and `let` included, in no order. */
export function mvdanNames(text: string): string[] | undefined {
  const names: string[] = [];
  const accepted = walk(text, (_node, type) => {
    if (type === "DeclClause" || type === "LetClause") names.push(type);
  });
  return accepted ? [...names, ...(mvdanCommandWords(text) ?? [])] : undefined;
}

/** The same of ours; `declare` and its kin are not simple commands to the other parser. */
export function ourCommandWords(text: string): string[] {
  return simpleCommands(parseScript(text, "bash"))
    .map((command) => command.words[0]?.text ?? "")
    .filter((word) => word !== "" && !["declare", "local", "export", "readonly", "typeset", "nameref", "let"].includes(word))
    .sort();
}
