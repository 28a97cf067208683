import type { Call } from "../call.ts";
import { hostOf } from "../call.ts";
import { assignmentOperand } from "../environment.ts";
import { ANALYSERS } from "../languages/index.ts";
import { runCode } from "../languages/code.ts";
import { ownRelease } from "../languages/release.ts";
import { cannotMatch } from "../pattern.ts";
import { HOLE, UNKNOWN, field, isKnown, known, only, type Field } from "../value.ts";
import { readArguments, wasGiven, type Arguments } from "./arguments.ts";
import type { OperandRole, Program, Role, SpecEffect, Usage, When } from "./types.ts";

/** A program's spec applied to one call: every option, operand and condition becomes effects of the call's context. */
export function applyProgram(program: Program, call: Call): void {
  if (program.subs.size === 0) {
    applyUsage(program.usage, [], call.args, call);
    return;
  }
  const leading = readArguments(program.usage.options, call.args, "stop");
  const rest = call.args.slice(leading.rest);
  if (isPrint(leading)) return;
  if (rest.length === 0) {
    if (program.defaultSub === "unmodelled" && leading.given.length + leading.unknown.length >= 0 && program.usage.operands.length === 0) unmodelled(call, leading, `\`${call.name}\` without a subcommand`);
    else applyUsage(program.usage, [], call.args, call);
    return;
  }
  const sub = findSub(program, rest);
  if (sub === undefined) {
    if (program.usage.operands.length > 0) return applyUsage(program.usage, [], call.args, call);
    const word = only(rest[0]);
    if (word === undefined) call.opaque(`the subcommand of \`${call.name}\` is not known`, "unknown");
    else call.opaque(`\`${call.name} ${word}\` is in no spec`);
    applyLeading(program, leading, call);
    return;
  }
  applyLeading(program, leading, call);
  applyUsage(sub.usage, leading.given, rest.slice(sub.words), call);
}

function applyLeading(program: Program, leading: Arguments, call: Call): void {
  for (const name of leading.unknown) call.opaque(`\`${call.name} ${name}\` is in no spec`);
  for (const { option, value } of leading.given) {
    if (value !== undefined) applyRole(option.role, value, NO_FIELDS, call);
    for (const effect of option.effects) applyEffect(effect, call);
  }
  if (program.usage.analyser !== undefined) analyseWith(program.usage.analyser, leading, call);
}

function analyseWith(name: string, args: Arguments, call: Call): void {
  const analyser = ANALYSERS.get(name);
  if (analyser === undefined) call.opaque(`analyser \`${name}\` is missing`);
  else analyser(args, call);
}

function unmodelled(call: Call, leading: Arguments, what: string): void {
  if (leading.unknown.length > 0) call.opaque(`\`${call.name} ${leading.unknown[0]}\` is in no spec`);
  else call.opaque(`${what} is in no spec`);
}

function findSub(program: Program, rest: readonly Field[]): { readonly usage: Usage; readonly words: number } | undefined {
  const words: string[] = [];
  for (const f of rest.slice(0, program.subWords)) {
    const text = only(f);
    if (text === undefined) break;
    words.push(text);
  }
  for (let count = words.length; count > 0; count -= 1) {
    const usage = program.subs.get(words.slice(0, count).join(" "));
    if (usage !== undefined) return { usage, words: count };
  }
  return undefined;
}

function isPrint(args: Arguments): boolean {
  return args.given.some(({ option }) => option.effects.some((effect) => effect.kind === "print"));
}

function applyUsage(usage: Usage, before: Arguments["given"], fields: readonly Field[], call: Call): void {
  const own = readArguments(usage.options, fields, "all");
  const args: Arguments = before.length === 0 ? own : { ...own, given: [...before, ...own.given] };
  for (const name of own.unknown) call.opaque(`\`${call.name} ${printable(name)}\` is in no spec`);
  if (isPrint(own) || (usage.options.style === "words" && asksForHelp(fields))) return ownRelease(call);
  const chosen = choose(usage, args, call);
  if (chosen.effects.some((effect) => effect.kind === "print")) return;
  // Directories first: `-C DIR` holds for the whole call, wherever it stands.
  for (const { option, value } of own.given) if (option.role.role === "cwd" && value !== undefined) applyRole(option.role, value, NO_FIELDS, call);
  call.sends ||= sendsData(chosen.effects) || args.given.some(({ option }) => sendsData(option.effects));
  for (const { option, value } of own.given) {
    if (value !== undefined && option.role.role !== "cwd") applyRole(option.role, value, NO_FIELDS, call);
    for (const effect of option.effects) applyEffect(effect, call);
  }
  for (const effect of chosen.effects) applyEffect(effect, call);
  applyOperands(chosen.operands, args.operands, call);
  if (usage.analyser !== undefined) analyseWith(usage.analyser, args, call);
}

function sendsData(effects: readonly SpecEffect[]): boolean {
  return effects.some(({ kind }) => kind === "send");
}

/**
 * `X … --help` and `X --version` of programs whose options are not listed: they print and end. A word of help after
 * something that runs (`uv run tool --help`, `cargo run -- --help`) is that other program's.
 */
export function asksForHelp(fields: readonly Field[]): boolean {
  const last = only(fields.at(-1));
  if (last !== "--help") return fields.length === 1 && last === "--version";
  return fields.slice(0, -1).every((f) => /^[a-z][a-z0-9-]*$/.test(only(f) ?? "") && !/^(?:run|exec|x|dlx|test|start|dev|build|tool|task|workspace|script)/.test(only(f)!));
}

function printable(name: string): string {
  return name.replaceAll(/[\0\x01]/g, "…");
}

/** Which operands and effects hold once the conditions are looked at. */
function choose(usage: Usage, args: Arguments, call: Call): { readonly operands: readonly OperandRole[]; readonly effects: readonly SpecEffect[] } {
  let operands = usage.operands;
  let effects = usage.effects;
  for (const when of usage.when) {
    if (!holds(when, args, call)) continue;
    if (when.operands !== undefined) operands = when.operands;
    effects = [...(when.onlyEffects ?? effects), ...when.effects];
  }
  return { operands, effects };
}

function holds(when: When, args: Arguments, call: Call): boolean {
  const count = args.operands.length;
  return (
    (when.any.length === 0 || when.any.some((name) => wasGiven(args, name))) &&
    when.all.every((name) => wasGiven(args, name)) &&
    !when.none.some((name) => wasGiven(args, name)) &&
    count >= when.operandsAtLeast &&
    count <= when.operandsAtMost &&
    (when.operand.length === 0 || when.operand.some((pattern) => args.operands.some((f) => f.texts.some((text) => isKnown(text) && !cannotMatch(text, pattern))))) &&
    (when.stdin === undefined || when.stdin === (call.input.kind !== "inherited"))
  );
}

function applyOperands(given: readonly OperandRole[], all: readonly Field[], call: Call): void {
  // `NAME=VALUE…` before a nested command: as many as there are (env(1), sudo(8)).
  if (given[0]?.role.role !== "assignment") return applyRoles(given, all, call);
  const leading = all.findIndex((f) => !f.texts.every((text) => /^[A-Za-z_]\w*=/.test(text)));
  for (const assigned of all.slice(0, leading < 0 ? all.length : leading)) applyRole(given[0].role, assigned, NO_FIELDS, call);
  if (leading >= 0) applyRoles(given.slice(1), all.slice(leading), call);
}

const NO_FIELDS: readonly Field[] = [];

function applyRoles(roles: readonly OperandRole[], operands: readonly Field[], call: Call): void {
  const repeat = roles.findIndex((role) => role.repeat || role.role.role.endsWith("…"));
  const after = repeat < 0 ? 0 : roles.length - repeat - 1;
  for (let at = 0; at < operands.length; at += 1) {
    const fromEnd = operands.length - at;
    const index = repeat < 0 || at < repeat ? at : fromEnd <= after && operands.length > repeat ? roles.length - fromEnd : repeat;
    const role = roles[index];
    if (role === undefined) {
      call.opaque(`\`${call.name}\` takes no such operand`);
      return;
    }
    // Only roles that take what follows get it: copying it for each of many operands would be quadratic.
    const takesRest = role.role.role.endsWith("…") || role.role.role === "script";
    applyRole(role.role, operands[at]!, takesRest ? operands.slice(at) : NO_FIELDS, call);
    if (role.role.role.endsWith("…")) return;
  }
}

/** One role over one value. `rest` is the value and what follows it: for nested commands. */
function applyRole(role: Role, value: Field, rest: readonly Field[], call: Call): void {
  switch (role.role) {
    case "data":
    case "signal":
    case "analyse":
      return;
    case "list":
      return call.path(value, "list");
    case "read":
    case "read-dir":
    case "archive":
      return call.path(value, "read");
    case "edit":
      call.path(value, "read");
      return call.path(value, "write");
    case "output":
      return call.output(value);
    case "write":
    case "append":
      return call.path(value, "write");
    case "mkdir":
      return call.path(value, "mkdir");
    case "move":
      return call.path(value, "write");
    case "delete":
    case "delete-tree":
      return call.path(value, role.role);
    case "cwd":
      return enter(value, call);
    case "host":
    case "url":
      return talk(value, call);
    case "remote-read":
    case "remote-write":
      return remotePath(value, role.role === "remote-read" ? "read" : "write", call);
    case "program":
      if (/^(?:bat|batcat|delta)$/.test(call.name) && /^(?:never|cat|more|less(?: -[A-Za-z]+)*)$/.test(only(value) ?? "")) return;
      return call.exec("program", only(value) ?? "");
    case "config":
      return call.exec("program", only(value) ?? "");
    case "module":
      return call.exec("workspace", only(value) ?? "");
    case "package":
      return call.exec("package", only(value) ?? "");
    case "command…":
      return call.run.argv(rest, call);
    case "shell":
      return call.run.text(value, call, { dialect: "sh", state: call.state.clone(), what: call.name });
    case "shell…":
      return call.run.text(joined(rest), call, { dialect: "sh", state: call.state.clone(), what: call.name });
    case "script":
      return call.run.file(value, call, { language: role.language, parameters: rest.slice(1), state: call.state.clone() });
    case "assignment":
      return assignmentOperand(value, call);
    case "code":
      return runCode(role.language, value, call);
  }
}

function enter(value: Field, call: Call): void {
  const texts = known(value);
  if (texts === undefined || call.directories === undefined) call.directories = undefined;
  else call.directories = call.directories.flatMap((base) => texts.map((text) => (text.startsWith("/") ? text : `${base}/${text}`)));
}

function talk(value: Field, call: Call): void {
  for (const text of value.texts) {
    if (text.startsWith("-")) continue;
    const { host, port, scheme } = hostOf(text);
    if (scheme === "file") call.path(field([text.replace(/^file:\/\//, "")]), "read");
    else call.host(host, { port });
  }
}

/** scp, rsync: a colon before any slash means a host (scp(1)). */
function remotePath(value: Field, access: "read" | "write", call: Call): void {
  for (const text of value.texts) {
    const remote = /^(?:[^/:]*@)?([^/:]+):/.exec(text) ?? /^[a-z]+:\/\/(?:[^@/]*@)?([^/:]+)/.exec(text);
    if (remote !== null) call.host(remote[1], { sends: access === "write" });
    else call.path({ ...value, texts: [text] }, access);
  }
}

/** Words joined with blanks, as `ssh` and `eval` do. */
export function joined(fields: readonly Field[]): Field {
  if (fields.some((f) => f.many)) return { ...UNKNOWN, origin: fields.find((f) => f.origin !== undefined)?.origin };
  const texts = fields.map((f) => (f.texts.length === 1 ? f.texts[0]! : HOLE));
  return { ...field([texts.join(" ")]), origin: fields.find((f) => f.origin !== undefined)?.origin };
}

function applyEffect(effect: SpecEffect, call: Call): void {
  switch (effect.kind) {
    case "print":
    case "send":
      return;
    case "serve":
      return call.serve();
    case "cd-root":
      call.directories = [call.context.facts.workspace];
      return;
    case "stdin":
      return stdinCode(effect.language, call);
    case "path": {
      const { workspace, home } = call.context.facts;
      const path = effect.path === "workspace" ? workspace : effect.path.startsWith("~/") ? home + effect.path.slice(1) : effect.path;
      return call.path(field([path]), effect.access);
    }
    case "effect":
      if (effect.body.kind === "network") return call.add({ ...effect.body, sends: call.sends });
      return call.add(effect.body);
  }
}

/** A program that reads its program from standard input. */
export function stdinCode(language: string, call: Call): void {
  const { input } = call;
  switch (input.kind) {
    case "inherited":
      return;
    case "text":
      if (input.origin?.kind === "decoded") call.opaque(`${call.name}: the text was hidden in an encoding`, "suspicious");
      return runCode(language, field(input.texts), call);
    case "file":
      return call.run.file(field(input.paths), call, { language: language === "shell" ? undefined : language, parameters: [], state: call.state.clone() });
    case "unknown":
      if (input.origin !== undefined) return call.execUnknown(input.origin, call.name);
      return call.exec("stdin", call.name);
  }
}
