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
  const operands = call.args.filter((arg) => !/^-./.test(only(arg) ?? ""));
  switch (call.name) {
    case "tee":
      if (call.input.kind === "text" && call.input.texts.length === 1) for (const operand of operands) keep(pathOf(operand, call), call.input.texts[0]!, call.args.some((arg) => /^(?:-a|--append)$/.test(only(arg) ?? "")), call.context);
      return;
    case "cp":
    case "mv":
    case "install":
    case "ln":
      return copied(operands, call);
    default:
      return downloaded(call, from);
  }
}

function pathOf(word: Field | undefined, call: Call): string | undefined {
  const text = only(word);
  const targets = text === undefined ? [] : pathTargets(text, false, call.directories, call.context);
  return targets.length === 1 ? targets[0]!.path : undefined;
}

/** Known text goes to a file, or to its end. */
export function keep(path: string | undefined, text: string, append: boolean, context: Context): void {
  if (path === undefined || text.includes(HOLE)) return;
  const before = append ? (context.written.get(path) ?? context.facts.files.readScript(path)?.text ?? "") : "";
  context.written.set(path, before + text);
}

function copied(operands: readonly Field[], call: Call): void {
  const { context } = call;
  const target = operands.at(-1);
  const to = pathOf(target, call);
  const name = only(operands[0]);
  if (operands.length !== 2 || to === undefined || name === undefined) return;
  const symbolic = call.name === "ln" && call.args.some((arg) => /^-[a-zA-Z]*s|^--symbolic$/.test(only(arg) ?? ""));
  if (symbolic) {
    if (context.links.size < MAX_LINKS) context.links.set(to, normalise(name, to.slice(0, to.lastIndexOf("/"))));
    return;
  }
  const from = pathOf(operands[0], call);
  if (from === undefined) return;
  for (const path of [to, `${to}${from.slice(from.lastIndexOf("/"))}`]) {
    const text = context.written.get(from);
    if (text !== undefined) context.written.set(path, text);
    if (context.downloads.has(from)) context.downloads.set(path, context.downloads.get(from));
  }
  if (call.name === "mv") context.written.delete(from);
}
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
  const texts = paths.map((path) => (path === undefined ? undefined : context.written.get(path)));
  return texts.every((text) => text !== undefined) ? { texts: [texts.join("")], origin: undefined } : undefined;
}

/** The path behind the links that this line made. */
export function behindLinks(path: string, context: Context): string {
  for (const [link, target] of context.links) if (path === link || path.startsWith(`${link}/`)) return target + path.slice(link.length);
  return path;
}
