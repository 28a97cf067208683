import type { CheckpointBody } from "./entries.ts";
import { journalDirectory } from "./place.ts";
import { readEntries } from "./segments.ts";

/** In: `ROOT/state`. Out: the journal's checkpoints in order, as they can be kept elsewhere. Throws the system's error. */
export function* checkpointsOf(stateDir: string): Generator<CheckpointBody> {
  for (const { entry } of readEntries(journalDirectory(stateDir))) {
    if (entry.kind === "checkpoint") yield { covers: entry.covers, head: entry.head, at: entry.at, key: entry.key, signature: entry.signature };
  }
}
