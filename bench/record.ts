/**
 * `node bench/record.ts [SECONDS]`: what recording costs. Processor time of the calls that a command waits for, of everything with the exports to local
 * files, whether 1,000 commands a second are kept up with for so many seconds (10 unless said otherwise), and the memory after them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Assembler } from "../src/record/assemble.ts";
import { journalDirectory, openRecorder, verifyJournals, type Recorder } from "../src/record/index.ts";
import { readEntries } from "../src/record/segments.ts";
import { decided, EXITED, request } from "../test/record/support/sample.ts";

const seconds = Number(process.argv[2] ?? 10);
const PER_SECOND = 1_000;
const state = mkdtempSync(join(tmpdir(), "vetsh-bench-"));
const recorder = await openRecorder({ stateDir: state, settings: { version: "0.0.0", otlp: undefined }, now: Date.now, onError: (message) => console.log(message) });
const microseconds = (from: NodeJS.CpuUsage): number => { const { user, system } = process.threadCpuUsage(from); return user + system; };

/** What a command waits for, and what is done about it besides. Out: processor time of the calls, in microseconds. */
async function one(to: Recorder, index: number): Promise<number> {
  const line = `grep -rn "handler_${index}" src --include=*.ts | head -20 && npm test -- --filter ${index}`;
  const asked = request(`bench-${index}`, line);
  const begun = process.threadCpuUsage();
  to.received(asked, { mode: "command", text: line, workspace: "/home/u/project", intent: undefined, agent: "codex", session: "s-1", call: `call_${index}`, trace: to.traceFor(asked) });
  const waiting = to.decided(asked.id, decided());
  const spent = microseconds(begun);
  await waiting;
  to.started(asked.id, 4_242);
  to.finished(asked.id, EXITED);
  return spent;
}

const waited: number[] = [];
const rss: number[] = [];
const whole = process.threadCpuUsage();
const start = performance.now();
let [done, behind] = [0, 0];
while (performance.now() - start < seconds * 1_000) {
  const due = Math.floor((performance.now() - start) * PER_SECOND / 1_000);
  behind = Math.max(behind, due - done);
  const batch = Math.min(due - done, 64);
  if (batch > 0) waited.push(...(await Promise.all(Array.from({ length: batch }, (_, index) => one(recorder, done + index)))));
  done += batch;
  if (batch === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  if (done % 5_000 < 64) rss.push(process.memoryUsage().rss);
}
const rate = done / (performance.now() - start) * 1_000;
const during = microseconds(whole) / done;
await recorder.shutdown(60_000);
const all = microseconds(whole) / done;
waited.sort((a, b) => a - b);
const at = (share: number): string => String(waited[Math.floor(waited.length * share)]);
console.log(`${done} commands, ${rate.toFixed(0)} a second (wanted ${PER_SECOND}), at most ${behind} behind`);
console.log(`processor time of the calls before a command runs: ${at(0.5)} µs at the median, ${at(0.99)} at the 99th percentile; of the main thread in all: ${during.toFixed(0)} µs a command while they ran, ${all.toFixed(0)} with what was exported in the end`);
console.log(`memory: ${rss.map((bytes) => `${Math.round(bytes / 1_048_576)}`).filter((_, index, list) => index % Math.max(1, Math.ceil(list.length / 8)) === 0).join(", ")} MiB`);
const assembler = new Assembler();
let finished = 0;
for (const located of readEntries(journalDirectory(state))) if (assembler.push(located) !== undefined) finished += 1;
console.log(`${finished} finished records; the chain ${verifyJournals(journalDirectory(state)).ok ? "verifies" : "DOES NOT VERIFY"}`);
rmSync(state, { recursive: true, force: true });
if (finished !== done) process.exitCode = 1;
