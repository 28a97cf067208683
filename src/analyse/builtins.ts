import type { Call } from "./call.ts";
import { assignEnvironment } from "./environment.ts";
import { hidesCommand } from "./expand.ts";
import { NOTHING, type Output } from "./output.ts";
import { pathTargets } from "./paths.ts";
import { joined } from "./specs/apply.ts";
import { HOLE, SEGMENT, UNKNOWN, field, isKnown, only, type Field } from "./value.ts";

/**
 * What the shell's own commands do (bash(1), SHELL BUILTIN COMMANDS; zshbuiltins(1)).
 * Out: what it prints when that is nothing for sure, else undefined (the caller asks `output.ts`).
 */
type Builtin = (call: Call) => Output | undefined;

const nothing: Builtin = () => NOTHING;
const prints: Builtin = () => undefined;

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ...[":", "true", "false", "exit", "return", "break", "continue", "shift", "wait", "bg", "fg", "disown", "umask", "ulimit", "hash", "complete", "compopt", "bind", "suspend", "logout", "setopt", "unsetopt", "autoload", "zstyle", "compinit"].map((name): [string, Builtin] => [name, nothing]),
  ...["echo", "pwd", "type", "jobs", "times", "dirs", "caller", "help", "compgen", "getopts", "whence", "where"].map((name): [string, Builtin] => [name, prints]),
  ["printf", printfBuiltin],
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
  ["shopt", (call) => (call.args.some((a) => only(a) === "expand_aliases") ? undefined : NOTHING)],
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
  const texts = target === undefined ? [call.context.facts.home] : target.texts;
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
  const integer = flags.some((f) => /^-[a-zA-Z]*[in]/.test(f));
  for (const arg of call.args) {
    for (const text of arg.texts) {
      const match = /^([A-Za-z_]\w*)(\[[^]*?\])?(\+?)=([^]*)$/.exec(text);
      if (match === null) {
        if (exported && /^[A-Za-z_]\w*$/.test(text)) exportVariable(text, call);
        continue;
      }
      const value: Field = { ...field([match[4]!]), origin: arg.origin };
      if (integer && hidesCommand(match[4]!)) call.opaque("an integer or reference variable evaluates a text that holds a command substitution", "suspicious");
      const joinedValue = arg.texts.length > 1 ? { ...field(arg.texts.map((t) => t.slice(t.indexOf("=") + 1))), origin: arg.origin } : value;
      call.state.variables.set(match[1]!, { value: match[2] !== undefined || match[3] === "+" ? UNKNOWN : joinedValue, elements: undefined, exported: exported || (call.state.variables.get(match[1]!)?.exported ?? false) });
      if (exported) assignEnvironment(match[1]!, joinedValue, call.span, call.context, call.state);
    }
  }
  return flags.includes("-p") || call.args.length === 0 ? undefined : NOTHING;
}

function exportVariable(name: string, call: Call): void {
  const variable = call.state.variables.get(name);
  if (variable === undefined) return;
  call.state.variables.set(name, { ...variable, exported: true });
  assignEnvironment(name, variable.value, call.span, call.context, call.state);
}

function arithmeticWords(call: Call): Output {
  if (call.args.some((a) => a.texts.some((t) => hidesCommand(t) || t === HOLE))) call.opaque("`let` evaluates a text that is not known or holds a command substitution", "unknown");
  for (const arg of call.args) for (const match of arg.texts[0]!.matchAll(/([A-Za-z_]\w*)\s*(?:[-+*/%&|^]|<<|>>)?=(?!=)/g)) call.state.setScalar(match[1]!, field([SEGMENT]));
  return NOTHING;
}

function unset(call: Call): Output {
  for (const arg of call.args) {
    if (arg.texts.some(hidesCommand)) call.opaque("`unset` evaluates a subscript that holds a command substitution", "suspicious");
    const name = only(arg);
    if (name === undefined || name.startsWith("-")) continue;
    call.state.variables.set(name, { value: field([""]), elements: undefined, exported: false });
    call.state.functions.delete(name);
  }
  return NOTHING;
}

/** `read`, `mapfile`: the variables hold what was on standard input. */
function readInto(call: Call): Output {
  const known = call.input.kind === "text" && call.name === "read" ? call.input.texts : undefined;
  const names = call.args.map((a) => only(a)).filter((t): t is string => t !== undefined && /^[A-Za-z_]\w*$/.test(t));
  if (call.args.some((a) => a.texts.some(hidesCommand))) call.opaque(`\`${call.name}\` evaluates a subscript that holds a command substitution`, "suspicious");
  if (call.args.some((a) => only(a) === "-C")) call.opaque("`mapfile -C` runs its callback", "unknown");
  const origin = call.input.kind === "unknown" ? call.input.origin : undefined;
  for (const name of names.length === 0 ? ["REPLY", "MAPFILE"] : names) {
    const value: Field = names.length === 1 && known !== undefined ? field(known.map((t) => t.split("\n")[0]!.trim())) : { ...UNKNOWN, origin };
    call.state.variables.set(name, { value, elements: undefined, exported: false });
  }
  return NOTHING;
}

function setOptions(call: Call): Output {
  const words = call.args;
  const at = words.findIndex((a) => only(a) === "--" || !/^[-+]/.test(a.texts[0]!));
  for (const [index, arg] of words.slice(0, at < 0 ? words.length : at).entries()) {
    const text = only(arg) ?? "";
    if (/^-[a-zA-Z]*e/.test(text) || (text === "-o" && only(words[index + 1]) === "errexit")) call.state.errexit = true;
    if (/^\+[a-zA-Z]*e/.test(text)) call.state.errexit = false;
  }
  if (at >= 0 && only(words[at - 1]) !== "-o" && only(words[at - 1]) !== "+o") {
    const values = only(words[at]) === "--" ? words.slice(at + 1) : words.slice(at);
    if (!values.every((v) => /^(?:errexit|nounset|pipefail|xtrace|noglob|noclobber|posix|verbose|allexport|history|emacs|vi|monitor|notify)$/.test(only(v) ?? ""))) call.state.positional = values.some((v) => v.many) ? undefined : values;
  }
  return NOTHING;
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
    if (equals > 0) call.state.aliases.set(text.slice(0, equals), field([text.slice(equals + 1)]));
  }
  return call.args.length === 0 ? undefined : NOTHING;
}

function evaluate(call: Call): Output | undefined {
  const words = only(call.args[0]) === "--" ? call.args.slice(1) : call.args;
  if (words.length > 0) call.run.text(joined(words), call, { dialect: call.context.dialect, state: call.state, what: "eval" });
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
  if (words.length < 2 || text === "-" || text === "" || text === "-p" || text === "-l") return undefined;
  call.run.text(words[0]!, call, { dialect: call.context.dialect, state: call.state.clone(), what: "trap" });
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

function kill(call: Call): Output | undefined {
  if (call.args.some((a) => /^-[lL]$/.test(only(a) ?? ""))) return undefined;
  const targets = call.args.filter((a, i) => i > 0 || !/^-/.test(a.texts[0]!));
  if (targets.some((a) => only(a) === "-1") || (targets.length === 1 && only(targets[0]) === "1")) call.add({ kind: "lose", what: "availability", target: "every process" });
  call.add({ kind: "process", action: "signal", target: targets.map((t) => only(t) ?? "?").join(" ") });
  return NOTHING;
}

/** `printf -v NAME[SUBSCRIPT]` evaluates the subscript and stores what it would print. */
function printfBuiltin(call: Call): Output | undefined {
  if (only(call.args[0]) !== "-v") return undefined;
  const name = only(call.args[1]);
  if (name === undefined || hidesCommand(name)) call.opaque("`printf -v` evaluates a subscript that is not known or holds a command substitution", "suspicious");
  else {
    const target = name.replace(/\[.*$/, "");
    call.state.setUnknown(target);
    assignEnvironment(target, call.args.length > 3 ? call.args[3]! : UNKNOWN, call.span, call.context, call.state);
  }
  return NOTHING;
}

