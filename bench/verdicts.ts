import { readFileSync } from "node:fs";
import { judge, Rulebooks, Surveyor, type Judgement } from "../src/broker/index.ts";
import type { Layout } from "../src/model/index.ts";

/** The broker stays: what it costs is what it costs once it runs. */
const WARM_UP = 3_000;

/** `times` by the clock on the wall; `busy`: processor time of a line on average, which other programs do not lengthen. Nanoseconds. */
export type Measured = { readonly lines: number; readonly allowed: number; readonly times: readonly number[]; readonly busy: number };

/**
 * In: a JSON Lines file with `cmd`, an installation, a workspace. Out: nanoseconds from text to verdict, one for each line.
 * The process is warm, as the broker is; the lines are not: nothing of one verdict is kept for the next, so each line is parsed,
 * its paths are looked up in the file system, and its hash is made, also when it was seen before.
 */
export function judgeLines(file: string, layout: Layout, workspace: string): Measured {
  const commands = readFileSync(file, "utf8").split("\n").filter((line) => line !== "").map((line) => (JSON.parse(line) as { readonly cmd: string }).cmd);
  if (commands.length === 0) throw new Error(`\`${file}\` holds no lines`);
  const judgeOne = judgeIn(layout, workspace);
  for (const command of commands.slice(0, WARM_UP)) judgeOne(command);
  let allowed = 0;
  const before = process.threadCpuUsage();
  const times = commands.map((command) => {
    const start = process.hrtime.bigint();
    const judged = judgeOne(command);
    const took = Number(process.hrtime.bigint() - start);
    if (judged.evaluation.verdict === "allow") allowed += 1;
    return took;
  });
  const { user, system } = process.threadCpuUsage(before);
  return { lines: commands.length, allowed, times, busy: ((user + system) * 1_000) / commands.length };
}

/** 131 kB is what one word of an argument list may hold on Linux (MAX_ARG_STRLEN). */
const LONG = 131_000;
const LONG_ROUNDS = 15;
const DEEP = 5_000;

/** A line made to be slow: `least`: nanoseconds, the least of LONG_ROUNDS, because other programs only lengthen it. */
export type LongMeasured = { readonly what: string; readonly least: number; readonly opaque: boolean };

/** In: an installation, a workspace. Out: what the longest and deepest lines take, each from text to verdict, and whether they end as opaque. */
export function judgeLongLines(layout: Layout, workspace: string): readonly LongMeasured[] {
  const judgeOne = judgeIn(layout, workspace);
  const lines: readonly (readonly [string, string])[] = [
    ["131 kB, 65,000 words", `echo ${"a ".repeat(LONG / 2)}`],
    ["131 kB, 65,000 words to delete", `rm ${"a ".repeat(LONG / 2)}`],
    ["131 kB, one quoted word", `echo '${"x".repeat(LONG)}'`],
    ["131 kB, a here-document", `cat <<'END'\n${"a line of text\n".repeat(LONG / 15)}END`],
    [`${DEEP} deep`, `${"$(".repeat(DEEP)}true${")".repeat(DEEP)}`],
  ];
  return lines.map(([what, line]) => {
    let least = Number.POSITIVE_INFINITY;
    let opaque = false;
    for (let round = 0; round < LONG_ROUNDS; round += 1) {
      const start = process.hrtime.bigint();
      const { analysis } = judgeOne(line);
      least = Math.min(least, Number(process.hrtime.bigint() - start));
      opaque = analysis.classes.includes("opaque");
    }
    return { what, least, opaque };
  });
}

/** The part of the pipeline that execution and dry runs share, on this machine's files, as if the sandbox worked. */
export function judgeIn(layout: Layout, workspace: string): (command: string) => Judgement {
  const rulebook = new Rulebooks(layout, Date.now, (message) => console.error(message)).base();
  const surveyor = new Surveyor(layout, workspace, Date.now);
  const env = new Map([["PATH", "/usr/bin:/bin"], ["HOME", layout.home]]);
  return (command) => {
    const facts = surveyor.factsFor({ cwd: workspace, env, workspace, files: "real" });
    return judge({ id: "bench", shell: "bash", argv: ["bash", "-c", command], tty: { stdin: false }, inherited: new Map(), unreadable: undefined }, facts, rulebook, { sandboxed: true, unconfined: undefined });
  };
}

/** In: numbers and a percentage. Out: the value below which that part of them lies. */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
  if (found === undefined) throw new Error("there are no numbers");
  return found;
}
