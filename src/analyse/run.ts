import { LIMITS, type Dialect, type Span, type Zone } from "../model/index.ts";
import { BUILTINS } from "./builtins.ts";
import { Call, type Lookup, type Runner } from "./call.ts";
import { INHERITED, type Context, type Input } from "./context.ts";
import { interpretCommand, interpretScript } from "./interpret.ts";
import { DECODERS, NOTHING, PASS_THROUGH, SOMETHING, decodeBase64, either, printed, type Output } from "./output.ts";
import { normalise, pathTargets } from "./paths.ts";
import { PROGRAM_DIRECTORY } from "./path-table.ts";
import { SHELLS, runShell } from "./shells.ts";
import { descriptorPath } from "./redirect.ts";
import { applyProgram, asksForHelp, stdinCode } from "./specs/apply.ts";
import { readBack, remember, textOf } from "./files.ts";
import { KEEPS_NAMES, listedFiles, processesFrom } from "./listing.ts";
import { claimInName } from "./approval.ts";
import { runCode } from "./languages/code.ts";
import { WRAPPER, projectScript } from "./languages/project-scripts.ts";
import type { Bodies, State } from "./state.ts";
import { HOLE, SEGMENT, field, isKnown, known, only, type Field, type Origin } from "./value.ts";
import { codeOf, shellCodeOf } from "./shell-code.ts";

type Place = { readonly span: Span; readonly input: Input; readonly state: State; readonly context: Context; /** What the command word may name: `command` and `builtin` skip functions and aliases, `env` and `xargs` builtins too. */ readonly lookup?: Lookup };

/** A command line as words. Each possible command word is followed; one that is not known is opaque. */
export function runWords(words: readonly Field[], place: Place): Output {
  const { context, span } = place;
  const name = words[0]!;
  const names = name.many || name.glob ? undefined : known(name);
  context.found(words.map((word) => known(word)), span, specOf(names, place));
  if (names === undefined) {
    unknownCommand(name, place);
    return SOMETHING;
  }
  if (names.length === 1) return runNamed(names[0]!, words.slice(1), place);
  let output: Output | undefined;
  for (const one of names) {
    const next = runNamed(one, words.slice(1), { ...place, state: place.state.clone() });
    output = output === undefined ? next : either(output, next);
  }
  return output ?? SOMETHING;
}

/** Which spec or builtin will say what this command does: the `by` of its effects. Undefined for functions, aliases and what no spec knows. */
function specOf(names: readonly string[] | undefined, { context, state, lookup }: Place): string | undefined {
  const word = names?.length === 1 ? names[0] : undefined;
  if (word === undefined || (lookup === undefined && (state.functions.has(word) || state.aliases.has(word)))) return undefined;
  if (lookup !== "programs" && BUILTINS.has(word)) return `shell/${word}`;
  const base = word.slice(word.lastIndexOf("/") + 1);
  if (word !== base && !PROGRAM_DIRECTORY.test(word.slice(0, word.lastIndexOf("/")))) return undefined;
  return SHELLS.has(base) ? `shell/${base}` : (context.specs.programs.get(base) ?? versioned(base, context))?.id;
}

function unknownCommand(name: Field, { context, span }: Place): void {
  if (name.origin?.kind === "download") context.add({ kind: "exec", what: "download", name: name.origin.detail ?? "" }, span, "shell/command");
  else if (name.glob && name.texts.every(isKnown)) context.opaque("the command word is a pattern", span, "shell/command", "suspicious");
  else context.opaque("the command word is not known", span, "shell/command", name.origin?.kind === "decoded" ? "suspicious" : "unknown");
}

function runNamed(name: string, args: readonly Field[], place: Place): Output {
  const { state, context } = place;
  if (name === "") return NOTHING;
  if (place.lookup === undefined) {
    const bodies = state.functions.get(name);
    if (bodies !== undefined) return callFunctions(name, bodies, args, place);
    const alias = state.aliases.get(name);
    const words = alias === undefined || context.facts.shell?.aliases.get(name) === undefined ? undefined : plainWords(only(alias));
    if (words !== undefined) return runAlias(name, words, args, place);
    // Aliases count in interactive shells and zsh, and not in scripts: both readings are followed.
    if (alias !== undefined && context.depth < LIMITS.nestedScripts) runner.text(alias, callFor(name, args, place, "shell/alias"), { dialect: context.dialect, state: state.clone(), what: "alias" });
  }
  return runPlain(name, args, place);
}

/** An alias that a running shell has: its words stand in place of the name, and are not looked up as that alias again. */
function runAlias(name: string, [first = "", ...rest]: readonly string[], args: readonly Field[], place: Place): Output {
  const all = [...rest.map((word) => field([word])), ...args];
  return first === name ? runPlain(name, all, place) : runNamed(first, all, { ...place, state: withoutAlias(place.state, name) });
}

function withoutAlias(state: Place["state"], name: string): Place["state"] {
  state.aliases = state.aliases.without(name);
  return state;
}

/** In: the text of an alias. Out: its words, if it is nothing but words. */
function plainWords(text: string | undefined): readonly string[] | undefined {
  return text !== undefined && /^[\w.\/][\w.\/=:,+@ -]*$/.test(text) ? text.trim().split(/ +/) : undefined;
}

/** Not a function: the shell's own command of that name, or a program. */
function runPlain(name: string, args: readonly Field[], place: Place): Output {
  const builtin = place.lookup === "programs" ? undefined : BUILTINS.get(name);
  if (builtin !== undefined) {
    const call = callFor(name, args, place, `shell/${name}`);
    return builtin(call) ?? outputOf(call, place.context.effects.length);
  }
  return runProgram(name, args, place);
}

/** A name that stands for one function, or for one of several, or perhaps for none. */
function callFunctions(name: string, bodies: Bodies, args: readonly Field[], place: Place): Output {
  const { state, context } = place;
  if (bodies.length === 1 && bodies[0] !== undefined) return callFunction(name, bodies[0], args, place);
  if (bodies.length === 0) context.opaque(`\`${name}\` may be too many functions to follow`, place.span, "limit/calls");
  let output = NOTHING;
  const ends = bodies.map((body) => {
    const own = { ...place, state: state.clone() };
    output = either(output, body === undefined ? runPlain(name, args, own) : callFunction(name, body, args, own));
    return own.state;
  });
  for (const end of ends) state.join(end);
  return output;
}

function callFunction(name: string, body: Parameters<typeof interpretCommand>[0], args: readonly Field[], { state, context, input, span }: Place): Output {
  if (context.calls >= LIMITS.nestedScripts) {
    context.opaque(`function \`${name}\` calls itself too deep to follow`, span, "limit/calls");
    return SOMETHING;
  }
  const { positional, locals } = state;
  state.positional = args.some((arg) => arg.many) ? undefined : args;
  state.locals = new Map();
  context.calls += 1;
  let output = SOMETHING;
  const left = context.leaving("function", () => {
    output = interpretCommand(body, state, input, context);
  });
  if (left !== undefined) state.join(left);
  context.calls -= 1;
  state.leaveFunction(locals);
  state.positional = positional;
  return output;
}

function callFor(name: string, args: readonly Field[], place: Place, by: string): Call {
  return new Call({ name, args, span: place.span, input: place.input, state: place.state, context: place.context, run: runner, by });
}

/** A program: by its spec when its name is enough to know it, else as code of wherever it lies. */
function runProgram(written: string, args: readonly Field[], place: Place): Output {
  const { context } = place;
  const word = written.startsWith("/") && isKnown(written) ? normalise(written, "/") : written;
  const slash = word.lastIndexOf("/");
  const base = word.slice(slash + 1);
  const system = slash < 0 || PROGRAM_DIRECTORY.test(word.slice(0, slash));
  if (!system) {
    fromPath(word, args, place);
    if (!isVirtualEnvironment(word) && (SHELLS.has(base) || EVERYDAY.test(context.specs.programs.get(base)?.id ?? ""))) context.opaque(`\`${base}\` is not the program of that name`, place.span, "shell/path", "unknown");
  }
  if (SHELLS.has(base) && (system || isVirtualEnvironment(word))) {
    const call = callFor(base, args, place, `shell/${base}`);
    const before = context.effects.length;
    runShell(call);
    return outputOf(call, before);
  }
  const program = context.specs.programs.get(base) ?? versioned(base, context);
  if (program === undefined) {
    const handlers = system && place.lookup === undefined ? (place.state.functions.get("command_not_found_handle") ?? place.state.functions.get("command_not_found_handler")) : undefined;
    if (handlers !== undefined) callFunctions(word, handlers.filter((body) => body !== undefined), [field([word]), ...args], { ...place, state: place.state.clone() });
    if (system) context.add({ kind: "exec", what: asksOnlyForHelp(args) ? "help" : "program", name: base }, place.span, "shell/command");
    return outputOf(callFor(base, args, place, "shell/command"), context.effects.length);
  }
  if (!system && !isVirtualEnvironment(word) && !isOfHome(word, context) && !WRAPPER.test(word)) return SOMETHING;
  const call = callFor(program.names.includes(base) ? base : program.names[0]!, args, place, program.id);
  const before = context.effects.length;
  applyProgram(program, call);
  remember(call, before);
  carriesSecret(call, before);
  namesCredentials(call, before);
  return outputOf(call, before);
}

/** A word of a program that runs what it is given names a credentials file: code of a language that has no reader here. A message of git is no code. */
function namesCredentials(call: Call, from: number): void {
  if (call.by.startsWith("git/") || !call.context.effects.slice(from).some((effect) => effect.kind === "exec")) return;
  for (const [at, arg] of call.args.entries()) {
    if (/^(?:-m|--message|-k|-t|--grep|--testNamePattern|--title|--body)$/.test(only(call.args[at - 1]) ?? "")) continue;
    if (arg.texts.some((text) => CREDENTIALS_IN_CODE.test(text))) call.add({ kind: "secret", path: undefined, variable: "a credentials file named in the code" });
  }
}

const CREDENTIALS_IN_CODE = /[\s"'({:;=|<`,/](?:\/etc\/g?shadow|(?:~|\$HOME|\$\{HOME\}|\/root|\/(?:home|Users)\/[\w.-]+)\/\.(?:ssh\/id_\w+|aws\/credentials|netrc|git-credentials|pgpass|vault-token))\b(?!\.pub)/;

/** What a substitution read of credentials stands in an address that a program asks for: it goes there. A password for a server is another matter. */
function carriesSecret(call: Call, from: number): void {
  if (!call.args.some((arg) => arg.origin?.kind === "secret" && arg.texts.some((text) => IN_ADDRESS.test(text)))) return;
  for (const effect of call.context.effects.slice(from)) if (effect.kind === "network" && !effect.sends) call.host(effect.host, { port: effect.port, sends: true, direction: effect.direction });
}

const IN_ADDRESS = /^(?:https?|ftp|wss?):\/\/[^@]*\0|\0\.[\w.-]+$/;

/** Families whose programs come with the machine: a file of the same name elsewhere is made to be mistaken for one. */
const EVERYDAY = /^(?:coreutils|textutils|git|network)\//;

/** `python3.11`, `gcc-12`, `clang++-15`: the program without its version. */
function versioned(base: string, context: Context): ReturnType<Context["specs"]["programs"]["get"]> {
  const plain = base.replace(/-?[0-9]+(?:\.[0-9]+)*$/, "");
  return plain === base || plain === "" ? undefined : (context.specs.programs.get(plain) ?? context.specs.programs.get(`${plain}3`));
}

function isVirtualEnvironment(word: string): boolean {
  return /(?:^|\/)(?:\.?venv[\w.-]*|\.?env|node_modules\/\.bin|\.tox\/[^/]+)\/(?:bin\/)?[\w.+-]+$/.test(word) || /\/bin\/(?:pip|python)[0-9.]*$/.test(word) || /\/node_modules\/\.bin\/[\w.+-]+$/.test(word);
}

/** `~/.cargo/bin/cargo`, `~/.pyenv/shims/python`: code of this account, which most likely does what the program of that name does as well. */
function isOfHome(word: string, { facts }: Context): boolean {
  return word.startsWith(`${facts.home}/`) && !word.startsWith(`${facts.workspace}/`) && /\/(?:bin|shims)\/[^/]+$/.test(word);
}

/** `X --help`, `X part --help`, `X -V`: what programs that nothing is known about do with these words is to print and end. */
function asksOnlyForHelp(args: readonly Field[]): boolean {
  return asksForHelp(args) || (args.length === 1 && /^(?:-h|-V|-\?|--usage|-version|help|version)$/.test(only(args[0]) ?? ""));
}

/** A command word with a slash: the file itself is run. */
function fromPath(word: string, args: readonly Field[], place: Place): void {
  runner.file(field([word]), callFor(word, args, place, "shell/path"), { language: undefined, parameters: args, state: place.state.clone() });
}

/** What a call prints; text that came through the network or a decoder keeps that mark on the way through filters. */
function outputOf(call: Call, from: number): Output {
  const back = call.name === "cat" ? readBack(call.args, call.directories, call.context) : undefined;
  if (back !== undefined) return back;
  const texts = printed(call);
  if (texts !== undefined) return { texts, origin: undefined };
  const origin = downloadSince(call.context, from) ?? processesFrom(call) ?? (call.input.kind === "unknown" || call.input.kind === "text" ? call.input.origin : undefined);
  if (PASS_THROUGH.has(call.name) && call.args.every((a) => only(a)?.startsWith("-") ?? false) && call.input.kind === "text") return { texts: call.input.texts, origin };
  const files = listedFiles(call) ?? (call.input.kind === "unknown" && KEEPS_NAMES.has(call.name) ? call.input.files : undefined);
  if (!DECODERS.has(call.name)) return { texts: undefined, origin, files, code: origin === undefined && files === undefined ? shellCodeOf(call) : undefined };
  const decoding = call.name !== "base64" || call.args.some((a) => /^(?:-[a-zA-Z]*[dD]|--d)/.test(only(a) ?? ""));
  if (!decoding) return { texts: undefined, origin };
  if (call.name === "base64" && decoding && call.input.kind === "text") {
    const decoded = decodeBase64(call.input.texts);
    if (decoded !== undefined) return { texts: decoded, origin: { kind: "decoded", detail: undefined } };
  }
  return { texts: undefined, origin: origin ?? { kind: "decoded", detail: call.name } };
}

function downloadSince(context: Context, from: number): Origin | undefined {
  const network = context.effects.slice(from).find((effect) => effect.kind === "network" && effect.direction === "out");
  if (network?.kind !== "network") return undefined;
  return { kind: "download", detail: network.host };
}

/** How specs, builtins and analysers come back to the interpreter. */
export const runner: Runner = {
  argv(words, call, options = {}) {
    if (words.length === 0) return;
    runWords(words, { span: call.span, input: options.input ?? call.input, state: options.state ?? call.child(), context: call.context, lookup: options.lookup ?? "programs" });
  },
  text(text, call, { dialect, state, what }) {
    const { context } = call;
    const by = codeOf(text);
    if (by !== undefined) return call.exec("workspace", `code that ${by} prints`);
    for (const source of text.texts) {
      if (source.includes(HOLE) || context.tooDeep) {
        if (context.tooDeep) call.opaque("scripts nested deeper than the limit", "unknown");
        else call.execUnknown(text.origin, what);
        continue;
      }
      if (text.origin?.kind === "decoded") call.opaque(`${what}: the text was hidden in an encoding`, "suspicious");
      parseAndRun(source.replaceAll(SEGMENT, "x0"), dialect, call, state);
    }
  },
  file(path, call, { language, parameters, state }) {
    const by = codeOf(path);
    if (by !== undefined && (language ?? "shell") === "shell") return call.exec("workspace", `code that ${by} prints`);
    if (path.origin !== undefined && path.origin.kind !== "input" && path.origin.kind !== "processes") return call.execUnknown(path.origin, call.name);
    if (path.many || path.texts.some((text) => text.includes(HOLE))) {
      call.path(path, "read");
      return call.opaque(`${call.name}: which file is run is not known`, "unknown");
    }
    for (const text of path.texts) {
      const number = text === "-" ? 0 : descriptorPath(text);
      const end = number === undefined ? undefined : call.state.ends.get(number);
      if (number === 0) stdinCode(language ?? "shell", call);
      else if (end?.kind === "input") stdinCode(language ?? "shell", reading(call, end.input));
      else runFile(text, path.glob, call, language, parameters, state);
    }
  },
};

/** The same call with another standard input. */
function reading(call: Call, input: Input): Call {
  return new Call({ name: call.name, args: call.args, span: call.span, input, state: call.state, context: call.context, run: call.run, by: call.by });
}

function parseAndRun(source: string, dialect: Dialect, call: Call, state: State): void {
  const { context } = call;
  const script = context.parse(source, dialect);
  const outer = context.dialect;
  context.dialect = dialect;
  context.within(call.span, () => {
    interpretScript(script, state, call.input.kind === "text" ? INHERITED : call.input, context);
  });
  context.dialect = outer;
}

function runFile(text: string, glob: boolean, call: Call, language: string | undefined, parameters: readonly Field[], state: State): void {
  const { context } = call;
  for (const path of pathTargets(text, glob, call.directories, context)) {
    if (/^\/(?:dev|proc\/[^/]+)\/fd\//.test(path.path ?? "") && context.written.get(path.path!)?.kind !== "text") {
      // Some descriptor: what it leads to is not followed.
      call.exec("stdin", call.name);
      continue;
    }
    context.add({ kind: "read", path }, call.span, call.by);
    if (path.flags.includes("secret")) context.add({ kind: "secret", path, variable: undefined }, call.span, call.by);
    claimInName(text, call.span, context);
    projectScript(text, parameters, call);
    if (path.path !== undefined && context.downloads.has(path.path)) {
      call.exec("download", context.downloads.get(path.path) ?? "");
      continue;
    }
    // Start-up files and snapshots of the home directory are code of this account: the sandbox of the verdict holds it.
    const local = path.zone === "workspace" || path.zone === "tmp" || path.zone === "home";
    if (!local && path.zone !== "null") call.exec("program", path.path ?? text);
    else if (path.zone !== "null") call.exec("workspace", path.path ?? text);
    if (path.path === undefined || !isKnown(path.path) || glob) continue;
    const script = textOf(path.path, context);
    if (script === undefined || script === "changed") {
      unread(path.path, path.zone, { language, changed: script === "changed" }, call);
      continue;
    }
    if (context.scripts.has(path.path)) continue;
    const shell = shellOf(script.text, language, path.path);
    if (shell === undefined) {
      // Of a program that was there before the line only what it names counts: what it computes is held by the sandbox.
      const ofPlace = context.written.get(path.path)?.kind === "text" || language === "sed" || language === "awk" ? 0 : 1;
      context.inFile += ofPlace;
      if (language !== undefined) runCode(language, field([script.text]), call);
      context.inFile -= ofPlace;
      continue;
    }
    if (context.tooDeep) {
      call.opaque("scripts nested deeper than the limit", "unknown");
      continue;
    }
    context.scripts.set(path.path, script.sha256);
    // `source` works on the caller's own state; everybody else gave a copy.
    const { positional, zero } = state;
    if (parameters.length > 0) state.positional = parameters.some((p) => p.many) ? undefined : parameters;
    state.zero = field([text]);
    context.inFile += 1;
    const left = context.leaving("function", () => parseAndRun(script.text, shell, call, state));
    context.inFile -= 1;
    if (left !== undefined) state.join(left);
    state.positional = positional;
    state.zero = zero;
  }
}

/**
 * A script whose text is not known. Of sed and awk the text is all there is to know. A shell's script that does not exist
 * would be made by something else in the line; where nothing at all is known of files it counts as code of its place.
 */
function unread(path: string, zone: Zone, { language, changed }: { readonly language: string | undefined; readonly changed: boolean }, call: Call): void {
  const written = call.context.written.get(path);
  const isText = language === "shell" || /\.(?:sh|bash|zsh)$/.test(path) || (language === undefined && written?.kind === "unknown" && written.as === "text");
  if (changed && isText) call.opaque(`what \`${path}\` holds after this line changed it is not known`, "unknown");
  else if (language === "sed" || language === "awk") call.opaque(`the ${language} script \`${path}\` cannot be read`, "unknown");
  else if (zone === "workspace" && SHELLS.has(call.name) && call.context.facts.files.kind(path) === "missing") call.opaque(`the script \`${path}\` is not there yet`, "unknown");
}

/** Which shell reads a script file: by its `#!` line, by the caller, by its name. */
function shellOf(text: string, language: string | undefined, path: string): Dialect | undefined {
  if (language === "shell") return "bash";
  const line = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(text);
  const program = (line?.[1]?.endsWith("/env") ? line[2] : line?.[1])?.replace(/^.*\//, "");
  if (program !== undefined && language === undefined) return program === "bash" || program === "sh" || program === "dash" || program === "zsh" ? program : program === "ash" ? "sh" : undefined;
  if (language !== undefined) return undefined;
  return /\.(?:sh|bash|zsh)$/.test(path) || (line === null && !/[\0]/.test(text.slice(0, 512)) && !/\.\w+$/.test(path)) ? "bash" : undefined;
}
