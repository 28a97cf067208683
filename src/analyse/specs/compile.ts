import { EXEC_KINDS, LOSS_KINDS, type EffectBody } from "../../model/index.ts";
import { ROLES, STYLES, SpecError, type OperandRole, type Option, type OptionTable, type Program, type Role, type SpecEffect, type Specs, type Style, type Usage, type VariableSpec, type When } from "./types.ts";

type Table = Readonly<Record<string, unknown>>;

/**
 * Spec files as parsed TOML → specs. In: each file's name and data. Out: programs by basename, variables.
 * Errors: SpecError naming file, program and what is wrong; nothing is skipped.
 */
export function compileSpecs(files: readonly { readonly file: string; readonly data: unknown }[]): Specs {
  const programs = new Map<string, Program>();
  const exact = new Map<string, VariableSpec>();
  const prefixes: { prefix: string; spec: VariableSpec }[] = [];
  for (const { file, data } of files) {
    const read = new Reader(file, "file");
    const root = read.table(data);
    read.keys(root, ["family", "source", "program", "variable"]);
    const family = read.text(root, "family");
    for (const entry of read.tables(root, "program")) {
      const program = compileProgram(new Reader(file, `program ${JSON.stringify(entry["names"])}`), family, entry);
      for (const name of program.names) {
        if (programs.has(name)) throw new SpecError(file, `program \`${name}\``, `already described in ${programs.get(name)!.file}; keep one`);
        programs.set(name, program);
      }
    }
    for (const entry of read.tables(root, "variable")) {
      const spec = compileVariable(new Reader(file, `variable ${JSON.stringify(entry["names"])}`), entry);
      for (const name of spec.names) {
        if (name.endsWith("*")) prefixes.push({ prefix: name.slice(0, -1), spec });
        else exact.set(name, spec);
      }
    }
  }
  return { programs, variables: { exact, prefixes } };
}

function compileProgram(read: Reader, family: string, entry: Table): Program {
  read.keys(entry, ["names", "source", "style", "options", "operands", "effects", "when", "sub", "common", "default", "analyser"]);
  const names = read.texts(entry, "names");
  if (names.length === 0) throw read.error("`names` is empty");
  const common = read.texts(entry, "common");
  const style = read.choice(entry, "style", STYLES, "gnu");
  const usage = compileUsage(read, entry, style, common);
  const subs = new Map<string, Usage>();
  for (const sub of read.tables(entry, "sub")) {
    read.keys(sub, ["names", "style", "options", "operands", "effects", "when", "analyser"]);
    const subNames = read.texts(sub, "names");
    const within = new Reader(read.file, `${read.where} sub ${JSON.stringify(subNames)}`);
    const compiled = compileUsage(within, sub, within.choice(sub, "style", STYLES, style === "posix" ? "gnu" : style), common);
    for (const name of subNames) {
      if (subs.has(name)) throw within.error(`subcommand \`${name}\` is described twice`);
      subs.set(name, compiled);
    }
  }
  const subWords = Math.max(0, ...[...subs.keys()].map((name) => name.split(" ").length));
  return { id: `${family}/${names[0]}`, names, file: read.file, usage, subs, subWords, defaultSub: read.choice(entry, "default", ["unmodelled", "print"] as const, "unmodelled") };
}

function compileUsage(read: Reader, entry: Table, style: Style, common: readonly string[]): Usage {
  const analyser = entry["analyser"] === undefined ? undefined : read.text(entry, "analyser");
  // SECURITY: a style that lets options pass is for programs whose verdict no option can loosen.
  if (style === "open" && !read.texts(entry, "effects").some((text) => /^(?:exec|privilege|remote|lose|opaque)\b/.test(text))) throw read.error("style `open` is for programs that run code anyway: `effects` must name an `exec`, `privilege`, `remote`, `lose` or `opaque`");
  return {
    options: compileOptions(read, [...read.texts(entry, "options"), ...common], style),
    operands: read.texts(entry, "operands").map((text) => operandRole(read, text)),
    effects: read.texts(entry, "effects").map((text) => specEffect(read, text)),
    when: read.tables(entry, "when").map((when) => compileWhen(read, when)),
    analyser,
  };
}

function compileWhen(read: Reader, when: Table): When {
  read.keys(when, ["any", "all", "none", "operands_at_least", "operands_at_most", "operand", "stdin", "operands", "effects", "only_effects"]);
  return {
    any: read.texts(when, "any"),
    all: read.texts(when, "all"),
    none: read.texts(when, "none"),
    operandsAtLeast: read.number(when, "operands_at_least", 0),
    operandsAtMost: read.number(when, "operands_at_most", Number.POSITIVE_INFINITY),
    operand: read.texts(when, "operand"),
    stdin: when["stdin"] === undefined ? undefined : when["stdin"] === true,
    operands: when["operands"] === undefined ? undefined : read.texts(when, "operands").map((text) => operandRole(read, text)),
    effects: read.texts(when, "effects").map((text) => specEffect(read, text)),
    onlyEffects: when["only_effects"] === undefined ? undefined : read.texts(when, "only_effects").map((text) => specEffect(read, text)),
  };
}

function compileVariable(read: Reader, entry: Table): VariableSpec {
  read.keys(entry, ["names", "effects", "harmless", "inherited", "source"]);
  return { names: read.texts(entry, "names"), effects: read.texts(entry, "effects").map((text) => specEffect(read, text)), harmless: read.texts(entry, "harmless"), inherited: entry["inherited"] === true };
}

/** `-o --output FILE:write -> effect; effect` → Option. */
function compileOptions(read: Reader, lines: readonly string[], style: Style): OptionTable {
  const byName = new Map<string, Option>();
  let number: Option | undefined;
  for (const line of lines) {
    const [left, right] = line.split(/\s+->\s+/, 2) as [string, string | undefined];
    const words = left.trim().split(/\s+/);
    const names = words.filter((word) => /^[-+]/.test(word) && word !== "-NUM");
    const rest = words.filter((word) => !/^[-+]/.test(word));
    if (rest.length > 1 || words.length === 0) throw read.error(`option \`${line}\` is not "-x --long VALUE:role -> effects"`);
    const value = rest[0];
    const optional = value?.startsWith("[") ?? false;
    const role = value === undefined ? undefined : /:([^\]]+)\]?$/.exec(value)?.[1];
    const option: Option = {
      names,
      value: value === undefined ? "none" : optional ? "optional" : "required",
      role: compileRole(read, role ?? "data"),
      ends: value !== undefined && /^[A-Z]+…/.test(value),
      effects: right === undefined ? [] : right.split(";").map((text) => specEffect(read, text.trim())),
    };
    if (words.includes("-NUM")) number = option;
    for (const name of names) {
      // A subcommand may describe a common option again: its own description stands.
      if (!byName.has(name)) byName.set(name, option);
    }
  }
  return { style, byName, number, longNames: [...byName.keys()].filter((name) => name.startsWith("--")).sort() };
}

export function compileRole(read: Reader, text: string): Role {
  const name = text.replace("...", "…");
  const [role, language] = name.split(":", 2) as [string, string | undefined];
  if (role === "code") {
    if (language === undefined) throw read.error("role `code` needs a language: `code:python`");
    return { role: "code", language };
  }
  const plain = ROLES.find((known) => known === role);
  if (plain === undefined) throw read.error(`unknown role \`${text}\`; known: ${ROLES.join(", ")}, code:LANG`);
  return { role: plain, language };
}

function operandRole(read: Reader, text: string): OperandRole {
  const repeat = text.endsWith("*");
  const optional = text.endsWith("?");
  return { role: compileRole(read, repeat || optional ? text.slice(0, -1) : text), repeat, optional };
}

/** The effect mini-language of docs/specs.md. */
function specEffect(read: Reader, text: string): SpecEffect {
  const [word, ...rest] = text.split(/\s+/) as [string, ...string[]];
  const argument = rest.length === 0 ? undefined : rest.join(" ");
  const need = (): string => {
    if (argument === undefined) throw read.error(`effect \`${text}\` needs a word after \`${word}\``);
    return argument;
  };
  const effect = (body: EffectBody): SpecEffect => ({ kind: "effect", body });
  switch (word) {
    case "print":
    case "cd-root":
    case "send":
    case "serve":
      return { kind: word };
    case "stdin":
      return { kind: "stdin", language: need().replace(/^code:/, "") };
    case "read":
    case "write":
    case "delete":
    case "delete-tree":
      return { kind: "path", access: word, path: need() };
    case "secret":
      if (argument === "*") return effect({ kind: "secret", path: undefined, variable: "*" });
      if (need().startsWith("$")) return effect({ kind: "secret", path: undefined, variable: need().slice(1) });
      return { kind: "path", access: "secret", path: need() };
    case "exec": {
      const what = EXEC_KINDS.find((kind) => kind === rest[0]);
      if (what === undefined) throw read.error(`effect \`${text}\`: whose code? one of ${EXEC_KINDS.join(", ")}`);
      return effect({ kind: "exec", what, name: rest.slice(1).join(" ") });
    }
    case "network":
      return effect({ kind: "network", host: argument === "loopback" ? "localhost" : argument, port: undefined, direction: "out", loopback: argument === "loopback", sends: false });
    case "listen":
      return effect({ kind: "network", host: undefined, port: undefined, direction: "in", loopback: false, sends: false });
    case "lose": {
      const what = LOSS_KINDS.find((kind) => kind === need());
      if (what === undefined) throw read.error(`effect \`${text}\`: lose what? one of ${LOSS_KINDS.join(", ")}`);
      return effect({ kind: "lose", what, target: undefined });
    }
    case "remote":
      return effect({ kind: "remote", what: need(), target: undefined });
    case "process":
      return effect({ kind: "process", action: need(), target: undefined });
    case "privilege":
      return effect({ kind: "privilege", via: need() });
    case "persist":
      return effect({ kind: "persist", via: need(), path: undefined });
    case "opaque":
      return effect({ kind: "opaque", reason: need(), severity: "unmodelled" });
    default:
      throw read.error(`unknown effect \`${text}\``);
  }
}

/** Reads typed fields out of parsed TOML; every complaint names the file and the place. */
class Reader {
  readonly file: string;
  readonly where: string;
  constructor(file: string, where: string) {
    this.file = file;
    this.where = where;
  }
  error(problem: string): SpecError {
    return new SpecError(this.file, this.where, problem);
  }
  table(value: unknown): Table {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.error("expected a table");
    return value as Table;
  }
  tables(entry: Table, key: string): readonly Table[] {
    const value = entry[key];
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.error(`\`${key}\` must be an array of tables ([[${key}]])`);
    return value.map((item) => this.table(item));
  }
  texts(entry: Table, key: string): readonly string[] {
    const value = entry[key];
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) throw this.error(`\`${key}\` must be a list of strings`);
    return value as string[];
  }
  text(entry: Table, key: string): string {
    const value = entry[key];
    if (typeof value !== "string" || value === "") throw this.error(`\`${key}\` must be a string`);
    return value;
  }
  number(entry: Table, key: string, fallback: number): number {
    const value = entry[key];
    if (value === undefined) return fallback;
    if (typeof value !== "number" && typeof value !== "bigint") throw this.error(`\`${key}\` must be a number`);
    return Number(value);
  }
  choice<T extends string>(entry: Table, key: string, allowed: readonly T[], fallback: T): T {
    const value = entry[key];
    if (value === undefined) return fallback;
    const found = allowed.find((item) => item === value);
    if (found === undefined) throw this.error(`\`${key}\` must be one of ${allowed.join(", ")}`);
    return found;
  }
  keys(entry: Table, allowed: readonly string[]): void {
    for (const key of Object.keys(entry)) if (!allowed.includes(key)) throw this.error(`unknown key \`${key}\`; known: ${allowed.join(", ")}`);
  }
}
