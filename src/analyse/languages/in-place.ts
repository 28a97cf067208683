import type { Call } from "../call.ts";
import { pathTargets } from "../paths.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, field } from "../value.ts";

/**
 * `-i SUFFIX` of sed(1), perlrun(1) and ruby(1): the file as it was is kept beside the edited one. A `*` in the suffix stands
 * for the file's name, a `/` leads to another directory. A backup takes the place of what had its name: only where there
 * is nothing of that name is it no more than another new file.
 */
export function inPlace(args: Arguments, call: Call): void {
  const given = args.given.find(({ option }) => option.names.includes("-i"))?.value;
  if (given === undefined || given.texts.every((text) => text === "")) return;
  const codeOptions = call.name.endsWith("sed") ? ["-e", "-f"] : ["-e", "-E"];
  const inOptions = args.given.some(({ option }) => codeOptions.includes(option.names[0]!));
  for (const file of inOptions ? args.operands : args.operands.slice(1)) {
    for (const text of file.texts) for (const suffix of given.texts) kept(backupOf(text, suffix), file.glob, call);
  }
}

function kept(backup: string, glob: boolean, call: Call): void {
  const known = pathTargets(backup, glob, call.directories, call.context);
  const isNew = known.every(({ path }) => path !== undefined && !glob && call.context.facts.files.kind(path) === "missing");
  // An interpreter may write whatever its code says; sed is asked for a change of the named file.
  if (isNew || !call.name.endsWith("sed")) call.path(field([backup], glob), "write");
  else call.output(field([backup], glob));
}

function backupOf(file: string, suffix: string): string {
  if (suffix.includes(HOLE) || file.includes(HOLE)) return HOLE;
  const slash = file.lastIndexOf("/") + 1;
  const base = file.slice(slash);
  const name = suffix.includes("*") ? suffix.replaceAll("*", base) : base + suffix;
  return name.includes("/") ? name : file.slice(0, slash) + name;
}
