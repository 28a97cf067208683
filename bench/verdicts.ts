import { readFileSync } from "node:fs";
import { judge, Rulebooks, Surveyor, type Judgement } from "../src/broker/index.ts";
import type { Layout } from "../src/model/index.ts";

/** The broker stays: what it costs is what it costs once it runs. */
const WARM_UP = 3_000;

/** `times` by the clock on the wall; `busy`: processor time of a line on average, which other programs do not lengthen. Nanoseconds. */
export type Measured = { readonly lines: number; readonly allowed: number; readonly times: readonly number[]; readonly busy: number };

/** In: a JSON Lines file with `cmd`, an installation, a workspace. Out: nanoseconds from text to verdict, one for each line. */
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
