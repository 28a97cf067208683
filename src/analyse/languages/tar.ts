import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { valueOf, wasGiven } from "../specs/arguments.ts";
import { namesOnInput } from "./listed.ts";
import { walked } from "./trees.ts";
import { field, only, type Field } from "../value.ts";

const MODES = [["-x", "extract"], ["-c", "create"], ["-t", "list"], ["-r", "append"], ["-u", "append"], ["-A", "append"], ["-d", "list"], ["--delete", "append"]] as const;

/** tar(1): the mode decides what the archive (`-f`) and the operands are. Old style (`tar xzf a`) is read too. */
export function tar(args: Arguments, call: Call): void {
  const old = only(args.operands[0]);
  const bundle = old !== undefined && call.args[0] === args.operands[0] && /^[a-zA-Z]+$/.test(old) && /[xctruA]/.test(old) ? old : undefined;
  const given = (name: string): boolean => wasGiven(args, name) || (bundle !== undefined && name.length === 2 && bundle.includes(name[1]!));
  const mode = MODES.find(([name]) => given(name))?.[1];
  const operands = bundle === undefined ? [...args.operands] : args.operands.slice(1);
  const archive = archiveOf(args, bundle, operands);
  if (archive !== undefined && only(archive) !== "-") {
    if (only(archive)?.includes(":") === true) call.host(only(archive)!.replace(/^.*@/, "").split(":")[0], { sends: mode === "create" });
    else {
      // The archive is opened where the command started, whatever `-C` says.
      const inside = call.directories;
      call.directories = call.state.directories;
      call.path(archive, mode === "create" || mode === "append" ? "write" : "read");
      call.directories = inside;
    }
  }
  if (mode === "extract") {
    if (!given("-O")) call.path(field(["."]), "write");
    // -P keeps absolute names and `..`: anything the user may write can be overwritten.
    if (given("-P")) call.path(field(["\0"]), "write");
  } else if (mode === "create" || mode === "append") {
    for (const operand of operands) {
      call.path(operand, "read");
      walked(operand, call);
    }
    if (valueOf(args, "-T") === "-") namesOnInput(call);
  } else if (mode === undefined) call.opaque("`tar` without a mode");
}

function archiveOf(args: Arguments, bundle: string | undefined, operands: Field[]): Field | undefined {
  if (bundle === undefined) return args.given.find((g) => g.option.names.includes("-f"))?.value;
  let archive: Field | undefined;
  // Old style: letters that take a value take the following operands in order.
  for (const letter of bundle) {
    if (!"fbCTXIgLV".includes(letter)) continue;
    const value = operands.shift();
    if (letter === "f") archive = value;
  }
  return archive;
}
