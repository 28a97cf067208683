import { journalDirectory } from "./place.ts";
import { readEntries } from "./segments.ts";

/** A shell in an agent's view that no shim started. `time`: ISO 8601, UTC. */
export type RecordedBypass = { readonly time: string; readonly pid: number; readonly program: string; readonly command: string };

/** In: `ROOT/state`; milliseconds since the epoch. Out: what was recorded since, in its order. Throws the system's error when a file cannot be read. */
export function readBypasses(stateDir: string, since = 0): readonly RecordedBypass[] {
  const found: RecordedBypass[] = [];
  for (const { entry } of readEntries(journalDirectory(stateDir))) {
    if (entry.kind === "bypass" && entry.time >= since) found.push({ time: new Date(entry.time).toISOString(), pid: entry.pid, program: entry.program, command: entry.command });
  }
  return found;
}
