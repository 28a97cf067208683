import { DIALECTS, type Dialect } from "../model/index.ts";
import { readInvocation } from "../parse/index.ts";
import { Call } from "./call.ts";
import { stdinCode } from "./specs/apply.ts";
import { NO_ALIASES, type State } from "./state.ts";
import { HOLE, field, type Field } from "./value.ts";

/** Shells whose command lines we read; the grammar each is read with. */
export const SHELLS: ReadonlyMap<string, Dialect> = new Map<string, Dialect>([
  ["bash", "bash"], ["rbash", "bash"], ["sh", "sh"], ["dash", "dash"], ["ash", "sh"], ["zsh", "zsh"], ["ksh", "bash"], ["ksh93", "bash"], ["mksh", "bash"], ["rzsh", "zsh"],
]);

/** `bash -lc TEXT`, `sh script`, `bash < file`, `… | sh`: a shell started by the line. */
export function runShell(call: Call): void {
  const dialect = SHELLS.get(call.name) ?? "bash";
  const shell = DIALECTS.includes(dialect) ? dialect : "bash";
  if (call.args.some((arg) => arg.many)) return call.opaque(`the arguments of \`${call.name}\` are not known`, "unknown");
  const words = call.args.map((arg) => (arg.texts.length === 1 ? arg.texts[0]! : HOLE));
  const invocation = readInvocation(shell, [call.name, ...words], { tty: false });
  // An interactive shell reads the file that `--rcfile` names before anything else.
  const { startup } = "startup" in invocation ? invocation : { startup: undefined };
  if (typeof startup?.rcfile === "string" && startup.interactive) call.run.file(field([startup.rcfile]), call, { language: "shell", parameters: [], state: call.state.clone() });
  switch (invocation.mode) {
    case "print":
      return;
    case "opaque":
      return call.opaque(`\`${call.name}\`: ${invocation.reason}`, "unknown");
    case "interactive":
    case "stdin":
      if (invocation.mode === "stdin" && call.input.kind !== "inherited") return stdinCode("shell", withState(call, childShell(call, invocation.parameters)));
      return call.opaque(`\`${call.name}\` reads commands that are not in the line`, "unknown");
    case "command": {
      const state = childShell(call, invocation.parameters);
      const given = call.args.find((arg) => arg.texts.includes(invocation.text)) ?? field([invocation.text]);
      const text: Field = given.texts.length > 1 ? given : { ...given, texts: [invocation.text] };
      return call.run.text(text, call, { dialect, state, what: `${call.name} -c` });
    }
    case "file": {
      const given = call.args.find((arg) => arg.texts.includes(invocation.path)) ?? field([invocation.path]);
      return call.run.file(given, call, { language: "shell", parameters: [], state: childShell(call, invocation.parameters) });
    }
  }
}

/** A new shell: it knows what is exported, and its own parameters. What is not exported may still come from further out. */
function childShell(call: Call, parameters: readonly string[]): State {
  const state = call.state.clone();
  for (const [name, variable] of state.variables) if (!variable.exported) state.restore(name, undefined);
  for (const [name, bodies] of state.functions) {
    state.setFunction(name, call.state.exportedFunctions.has(name) ? [...bodies, undefined] : undefined);
  }
  state.aliases = NO_ALIASES;
  state.locals = undefined;
  // A parameter is the word it was given as: a pattern stays one.
  state.positional = parameters.slice(1).map((value) => call.args.find((arg) => arg.texts.length === 1 && arg.texts[0] === value) ?? field([value]));
  state.zero = field([parameters[0] ?? call.name]);
  return state;
}

function withState(call: Call, state: State): Call {
  return new Call({ name: call.name, args: call.args, span: call.span, input: call.input, state, context: call.context, run: call.run, by: call.by });
}
