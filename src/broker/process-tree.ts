import { readFileSync, statSync } from "node:fs";

/** What /proc tells of one process. `terminal`: device number of its controlling terminal, 0 for none. `start`: clock ticks since boot. */
export type ProcessFacts = { readonly pid: number; readonly parent: number; readonly session: number; readonly terminal: number; readonly start: string };

const MOST_ANCESTORS = 64;

/** In: a pid. Out: what /proc says of it now; undefined when there is no such process. */
export function processFacts(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in parentheses may itself hold blanks and parentheses: the fields begin after the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid, parent: Number(fields[1]), session: Number(fields[3]), terminal: Number(fields[4]), start: fields[19] ?? "" };
  } catch {
    // Gone, or never there.
    return undefined;
  }
}

/** In: a pid. Out: the process and those above it, up to init; bounded. A claim about an ancestor may pick among what is there, no more. */
export function lineage(pid: number): readonly ProcessFacts[] {
  const found: ProcessFacts[] = [];
  for (let at = pid; at > 0 && found.length < MOST_ANCESTORS; ) {
    const facts = processFacts(at);
    if (facts === undefined) break;
    found.push(facts);
    at = facts.parent;
  }
  return found;
}

/** In: path of a terminal device. Out: its device number as /proc spells it; undefined when it is no terminal of ours. */
export function terminalNumber(path: string): number | undefined {
  if (!/^\/dev\/(?:pts\/\d+|tty\d+|ttyS\d+)$/.test(path)) return undefined;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isCharacterDevice() || stat.uid !== process.getuid?.()) return undefined;
  const major = Number((BigInt(stat.rdev) >> 8n) & 0xfffn);
  const minor = Number((BigInt(stat.rdev) & 0xffn) | ((BigInt(stat.rdev) >> 12n) & 0xfff00n));
  // tty_nr of /proc/PID/stat: minor in bits 31-20 and 7-0, major in bits 15-8.
  return ((minor & 0xfff00) << 12) | (major << 8) | (minor & 0xff);
}
