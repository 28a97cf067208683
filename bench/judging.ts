import { readFileSync } from "node:fs";
import { judge, readLayout, Rulebooks, startRehearsal, Surveyor, type Judgement } from "../src/broker/index.ts";
import type { Layout } from "../src/model/index.ts";
import type { LongMeasured, Measured } from "./verdicts.ts";

/**
 * In: an installation, a workspace, a JSON Lines file with `cmd`. Out: nanoseconds from text to verdict. The process has done what
 * a broker does before its first request, and nothing else: nothing of one verdict is kept for the next, so each line is
 * parsed, its paths are looked up in the file system, and its hash is made, also when it was seen before.
 */
export async function measure(root: string, workspace: string, file: string): Promise<Measured> {
  const commands = readFileSync(file, "utf8").split("\n").filter((line) => line !== "").map((line) => (JSON.parse(line) as { readonly cmd: string }).cmd);
  if (commands.length === 0) throw new Error(`\`${file}\` holds no lines`);
  const layout = readLayout(root);
  const rulebooks = new Rulebooks(layout, Date.now, (message) => console.error(message));
  const judgeOne = judgeIn(layout, rulebooks, workspace);
  // A rehearsal keeps no process alive; a broker has its sockets.
  const alive = setInterval(() => undefined, 1_000);
  await startRehearsal(() => rulebooks.base(), () => false).done;
  clearInterval(alive);
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
  return { lines: commands.length, allowed, times, busy: ((user + system) * 1_000) / commands.length, long: longLines(judgeOne) };
}

/** The part of the pipeline that execution and dry runs share, on this machine's files, as if the sandbox worked. */
function judgeIn(layout: Layout, rulebooks: Rulebooks, workspace: string): (command: string) => Judgement {
  const surveyor = new Surveyor(layout, workspace, Date.now);
  const env = new Map([["PATH", "/usr/bin:/bin"], ["HOME", layout.home]]);
  return (command) => {
    const facts = surveyor.factsFor({ cwd: workspace, env, workspace, files: "real" });
    return judge({ id: "bench", shell: "bash", argv: ["bash", "-c", command], tty: { stdin: false }, inherited: new Map(), unreadable: undefined }, facts, rulebooks.base(), { sandboxed: true, unconfined: undefined });
  };
}

/** 131 kB is what one word of an argument list may hold on Linux (MAX_ARG_STRLEN). */
const LONG = 131_000;
const LONG_ROUNDS = 15;
const DEEP = 5_000;

function longLines(judgeOne: (command: string) => Judgement): readonly LongMeasured[] {
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
