/**
 * Which process is meant: a pid alone is reused, a pid with its start time and boot is not. Facts of the kernel (/proc).
 */
import { readFileSync } from "node:fs";

/** `start`: clock ticks after boot (field 22 of /proc/PID/stat); undefined when the process was gone before it was read. */
export type ProcessIdentity = { readonly pid: number; readonly start: number | undefined; readonly boot: string };

/** Identifier of this boot; "unknown" where the kernel does not say (then start times alone are compared). */
export function bootId(): string {
  return readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "unknown";
}

/** In: a pid. Out: its start time in clock ticks after boot, or undefined when there is no such process (a zombie counts as none). */
export function processStart(pid: number): number | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses and may itself hold blanks and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  const start = Number(fields[19]);
  return Number.isSafeInteger(start) && start >= 0 ? start : undefined;
}

/** In: who is meant, and this boot's id. Out: whether exactly that process still runs. Unsure (no start time kept) ⇒ gone. */
export function isRunning(who: ProcessIdentity, boot: string): boolean {
  return who.boot === boot && who.start !== undefined && processStart(who.pid) === who.start;
}

/** Reads a small file; a file that cannot be read has no text (processes end at any time). */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause) return undefined;
    throw cause;
  }
}
