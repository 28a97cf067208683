import type { Call } from "../call.ts";
import { HOLE, known, type Field } from "../value.ts";
import { awk } from "./awk.ts";
import { inline } from "./inline.ts";
import { sed } from "./sed.ts";
import { sql } from "./sql.ts";

/**
 * Source text of another language that a line carries. In: the language's name and the text.
 * Out: effects. A language without a reader of its own counts as inline code: the sandbox of the verdict holds it.
 */
export function runCode(language: string, text: Field, call: Call): void {
  if (language === "shell") return call.run.text(text, call, { dialect: "bash", state: call.state.clone(), what: call.name });
  const texts = known(text) ?? (text.texts.every((t) => t !== HOLE) && !text.many ? text.texts : undefined);
  switch (language) {
    case "sed":
      return texts === undefined ? call.exec("inline", "sed") : texts.forEach((t) => sed(t, call));
    case "awk":
      return texts === undefined ? call.exec("inline", "awk") : texts.forEach((t) => awk(t, call));
    case "sql":
      return texts === undefined ? call.opaque("the SQL text is not known") : texts.forEach((t) => sql(t, call));
    case "jq":
      return;
    default:
      if (text.origin !== undefined && text.origin.kind !== "input") return call.execUnknown(text.origin, language);
      call.exec("inline", language);
      if (texts !== undefined) texts.forEach((t) => inline(t, language, call));
  }
}
