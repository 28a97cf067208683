import type { Call } from "../call.ts";
import { wasGiven, type Arguments } from "../specs/arguments.ts";
import { field } from "../value.ts";

/** ssh-keygen(1): fingerprints and lookups read, `-y` shows what a private key holds, everything else makes or changes the file. */
export function keyFiles(args: Arguments, call: Call): void {
  const has = (...names: readonly string[]): boolean => names.some((name) => wasGiven(args, name));
  const named = args.given.find(({ option }) => option.names.includes("-f"))?.value;
  const inHome = (name: string): ReturnType<typeof field> => field([`${call.context.facts.home}/.ssh/${name}`]);
  if (has("-Q", "-h")) return;
  if (has("-F")) return call.path(named ?? inHome("known_hosts"), "read");
  if (has("-l", "-B", "-L", "-e", "-i")) return call.path(named ?? inHome("id_rsa.pub"), "read");
  if (has("-y")) return call.path(named ?? inHome("id_rsa"), "secret");
  if (has("-R", "-H")) return call.path(named ?? inHome("known_hosts"), "write");
  for (const file of args.operands) call.path(file, "read");
  call.path(named ?? inHome("id_rsa"), "write");
}
