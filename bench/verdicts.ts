import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Layout } from "../src/model/index.ts";
import { bundleProgram } from "../scripts/bundle.ts";

/** `times` by the clock on the wall, one for each line; `busy`: processor time of a line on average, which other programs do not lengthen. Nanoseconds. */
export type Measured = { readonly lines: number; readonly allowed: number; readonly times: readonly number[]; readonly busy: number; readonly long: readonly LongMeasured[] };

/** A line made to be slow: `least`: nanoseconds, the least of several rounds, because other programs only lengthen it. `opaque`: how it ends. */
export type LongMeasured = { readonly what: string; readonly least: number; readonly opaque: boolean };

const MOST_OUTPUT = 64 * 1024 * 1024;

/**
 * In: a JSON Lines file with `cmd`, an installation, a workspace, a directory for the program that measures. Out: what judging takes
 * in a process of its own that has just started (`judge-process.ts`), one cold pass over the lines; then the longest and deepest lines.
 */
export async function judgeLines(file: string, layout: Layout, workspace: string, scratch: string): Promise<Measured> {
  const directory = join(scratch, "judge");
  await bundleProgram(join(import.meta.dirname, "judge-process.ts"), directory);
  // Our own program's answer.
  return JSON.parse(execFileSync(layout.node, [join(directory, "main.js"), layout.root, workspace, file], { encoding: "utf8", maxBuffer: MOST_OUTPUT, env: {}, stdio: ["ignore", "pipe", "inherit"] })) as Measured;
}

/** In: numbers and a percentage. Out: the value below which that part of them lies. */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
  if (found === undefined) throw new Error("there are no numbers");
  return found;
}
