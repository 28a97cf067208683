import { closeSync, constants, openSync, writeSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { LIMITS } from "../model/index.ts";
import { terminalSize } from "./size.ts";
import type { TerminalSize } from "./size.ts";

/** What the human's terminal showed, with the time of each piece, in asciicast v2 (docs.asciinema.org/manual/asciicast/v2). */
export type Recording = {
  /** What was written to the terminal. */
  output(bytes: Buffer | string): void;
  resize(size: TerminalSize): void;
  /** Writes what is left. Out: why the recording is not whole, undefined when it is. To be called once. */
  close(): string | undefined;
};

/**
 * In: a file that does not exist yet. Throws what the system says of it. The size is that of our terminal.
 * SECURITY: whatever the terminal shows is in it, secrets included: nobody else may read it, and no link is followed.
 */
export function startRecording(path: string): Recording {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  const began = performance.now();
  const decoder = new StringDecoder("utf8");
  let lost: string | undefined;
  let written = 0;
  let gathered = "";
  let since = 0;
  let later: NodeJS.Timeout | undefined;
  const line = (value: unknown): void => {
    if (lost !== undefined) return;
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
    written += bytes.length;
    if (written > LIMITS.recordingBytes) lost = `it would be longer than ${LIMITS.recordingBytes} bytes`;
    else lost = writeAll(fd, bytes);
  };
  const push = (): void => {
    clearTimeout(later);
    later = undefined;
    if (gathered !== "") line([since, "o", gathered]);
    gathered = "";
  };
  const seconds = (): number => Math.round(performance.now() - began) / 1_000;
  const { columns, rows } = terminalSize(process.stdout);
  line({ version: 2, width: columns, height: rows, timestamp: Math.floor(Date.now() / 1_000), env: { TERM: process.env["TERM"] ?? "" } });
  return {
    output: (bytes) => {
      if (gathered === "") since = seconds();
      // A character may come in two pieces.
      gathered += typeof bytes === "string" ? bytes : decoder.write(bytes);
      if (gathered.length > GATHERED) push();
      else later ??= setTimeout(push, GATHERED_MS);
    },
    resize: (size) => {
      push();
      line([seconds(), "r", `${size.columns}x${size.rows}`]);
    },
    close: () => {
      gathered += decoder.end();
      push();
      closeSync(fd);
      return lost;
    },
  };
}
const GATHERED = 65_536;
const GATHERED_MS = 10;

/** Out: what the system said when it would not take all of it. The agent goes on without a recording. */
function writeAll(fd: number, bytes: Buffer): string | undefined {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
