import type { EffectBody, Span } from "../model/index.ts";
import { hostOf, isLoopback, type Call } from "./call.ts";
import type { Context } from "./context.ts";
import { cannotMatch } from "./pattern.ts";
import { HOLE, SEGMENT, field, isKnown, type Field } from "./value.ts";

/**
 * A variable that programs will see is set: some change what runs (`LD_PRELOAD`, `PATH`, `GIT_SSH_COMMAND`).
 * In: name and value. Out: effects by the variable specs (rules/specs/environment.toml).
 */
export function assignEnvironment(name: string, value: Field, span: Span, context: Context): void {
  if (name === "PATH") return assignPath(value, span, context);
  const { exact, prefixes } = context.specs.variables;
  const spec = exact.get(name) ?? prefixes.find(({ prefix }) => name.startsWith(prefix))?.spec;
  if (spec === undefined) return;
  if (value.texts.every((text) => !text.includes(HOLE) && spec.harmless.some((plain) => !cannotMatch(text.replaceAll(SEGMENT, "0"), plain)))) return;
  if (/^(?:DY)?LD_LIBRARY_PATH$/.test(name) && value.texts.every(isOfSystemLibraries)) return;
  for (const effect of spec.effects) {
    if (effect.kind === "effect") for (const body of withHosts(effect.body, value)) context.add(body, span, `environment/${name}`);
  }
}

/**
 * `NAME=VALUE` as a word of a program (`env`). SECURITY: a variable whose value is not known is set all the same (`env LD_PRELOAD=$X ls`).
 */
export function assignmentOperand(value: Field, call: Call): void {
  for (const [name, texts] of Map.groupBy(value.texts, (text) => text.slice(0, Math.max(0, text.indexOf("="))))) {
    if (name === "") continue;
    const given = field(texts.map((text) => text.slice(name.length + 1)));
    call.environment.push([name, given]);
    assignEnvironment(name, given, call.span, call.context);
  }
}

/** A variable that names a server (`http_proxy`): which one. */
function withHosts(body: EffectBody, value: Field): readonly EffectBody[] {
  if (body.kind !== "network" || body.host !== undefined) return [body];
  return value.texts.map((text) => {
    const host = isKnown(text) ? hostOf(text).host : undefined;
    return host === undefined ? body : { ...body, host, loopback: isLoopback(host) };
  });
}

/** Directories that only the machine's administrator fills, before what was there already (`$LD_LIBRARY_PATH`). */
function isOfSystemLibraries(text: string): boolean {
  return text.split(":").every((entry, at) => (at > 0 && entry === HOLE) || /^\/(?:usr\/|usr\/local\/|opt\/[\w.+-]+\/)?lib(?:32|64)?(?:\/[\w+-][\w.+-]*)*\/?$/.test(entry));
}

/** `PATH=./x:$PATH`: programs of the workspace or of /tmp now answer to the names of known tools. */
function assignPath(value: Field, span: Span, context: Context): void {
  for (const text of value.texts) {
    // What was there before (`$PATH`) is unknown, and the same as without the assignment.
    // What stands after it (`$PATH:/opt/x`) shadows nothing.
    const all = text.split(":");
    const before = all.indexOf("\0");
    const entries = before < 0 ? all : all.slice(0, before);
    for (const entry of entries) {
      if (isKnown(entry) && isProgramDirectory(entry, context)) continue;
      context.add({ kind: "exec", what: "program", name: `PATH entry ${isKnown(entry) ? entry : "not known"}` }, span, "environment/PATH");
      return;
    }
  }
}

function isProgramDirectory(entry: string, context: Context): boolean {
  const { home, workspace } = context.facts;
  if (/^\/(?:usr\/|usr\/local\/|opt\/[\w.-]+\/|snap\/)?s?bin$/.test(entry) || /^\/(?:usr\/local|opt)\/[\w.\/-]+\/bin$/.test(entry)) return true;
  if (entry.startsWith(`${workspace}/`)) return /\/(?:node_modules\/\.bin|\.?venv\/bin)$/.test(entry);
  return entry.startsWith(`${home}/`) && /\/(?:bin|shims)$/.test(entry);
}
