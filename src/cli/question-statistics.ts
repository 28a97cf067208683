import type { FinishedRecord } from "../record/index.ts";

/** How tiring the questions were. Hours are those in which a command ran at all. */
export type QuestionStatistics = {
  readonly commands: number;
  readonly activeHours: number;
  readonly questions: number;
  readonly perHour: number;
  readonly perHundred: number;
  readonly answered: { readonly yes: number; readonly no: number; readonly pending: number };
  /** Of questions that somebody answered while the command waited; null when there are none. */
  readonly secondsToAnswer: { readonly median: number | null; readonly p90: number | null };
  /** Questions about a line that had been asked about before. */
  readonly repeats: number;
  /** Commands that ran without a question because of an earlier yes. */
  readonly byGrants: number;
  /** The rules that asked, those that caused most questions first. */
  readonly rules: readonly { readonly id: string; readonly questions: number; readonly yes: number }[];
  /** The one rule that would remove most questions among those that were always answered yes; undefined when none would remove two. */
  readonly best: { readonly kind: "rule" | "command"; readonly what: string; readonly questions: number } | undefined;
};

type Tally = { questions: number; yes: number };

const HOUR_MS = 3_600_000;

/** In: finished records. Out: what they say about questions. A command inside another one is no command of its own here. */
export function questionStatistics(records: Iterable<FinishedRecord>): QuestionStatistics {
  const hours = new Set<number>();
  const lines = new Map<string, number>();
  const [rules, commands] = [new Map<string, Tally>(), new Map<string, Tally>()];
  const times: number[] = [];
  const answered = { yes: 0, no: 0, pending: 0 };
  let [count, questions, byGrants] = [0, 0, 0];
  const all = [...records];
  const commandIds = new Set(all.filter((record) => !isTyped(record)).map(({ id }) => id));
  for (const record of all) {
    // What an agent's start is around is a command of its own; what a command is around belongs to that.
    if (isTyped(record) || (record.parent !== null && commandIds.has(record.parent))) continue;
    count += 1;
    hours.add(Math.floor(Date.parse(record.time) / HOUR_MS));
    if (record.grant !== null) byGrants += 1;
    const { approval } = record;
    if (approval === null) continue;
    questions += 1;
    const outcome = approval.outcome === "approved" ? "yes" : approval.outcome === "denied" ? "no" : "pending";
    answered[outcome] += 1;
    if (outcome !== "pending" && approval.ms > 0) times.push(approval.ms / 1_000);
    lines.set(`${record.cwd}\0${record.cmd}`, (lines.get(`${record.cwd}\0${record.cmd}`) ?? 0) + 1);
    for (const id of new Set(record.rules.filter(({ verdict }) => verdict === record.decision).map((rule) => rule.id))) tally(rules, id, outcome === "yes");
    const begins = beginningOf(record.cmd);
    if (begins !== undefined) tally(commands, begins, outcome === "yes");
  }
  return {
    commands: count, activeHours: hours.size, questions, perHour: rounded(questions / Math.max(1, hours.size)), perHundred: rounded((100 * questions) / Math.max(1, count)), answered,
    secondsToAnswer: { median: quantile(times, 0.5), p90: quantile(times, 0.9) },
    repeats: questions - lines.size, byGrants,
    rules: [...rules].map(([id, { questions: asked, yes }]) => ({ id, questions: asked, yes })).toSorted((a, b) => b.questions - a.questions),
    best: bestOf(rules, commands),
  };
}

/** The start of an agent, as its human typed it: nobody's question, and no command of the agent. */
function isTyped({ approval, id }: FinishedRecord): boolean {
  return approval !== null && approval.id === id;
}

function tally(into: Map<string, Tally>, key: string, yes: boolean): void {
  const known = into.get(key) ?? { questions: 0, yes: 0 };
  into.set(key, { questions: known.questions + 1, yes: known.yes + (yes ? 1 : 0) });
}

/** Program and subcommand of a plain line; undefined for one with more in it: no single rule is about that. */
function beginningOf(cmd: string): string | undefined {
  if (/[;&|<>`$(){}\n]/.test(cmd)) return undefined;
  const [program, second] = cmd.trim().split(/\s+/);
  if (program === undefined || program === "" || program.includes("=")) return undefined;
  return second !== undefined && /^[a-z][a-z0-9:-]*$/.test(second) ? `${program} ${second}` : program;
}

/** Among equals a beginning of a line: it is narrower than all that a rule stops. */
function bestOf(rules: ReadonlyMap<string, Tally>, commands: ReadonlyMap<string, Tally>): QuestionStatistics["best"] {
  const all = [...[...commands].map(([what, tallied]) => ({ kind: "command" as const, what, ...tallied })), ...[...rules].map(([what, tallied]) => ({ kind: "rule" as const, what, ...tallied }))];
  const [best] = all.filter(({ questions, yes }) => questions > 1 && yes === questions).toSorted((a, b) => b.questions - a.questions);
  return best === undefined ? undefined : { kind: best.kind, what: best.what, questions: best.questions };
}

function quantile(values: readonly number[], part: number): number | null {
  const value = values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
  return value === undefined ? null : rounded(value);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
