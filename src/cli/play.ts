import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { escapeText, LIMITS } from "../model/index.ts";
import { leaveAtOnce } from "../terminal/index.ts";
import { Failure, usageFailure, type Invoked } from "./command.ts";

export const PLAY_USAGE = `usage: vetsh play [--speed N] FILE

Shows a recording (asciicast v2, \`vetsh run --record FILE\`) again. --speed 2 is twice as fast; pauses last ${LIMITS.playPauseMs / 1_000} seconds at most. q or Ctrl-C ends it.
What was written to the terminal then is written to it now, control sequences included: play recordings that you trust.
exit: 0, 1 when FILE is no recording
`;

const headerSchema = z.object({ version: z.literal(2), width: z.number(), height: z.number() });
const eventSchema = z.tuple([z.number(), z.string(), z.string()]);

export async function play({ args, terminal: { out, input } }: Invoked): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: { speed: { type: "string", default: "1" } }, allowPositionals: true });
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw usageFailure("one recording is needed", "play");
  const speed = Number(values.speed);
  if (!(speed > 0 && speed <= 1_000_000)) throw usageFailure("`--speed` takes a number above 0", "play");
  const stop = new AbortController();
  // What the terminal answers to recorded queries is nobody's input.
  const onKey = (bytes: Buffer): void => void (/^[q\x03]$/.test(bytes.toString("latin1")) && stop.abort());
  if (input.isTTY) input.setRawMode(true).on("data", onKey);
  let alternate = false;
  try {
    let last = 0;
    for await (const [at, text] of outputs(path)) {
      await sleep(Math.max(0, Math.min((at - last) * 1_000 / speed, LIMITS.playPauseMs)), undefined, { signal: stop.signal });
      last = at;
      alternate = text.includes("\x1b[?1049") ? text.lastIndexOf("\x1b[?1049h") > text.lastIndexOf("\x1b[?1049l") : alternate;
      if (!out.write(text)) await new Promise((drained) => out.once("drain", drained));
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error instanceof Error && "syscall" in error ? new Failure(`the recording cannot be read: ${error.message}`, "name a file that `vetsh run --record FILE` made") : error;
  } finally {
    if (input.isTTY) input.off("data", onKey).setRawMode(false).pause();
    out.write(leaveAtOnce(alternate));
  }
  return 0;
}

/** In: a file. Out: when something was written, in seconds, and what. Throws Failure for what is no recording. */
async function* outputs(path: string): AsyncGenerator<readonly [number, string]> {
  const shown = escapeText(path, { maxLength: 200 });
  const file = createReadStream(path);
  const opened = new Promise<void>((done, fail) => void file.once("open", () => done()).once("error", fail));
  await opened.catch((error: NodeJS.ErrnoException) => { throw new Failure(`\`${shown}\` cannot be read: ${error.code ?? error.message}`, "name a file that `vetsh run --record FILE` made"); });
  let number = 0;
  for await (const line of createInterface({ input: file })) {
    number += 1;
    const value = (number === 1 ? headerSchema : eventSchema).safeParse(parsed(line));
    if (!value.success) throw new Failure(`\`${shown}\` is no asciicast v2: line ${number} is not understood`, "name a file that `vetsh run --record FILE` made");
    if (Array.isArray(value.data) && value.data[1] === "o") yield [value.data[0], value.data[2]];
  }
  if (number === 0) throw new Failure(`\`${shown}\` is empty`, "name a file that `vetsh run --record FILE` made");
}

/** Out: undefined for what is no JSON: no schema takes that. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Told by who asks, with the line's number.
    return undefined;
  }
}
