import { simpleCommands } from "../../src/parse/index.ts";
import type { AssignmentWord, Script, Word, WordPart } from "../../src/model/index.ts";

/** Every simple command of a script as one readable line; `$x`, `$(…)`, `{a|b}`, `⊤` stand for what is not literal. */
export function commandLines(script: Script): string[] {
  return simpleCommands(script)
    .filter((command) => command.words.length > 0)
    .map((command) => command.words.map(wordText).join(" "));
}

export function wordText(word: Word | AssignmentWord): string {
  if (word.kind === "assignment") {
    const { name, append, index, value } = word.assignment;
    const values = value.kind === "word" ? wordText(value) : `(${value.elements.map(wordText).join(" ")})`;
    return `${name}${index === undefined ? "" : `[${wordText(index)}]`}${append ? "+" : ""}=${values}`;
  }
  const text = word.parts.map(partText).join("");
  return text === "" || /[\s"]/.test(text) ? JSON.stringify(text) : text;
}

function partText(part: WordPart): string {
  switch (part.kind) {
    case "literal":
      return part.value;
    case "parameter":
      return `$${part.name}`;
    case "command":
      return "$(…)";
    case "arithmetic":
      return "$((…))";
    case "process":
      return part.direction === "in" ? "<(…)" : ">(…)";
    case "glob":
      return part.parts.some((inner) => inner.kind !== "literal") ? "‹glob…›" : `‹${part.pattern}›`;
    case "tilde":
      return `‹~${part.user}›`;
    case "brace":
      return `{${part.alternatives.map(wordText).join("|")}}`;
    case "opaque":
      return "⊤";
  }
}
