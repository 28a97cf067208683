import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import { DIALECTS, isWithin, shellWord } from "../model/index.ts";

/** Where programs of the system lie. */
const PLACES = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/lib", "/usr/libexec", "/usr/share"];

/**
 * In an agent's view a program of the system that is a script (`which`, `ldd`, `lsb_release`) arrives here as a shell with a file: the kernel executes what its `#!` names.
 * In: argv of a shell. Out: argv of a shell with the line by which one would call that program, to be judged in its place, because
 * the program is what the agent started; undefined when the file is not such a program.
 * SECURITY: only files that root alone can write, and whose `#!` names a shell without a program of its own: then the line would run exactly this.
 */
export function asSystemProgram(argv: readonly string[]): readonly string[] | undefined {
  const [shell, script, ...args] = argv;
  if (shell === undefined || script === undefined || !script.startsWith("/")) return undefined;
  try {
    const real = realpathSync(script);
    if (!PLACES.some((place) => isWithin(script, place)) || !PLACES.some((place) => isWithin(real, place))) return undefined;
    const { uid, mode } = statSync(real);
    if (uid !== 0 || (mode & 0o022) !== 0 || (mode & 0o111) === 0) return undefined;
    const [interpreter = "", ...words] = /^#![ \t]*([^\n]*)\n/.exec(beginningOf(real))?.[1]?.trim().split(/[ \t]+/) ?? [];
    if (!DIALECTS.some((dialect) => dialect === basename(interpreter)) || words.some((word) => !/^-[aefhmnuvx]+$/.test(word))) return undefined;
    return [shell, "-c", [script, ...args].map(shellWord).join(" ")];
  } catch {
    // What cannot be looked at is judged as what it was given as.
    return undefined;
  }
}

function beginningOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(256);
    return bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}
