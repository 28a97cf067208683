import type { SimpleCommand } from "../model/index.ts";
import type { Context, Input } from "./context.ts";
import { endOf, restored, type End } from "./descriptors.ts";
import { keep } from "./files.ts";
import { NOTHING, type Output } from "./output.ts";
import type { Redirected } from "./redirect.ts";
import type { State } from "./state.ts";

/** Runs something with its redirections in force. Known text that goes to a known file is remembered: `echo … > x.sh; sh x.sh` runs what was written. */
export function during(redirected: Redirected, state: State, context: Context, run: () => Output): Output {
  const { ends: before, printsTo } = state;
  const end = endOf(redirected.ends, 1);
  state.ends = redirected.ends;
  if (end !== endOf(before, 1)) state.printsTo = end;
  const output = run();
  state.ends = restored(before, redirected.ends, state.ends);
  state.printsTo = printsTo;
  return printedTo(end, output, state, context);
}

/** What is printed to an end, seen from the shell: as its own output, into a file, or elsewhere. */
function printedTo(end: End, output: Output, state: State, context: Context): Output {
  if (end === state.printsTo) return output;
  const leaks = output.leaks === true || end.kind === "output";
  if (end.kind === "file" && end.path !== undefined) {
    // Commands that say they print nothing may still print something when they fail or list.
    if (output !== NOTHING && output.texts?.length === 1 && !end.shared && output.leaks !== true) keep(end.path, output.texts[0]!, end.append, context);
    else context.changed(end.path);
    if (output.origin?.kind === "download") context.downloads.set(end.path, output.origin.detail);
  }
  return leaks ? { ...NOTHING, leaks: true } : NOTHING;
}

/** `exec 3< f`: the redirections of an `exec` without a command are the shell's from here on. */
export function opened(redirected: Redirected, input: Input, state: State, context: Context): void {
  const ends = new Map(redirected.ends);
  for (const [number, end] of ends) {
    if (end.kind !== "file" || state.ends.get(number) === end) continue;
    if (end.path !== undefined) context.changed(end.path);
    ends.set(number, { ...end, shared: true });
  }
  if (redirected.input !== input) ends.set(0, { kind: "input", input: redirected.input });
  state.ends = ends;
}

/** `> file` and `: > file` empty the file: of a database nothing is left. */
export function emptied(to: Redirected, command: SimpleCommand, context: Context): void {
  const end = endOf(to.ends, 1);
  if (end.kind !== "file" || end.path === undefined || end.append || end.shared) return;
  keep(end.path, "", false, context);
  if (DATABASE.test(end.path)) context.add({ kind: "lose", what: "database", target: end.path }, command.span, "redirection");
}
const DATABASE = /\.(?:db|sqlite3?|mdb|rdb|ldb|dbf|kdbx)$/;
