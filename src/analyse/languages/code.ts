import type { Call } from "../call.ts";
import { HOLE, field, known, type Field } from "../value.ts";
import { awk } from "./awk.ts";
import { editorScript } from "./editors.ts";
import { inline } from "./inline/index.ts";
import { sed } from "./sed.ts";
import { tcl } from "./tcl.ts";
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
    case "dc":
      return texts === undefined ? call.exec("inline", "dc") : texts.forEach((t) => /!(?![<>=])/.test(t) && call.exec("program", "dc runs a command"));
    case "editor":
      return texts === undefined ? call.opaque("the editor's commands are not known", "unknown") : texts.forEach((t) => editorScript(t, call));
    case "tcl":
      return texts === undefined ? call.opaque("the Tcl text is not known", "unknown") : texts.forEach((t) => tcl(t, call));
    case "gdb":
      return texts === undefined ? call.opaque("the debugger's commands are not known", "unknown") : texts.forEach((t) => debuggerCommands(t, call));
    default:
      if (text.origin !== undefined && text.origin.kind !== "input" && text.origin.kind !== "processes") return call.execUnknown(text.origin, language);
      call.exec("inline", language);
      if (texts !== undefined) texts.forEach((t) => inline(t, language, call));
  }
}

/** Commands of gdb(1) and lldb(1): `shell`, `!`, `pipe`, `make`, `platform shell` start programs; the rest works on the program under test. */
function debuggerCommands(text: string, call: Call): void {
  call.exec("inline", call.name);
  for (const line of text.split("\n")) {
    const shell = /^\s*(?:shell\s|!|make\b|(?:platform\s+)?shell\s|pipe\s[^|]*\||\|[^|]*\|)\s*(.*)/.exec(line);
    if (shell !== null) {
      call.exec("program", `${call.name} ${line.trim()}`);
      call.run.text(field([shell[1]!]), call, { dialect: "sh", state: call.state.clone(), what: call.name });
    } else if (/^\s*set\s+logging\s+file\s+\S/.test(line)) call.path(field([line.trim().split(/\s+/)[3]!.replace(/^~(?=\/)/, call.context.facts.home)]), "write");
    else if (/^\s*(?:attach|target|process\s+attach|gdb-remote)\b/.test(line)) call.add({ kind: "process", action: "ptrace", target: undefined });
    else if (/^\s*(?:python|py|pi|script|source|command\s+(?:source|script)|add-auto-load|set\s+auto-load|dump|append|generate-core-file|save|restore)\b/.test(line)) call.exec("program", `${call.name} ${line.trim().split(/\s/)[0]}`);
  }
}
