/**
 * `npm run bench:corpus [-- FILE…]`: decisions over collections of command lines, in one table. Every line is inert text: it goes
 * through the same function as `vetsh check --batch`, and nothing is started.
 * FILE: JSON Lines, told apart by name: labelled*, bypass* (scored by the score.mjs beside them), agent-lines* (weighted by
 * `count`), parser-*. Without arguments: all of them, where they lie beside the checkout. Exit 1 when nothing was read.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { findInstallation } from "../src/cli/installation.ts";
import { openDryRun, type Checked } from "../src/cli/dry-run.ts";
import { VERDICTS, type Verdict } from "../src/model/index.ts";
import { parseScript, simpleCommands } from "../src/parse/index.ts";
import { isFile, scratchDirectory } from "./installation.ts";

type Row = {
  readonly id: string;
  readonly cmd: string;
  readonly cwd?: string;
  readonly workspace?: string;
  readonly count?: number;
  readonly bash_n_ok?: boolean;
  readonly bash?: boolean;
  readonly benign_twin?: string;
  readonly commands?: readonly (readonly (string | null)[])[];
};
type Judge = (row: Row) => Promise<Checked>;

const PLACE = "/home/dev/repo";
const BESIDE = resolve(import.meta.dirname, "../../shared/corpus");
const NAMES = ["labelled", "bypass", "agent-lines", "parser-holes", "parser-safety"];

function readRows(file: string): readonly Row[] {
  const lines = readFileSync(file, "utf8").split("\n").filter((line) => line !== "");
  return lines.map((line, at) => ({ id: `row-${at}`, ...(JSON.parse(line) as Omit<Row, "id">) }));
}

async function judgeWith(): Promise<Judge> {
  const { layout } = findInstallation(import.meta.filename, undefined);
  const dry = await openDryRun(layout, (message) => console.error(message));
  return ({ cmd, cwd = PLACE, workspace = PLACE }) => dry.check({ cmd, cwd, workspace });
}

const share = (part: number, whole: number): string => (whole === 0 ? "-" : `${((100 * part) / whole).toFixed(2)}%`);

/** In: decisions with weights. Out: one line with the part of each. */
function spread(name: string, decisions: readonly { readonly verdict: Verdict; readonly weight: number }[]): string {
  const whole = decisions.reduce((sum, { weight }) => sum + weight, 0);
  const part = (verdict: Verdict): number => decisions.filter((each) => each.verdict === verdict).reduce((sum, { weight }) => sum + weight, 0);
  return `${name.padEnd(34)}${String(decisions.length).padStart(7)}${VERDICTS.map((verdict) => share(part(verdict), whole).padStart(10)).join("")}`;
}

/** Rows with labels: the scoring program says what each decision is worth. */
async function scored(file: string, rows: readonly Row[], judge: Judge, scratch: string): Promise<void> {
  const results = join(scratch, `${basename(file)}.results`);
  const answers: string[] = [];
  for (const row of rows) {
    const { decision, authority } = await judge(row);
    answers.push(JSON.stringify({ id: row.id, decision, authority }));
  }
  writeFileSync(results, `${answers.join("\n")}\n`);
  const score = join(dirname(file), "score.mjs");
  if (!isFile(score)) throw new Error(`\`${score}\` is needed to score \`${file}\``);
  const scoring = spawnSync(process.execPath, [score, file, results], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (scoring.status !== 0) throw new Error(`scoring \`${file}\` failed`);
  console.log(`\n${basename(file)}\n${scoring.stdout.trimEnd()}`);
}

/** What bash would run and we neither show nor call opaque: each such line is a way past the analysis. */
function hides(row: Row): boolean {
  const script = parseScript(row.cmd, "bash");
  if (script.opaque.length > 0) return false;
  const shown = simpleCommands(script).map((command) => command.words.map((word) => ("parts" in word ? literal(word) : undefined))[0]);
  const wanted = row.commands?.map((words) => words[0] ?? null) ?? ["rm"];
  // A name that the oracle could not spell (null) may be any of those we could not spell either.
  return wanted.some((name) => name !== null && !shown.includes(name) && !shown.includes(undefined));
}

function literal(word: { readonly parts: readonly { readonly kind: string; readonly value?: string }[] }): string | undefined {
  return word.parts.every((part) => part.kind === "literal") ? word.parts.map((part) => part.value ?? "").join("") : undefined;
}

async function decisionsOf(rows: readonly Row[], judge: Judge, weight: (row: Row) => number): Promise<readonly { readonly verdict: Verdict; readonly weight: number; readonly parsed: boolean; readonly row: Row }[]> {
  const found = [];
  for (const row of rows) {
    const { decision, parse } = await judge(row);
    found.push({ verdict: decision, weight: weight(row), parsed: parse.ok, row });
  }
  return found;
}

async function measure(file: string, judge: Judge, scratch: string): Promise<readonly string[]> {
  const name = basename(file, ".jsonl");
  const rows = readRows(file);
  if (rows.length === 0) throw new Error(`\`${file}\` holds no lines`);
  if (/^labelled|^bypass/.test(name)) await scored(file, rows, judge, scratch);
  if (/^parser/.test(name)) {
    const valid = rows.filter((row) => row.bash !== false);
    const hidden = valid.filter(hides);
    for (const row of hidden) console.log(`hidden: ${row.id} ${JSON.stringify(row.cmd).slice(0, 120)}`);
    const opaque = valid.filter((row) => parseScript(row.cmd, "bash").opaque.length > 0).length;
    return [`${name.padEnd(34)}${String(valid.length).padStart(7)}   ${hidden.length} hide a command, ${opaque} opaque`];
  }
  const found = await decisionsOf(rows, judge, () => 1);
  const table = [spread(name, found)];
  if (/^bypass/.test(name)) {
    const twins = rows.flatMap((row) => (row.benign_twin === undefined ? [] : [{ id: row.id, cmd: row.benign_twin }]));
    table.push(spread(`${name}: harmless twins`, await decisionsOf(twins, judge, () => 1)));
  }
  if (/^agent/.test(name)) {
    table.push(spread(`${name}, by how often each ran`, found.map((each) => ({ ...each, weight: each.row.count ?? 1 }))));
    const accepted = found.filter((each) => each.row.bash_n_ok !== false);
    table.push(`${`${name}: read of those bash reads`.padEnd(34)}${String(accepted.length).padStart(7)}${share(accepted.filter((each) => each.parsed).length, accepted.length).padStart(10)}`);
  }
  return table;
}

async function main(): Promise<void> {
  const files = process.argv.length > 2 ? process.argv.slice(2) : NAMES.map((name) => join(BESIDE, `${name}.jsonl`)).filter(isFile);
  if (files.length === 0) {
    console.error("bench:corpus: there is no file to read\nhint: npm run bench:corpus -- FILE.jsonl…");
    process.exitCode = 1;
    return;
  }
  const scratch = scratchDirectory();
  try {
    const judge = await judgeWith();
    const tables: string[] = [];
    for (const file of files) tables.push(...(await measure(file, judge, scratch.path)));
    console.log(`\n${"decisions".padEnd(34)}${"lines".padStart(7)}${VERDICTS.map((verdict) => verdict.padStart(10)).join("")}`);
    for (const line of tables) console.log(line);
  } finally {
    scratch.remove();
  }
}

await main();
