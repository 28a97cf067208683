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

/** First words of all simple commands as the text has them, sorted; undefined when that parser rejects the text. */
export function mvdanCommandWords(text: string): string[] | undefined {
  const bytes = Buffer.from(text);
  const words: string[] = [];
  try {
    const file = syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(text, "");
    syntax.Walk(file, (node) => {
      const first = node !== null && syntax.NodeType(node) === "CallExpr" ? node.Args?.[0] : undefined;
      if (first !== undefined) words.push(bytes.subarray(first.Pos().Offset(), first.End().Offset()).toString());
      return true;
    });
  } catch {
    // It throws what it does not accept, and nothing is compared then: the caller counts comparisons.
    return undefined;
  }
  return words.sort();
}

/** The same of ours; `declare` and its kin are not simple commands to the other parser. */
export function ourCommandWords(text: string): string[] {
  return simpleCommands(parseScript(text, "bash"))
    .map((command) => command.words[0]?.text ?? "")
    .filter((word) => word !== "" && !["declare", "local", "export", "readonly", "typeset", "nameref", "let"].includes(word))
    .sort();
}
