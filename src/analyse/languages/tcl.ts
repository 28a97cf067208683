import type { Call } from "../call.ts";
import { field } from "../value.ts";

/** Commands of Tcl (exec(n), open(n), file(n)) and expect(1) (`spawn`, `system`) that start programs or remove files. */
const STARTS = /(?:^|[;\[{\n"])\s*(exec|spawn|system|overlay)\s+(?:-\w+\s+)*([^\];}\n]+)|\bopen\s+["{]\|\s*([^"}]+)/g;
const REMOVES = /\bfile\s+delete\s+(?:-force\s+)?(?:--\s+)?([^\];}\n]+)/g;

/** Tcl text: what it starts is judged as a command of a shell, whose words Tcl's resemble. */
export function tcl(text: string, call: Call): void {
  call.exec("inline", call.name);
  for (const match of text.matchAll(STARTS)) {
    const words = (match[2] ?? match[3]!).replaceAll(/[{}]/g, "'");
    call.run.text(field([words]), call, { dialect: "sh", state: call.state.clone(), what: call.name });
  }
  for (const match of text.matchAll(REMOVES)) for (const word of match[1]!.trim().split(/\s+/)) call.path(field([word.replaceAll(/^["{]|["}]$/g, "")]), "delete-tree");
}
