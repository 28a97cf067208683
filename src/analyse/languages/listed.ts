import type { Call } from "../call.ts";
import { valueOf, wasGiven, type Arguments } from "../specs/arguments.ts";
import { field, isKnown } from "../value.ts";
import { trees } from "./trees.ts";

/** cpio(1), zip(1) `-@`: files whose names come on standard input. */
export function listed(args: Arguments, call: Call): void {
  trees(args, call);
  if (call.name === "zip" ? wasGiven(args, "-@") : wasGiven(args, "-o") || wasGiven(args, "-p")) namesOnInput(call);
}

/** What is known of the names on standard input is read. */
export function namesOnInput(call: Call): void {
  const { input } = call;
  if (input.kind === "text") for (const text of input.texts) if (isKnown(text)) for (const name of text.split(/[\n\0]/)) call.path(field([name.trim()]), "read");
  if (input.kind === "unknown" && input.files !== undefined) call.path(input.files, "read");
}

/** `install -m MODE`: a copy that runs with its owner's rights (install(1), chmod(1)). */
export function mode(args: Arguments, call: Call): void {
  if (/^0?[2467][0-7]{3}$|[+=][rwxXt]*s/.test(valueOf(args, "-m") ?? "")) call.add({ kind: "privilege", via: "setuid or setgid bit" });
}
