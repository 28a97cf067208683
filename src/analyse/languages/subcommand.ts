import type { Call } from "../call.ts";
import { isWithin } from "../../model/index.ts";
import { HOLE, field, only, type Field } from "../value.ts";

/** What a subcommand of a package manager or build tool does. */
export type Deed =
  /** Prints what is there. */
  | "look"
  /** Asks a registry or service and prints. */
  | "query"
  /** Runs code of the workspace; may write in it. */
  | "run"
  /** Changes files of the workspace, runs nothing. */
  | "change"
  /** Fetches packages and runs their hooks. */
  | "install"
  /** The same for the whole machine or the home directory. */
  | "install-global"
  /** Publishes or changes something that others use. */
  | "publish"
  /** Names an account or a token. */
  | "login"
  /** Needs the machine's administrator. */
  | "administer"
  /** A program fetched by name is run. */
  | "fetch-and-run";

/** Words of a command that are no options, with the values of options that take one left out. */
export function plainWords(fields: readonly Field[], valueOptions: ReadonlySet<string>): readonly Field[] {
  const words: Field[] = [];
  for (let at = 0; at < fields.length; at += 1) {
    const text = only(fields[at]) ?? HOLE;
    if (text === "--") continue;
    if (text.startsWith("-") && text.length > 1) {
      if (valueOptions.has(text)) at += 1;
      continue;
    }
    words.push(fields[at]!);
  }
  return words;
}

/**
 * Options before the first plain word of which nobody said that they stand alone: the word after such an option may be its
 * value, and the verb another one.
 */
export function guarded(call: Call, values: ReadonlySet<string>, flags: RegExp, args: readonly Field[] = call.args): void {
  for (let at = 0; at < args.length; at += 1) {
    const text = only(args[at]);
    if (text === undefined || text === "--" || !text.startsWith("-")) return;
    if (values.has(text)) at += 1;
    else if (!text.includes("=") && !flags.test(text) && args[at + 1] !== undefined && !(only(args[at + 1]) ?? "").startsWith("-")) call.opaque(`\`${call.name} ${text.replaceAll(HOLE, "…")}\` is in no spec`);
  }
}

/** Whether one of these options stands among the words. */
export function hasOption(call: Call, ...names: readonly string[]): boolean {
  return call.args.some((arg) => arg.texts.some((text) => names.includes(text) || names.some((name) => name.startsWith("--") && text.startsWith(`${name}=`))));
}

/** The effects of a deed. */
export function perform(deed: Deed, call: Call, what: string): void {
  switch (deed) {
    case "look":
      return call.path(field(["."]), "read");
    case "query":
      return call.host(undefined);
    case "run":
      call.exec("workspace", what);
      // Outside of the workspace nothing is claimed: what it would write there fails in the sandbox.
      if (call.directories?.every((d) => isWithin(d, call.context.facts.workspace)) === true) call.path(field(["."]), "write");
      return;
    case "change":
      return call.path(field(["."]), "write");
    case "install":
      call.host(undefined);
      call.exec("package", what);
      return call.path(field(["."]), "write");
    case "install-global":
      call.host(undefined);
      call.exec("package", what);
      return call.path(field([`${call.context.facts.home}/.local`]), "write");
    case "publish":
      call.host(undefined, { sends: true });
      return call.add({ kind: "remote", what: "publish", target: what });
    case "login":
      call.host(undefined, { sends: true });
      return call.add({ kind: "secret", path: undefined, variable: what });
    case "administer":
      call.add({ kind: "privilege", via: what });
      call.exec("package", what);
      return call.host(undefined);
    case "fetch-and-run":
      call.host(undefined);
      return call.exec("package", what);
  }
}

/** A table of subcommands → deeds; the longest match of the first words wins; what is not in it is opaque. */
export function bySubcommand(table: ReadonlyMap<string, Deed>, call: Call, options: { readonly valueOptions?: ReadonlySet<string>; readonly without?: Deed; /** Other words than the call's own. */ readonly args?: readonly Field[] } = {}): Deed | undefined {
  if (call.args.length > 0 && call.args.every((arg) => /^(?:--version|--help|-h|-V|-v|help|version)$/.test(only(arg) ?? ""))) return "look";
  const words = plainWords(options.args ?? call.args, options.valueOptions ?? NO_OPTIONS).map((f) => only(f));
  const first = words[0];
  if (words.length === 0) {
    if (options.without !== undefined) perform(options.without, call, call.name);
    else call.opaque(`\`${call.name}\` without a subcommand`);
    return options.without;
  }
  if (first === undefined) {
    call.opaque(`the subcommand of \`${call.name}\` is not known`, "unknown");
    return undefined;
  }
  // After `--`, and after a word that runs something, help is asked of another program.
  const end = call.args.findIndex((arg) => only(arg) === "--");
  const asked = (end < 0 ? call.args : call.args.slice(0, end)).some((arg) => only(arg) === "--help" || only(arg) === "-h");
  if (asked && !RUNS.test(first) && !table.has(`${first} -h`)) return "look";
  const deed = table.get(`${first} ${words[1] ?? ""}`) ?? table.get(first);
  if (deed === undefined) call.opaque(`\`${call.name} ${first}\` is in no spec`);
  else perform(deed, call, `${call.name} ${first}`);
  return deed;
}

const RUNS = /^(?:run|run-script|exec|x|dlx|test|t|start|dev|build|tool|task|script|workspace)$/;
const NO_OPTIONS: ReadonlySet<string> = new Set();

/** `deed: words` lines → a table. */
export function deeds(...lines: readonly (readonly [Deed, string])[]): ReadonlyMap<string, Deed> {
  return new Map(lines.flatMap(([deed, words]) => words.split(", ").map((word): [string, Deed] => [word, deed])));
}
