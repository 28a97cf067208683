/**
 * Which parser? Goes in: our own fixtures (test/parse), bash itself as judge of what is valid. Comes out: one table of
 * unbash, unbash behind our guard, mvdan-sh and bash-parser: texts that bash accepts and the parser rejects, the other way
 * round, commands missing from the tree, hidden commands, time per text. `docs/decisions/0004-unbash-behind-a-guard.md` quotes it.
 *
 *   npm run bench:parsers                      the table
 *   npm run bench:parsers -- --corpus FOLDER   what our reader makes of a folder of corpora (JSON Lines, inert text)
 */
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { forEachChild, parse, type SyntaxNode } from "unbash";
import type { AssignmentWord, Word } from "../src/model/index.ts";
import { parseScript, simpleCommands } from "../src/parse/index.ts";
import { HARMLESS, HIDING } from "../test/parse/guard-rows.ts";
import { ROWS } from "../test/parse/rows.ts";
import { mvdanNames } from "../test/parse/second-opinion.ts";
import { bashAccepts } from "../test/parse/shells.ts";

/** Names of the commands a parser shows, undefined when it rejects the text (or, for ours, calls it opaque). */
type Reader = { readonly name: string; readonly names: (text: string) => string[] | undefined };

function ours(text: string): string[] | undefined {
  const script = parseScript(text, "bash");
  if (script.opaque.length > 0) return undefined;
  return simpleCommands(script).flatMap((command) => (command.words[0] === undefined ? [] : [nameOf(command.words[0])]));
}

function nameOf(word: Word | AssignmentWord): string {
  return word.kind === "word" ? word.parts.map((part) => (part.kind === "literal" ? part.value : "⊤")).join("") : word.text;
}

function bareUnbash(text: string): string[] | undefined {
  const names: string[] = [];
  let errors = 0;
  const visit = (node: SyntaxNode): void => {
    if (node.type === "Script") errors += node.errors?.length ?? 0;
    if (node.type === "Command" && node.name !== undefined) names.push(node.name.value);
    forEachChild(node, visit);
  };
  visit(parse(text));
  return errors > 0 ? undefined : names;
}

const bashParserModule = createRequire(import.meta.url)("bash-parser") as (text: string) => unknown;

function bashParser(text: string): string[] | undefined {
  const names: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if ("type" in node && node.type === "Command" && "name" in node) names.push(String((node.name as { text?: unknown } | undefined)?.text));
    for (const child of Object.values(node)) visit(child);
  };
  try {
    visit(bashParserModule(text));
  } catch {
    // It throws what it rejects, internal errors included: both count as rejected.
    return undefined;
  }
  return names;
}

const READERS: readonly Reader[] = [
  { name: "unbash 6.0.4 behind the guard", names: ours },
  { name: "unbash 6.0.4", names: bareUnbash },
  { name: "mvdan-sh 0.10.1", names: mvdanNames },
  { name: "bash-parser 0.5.0", names: bashParser },
];

/** Texts with the number of commands in them (as `test/parse` holds them against bash); undefined: not known. */
type Fixture = { readonly text: string; readonly commands: number | undefined; readonly accepted: boolean };
const FIXTURES: readonly Fixture[] = [
  ...ROWS.map(([text, commands, opaque]) => ({ text, commands: opaque === undefined ? commands.length : undefined })),
  ...[...HIDING, ...HARMLESS].map(({ text }) => ({ text, commands: undefined })),
].map((row) => ({ ...row, accepted: bashAccepts(row.text) }));

function measure({ name, names }: Reader): Record<string, string | number> {
  const valid = FIXTURES.filter((row) => row.accepted);
  const hiding = HIDING.filter((row) => bashAccepts(row.text));
  const counted = valid.flatMap((row) => (row.commands === undefined ? [] : [{ shown: names(row.text)?.length, commands: row.commands }]));
  const times = valid.filter((row) => row.text.length < 400).map((row) => fastest(() => names(row.text))).sort((a, b) => a - b);
  return {
    parser: name,
    "rejects, of rows": `${counted.filter((row) => row.shown === undefined).length} / ${counted.length}`,
    "accepts invalid": `${FIXTURES.filter((row) => !row.accepted && names(row.text) !== undefined).length} / ${FIXTURES.length - valid.length}`,
    "commands missing": counted.filter((row) => row.shown !== undefined && row.shown < row.commands).length,
    "commands invented": counted.filter((row) => row.shown !== undefined && row.shown > row.commands).length,
    "hides a command": `${hiding.filter((row) => names(row.text)?.every((shown) => shown !== "probe") === true).length} / ${hiding.length}`,
    "µs median": round(quantile(times, 0.5)),
    "µs p99": round(quantile(times, 0.99)),
  };
}

/** Fastest of a few runs, in microseconds: the others measure the machine. */
function fastest(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 25; round++) {
    const start = process.hrtime.bigint();
    run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1_000);
  }
  return best;
}

const quantile = (sorted: readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
const round = (value: number): number => Math.round(value * 10) / 10;

/** A row of a corpus: a text, whether bash accepts it, and the commands bash's own parser sees. */
type CorpusRow = { readonly id?: string; readonly cmd: string; readonly bash_n_ok?: boolean; readonly bash?: boolean; readonly commands?: readonly (readonly (string | null)[])[] };

function rowsOf(folder: string, file: string): CorpusRow[] {
  const path = join(folder, file);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").trim().split("\n").map((line) => JSON.parse(line) as CorpusRow);
}

function measureCorpus(folder: string): void {
  const lines = rowsOf(folder, "agent-lines.jsonl");
  const accepted = lines.filter((row) => row.bash_n_ok === true);
  const flagged = accepted.filter((row) => parseScript(row.cmd, "bash").opaque.length > 0);
  const times = lines.map((row) => fastest(() => parseScript(row.cmd, "bash"))).sort((a, b) => a - b);
  const holes = rowsOf(folder, "parser-holes.jsonl");
  const open = holes.filter((row) => ours(row.cmd)?.every((name) => !/(?:^|\/)rm$/.test(name)) === true);
  const known = rowsOf(folder, "parser-safety.jsonl").filter((row) => row.bash === true && row.commands !== undefined);
  const missing = known.filter(misses);
  if (lines.length + holes.length + known.length === 0) throw new Error(`no corpus in \`${folder}\``);
  console.log(`lines bash accepts: ${accepted.length}, opaque: ${flagged.length} (${((100 * flagged.length) / Math.max(1, accepted.length)).toFixed(3)} %)`);
  console.log(`time: p50 ${round(quantile(times, 0.5))} µs, p99 ${round(quantile(times, 0.99))} µs, slowest ${round(times.at(-1) ?? 0)} µs`);
  console.log(`holes: ${holes.length}, still open: ${open.length} ${open.map((row) => row.id).join(" ")}`);
  console.log(`adversarial lines: ${known.length}, with a command missing: ${missing.length} ${missing.map((row) => row.id).join(" ")}`);
}

/** Whether some command bash sees is neither shown nor flagged; null stands for a word that is not literal. */
function misses(row: CorpusRow): boolean {
  const script = parseScript(row.cmd, "bash");
  if (script.opaque.length > 0) return false;
  const shown = simpleCommands(script).map((command) => command.words.map(literalOf));
  return (row.commands ?? []).some((wanted) => {
    const at = shown.findIndex((words) => words.length === wanted.length && words.every((word, index) => word === undefined || wanted[index] === null || word === wanted[index]));
    return wanted.length > 0 && (at === -1 || shown.splice(at, 1).length === 0);
  });
}

function literalOf(word: Word | AssignmentWord): string | undefined {
  if (word.kind === "assignment") {
    const { name, value, append, index } = word.assignment;
    const text = value.kind === "word" && index === undefined ? literalOf(value) : undefined;
    return text === undefined ? undefined : `${name}${append ? "+" : ""}=${text}`;
  }
  let text = "";
  for (const part of word.parts) {
    if (part.kind === "literal") text += part.value;
    else if (part.kind === "glob" && part.parts.every((inner) => inner.kind === "literal")) text += part.pattern;
    else if (part.kind === "tilde") text += `~${part.user}`;
    else return undefined;
  }
  return text;
}

const { values } = parseArgs({ options: { corpus: { type: "string" } } });
if (values.corpus === undefined) {
  console.log(`${FIXTURES.length} texts, ${FIXTURES.filter((row) => row.accepted).length} of them valid for bash`);
  console.table(READERS.map(measure));
} else measureCorpus(values.corpus);
