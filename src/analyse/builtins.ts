import { store } from "./assignment.ts";
import type { Call } from "./call.ts";
import { assignEnvironment } from "./environment.ts";
import { evaluated, hidesCommand, homeOf } from "./expand.ts";
import { NOTHING, printf, type Output } from "./output.ts";
import { pathTargets } from "./paths.ts";
import { holdsCredential } from "./searches.ts";
import { joined } from "./specs/apply.ts";
import { kill } from "./signals.ts";
import { HOLE, SEGMENT, UNKNOWN, field, isKnown, only, type Field } from "./value.ts";

/**
 * What the shell's own commands do (bash(1), SHELL BUILTIN COMMANDS; zshbuiltins(1)).
 * Out: what it prints when that is nothing for sure, else undefined (the caller asks `output.ts`).
 */
type Builtin = (call: Call) => Output | undefined;

const nothing: Builtin = () => NOTHING;
const prints: Builtin = () => undefined;

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ...[":", "true", "false", "exit", "bg", "fg", "disown", "umask", "ulimit", "complete", "compopt", "suspend", "logout", "setopt", "unsetopt", "autoload", "zstyle", "compinit"].map((name): [string, Builtin] => [name, nothing]),
  ...["echo", "pwd", "type", "jobs", "times", "dirs", "caller", "help", "whence", "where"].map((name): [string, Builtin] => [name, prints]),
  ["printf", printfBuiltin],
  ["return", leave],
  ["break", leave],
  ["continue", leave],
  ["shift", shift],
  ["wait", waitBuiltin],
  ["getopts", getopts],
  ["hash", (call) => (call.args.some((a) => /^-[a-z]*p/.test(a.texts[0]!)) ? (call.opaque("`hash -p` changes which program a name means", "unknown"), NOTHING) : NOTHING)],
  ["bind", (call) => (call.args.some((a) => /^-[a-zA-Z]*x/.test(a.texts[0]!)) ? (call.opaque("`bind -x` runs commands when keys are pressed"), NOTHING) : NOTHING)],
  ["compgen", compgen],
  ["cd", changeDirectory],
  ["chdir", changeDirectory],
  ["pushd", changeDirectory],
  ["popd", (call) => ((call.state.directories = undefined), undefined)],
  ["export", declare],
  ["declare", declare],
  ["typeset", declare],
  ["local", declare],
  ["readonly", declare],
  ["let", (call) => arithmeticWords(call)],
  ["unset", unset],
  ["read", readInto],
  ["mapfile", readInto],
  ["readarray", readInto],
  ["set", setOptions],
  ["shopt", shopt],
  ["alias", alias],
  ["unalias", nothing],
  ["eval", evaluate],
  ["source", source],
  [".", source],
  ["exec", execute],
  ["command", command],
  ["builtin", (call) => (call.run.argv(call.args, call, { state: call.state, lookup: "builtins" }), undefined)],
  ["trap", trap],
  ["history", history],
  ["fc", (call) => (call.args.some((a) => /^-[^l]*s|^-e/.test(a.texts[0]!)) || call.args.length === 0 ? (call.opaque("`fc` runs commands again that are not in the line", "unknown"), undefined) : undefined)],
  ["enable", (call) => (call.args.some((a) => /^-[a-z]*[fd]/.test(a.texts[0]!)) ? (call.exec("program", "a loadable builtin"), NOTHING) : (call.args.some((a) => /^-[a-z]*n/.test(a.texts[0]!)) ? (call.opaque("`enable -n` changes which commands are builtins"), NOTHING) : undefined))],
  ["test", testBuiltin],
  ["[", testBuiltin],
  ["kill", kill],
]);

function changeDirectory(call: Call): Output | undefined {
  const operands = call.args.filter((arg) => !/^(?:-[LPe@q]+|--|-n)$/.test(arg.texts[0]!));
  const before = call.state.directories;
  const target = operands[0];
  const texts = target === undefined ? homeOf("", call.state, call.context) : target.texts;
  const search = call.state.variables.get("CDPATH")?.value.texts ?? [call.context.facts.env.get("CDPATH") ?? ""];
  if (search.some((text) => text !== "") && texts.some((text) => !/^\.{0,2}(?:\/|$)/.test(text))) {
    call.state.directories = undefined;
    return NOTHING;
  }
  if (operands.length > 1 || target?.many === true || texts.some((text) => !isKnown(text) || text === "-" || /^[+-]\d+$/.test(text))) {
    call.state.directories = undefined;
    call.state.stayed = before;
    return NOTHING;
  }
  const paths = texts.flatMap((text) => pathTargets(text === "" ? "." : text, target?.glob ?? false, before, call.context));
  const directories = paths.map((p) => p.path);
  call.state.directories = target?.glob === true || directories.some((d) => d === undefined) ? undefined : [...new Set(directories as string[])];
  // A `cd` that cannot fail leaves no second reading.
  const sure = directories.every((d) => d !== undefined && (d === call.context.facts.workspace || call.context.facts.files.kind(d) === "directory"));
  call.state.stayed = sure ? undefined : before;
  return NOTHING;
}

/** `export A=b`, `declare -r x=1`: words, since the parser gives assignments in arguments as words too. */
function declare(call: Call): Output | undefined {
  const flags = call.args.map((a) => only(a) ?? "").filter((t) => /^[-+]/.test(t));
  const exported = call.name === "export" || flags.some((f) => /^-[a-zA-Z]*x/.test(f));
  const has = (letters: string): boolean => flags.some((f) => new RegExp(`^-[a-zA-Z]*[${letters}]`).test(f));
  const names = call.args.filter((a) => !/^[-+]/.test(only(a) ?? ""));
  // The environment as it is shown by `env`.
  if (names.length === 0 && call.name !== "local" && call.name !== "readonly" && (exported || has("p") || flags.length === 0) && !has("fF")) call.add({ kind: "secret", path: undefined, variable: "*" });
  if (has("p")) for (const arg of names) for (const name of arg.texts) if (holdsCredential(name)) call.add({ kind: "secret", path: undefined, variable: name });
  if (has("f")) {
    const functions = names.map((a) => only(a)).filter((name) => name !== undefined);
    if (exported) call.state.exportedFunctions = new Set([...call.state.exportedFunctions, ...functions]);
    return NOTHING;
  }
  for (const arg of names) declareOne(arg, { exported, global: has("g"), integer: has("i"), reference: has("n") && call.name !== "export", cases: has("luc"), readonly: call.name === "readonly" || has("r") }, call);
  return has("p") || call.args.length === 0 ? undefined : NOTHING;
}

type Declaration = { readonly exported: boolean; readonly global: boolean; readonly integer: boolean; readonly reference: boolean; readonly cases: boolean; readonly readonly: boolean };

/** `NAME` or `NAME=value` of a declaration; one word may be several of them. */
function declareOne(arg: Field, as: Declaration, call: Call): void {
  const { state } = call;
  // Outside of functions `local` is an error.
  if (call.name === "local" && state.locals === undefined) return;
  const matches = arg.many ? [null] : arg.texts.map((text) => /^([A-Za-z_]\w*)(\[[^]*?\])?(?:(\+?)=([^]*))?$/.exec(text));
  if (matches.some((match) => match === null)) {
    if (arg.many || arg.texts.some((text) => !isKnown(text.split("=")[0]!))) call.opaque(`\`${call.name}\` sets a variable whose name is not known`);
    return;
  }
  // SECURITY: `declare 'a[$(cmd)]=1'`, `declare -n r='a[$(cmd)]'` and `declare -a 'a=([$(cmd)]=1)'` run cmd: a text becomes a subscript.
  if (matches.some((match) => hidesCommand(match![2] ?? "") || ((as.reference || match![4]?.startsWith("(") === true) && hidesCommand(match![4] ?? "")))) call.opaque(`\`${call.name}\` evaluates a subscript that holds a command substitution`, "suspicious");
  for (const name of new Set(matches.map((match) => match![1]!))) {
    const values = matches.filter((match) => match![1] === name);
    if ((call.name === "local" || call.name === "declare" || call.name === "typeset") && !as.global) state.declareLocal(name);
    if (as.reference) reference(name, values.map((match) => match![4]), call);
    if (as.cases) state.mark(name, "loose");
    if (as.integer) state.mark(name, "integer");
    if (values.some((match) => match![4] !== undefined)) {
      const plain = values.every((match) => match![2] === undefined && match![3] === "" && match![4] !== undefined);
      const value: Field = plain ? { ...field(values.map((match) => match![4]!)), origin: arg.origin } : UNKNOWN;
      const inherits = value.texts.every((text) => text !== HOLE);
      store(name, as.exported ? { value, inherits, exported: true } : { value, inherits }, call.span, state, call.context);
    } else if (as.exported) exportVariable(name, call);
    else if (state.locals?.get(name) !== undefined && call.name !== "readonly") state.restore(name, undefined);
    if (as.readonly) state.mark(name, "readonly");
  }
}

/** `declare -n r=x`: what is assigned to one is assigned to the other, so neither is followed any more. */
function reference(name: string, targets: readonly (string | undefined)[], { state }: Call): void {
  state.mark(name, "loose");
  for (const target of targets) if (target !== undefined) state.mark(target.replace(/\[.*$/, ""), "loose");
}

function exportVariable(name: string, call: Call): void {
  const variable = call.state.variables.get(name);
  if (variable === undefined) return;
  call.state.put(name, { ...variable, exported: true });
  assignEnvironment(name, variable.value, call.span, call.context);
}

function arithmeticWords(call: Call): Output {
  if (call.args.some((a) => a.texts.some((t) => hidesCommand(t) || t === HOLE))) call.opaque("`let` evaluates a text that is not known or holds a command substitution", "unknown");
  for (const arg of call.args) {
    evaluated(arg, call.span, call.state, call.context);
    for (const match of arg.texts[0]!.matchAll(/([A-Za-z_]\w*)\s*(?:[-+*/%&|^]|<<|>>)?=(?!=)/g)) store(match[1]!, { value: field([SEGMENT]) }, call.span, call.state, call.context);
  }
  return NOTHING;
}

/** `unset [-f|-v] NAME`: with neither, a variable, and a function where there is no variable of that name. */
function unset(call: Call): Output {
  const { state } = call;
  const flags = call.args.map((a) => only(a) ?? "").filter((t) => t.startsWith("-")).join("");
  for (const arg of call.args) {
    if (arg.texts.some(hidesCommand)) call.opaque("`unset` evaluates a subscript that holds a command substitution", "suspicious");
    const name = only(arg);
    if (name === undefined) call.opaque("`unset` of a name that is not known");
    else if (/^[A-Za-z_]\w*\[/.test(name)) state.put(name.replace(/\[.*$/, ""), { value: { ...UNKNOWN, many: true }, elements: undefined, exported: false });
    else if (!name.startsWith("-")) {
      // In a function it may lay bare a variable of the same name further out, and later assignments are to that one.
      if (!flags.includes("f") && state.locals !== undefined) state.mark(name, "loose");
      if (!flags.includes("f")) store(name, { value: field([""]), exported: name === "PATH" }, call.span, state, call.context);
      const bodies = state.functions.get(name);
      if (bodies !== undefined && !flags.includes("v")) state.setFunction(name, flags.includes("f") ? undefined : [...bodies.filter((body) => body !== undefined), undefined]);
    }
  }
  return NOTHING;
}

/** `read`, `mapfile`: the variables hold what was on standard input. */
function readInto(call: Call): Output {
  const known = call.input.kind === "text" && call.name === "read" ? call.input.texts : undefined;
  const names = call.args.map((a) => only(a)).filter((t): t is string => t !== undefined && /^[A-Za-z_]\w*$/.test(t));
  if (call.args.some((a) => a.texts.some(hidesCommand))) call.opaque(`\`${call.name}\` evaluates a subscript that holds a command substitution`, "suspicious");
  if (call.name !== "read" && call.args.some((a) => /^-[a-zA-Z0-9]*C/.test(a.texts[0]!))) call.opaque("`mapfile -C` runs its callback", "unknown");
  const named = call.args.filter((_, i) => !/^-[a-zA-Z]*[dinNptuCcOs]$/.test(i === 0 ? "" : (only(call.args[i - 1]) ?? "")));
  if (named.some((a) => a.many || a.texts.some((t) => !isKnown(t) && !t.startsWith("-")))) call.opaque(`\`${call.name}\` sets a variable whose name is not known`);
  const origin = call.input.kind === "unknown" ? call.input.origin : undefined;
  for (const name of names.length === 0 ? ["REPLY", "MAPFILE"] : names) {
    const value: Field = names.length === 1 && known !== undefined && call.args.every((a) => /^(?:-[rs]+|[A-Za-z_]\w*)$/.test(only(a) ?? "")) ? field(known.map((t) => t.split("\n")[0]!.trim())) : { ...UNKNOWN, origin, many: call.name !== "read" };
    store(name, { value }, call.span, call.state, call.context);
  }
  return NOTHING;
}

/** `return`, `break`, `continue`: what the state is here, it may be where the function or loop ends. */
function leave(call: Call): Output {
  const levels = call.name === "return" ? 1 : Number(call.only(0) ?? "1");
  call.context.leave(call.name === "return" ? "function" : "loop", call.state, levels === 1 ? 1 : Number.POSITIVE_INFINITY);
  return NOTHING;
}

function shift({ state, args }: Call): Output {
  const count = args.length === 0 ? "1" : only(args[0]);
  if (count === undefined || !/^[0-9]{1,4}$/.test(count)) state.positional = undefined;
  else if (state.positional?.slice(0, Number(count)).some((parameter) => parameter.glob) === true) state.positional = undefined;
  // With too few parameters nothing is shifted.
  else if (state.positional !== undefined && Number(count) <= state.positional.length) state.positional = state.positional.slice(Number(count));
  return NOTHING;
}

/** `wait -p NAME` sets NAME. */
function waitBuiltin(call: Call): Output {
  const at = call.args.findIndex((a) => /^-[a-z]*p/.test(a.texts[0]!));
  const name = at < 0 ? undefined : only(call.args[at + 1]);
  if (at >= 0 && (name === undefined || hidesCommand(name))) call.opaque("`wait -p` evaluates a subscript that is not known or holds a command substitution", "suspicious");
  else if (name !== undefined) store(name, { value: field([SEGMENT]) }, call.span, call.state, call.context);
  return NOTHING;
}

/** `getopts OPTSTRING NAME`: NAME is a letter of OPTSTRING, OPTARG what follows it. */
function getopts(call: Call): Output | undefined {
  const letters = only(call.args[0])?.replaceAll(":", "");
  const name = only(call.args[1]);
  if (name === undefined || letters === undefined) call.opaque("`getopts` with options or a name that are not known");
  else store(name, { value: field([...letters, "?", ":"]) }, call.span, call.state, call.context);
  store("OPTARG", { value: UNKNOWN }, call.span, call.state, call.context);
  store("OPTIND", { value: field([SEGMENT]) }, call.span, call.state, call.context);
  return undefined;
}

/** `compgen -C COMMAND`, `-F FUNCTION` run them; the words of `-W` are expanded. */
function compgen(call: Call): Output | undefined {
  for (const [index, arg] of call.args.entries()) {
    const flag = only(arg) ?? "";
    const next = call.args[index + 1] ?? UNKNOWN;
    if (/^-[CFW]./.test(flag) || flag === "-F") call.opaque(`\`compgen ${flag.slice(0, 2)}\` runs what it is given`, "unknown");
    else if (flag === "-C") call.run.text(next, call, { dialect: call.context.dialect, state: call.state.clone(), what: "compgen" });
    else if (flag === "-W" && next.texts.some(hidesCommand)) call.opaque("`compgen -W` runs the substitutions in its words", "suspicious");
  }
  return undefined;
}

/** Options that change how text is read end what was parsed (parse/reader-change.ts); the rest is named when it changes meanings. */
function shopt(call: Call): Output | undefined {
  const names = call.args.map((a) => only(a) ?? HOLE);
  if (names.includes("expand_aliases")) return undefined;
  if (names.includes("nocasematch")) call.state.anyCase = true;
  if (names.includes("cdable_vars")) call.opaque("`cdable_vars` lets `cd` follow variables");
  return NOTHING;
}

function setOptions(call: Call): Output {
  const { state, args: words } = call;
  const at = endOfOptions(words);
  if (words.length === 0) call.add({ kind: "secret", path: undefined, variable: "*" });
  for (const [index, arg] of words.slice(0, at < 0 ? words.length : at).entries()) {
    const text = only(arg) ?? "";
    const name = /^[-+][a-zA-Z]*o$/.test(text) ? only(words[index + 1]) : undefined;
    if (/^-[a-zA-Z]*e/.test(text) || (text.startsWith("-") && name === "errexit")) state.errexit = true;
    if (/^\+[a-zA-Z]*e/.test(text)) state.errexit = false;
    if (/^-[a-zA-Z]*a/.test(text) || (text.startsWith("-") && name === "allexport")) state.allexport = true;
    if (/^\+[a-zA-Z]*a/.test(text) || (text.startsWith("+") && name === "allexport")) state.allexport = false;
    if (/^-[a-zA-Z]*k/.test(text) || name === "keyword") call.opaque("`set -k` makes arguments into assignments", "unknown");
  }
  if (at >= 0) {
    const ends = /^-{1,2}$/.test(only(words[at]) ?? "");
    const values = words.slice(ends ? at + 1 : at);
    if (values.length > 0 || only(words[at]) === "--") state.positional = values.some((v) => v.many) ? undefined : values;
  }
  return NOTHING;
}

/** Where the options of `set` end: at `--`, `-`, or a word that is neither an option nor the name that `-o` takes. */
function endOfOptions(words: readonly Field[]): number {
  return words.findIndex((word, index) => /^-{1,2}$/.test(word.texts[0]!) || (!/^[-+]/.test(word.texts[0]!) && !/^[-+][a-zA-Z]*o$/.test(index === 0 ? "" : (only(words[index - 1]) ?? ""))));
}

function alias(call: Call): Output | undefined {
  for (const arg of call.args) {
    const text = only(arg);
    if (text === undefined) {
      call.opaque("an alias whose text is not known", "unknown");
      continue;
    }
    const equals = text.indexOf("=");
    if (/^-[gs]/.test(text)) call.opaque("a global or suffix alias changes words anywhere", "unknown");
    if (equals > 0) call.state.setAlias(text.slice(0, equals), field([text.slice(equals + 1)]), "certainly");
  }
  return call.args.length === 0 ? undefined : NOTHING;
}

function evaluate(call: Call): Output | undefined {
  const words = only(call.args[0]) === "--" ? call.args.slice(1) : call.args;
  if (words.length > 0) call.run.text(words.length === 1 ? words[0]! : joined(words), call, { dialect: call.context.dialect, state: call.state, what: "eval" });
  return undefined;
}

function source(call: Call): Output | undefined {
  const words = only(call.args[0]) === "--" ? call.args.slice(1) : call.args;
  if (words[0] !== undefined) call.run.file(words[0], call, { language: "shell", parameters: words.slice(1), state: call.state });
  return undefined;
}

/** `exec [-cl] [-a NAME] COMMAND`: as a command; without one only its redirections count. */
function execute(call: Call): Output | undefined {
  let at = 0;
  while (at < call.args.length && /^-/.test(call.args[at]!.texts[0]!)) {
    const flag = only(call.args[at]) ?? "";
    if (!/^-(?:[cl]*a?|-)$/.test(flag)) {
      call.opaque(`\`exec ${flag}\` is not understood`);
      return undefined;
    }
    at += flag.endsWith("a") ? 2 : 1;
  }
  call.run.argv(call.args.slice(at), call, { state: call.state });
  return undefined;
}

/** `command [-pVv] NAME …`: without functions; -v and -V only print. */
function command(call: Call): Output | undefined {
  let at = 0;
  for (; at < call.args.length && /^-/.test(call.args[at]!.texts[0]!); at += 1) {
    const flag = only(call.args[at]) ?? "";
    if (/^-[p]*[vV]/.test(flag)) return undefined;
    if (flag !== "-p" && flag !== "--") call.opaque(`\`command ${flag}\` is not understood`);
  }
  call.run.argv(call.args.slice(at), call, { state: call.state, lookup: "builtins" });
  return undefined;
}

/** `trap 'TEXT' SIGNAL…`: TEXT runs later in this shell. */
function trap(call: Call): Output | undefined {
  const words = only(call.args[0]) === "--" ? call.args.slice(1) : call.args;
  const text = only(words[0]);
  if (words.length < 2 || text === "-p" || text === "-l") return undefined;
  const signals = words.slice(1).map((word) => (only(word) ?? "?").replace(/^SIG/, "").replace(/^0$/, "EXIT"));
  if (call.context.conditional === 0 && !signals.includes("?")) call.state.endTraps(signals);
  if (text === "-" || text === "") return undefined;
  const { context } = call;
  const { inFile } = context;
  const atEnd = words.slice(1).every((w) => /^(?:EXIT|0|INT|TERM|HUP|QUIT|SIGINT|SIGTERM|SIGHUP|SIGQUIT|ERR|\d+)$/.test(only(w) ?? ""));
  // It runs when the shell ends or later, and then finds what was set after it.
  call.state.trap({
    mark: call.state.position,
    signals,
    span: context.here(call.span),
    run: (state) => {
      const before = state.clone();
      context.inFile = inFile;
      call.run.text(words[0]!, call, { dialect: context.dialect, state, what: "trap" });
      context.inFile = 0;
      if (!atEnd && !state.sameAs(before)) call.opaque("a trap changes what the commands after it mean", "unknown");
    },
  });
  return NOTHING;
}

function history(call: Call): Output | undefined {
  const flag = only(call.args[0]) ?? "";
  if (/^-[a-z]*[cd]/.test(flag)) call.add({ kind: "lose", what: "history", target: undefined });
  else if (/^-[a-z]*[awrn]/.test(flag) && call.args[1] !== undefined) call.path(call.args[1], "write");
  return undefined;
}

/** `test -v 'a[$(cmd)]'` and arithmetic comparisons evaluate subscripts. */
function testBuiltin(call: Call): Output {
  const operators = new Set(["-v", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"]);
  const risky = call.args.some((a) => operators.has(only(a) ?? ""));
  if (risky && call.args.some((a) => a.texts.some((t) => /\[[^]*(?:\$\(|`)/.test(t)))) call.opaque("`test` evaluates a subscript that holds a command substitution", "suspicious");
  return NOTHING;
}

/** `printf -v NAME[SUBSCRIPT]` evaluates the subscript and stores what it would print. */
function printfBuiltin(call: Call): Output | undefined {
  const flag = only(call.args[0]);
  if (flag === undefined || !flag.startsWith("-v")) return undefined;
  const name = flag === "-v" ? only(call.args[1]) : flag.slice(2);
  // A variable with the integer attribute evaluates what it is given.
  const evaluates = name !== undefined && call.state.attributes.get(name)?.has("integer") === true && call.args.some((arg) => arg.texts.some(hidesCommand));
  if (name === undefined || hidesCommand(name) || evaluates) call.opaque("`printf -v` evaluates a subscript that is not known or holds a command substitution", "suspicious");
  else {
    const texts = name.includes("[") ? undefined : printf(call.args.slice(flag === "-v" ? 2 : 1));
    store(name.replace(/\[.*$/, ""), { value: texts === undefined ? UNKNOWN : field(texts) }, call.span, call.state, call.context);
  }
  return NOTHING;
}

