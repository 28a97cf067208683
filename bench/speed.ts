/**
 * `npm run bench [-- --rounds N] [LINES.jsonl]`: what vetsh costs, measured on this machine in one run.
 * Prints a table with the aims beside it; exit 1 when something could not be measured, never because an aim was missed.
 * LINES: JSON Lines with `cmd`; without it, the agent lines beside the checkout, else our own in bench/lines.jsonl.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Layout } from "../src/model/index.ts";
import { brokerOf, buildSpawnLoop, install, isFile, residentMiB, scratchDirectory, stopBroker } from "./installation.ts";
import { gateRows } from "./gates.ts";
import { proxyRows } from "./proxy.ts";
import { firstUseRow, makeRow } from "./rooms.ts";
import type { Row, Times } from "./speed-row.ts";
import { terminalRows } from "./terminal.ts";
import { judgeLines, percentile, type LongMeasured } from "./verdicts.ts";

const UNCONFINED = '[sandbox]\nuse = "never"\nunconfined = "allow"\n';
const COLD_STARTS = 7;
const BESIDE = resolve(import.meta.dirname, "../../shared/corpus/agent-lines.jsonl");
const OWN = join(import.meta.dirname, "lines.jsonl");

const { values, positionals } = parseArgs({ options: { rounds: { type: "string", default: "400" } }, allowPositionals: true });
const rounds = Number(values.rounds);
const linesFile = positionals[0] ?? (isFile(BESIDE) ? BESIDE : OWN);

const ms = (ns: number): string => `${(ns / 1e6).toFixed(2)} ms`;
const mark = (met: boolean | undefined): string => (met === undefined ? "" : met ? "met" : "MISSED");

/** Bare shell, shim without a sandbox, shim with the default one: in turns, so that noise falls on all of them. */
function spawnRows(spawnLoop: string, workspace: string, open: Layout, confined: Layout): readonly Row[] {
  const shim = (layout: Layout): readonly string[] => [join(layout.root, "shims/bash"), "-c", "true"];
  const commands = ["/usr/bin/bash", "-c", "true", "--", ...shim(open), "--", ...shim(confined)];
  const output = execFileSync(spawnLoop, [String(rounds), "50", ...commands], { cwd: workspace, encoding: "utf8", env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" }, stdio: ["ignore", "pipe", "inherit"] });
  const [bare, through, sandboxed] = JSON.parse(output) as [Times, Times, Times];
  const row = (what: string, times: Times): Row => ({ what, measured: `p50 ${ms(times.p50)}   p95 ${ms(times.p95)}   p99 ${ms(times.p99)}   least ${ms(times.least)}`, aim: "", met: undefined });
  const ratio = through.p50 / bare.p50;
  return [
    row("bare `bash -c true`", bare),
    row("shimmed, sandbox off", through),
    row("shimmed, default sandbox", sandboxed),
    { what: "ratio of p50, sandbox off", measured: `${ratio.toFixed(2)} (of the least: ${(through.least / bare.least).toFixed(2)})`, aim: "≤ 2.2", met: ratio <= 2.2 },
    { what: "ratio of p50, default sandbox", measured: `${(sandboxed.p50 / bare.p50).toFixed(2)} (of the least: ${(sandboxed.least / bare.least).toFixed(2)})`, aim: "≤ 2.5", met: sandboxed.p50 / bare.p50 <= 2.5 },
  ];
}

async function verdictRows(layout: Layout, workspace: string, scratch: string): Promise<readonly Row[]> {
  const { times, busy, lines, allowed, long } = await judgeLines(linesFile, layout, workspace, scratch);
  const p50 = percentile(times, 50);
  const p99 = percentile(times, 99);
  return [
    { what: `verdict p50, ${lines} lines (${allowed} allowed)`, measured: `${ms(p50)} (processor, on average: ${ms(busy)})`, aim: "≤ 0.1 ms", met: p50 <= 0.1e6 },
    { what: "verdict p99", measured: ms(p99), aim: "≤ 1 ms", met: p99 <= 1e6 },
    ...long.map(longRow),
  ];
}

/** Five thousand levels are beyond the limit on depth: there the aim is that they are called opaque. */
function longRow({ what, least, opaque }: LongMeasured): Row {
  const deep = what.endsWith("deep");
  return { what: `verdict, ${what}`, measured: `${ms(least)} (least)${opaque ? ", opaque" : ""}`, aim: deep ? "opaque" : "≤ 20 ms", met: deep ? opaque : least <= 20e6 };
}

/** No broker runs; a command starts it, is judged, and ends. Whole time as the caller of the shell sees it. */
async function coldRow(layout: Layout, workspace: string): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < COLD_STARTS; round += 1) {
    await stopBroker(layout);
    const start = process.hrtime.bigint();
    const result = spawnSync(join(layout.root, "shims/bash"), ["-c", "true"], { cwd: workspace, stdio: ["ignore", "ignore", "inherit"], env: { PATH: "/usr/bin:/bin" } });
    times.push(Number(process.hrtime.bigint() - start));
    if (result.status !== 0) throw new Error(`the first command after a cold start ended with ${result.status ?? result.signal}`);
  }
  const p50 = percentile(times, 50);
  return { what: `cold start to first verdict, median of ${COLD_STARTS}`, measured: `${ms(p50)} (${ms(Math.min(...times))} – ${ms(Math.max(...times))})`, aim: "≤ 400 ms", met: p50 <= 400e6 };
}

async function memoryRow(layout: Layout): Promise<Row> {
  await sleep(3_000);
  const pid = brokerOf(layout);
  if (pid === undefined) throw new Error("there is no broker to measure");
  const rss = residentMiB(pid);
  return { what: "idle memory of the broker (RSS)", measured: `${rss.toFixed(0)} MB`, aim: "≤ 130 MB", met: rss <= 130 };
}

function print(rows: readonly Row[]): void {
  const width = Math.max(...rows.map((row) => row.what.length)) + 2;
  const wide = Math.max(...rows.map((row) => row.measured.length)) + 2;
  for (const row of rows) console.log(`${row.what.padEnd(width)}${row.measured.padEnd(wide)}${row.aim === "" ? "" : `aim ${row.aim}`}  ${mark(row.met)}`.trimEnd());
}

async function main(): Promise<void> {
  if (!Number.isInteger(rounds) || rounds < 10) throw new Error("`--rounds` is a number of at least 10");
  const scratch = scratchDirectory();
  const open = install(scratch.path, "open", UNCONFINED);
  const confined = install(scratch.path, "confined", "");
  const workspace = join(scratch.path, "workspace");
  mkdirSync(join(workspace, ".git"), { recursive: true });
  try {
    console.log(`node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${rounds} rounds, lines: ${readFileSync(linesFile, "utf8").split("\n").length - 1}`);
    const cold = await coldRow(open, workspace);
    const memory = await memoryRow(open);
    const spawnLoop = buildSpawnLoop(scratch.path);
    print([...spawnRows(spawnLoop, workspace, open, confined), firstUseRow(spawnLoop, scratch.path, confined), makeRow(spawnLoop, workspace, confined), ...(await gateRows(confined, workspace)), ...terminalRows(scratch.path, confined, workspace), ...(await verdictRows(confined, workspace, scratch.path)), ...(await proxyRows(scratch.path)), cold, memory]);
  } finally {
    for (const layout of [open, confined]) await stopBroker(layout);
    scratch.remove();
  }
}

await main();
