/**
 * `npm run bench:fuzz [-- COUNT [SEED]]`: mutated lines through parser and analyser. Nothing is started.
 * Out: how many, the slowest, and every line that threw, went beyond a limit or took longer than a second. Exit 1 if there was one.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { analyseText } from "../src/analyse/index.ts";
import { loadSpecs } from "./specs.ts";
import { LIMITS, nothingKnown, type Facts } from "../src/model/index.ts";

const PIECES = ["rm -rf /", "$(", ")", "`", "'", '"', "${x:-", "}", "$((", "))", "[[", "]]", "<<E\n", "\nE\n", "|", "||", "&&", ";", "&", "\n", "\\", "\\\n", ">", "<(", ">(", "{a,b}", "$x", "\"$@\"", "if ", "; then ", "; fi", "for i in ", "; do ", "; done", "case x in ", ") ", ";;", "esac", "f() { ", "eval ", "bash -c ", "xargs ", "find . -exec ", "\\;", "sed 's/a/b/e' ", "awk '{print > $1}' ", "\0", "\r", "\u202e", "\ud800", "$'\\x41'", "!", "~", "*", "?", "[", "]", "=", "#", "coproc ", "time ", "#!/bin/sh\n"];
const MAX_LENGTH = 4_096;
const SLOW_MS = 1_000;

/** xorshift32: the same seed gives the same lines. */
function random(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function mutate(line: string, other: string, next: (below: number) => number): string {
  let text = line;
  for (let step = next(4) + 1; step > 0; step -= 1) {
    const at = next(text.length + 1);
    switch (next(6)) {
      case 0: text = text.slice(0, at) + PIECES[next(PIECES.length)]! + text.slice(at); break;
      case 1: text = text.slice(0, at) + text.slice(at + 1 + next(8)); break;
      case 2: text = text.slice(0, at) + other.slice(next(other.length + 1)); break;
      case 3: { const end = at + next(20); text = text.slice(0, end) + text.slice(at, end) + text.slice(end); break; }
      case 4: text = text.slice(0, at) + String.fromCharCode(next(128)) + text.slice(at + 1); break;
      default: text = `${PIECES[next(PIECES.length)]!}${text}${PIECES[next(PIECES.length)]!}`;
    }
  }
  return text.slice(0, MAX_LENGTH);
}

const count = Number(process.argv[2] ?? 1_000_000);
const next = random(Number(process.argv[3] ?? 20_261_121));
const seeds = readFileSync(join(import.meta.dirname, "lines.jsonl"), "utf8").split("\n").filter((line) => line !== "").map((line) => (JSON.parse(line) as { cmd: string }).cmd);
if (seeds.length === 0) throw new Error("no seed lines were read");
const specs = loadSpecs();
const facts: Facts = { cwd: "/w", workspace: "/w", home: "/h", env: new Map(), vetsh: ["/h/.local/lib/vetsh"], files: nothingKnown };
const bad: string[] = [];
let slowest = 0;
for (let i = 0; i < count; i += 1) {
  const line = mutate(seeds[next(seeds.length)]!, seeds[next(seeds.length)]!, next);
  const started = performance.now();
  try {
    const { effects, classes } = analyseText(line, "bash", facts, specs);
    if (effects.length > LIMITS.effects + 2 || classes.length === 0) bad.push(`beyond a limit: ${JSON.stringify(line)}`);
  } catch (error) {
    bad.push(`threw ${String(error)}: ${JSON.stringify(line)}`);
  }
  const took = performance.now() - started;
  slowest = Math.max(slowest, took);
  if (took > SLOW_MS) bad.push(`took ${took.toFixed(0)} ms: ${JSON.stringify(line)}`);
}
console.log(`${count} mutated lines from ${seeds.length} seeds; slowest ${slowest.toFixed(1)} ms; ${bad.length} bad`);
for (const line of bad.slice(0, 20)) console.log(`  ${line.slice(0, 500)}`);
process.exitCode = bad.length === 0 ? 0 : 1;
