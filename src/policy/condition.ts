import { CLASSES, EFFECT_KINDS, OPAQUE_SEVERITIES, PATH_FLAGS, ZONES } from "../model/index.ts";
import type { Analysis, Effect, PathTarget } from "../model/index.ts";
import { nameGlobs, pathGlob, pathMatches, pathMayTouch } from "./glob.ts";
import type { Bases, NameGlob } from "./glob.ts";
import type { Condition, HostPattern } from "./rule.ts";

/** What a condition may ask; anything else is an error, so that a misspelt key never silently matches more. */
export const CONDITION_KEYS = ["effect", "zone", "flags", "without", "what", "host", "port", "direction", "loopback", "sends", "recursive", "severity", "sure", "by", "class", "path", "target", "not_target"] as const;

/** A problem found while reading a value; the caller adds file, line and rule. */
export class ConditionError extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** In: one `when` table as TOML gave it. Out: the compiled condition. Throws ConditionError. */
export function readCondition(table: unknown): Condition {
  if (!isTable(table)) throw new ConditionError("`when` is not a table", "write `when = { effect = \"write\", zone = \"home\" }`");
  const keys = Object.keys(table);
  if (keys.length === 0) throw new ConditionError("`when` is empty and would match everything", "name at least an `effect`");
  const unknown = keys.find((key) => !CONDITION_KEYS.includes(key as (typeof CONDITION_KEYS)[number]));
  if (unknown !== undefined) throw new ConditionError(`unknown key \`${unknown}\` in \`when\``, `known keys: ${CONDITION_KEYS.join(", ")}`);
  const get = (key: (typeof CONDITION_KEYS)[number]): unknown => table[key];
  return {
    effect: choices(get("effect"), "effect", EFFECT_KINDS),
    zone: choices(get("zone"), "zone", ZONES),
    flags: choices(get("flags"), "flags", PATH_FLAGS),
    without: choices(get("without"), "without", PATH_FLAGS),
    what: names(get("what"), "what"),
    host: strings(get("host"), "host")?.map(readHost),
    port: ports(get("port")),
    method: undefined,
    beside: undefined,
    direction: choice(get("direction"), "direction", ["in", "out"] as const),
    loopback: flag(get("loopback"), "loopback"),
    sends: flag(get("sends"), "sends"),
    recursive: flag(get("recursive"), "recursive"),
    severity: choices(get("severity"), "severity", OPAQUE_SEVERITIES),
    sure: choice(get("sure"), "sure", ["certain", "possible"] as const),
    by: names(get("by"), "by"),
    class: choices(get("class"), "class", CLASSES),
    path: strings(get("path"), "path")?.map(pathGlob),
    target: names(get("target"), "target"),
    notTarget: names(get("not_target"), "not_target"),
  };
}

/**
 * In: a condition, one effect of an analysis, where `~` and `workspace/` lie, and whether the rule tightens or loosens.
 * Out: whether the effect meets it. A loosening rule must fit exactly; a tightening rule also fits what may be touched.
 */
export function meets(condition: Condition, effect: Effect, analysis: Analysis, bases: Bases, leaning: "tightens" | "loosens"): boolean {
  if (condition.effect !== undefined && !condition.effect.includes(effect.kind)) return false;
  if (condition.sure !== undefined && condition.sure !== effect.sure) return false;
  if (condition.class !== undefined && !condition.class.some((name) => analysis.classes.includes(name))) return false;
  if (condition.by !== undefined && !condition.by.some((glob) => glob.test(effect.by))) return false;
  return meetsPath(condition, effect, bases, leaning) && meetsNetwork(condition, effect) && meetsWords(condition, effect);
}

/** In: an effect. Out: the path it is about, if its kind has one. */
export function pathOf(effect: Effect): PathTarget | undefined {
  switch (effect.kind) {
    case "read":
    case "write":
    case "delete":
    case "persist":
    case "secret":
      return effect.path;
    case "exec":
    case "network":
    case "process":
    case "privilege":
    case "lose":
    case "remote":
    case "opaque":
      return undefined;
  }
}

function meetsPath(condition: Condition, effect: Effect, bases: Bases, leaning: "tightens" | "loosens"): boolean {
  if (condition.recursive !== undefined && !(effect.kind === "delete" && effect.recursive === condition.recursive)) return false;
  if (condition.zone === undefined && condition.flags === undefined && condition.without === undefined && condition.path === undefined) return true;
  const target = pathOf(effect);
  if (target === undefined) return false;
  if (condition.zone !== undefined && !condition.zone.includes(target.zone)) return false;
  if (condition.flags !== undefined && !condition.flags.some((name) => target.flags.includes(name))) return false;
  if (condition.without !== undefined && condition.without.some((name) => target.flags.includes(name))) return false;
  if (condition.path === undefined) return true;
  const path = target.path;
  if (path === undefined) return false;
  if (condition.path.some((glob) => pathMatches(glob, path, bases))) return true;
  const standsForMore = target.flags.includes("glob") || target.flags.includes("directory") || (effect.kind === "delete" && effect.recursive);
  return leaning === "tightens" && standsForMore && condition.path.some((glob) => pathMayTouch(glob, path, bases));
}

function meetsNetwork(condition: Condition, effect: Effect): boolean {
  if (condition.method !== undefined || condition.beside !== undefined) {
    const connection = effect.kind === "network" ? effect.connection : undefined;
    if (connection === undefined) return false;
    if (condition.method !== undefined && !condition.method.includes(connection.method)) return false;
    if (condition.beside !== undefined && !condition.beside.some((pattern) => connection.beside.some((host) => meetsHost(pattern, host.replace(/:\d+$/, ""))))) return false;
  }
  if (condition.host === undefined && condition.port === undefined && condition.direction === undefined && condition.loopback === undefined && condition.sends === undefined) return true;
  if (effect.kind !== "network") return false;
  if (condition.direction !== undefined && condition.direction !== effect.direction) return false;
  if (condition.loopback !== undefined && condition.loopback !== effect.loopback) return false;
  if (condition.sends !== undefined && condition.sends !== effect.sends) return false;
  if (condition.port !== undefined && !(effect.port !== undefined && condition.port.includes(effect.port))) return false;
  return condition.host === undefined || condition.host.some((pattern) => meetsHost(pattern, effect.host));
}

function meetsHost(pattern: HostPattern, host: string | undefined): boolean {
  if (host === undefined) return pattern.kind === "unknown";
  const name = host.toLowerCase().replace(/\.$/, "");
  switch (pattern.kind) {
    case "unknown":
      return false;
    case "any":
      return true;
    case "ip":
      return isAddress(name);
    case "name":
      return name === pattern.name;
    case "below":
      return name.endsWith(`.${pattern.name}`);
  }
}

/** In: a host as a URL spells it. Out: true for a literal address: dotted, IPv6, or the plain numbers that resolvers also accept. */
export function isAddress(host: string): boolean {
  return host.includes(":") || /^(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}$/.test(host);
}

/** `what` is the kind's own classification; `target` the name of what is touched. */
function meetsWords(condition: Condition, effect: Effect): boolean {
  if (condition.severity !== undefined && !(effect.kind === "opaque" && condition.severity.includes(effect.severity))) return false;
  if (condition.what !== undefined && !fits(condition.what, whatOf(effect))) return false;
  // A target that is not known is none of the named ones.
  if (condition.notTarget !== undefined && fits(condition.notTarget, targetOf(effect))) return false;
  return condition.target === undefined || fits(condition.target, targetOf(effect));
}

function fits(globs: readonly NameGlob[], text: string | undefined): boolean {
  if (text === undefined) return false;
  for (const glob of globs) if (glob.test(text)) return true;
  return false;
}

function whatOf(effect: Effect): string | undefined {
  switch (effect.kind) {
    case "exec":
    case "lose":
    case "remote":
      return effect.what;
    case "process":
      return effect.action;
    case "privilege":
    case "persist":
      return effect.via;
    case "opaque":
      return effect.reason;
    case "read":
    case "write":
    case "delete":
    case "network":
    case "secret":
      return undefined;
  }
}

function targetOf(effect: Effect): string | undefined {
  switch (effect.kind) {
    case "exec":
      return effect.name;
    case "network":
      return effect.host;
    case "process":
    case "lose":
    case "remote":
      return effect.target;
    case "secret":
      return effect.variable === undefined ? effect.path?.path : `$${effect.variable}`;
    case "read":
    case "write":
    case "delete":
    case "persist":
      return effect.path?.path;
    case "privilege":
      return effect.via;
    case "opaque":
      return undefined;
  }
}

/** In: a host pattern of a rule. Out: compiled. Throws ConditionError. */
export function readHost(text: string): HostPattern {
  const name = text.toLowerCase();
  if (name === "unknown" || name === "ip") return { kind: name };
  if (name.startsWith("*.") && !name.slice(2).includes("*")) return { kind: "below", name: name.slice(2) };
  if (name.includes("*") || name.includes("/") || name === "") throw new ConditionError(`\`${text}\` is not a host pattern`, "write `api.example.org`, `*.example.org`, `ip` or `unknown`; no port, no scheme");
  return { kind: "name", name };
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** In: a TOML value, its key. Out: one or more strings, or undefined when the key is absent. */
export function strings(value: unknown, key: string): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new ConditionError(`\`${key}\` is an empty list`, `remove \`${key}\` or name a value`);
  return list.map((item) => {
    if (typeof item !== "string" || item === "") throw new ConditionError(`\`${key}\` is not a string or a list of strings`, `write \`${key} = "…"\` or \`${key} = ["…", "…"]\``);
    return item;
  });
}

function names(value: unknown, key: string): readonly NameGlob[] | undefined {
  const list = strings(value, key);
  return list === undefined ? undefined : nameGlobs(list);
}

function choices<T extends string>(value: unknown, key: string, known: readonly T[]): readonly T[] | undefined {
  return strings(value, key)?.map((item) => {
    const found = known.find((name) => name === item);
    if (found === undefined) throw new ConditionError(`\`${item}\` is not a value of \`${key}\``, `one of: ${known.join(", ")}`);
    return found;
  });
}

function choice<T extends string>(value: unknown, key: string, known: readonly T[]): T | undefined {
  const list = choices(value, key, known);
  if (list !== undefined && list.length > 1) throw new ConditionError(`\`${key}\` takes one value`, `one of: ${known.join(", ")}`);
  return list?.[0];
}

function flag(value: unknown, key: string): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  throw new ConditionError(`\`${key}\` is not true or false`, `write \`${key} = true\``);
}

/** In: a TOML value. Out: one or more port numbers, or undefined when the key is absent. */
export function ports(value: unknown): readonly number[] | undefined {
  if (value === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    const port = typeof item === "bigint" ? Number(item) : item;
    if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535) throw new ConditionError("`port` is not a port number", "write `port = 80`");
    return port;
  });
}
