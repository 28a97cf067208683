import type { Call } from "../call.ts";
import { textOf } from "../files.ts";
import { normalise } from "../paths.ts";
import { field, only } from "../value.ts";

/**
 * `make` and `npm run` start what a file of the workspace says. What was there before the line is code of the workspace; what the
 * line wrote itself is not: its text is judged where it is known, and said to be unknown where not.
 */
function writtenHere(names: readonly string[], call: Call): string | undefined {
  const { context } = call;
  for (const directory of call.directories ?? []) {
    for (const name of names) {
      const path = normalise(name, directory);
      if (!context.written.has(path)) continue;
      const found = textOf(path, context);
      if (found !== undefined && found !== "changed") return found.text;
      call.opaque(`what \`${path}\` holds after this line changed it is not known`, "unknown");
      return undefined;
    }
  }
  return undefined;
}

/** make(1): the makefile named by `-f`, or the first of the usual names. */
export function writtenMakefile(call: Call): void {
  if (call.context.written.size === 0) return;
  const named = call.args.flatMap((arg, at) => (/^(?:-f|--file|--makefile)$/.test(only(call.args[at - 1]) ?? "") ? [only(arg) ?? ""] : []));
  const text = writtenHere(named.length > 0 ? named : ["GNUmakefile", "makefile", "Makefile"], call);
  if (text === undefined) return;
  const lines = text.replaceAll("\\\n", " ").split("\n");
  const variables = new Map(lines.flatMap((line) => {
    const match = /^(?:export\s+)?([\w.-]+)\s*[:?+]*=\s*(.*)$/.exec(line);
    return match === null ? [] : [[match[1]!, match[2]!] as const];
  }));
  possibly(call, () => {
    for (const line of lines) {
      for (const inner of line.matchAll(/\$[({]shell\s+([^)}]*)[)}]/g)) run(expanded(inner[1]!, variables), call);
      const recipe = /^\t[@+-]*\s*(.+)$/.exec(line)?.[1] ?? /^[^\t#=][^=]*?:[^=;]*;(.+)$/.exec(line)?.[1];
      if (recipe !== undefined) run(expanded(recipe, variables), call);
    }
  });
}

/** Variables of make that it sets itself (GNU make manual, Implicit Variables, Automatic Variables). */
const OWN: ReadonlyMap<string, string> = new Map([["RM", "rm -f"], ["MAKE", "make"], ["CC", "cc"], ["CXX", "c++"], ["AR", "ar"], ["SHELL", "/bin/sh"], ["CURDIR", "."], ["CFLAGS", ""], ["CXXFLAGS", ""], ["LDFLAGS", ""]]);
const MAX_ROUNDS = 8;

/** A recipe as the shell gets it. A variable that nothing sets is empty; calls of make's functions stay and are not understood. */
function expanded(recipe: string, variables: ReadonlyMap<string, string>): string {
  let text = recipe.replaceAll(/\$[@<^+?*%|]/g, "target");
  for (let round = 0; round < MAX_ROUNDS && /\$[({][\w.-]+[)}]/.test(text); round += 1) text = text.replaceAll(/(?<!\$)\$[({]([\w.-]+)[)}]/g, (_, name: string) => variables.get(name) ?? OWN.get(name) ?? "");
  return text.replaceAll("$$", "$");
}

/** package.json(5): the scripts that a verb starts, with those around it; for a verb that is not known, all of them. */
export function writtenScripts(call: Call): void {
  if (call.context.written.size === 0) return;
  const text = writtenHere(["package.json"], call);
  if (text === undefined) return;
  const scripts = scriptsOf(text);
  if (scripts === undefined) return call.opaque("the `package.json` that this line wrote cannot be read", "unknown");
  const words = call.args.map((arg) => only(arg) ?? "").filter((word) => !word.startsWith("-"));
  const name = /^(?:run|run-script)$/.test(words[0] ?? "") ? words[1] : (words[0] ?? "install");
  const started = /^(?:i|install|ci|add|update|up)$/.test(name ?? "") ? ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"] : name === "t" ? around("test") : scripts.has(name ?? "") ? around(name!) : [...scripts.keys()];
  possibly(call, () => {
    for (const one of started) if (scripts.has(one)) run(scripts.get(one)!, call);
  });
}

function around(name: string): readonly string[] {
  return [`pre${name}`, name, `post${name}`];
}

function scriptsOf(text: string): ReadonlyMap<string, string> | undefined {
  try {
    const scripts: unknown = (JSON.parse(text) as { readonly scripts?: unknown } | null)?.scripts ?? {};
    return typeof scripts === "object" && scripts !== null ? new Map(Object.entries(scripts).filter((entry): entry is [string, string] => typeof entry[1] === "string")) : undefined;
  } catch {
    // Not JSON: the caller says that it cannot be read.
    return undefined;
  }
}

function possibly(call: Call, body: () => void): void {
  call.context.conditional += 1;
  body();
  call.context.conditional -= 1;
}

function run(text: string, call: Call): void {
  call.run.text(field([text]), call, { dialect: "sh", state: call.state.clone(), what: call.name });
}
