import type { Call } from "../call.ts";
import { pathTargets } from "../paths.ts";
import { holdsSecrets } from "../path-lists.ts";
import { wasGiven, type Arguments } from "../specs/arguments.ts";
import { only, type Field } from "../value.ts";

/**
 * Programs that read a directory with everything below it. What they are given may hold credentials that nobody named:
 * `grep -r x ~`, `tar c ~`. In: which option makes them go down, and which operands they go down into.
 */
type Walker = { readonly options: readonly string[]; readonly roots: (operands: readonly Field[], args: Arguments) => readonly Field[] };

const all: Walker["roots"] = (operands) => operands;
const withoutTarget: Walker["roots"] = (operands, args) => (wasGiven(args, "-t") ? operands : operands.slice(0, -1));
const withoutPattern: Walker["roots"] = (operands, args) => (["-e", "-f", "--files"].some((name) => wasGiven(args, name)) ? operands : operands.slice(1));

const WALKERS: ReadonlyMap<string, Walker> = new Map<string, Walker>([
  ...["grep", "egrep", "fgrep", "zgrep", "ggrep"].map((name): [string, Walker] => [name, { options: ["-r", "-R"], roots: withoutPattern }]),
  // Names that begin with a dot are left out unless asked for.
  ["rg", { options: ["--hidden", "-u"], roots: withoutPattern }],
  ["cp", { options: ["-r", "-R", "-a", "--recursive"], roots: withoutTarget }],
  ["rsync", { options: ["-a", "-r"], roots: withoutTarget }],
  ["scp", { options: ["-r"], roots: withoutTarget }],
  ["zip", { options: ["-r", "-rq", "-qr", "-9r", "-ry"], roots: (operands) => operands.slice(1) }],
  ["diff", { options: ["-r"], roots: all }],
]);

/** A spec's `analyser = "trees"`. */
export function trees(args: Arguments, call: Call): void {
  const walker = WALKERS.get(call.name);
  if (walker === undefined || !walker.options.some((name) => wasGiven(args, name))) return;
  for (const root of walker.roots(args.operands, args)) walked(root, call);
}

/** A directory is read with all that is below it. */
export function walked(root: Field, call: Call): void {
  if (only({ ...root, glob: false }) === "-") return;
  for (const text of root.texts) {
    for (const path of pathTargets(text, root.glob, call.directories, call.context)) {
      const { path: at } = path;
      if (at !== undefined && !path.flags.includes("secret") && holdsSecrets(at, call.context.facts.home)) call.add({ kind: "secret", path, variable: undefined });
    }
  }
}
