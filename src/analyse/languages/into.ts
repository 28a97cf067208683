import type { Call } from "../call.ts";
import { pathTargets } from "../paths.ts";
import { wasGiven, type Arguments } from "../specs/arguments.ts";
import { field, isKnown, only, type Field } from "../value.ts";
import { trees } from "./trees.ts";

/**
 * cp(1), mv(1), ln(1): what is put into a directory keeps its name there, and that name may be one that configures or runs something later
 * (`cp -r template/.vscode .`, `mv hooks .git/`). Where a name is not known it may be any below the directory.
 */
export function into(args: Arguments, call: Call): void {
  trees(args, call);
  const named = args.given.find(({ option }) => option.names.includes("-t"))?.value;
  const sources = named === undefined ? args.operands.slice(0, -1) : args.operands;
  // `ln TARGET` makes a name here.
  const target: Field | undefined = named ?? (args.operands.length > 1 ? args.operands.at(-1) : undefined);
  if (target === undefined) return;
  for (const place of target.texts) {
    const kept = isKnown(place) && !target.glob && !wasGiven(args, "-T") && (sources.length > 1 || named !== undefined || isDirectory(place, call)) ? names(sources) : undefined;
    if (kept === undefined) call.path({ ...target, texts: [place] }, "write");
    else for (const { name, glob } of kept) call.path(field([`${place.replace(/\/+$/, "")}/${name}`], glob), "write");
  }
  if (/^g?mv$/.test(call.name)) for (const source of sources) if (/(?:^|\/)\.git\/?$/.test(only(source) ?? "")) call.path(field([`${only(source)!.replace(/\/$/, "")}/config`]), "write");
}

/** The last names of what is copied; undefined when one is not known, or stands for what is below (`dir/.`). */
function names(sources: readonly Field[]): readonly { readonly name: string; readonly glob: boolean }[] | undefined {
  const all = sources.flatMap(({ texts, glob, many }) => texts.map((text) => ({ name: many ? "" : text.replace(/\/+$/, "").replace(/^.*\//, ""), glob })));
  return all.every(({ name }) => isKnown(name) && !/^\.{0,2}$/.test(name)) ? all : undefined;
}

function isDirectory(place: string, call: Call): boolean {
  if (/(?:^|\/)\.{0,2}$|^~$|(?:^|\/)\.git$/.test(place)) return true;
  const { home, workspace, files } = call.context.facts;
  return pathTargets(place, false, call.directories, call.context).some(({ path }) => path !== undefined && (path === home || path === workspace || files.kind(path) === "directory"));
}
