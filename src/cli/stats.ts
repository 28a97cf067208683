import { parseArgs } from "node:util";
import { placesOf } from "../broker/index.ts";
import { escapeText, plainJson } from "../model/index.ts";
import { readRecords } from "../record/index.ts";
import { questionStatistics, type QuestionStatistics } from "./question-statistics.ts";
import type { Invoked } from "./command.ts";
import { durationMs } from "./duration.ts";

export const STATS_USAGE = `usage: vetsh stats [--since 30d] [--json]

How often you are asked, how long answers take, which rules cause the questions, and the one rule that would remove most of them.
`;

export async function stats(invoked: Invoked): Promise<number> {
  const { values } = parseArgs({ args: [...invoked.args], strict: true, options: { since: { type: "string", default: "30d" }, json: { type: "boolean", default: false } } });
  const now = Date.now();
  const found = questionStatistics(readRecords(placesOf(invoked.layout.root).state, { since: now - durationMs(values.since, "stats") }));
  invoked.terminal.out.write(values.json ? `${plainJson(found)}\n` : forPeople(found));
  return 0;
}

function forPeople(found: QuestionStatistics): string {
  if (found.commands === 0) return "no command was recorded in that time\n";
  const { questions, commands, perHour, perHundred, answered, secondsToAnswer: { median, p90 }, repeats, byGrants, rules, best } = found;
  const show = (text: string): string => escapeText(text, { maxLength: 200 });
  return [
    `${commands} commands in ${found.activeHours} ${found.activeHours === 1 ? "hour" : "hours"} with work in them, ${questions} questions: ${perHour} an hour, ${perHundred} per hundred commands`,
    `answers: ${answered.yes} yes, ${answered.no} no, ${answered.pending} not in time${median === null ? "" : `; half of them within ${median} s, nine of ten within ${p90 ?? median} s`}`,
    `${repeats} questions were about a line that had been asked about before; ${byGrants} commands ran by an earlier yes`,
    ...(rules.length === 0 ? [] : ["by rule:", ...rules.slice(0, 10).map(({ id, questions: count, yes }) => `${String(count).padStart(6)}  ${show(id)}${yes === 0 ? "" : `, ${yes} answered yes`}`)]),
    ...(best === undefined ? [] : [`one rule would remove most: allow what ${best.kind === "command" ? "begins with" : "is stopped by"} \`${show(best.what)}\`: ${best.questions} questions, all answered yes`, "hint: answer such a question with `always`, or write the rule and look with `vetsh replay --rules FILE` what else it lets through"]),
  ].map((line) => `${line}\n`).join("");
}
