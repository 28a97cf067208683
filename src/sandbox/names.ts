import { LIMITS } from "../model/index.ts";
import { namesOf } from "./looks.ts";

/** Directories that had too many names to be listed for this, and until when that is believed (milliseconds, monotonic). */
const crowded = new Map<string, number>();
const MOST_REMEMBERED = 64;

/**
 * In: a directory. Out: whether a name below it, perhaps of several parts, may be there: one listing instead of dozens of looks. Made
 * anew each time, so it is as fresh as looking. False is certain; true says: look.
 * SECURITY: where file systems ignore case, `.ENVRC` is `.envrc`: names are compared without case.
 */
export function namesIn(directory: string): (name: string) => boolean {
  const now = performance.now();
  if ((crowded.get(directory) ?? 0) > now) return everything;
  const names = namesOf(directory);
  if (names === undefined) return everything;
  if (names.length > LIMITS.listedNames) {
    if (crowded.size >= MOST_REMEMBERED) crowded.clear();
    crowded.set(directory, now + LIMITS.surveyMs);
    return everything;
  }
  const there = new Set(names.map(fold));
  return (name) => there.has(firstFolded(name));
}

function everything(): boolean {
  return true;
}

/** The names that are asked about are few and always the same. */
const asked = new Map<string, string>();
const MOST_ASKED = 1_000;

function firstFolded(name: string): string {
  const known = asked.get(name);
  if (known !== undefined) return known;
  const first = fold(name.split("/", 1)[0] ?? "");
  if (asked.size < MOST_ASKED) asked.set(name, first);
  return first;
}

/** Both ways: letters like the long s and the Kelvin sign fold in one direction only. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}
