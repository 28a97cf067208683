/**
 * Finds the call of an agent's transcript that a command is: bounded in time, in bytes and in names.
 */
import { closeSync, constants, fstatSync, openSync, readSync, readdirSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { escapeText, LIMITS } from "../model/index.ts";
import { TRANSCRIPTS, type Json, type Saying, type Transcript } from "./transcripts.ts";

/** Who asks: the agent's name as the record has it, its own name for its session and call, where, and the text that would run. */
export type Asked = { readonly agent: string; readonly session: string | undefined; readonly call: string | undefined; readonly cwd: string; readonly text: string };

/** `prompt`: what the person asked last, whole: for hashing. `call`: the agent's own name for this call. */
export type Found = { readonly text: string; readonly call: string; readonly prompt: string | undefined; readonly file: string };

export type Lookup =
  | { readonly kind: "found"; readonly found: Found }
  /** Not there, or not yet. */
  | { readonly kind: "none" }
  /** A transcript is there, and nothing in it is of a format that is known. */
  | { readonly kind: "unknown"; readonly file: string };

/** Whether there is a reader for an agent at all. */
export function hasTranscripts(agent: string): boolean {
  return TRANSCRIPTS.some((one) => one.agent === agent);
}

/**
 * In: the user's home directory, who asks, and calls that are somebody else's already (`FILE ID`). Out: why, as the agent wrote it: the
 * call's description, else the words before it. Takes at most about LIMITS.transcriptMs; never throws for what it finds in files.
 */
export function lookUp(home: string, asked: Asked, taken: ReadonlySet<string> = new Set()): Lookup {
  const clock = budget(LIMITS.transcriptMs);
  const format = TRANSCRIPTS.find((one) => one.agent === asked.agent);
  if (format === undefined) return { kind: "none" };
  let unknown: string | undefined;
  for (const pattern of format.files(asked)) {
    const file = fileOf(home, pattern, asked.session);
    if (file === undefined) continue;
    const result = search(format, file, asked, taken, clock);
    if (result.kind === "found") return result;
    if (result.kind === "unknown") unknown ??= file;
    if (clock.isSpent()) break;
  }
  return unknown === undefined ? { kind: "none" } : { kind: "unknown", file: unknown };
}

/** In: the home directory. Out: for each agent that has written transcripts there, its newest, and whether that is understood. */
export function inspectTranscripts(home: string): readonly { readonly agent: string; readonly file: string; readonly known: boolean }[] {
  return TRANSCRIPTS.flatMap((format) => {
    const file = format.files({ session: "*", cwd: "/" }).map((pattern) => newest(home, pattern)).find((one) => one !== undefined);
    if (file === undefined) return [];
    const lines = tail(file);
    return lines === undefined ? [] : [{ agent: format.agent, file, known: lines.some((line) => sayings(format, line) !== undefined) || lines.every((line) => line.trim() === "") }];
  });
}

/** Lines between looks at the clock: the first lines that a program reads take longer than all others. */
const LOOKED_AT_ONCE = 64;

type Budget = { isSpent(): boolean };

/** Processor time of this thread: that others work, too, is no reason to find less. */
function budget(ms: number): Budget {
  const from = process.threadCpuUsage();
  return { isSpent: () => { const { user, system } = process.threadCpuUsage(from); return user + system > ms * 1_000; } };
}

/** From the last line back: the call, then the words before it, then what the person asked. */
function search(format: Transcript, file: string, asked: Asked, taken: ReadonlySet<string>, clock: Budget): Lookup {
  const lines = tail(file);
  if (lines === undefined) return { kind: "none" };
  let call: Extract<Saying, { readonly kind: "call" }> | undefined;
  let words: string | undefined;
  let known = false;
  const found = (prompt: string | undefined): Lookup => {
    const text = (call?.description ?? words ?? prompt ?? "").trim();
    return call === undefined || text === "" ? { kind: "none" } : { kind: "found", found: { text: escapeText(text, { maxLength: LIMITS.intentLength }), call: call.id.slice(0, 128), prompt, file } };
  };
  for (const [index, line] of lines.toReversed().entries()) {
    const said = sayings(format, line);
    known ||= said !== undefined;
    for (const one of (said ?? []).toReversed()) {
      if (call === undefined) {
        if (one.kind === "call" && isIt(one, asked) && !taken.has(`${file} ${one.id}`)) call = one;
      } else if (one.kind === "words") words ??= one.text;
      else if (one.kind === "prompt") return found(one.text);
    }
    // What was not looked at is not unknown.
    if (index % LOOKED_AT_ONCE === LOOKED_AT_ONCE - 1 && clock.isSpent()) return found(undefined);
  }
  if (call !== undefined) return found(undefined);
  return known || lines.every((line) => line.trim() === "") ? { kind: "none" } : { kind: "unknown", file };
}

/** Exactly this command: as it is, or quoted in the line that the agent puts around it. A call id alone proves nothing: commands inside it have the same. */
function isIt({ id, command }: { readonly id: string; readonly command: string }, asked: Asked): boolean {
  const wanted = command.trim();
  if (wanted === "" || (asked.call !== undefined && asked.call !== id)) return false;
  const text = asked.text.trim();
  if (text === wanted) return true;
  if (text.includes(`\n${wanted}\n)\n__code=$?`)) return true;
  return [`'${wanted.replaceAll("'", String.raw`'\''`)}'`, `'${wanted.replaceAll("'", `'"'"'`)}'`].some((quoted) => text.includes(`eval ${quoted}`));
}

/** Out: undefined when the line is no JSON, or is not of this format. */
function sayings(format: Transcript, line: string): readonly Saying[] | undefined {
  if (line === "" || line.length > LIMITS.transcriptLine || isDeep(line)) return undefined;
  try {
    return format.read(JSON.parse(line) as Json);
  } catch (cause) {
    // Half a line at either end, or something else: not understood.
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** SECURITY: reading JSON takes a thousand times as long when all of it is brackets, and everybody's commands would wait. */
function isDeep(line: string): boolean {
  let depth = 0;
  for (let index = 0; index < line.length; index += 1) {
    const char = line[index];
    if (char === '"') index = endOfString(line, index);
    else if (char === "[" || char === "{") depth += 1;
    else if (char === "]" || char === "}") depth -= 1;
    if (depth > LIMITS.transcriptDepth) return true;
  }
  return false;
}

/** In: where a string begins. Out: where it ends; the end of the line when it does not. */
function endOfString(line: string, begin: number): number {
  for (let end = line.indexOf('"', begin + 1); end >= 0; end = line.indexOf('"', end + 1)) {
    let slashes = end - 1;
    while (line[slashes] === "\\") slashes -= 1;
    if ((end - slashes) % 2 === 1) return end;
  }
  return line.length;
}

/** SECURITY: names are the agent's: links that lead round in a circle, or names that are too long, are nothing, and no fault. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Not to be looked at: then there is no transcript.
    return undefined;
  }
}

/** SECURITY: a link, a pipe or a device in its place is not opened, and no more than the end is read. */
function tail(file: string): readonly string[] | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    // Gone, a link, or not ours to read: then it says nothing.
    return undefined;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return undefined;
    const from = Math.max(0, stat.size - LIMITS.transcriptBytes);
    const bytes = Buffer.allocUnsafe(stat.size - from);
    const got = readSync(fd, bytes, 0, bytes.length, from);
    const lines = bytes.toString("utf8", 0, got).split("\n");
    return from === 0 ? lines : lines.slice(1);
  } finally {
    closeSync(fd);
  }
}

/** In: a pattern of names, `*` for any characters of one name. Out: the file that was written last; looks at LIMITS.transcriptNames names at most. */
function newest(home: string, pattern: string): string | undefined {
  let places: readonly string[] = [home];
  let left: number = LIMITS.transcriptNames;
  for (const part of pattern.split("/")) {
    if (!part.includes("*")) {
      places = places.map((place) => join(place, part));
      continue;
    }
    const wanted = new RegExp(`^${part.split("*").map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`);
    places = places.flatMap((place) => {
      const names = left <= 0 ? [] : namesIn(place);
      left -= names.length;
      // The latest names first: dates and times sort.
      return names.filter((name) => wanted.test(name)).toSorted().toReversed().slice(0, LIMITS.transcriptPlaces).map((name) => join(place, name));
    });
  }
  const dated = places.flatMap((place) => { const stat = statOf(place); return stat?.isFile() === true ? [{ place, at: stat.mtimeMs }] : []; });
  return dated.toSorted((a, b) => b.at - a.at)[0]?.place;
}

/** Where sessions write, as found before: looking among years of them takes longer than reading one. */
const known = new Map<string, string>();

function fileOf(home: string, pattern: string, session: string | undefined): string | undefined {
  // The newest of several is another one the next time; a session's own stays.
  if (session === undefined || !pattern.includes(session)) return newest(home, pattern);
  const key = join(home, pattern);
  const before = known.get(key);
  if (before !== undefined && statOf(before) !== undefined) return before;
  const found = newest(home, pattern);
  if (found !== undefined) known.set(key, found);
  const oldest = known.keys().next();
  if (known.size > LIMITS.transcriptPlaces && !oldest.done) known.delete(oldest.value);
  return found;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Not there, or not a directory: no transcripts.
    return [];
  }
}
