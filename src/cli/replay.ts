import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { judgeAgain, placesOf, type InForce, type Skipped } from "../broker/index.ts";
import { escapeText, LIMITS, spellStrangers, VERDICTS, type Verdict, plainJson } from "../model/index.ts";
import { readRecords, type FinishedRecord } from "../record/index.ts";
import { Failure, type Invoked } from "./command.ts";
import { openDryRun, type DryRun } from "./dry-run.ts";
import { durationMs } from "./duration.ts";

export const REPLAY_USAGE = `usage: vetsh replay [--since 30d] [--rules FILE.toml] [--json]

Judges the commands of the journal again, by the rules in force, or by these and FILE as one of the user's, and prints what is judged
differently. Runs nothing. Files are looked at as they are now; variables that a command inherited are not known any more.
exit: 0 nothing changed, 1 something did
`;

/** The same line, judged differently in the same way: one row. */
type Row = { readonly before: Verdict; readonly after: Verdict; readonly cmd: string; readonly cwd: string; readonly rules: readonly string[]; readonly count: number; readonly last: string };

export async function replay(invoked: Invoked): Promise<number> {
  const { values } = parseArgs({ args: [...invoked.args], strict: true, options: { since: { type: "string", default: "30d" }, rules: { type: "string" }, json: { type: "boolean", default: false } } });
  const since = Date.now() - durationMs(values.since, "replay");
  const { out, err } = invoked.terminal;
  const dry = await openDryRun(invoked.layout, (message) => err.write(`vetsh: ${message}\n`));
  const forWorkspace = values.rules === undefined ? undefined : supposed(dry, resolve(values.rules));
  const { rows, judged, skipped } = judgeAll(readRecords(placesOf(invoked.layout.root).state, { since }), dry, forWorkspace);
  const sorted = [...rows.values()].toSorted((a, b) => weight(b) - weight(a) || b.count - a.count);
  for (const row of sorted) out.write(values.json ? `${plainJson(row)}\n` : shownRow(row));
  const many = (of: readonly Row[]): number => of.reduce((sum, { count }) => sum + count, 0);
  const counts = { judged, changed: many(sorted), looser: many(sorted.filter(isLooser)), stricter: many(sorted.filter((row) => !isLooser(row))) };
  out.write(values.json ? `${plainJson({ ...counts, skipped: Object.fromEntries(skipped) })}\n` : `${counts.judged} judged again, ${counts.changed} differently: ${counts.looser} looser, ${counts.stricter} stricter${skippedWords(skipped)}\n`);
  return sorted.length === 0 ? 0 : 1;
}

/** The rules in force and a file that is not among them (or is, in another version). Throws Failure when it cannot be used. */
function supposed(dry: DryRun, file: string): (workspace: string) => InForce {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(`\`${escapeText(file, { maxLength: LIMITS.shownPiece })}\` cannot be read: ${error instanceof Error && "code" in error ? String(error.code) : String(error)}`, "name a file of rules");
  }
  const forWorkspace = dry.rulebooks.supposing(file, text);
  const problem = forWorkspace("/").loaded.problems[0];
  if (problem !== undefined) throw new Failure(`${problem.file}:${problem.line}: ${problem.message}`, problem.hint);
  return forWorkspace;
}

function judgeAll(records: Iterable<FinishedRecord>, dry: DryRun, forWorkspace: ((workspace: string) => InForce) | undefined): { readonly rows: ReadonlyMap<string, Row>; readonly judged: number; readonly skipped: ReadonlyMap<Skipped, number> } {
  const rows = new Map<string, Row>();
  const skipped = new Map<Skipped, number>();
  let judged = 0;
  for (const record of records) {
    let rules: readonly string[] = [];
    const again = judgeAgain(record, (line) => {
      const { evaluation } = dry.judgeAs(line, forWorkspace);
      rules = [...new Set(evaluation.matches.filter(({ verdict }) => verdict === evaluation.verdict).map(({ id }) => id))];
      return evaluation.verdict;
    });
    if (again.kind === "skipped") {
      skipped.set(again.why, (skipped.get(again.why) ?? 0) + 1);
      continue;
    }
    judged += 1;
    if (again.before === again.after) continue;
    const { before, after } = again;
    const key = JSON.stringify([before, after, record.cmd, record.cwd]);
    const row = rows.get(key) ?? { before, after, cmd: record.cmd, cwd: record.cwd, rules, count: 0, last: record.time };
    rows.set(key, { ...row, count: row.count + 1, last: record.time });
  }
  return { rows, judged, skipped };
}

function isLooser({ before, after }: Row): boolean {
  return VERDICTS.indexOf(after) < VERDICTS.indexOf(before);
}

/** What became looser comes first, the widest step before the others: that is what a rule's author must look at. */
function weight({ before, after }: Row): number {
  const step = VERDICTS.indexOf(before) - VERDICTS.indexOf(after);
  return step > 0 ? VERDICTS.length + step : -step;
}

function shownRow({ before, after, cmd, count, rules }: Row): string {
  return `${before.padStart(6)} → ${after.padEnd(6)} ${`${count}×`.padStart(5)}  ${spellStrangers(escapeText(cmd, { maxLength: 300 }))}${rules.length === 0 ? "" : `  (${escapeText(rules.join(", "), { maxLength: 200 })})`}\n`;
}

function skippedWords(skipped: ReadonlyMap<Skipped, number>): string {
  return skipped.size === 0 ? "" : `; skipped: ${[...skipped].map(([why, count]) => `${count} ${why}`).join(", ")}`;
}
