import type { Call } from "./call.ts";
import type { Context } from "./context.ts";
import { SOMETHING, type Output } from "./output.ts";
import { normalise, pathTargets } from "./paths.ts";
import { HOLE, only, type Field } from "./value.ts";

/**
 * What a line does to files that it uses again: `echo … | tee x; cp x y; sh y` runs what was written, `curl -o x …; sh x`
 * runs what was downloaded, `ln -s ~ h; touch h/x` writes elsewhere. Kept in the context: texts, downloads and links by path.
 */

/** After a program ran: texts and downloads that it passed on, links that it made. `from`: the first of its effects. */
export function remember(call: Call, from: number): void {
  switch (call.name) {
    case "tee":
      if (call.input.kind === "text" && call.input.texts.length === 1) for (const operand of operandsOf(call)) keep(pathOf(operand, call), call.input.texts[0]!, call.args.some((arg) => /^(?:-a|--append)$/.test(only(arg) ?? "")), call.context);
      return;
    case "cp":
    case "mv":
    case "install":
    case "ln":
      return copied(operandsOf(call), call);
    default:
      return downloaded(call, from);
  }
}

function operandsOf(call: Call): readonly Field[] {
  return call.args.filter((arg) => !/^-./.test(only(arg) ?? ""));
}

function pathOf(word: Field | undefined, call: Call): string | undefined {
  const text = only(word);
  const targets = text === undefined ? [] : pathTargets(text, false, call.directories, call.context);
  return targets.length === 1 ? targets[0]!.path : undefined;
}

/** Known text goes to a file, or to its end. */
export function keep(path: string | undefined, text: string, append: boolean, context: Context): void {
  if (path === undefined) return;
  if (text.includes(HOLE)) return context.changed(path);
  const before = append ? textOf(path, context) : "";
  // A file that cannot be read may not exist: what is added then is all there is.
  if (before === "changed" || (before === undefined && context.facts.files.kind(path) === "file")) context.changed(path);
  else context.written.set(path, { kind: "text", text: typeof before === "string" ? before + text : (before?.text ?? "") + text });
}

/** What a file holds when it is read here. Out: undefined when it is as it was and cannot be read, "changed" when this line changed it in ways that are not followed. */
export function textOf(path: string, context: Context): "changed" | { readonly text: string; readonly sha256: string } | undefined {
  const written = context.written.get(path);
  switch (written?.kind) {
    case undefined:
      return context.facts.files.readScript(path);
    case "text":
      return { text: written.text, sha256: "written by this line" };
    case "copy":
      return context.facts.files.readScript(written.of);
    case "unknown":
      return "changed";
  }
}

function copied(operands: readonly Field[], call: Call): void {
  const { context } = call;
  const given = call.args.findIndex((arg) => /^(?:-[a-zA-Z]*t|--target-directory)$/.test(only(arg) ?? ""));
  const target = given < 0 ? operands.at(-1) : call.args[given + 1];
  const sources = operands.filter((operand) => operand !== target);
  const to = pathOf(target, call);
  if (to === undefined || sources.length > MAX_SOURCES) return;
  const symbolic = call.name === "ln" && call.args.some((arg) => /^-[a-zA-Z]*s|^--symbolic$/.test(only(arg) ?? ""));
  for (const source of sources) {
    if (symbolic) linked(only(source), to, context);
    else passedOn(pathOf(source, call), to, { intoDirectory: sources.length > 1 || given >= 0, moved: call.name === "mv" }, context);
  }
}

function linked(name: string | undefined, to: string, context: Context): void {
  if (name !== undefined && context.links.size < MAX_LINKS) context.links.set(to, normalise(name, to.slice(0, to.lastIndexOf("/"))));
}

/** The target is the copy, or the directory that it lies in. */
function passedOn(from: string | undefined, to: string, how: { readonly intoDirectory: boolean; readonly moved: boolean }, context: Context): void {
  if (from === undefined) return;
  const inside = `${to}${from.slice(from.lastIndexOf("/"))}`;
  const written = context.written.get(from) ?? ({ kind: "copy", of: from } as const);
  for (const path of how.intoDirectory ? [inside] : [to, inside]) {
    context.written.set(path, written);
    if (context.downloads.has(from)) context.downloads.set(path, context.downloads.get(from));
  }
  if (how.moved) context.changed(from);
}

/** Files of one command whose copies are followed. */
const MAX_SOURCES = 64;
/** Links of one line that are followed; each path that is looked at is compared with each of them. */
const MAX_LINKS = 16;

/** A program that talked to another machine: the files it wrote hold what that machine sent. */
function downloaded(call: Call, from: number): void {
  const { context } = call;
  if (from === context.effects.length) return;
  const effects = context.effects.slice(from);
  const network = effects.find((effect) => effect.kind === "network" && effect.direction === "out" && !effect.loopback);
  if (network?.kind !== "network") return;
  for (const effect of effects) if (effect.kind === "write" && effect.path.path !== undefined) context.downloads.set(effect.path.path, network.host);
  if (call.name !== "wget") return;
  for (const arg of call.args) {
    const base = /^[a-z]+:\/\/[^?#]*\/([^/?#]+)/.exec(only(arg) ?? "")?.[1];
    for (const directory of base === undefined ? [] : (call.directories ?? [])) context.downloads.set(normalise(base!, directory), network.host);
  }
}

/** `cat FILE…`, `$(<FILE)`: what this line put there. Out: undefined when it put nothing there. */
export function readBack(words: readonly Field[], directories: readonly string[] | undefined, context: Context): Output | undefined {
  if (words.length === 0 || (context.written.size === 0 && context.downloads.size === 0)) return undefined;
  const paths = words.map((word) => {
    const text = only(word);
    const targets = text === undefined ? [] : pathTargets(text, false, directories, context);
    return targets.length === 1 ? targets[0]!.path : undefined;
  });
  const download = paths.find((path) => path !== undefined && context.downloads.has(path));
  if (download !== undefined) return { ...SOMETHING, origin: { kind: "download", detail: context.downloads.get(download) } };
  const texts = paths.map((path) => {
    const written = path === undefined ? undefined : context.written.get(path);
    return written?.kind === "text" ? written.text : undefined;
  });
  return texts.every((text) => text !== undefined) ? { texts: [texts.join("")], origin: undefined } : undefined;
}

/** The path behind the links that this line made. */
export function behindLinks(path: string, context: Context): string {
  for (const [link, target] of context.links) if (path === link || path.startsWith(`${link}/`)) return target + path.slice(link.length);
  return path;
}
