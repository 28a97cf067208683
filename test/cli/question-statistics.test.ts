import { expect, test } from "vitest";
import { questionStatistics } from "../../src/cli/question-statistics.ts";
import type { FinishedRecord } from "../../src/record/index.ts";

let made = 0;

/** What the statistics look at of a record. */
const record = (cmd: string, outcome?: "approved" | "denied" | "pending", seconds = 4): FinishedRecord =>
  ({ id: `r${(made += 1)}`, parent: null, time: "2030-01-01T10:00:00.000Z", cmd, cwd: "/w", depth: 0, decision: outcome === undefined ? "allow" : "ask", grant: null, rules: outcome === undefined ? [] : [{ id: cmd.startsWith("npm") ? "packages" : "elsewhere", tier: "built-in", file: "f", line: 1, verdict: "ask" }], approval: outcome === undefined ? null : { id: "q", outcome, channel: "terminal", by: "u", message: undefined, startedAt: 0, ms: seconds * 1_000 } }) as unknown as FinishedRecord;

test("the rule that would remove most questions is one that was always answered yes, the narrowest first", () => {
  const found = questionStatistics([record("ls"), record("npm ci", "approved", 2), record("npm ci", "approved", 4), record("npm ci --no-audit", "approved", 30), record("git push", "denied"), record("git push -f", "approved"), record("x && y", "approved")]);
  expect(found).toMatchObject({ commands: 7, activeHours: 1, questions: 6, perHour: 6, answered: { yes: 5, no: 1, pending: 0 }, repeats: 1, secondsToAnswer: { median: 4, p90: 30 } });
  expect(found.best).toEqual({ kind: "command", what: "npm ci", questions: 3 });
  expect(found.rules).toEqual([{ id: "packages", questions: 3, yes: 3 }, { id: "elsewhere", questions: 3, yes: 2 }]);
});

test("what a command starts inside belongs to it; what an agent's start is around is its own", () => {
  const start = { ...record("./agent", "approved"), id: "start", approval: { ...record("x", "approved").approval, id: "start" } } as FinishedRecord;
  const outer = { ...record("make"), parent: "start" };
  expect(questionStatistics([{ ...record("sh -c inner"), parent: outer.id }, outer, { ...record("git push", "approved"), parent: "start" }, start])).toMatchObject({ commands: 2, questions: 1 });
});

test("nothing was asked, nothing ran", () => {
  expect(questionStatistics([record("ls")])).toMatchObject({ questions: 0, perHundred: 0, secondsToAnswer: { median: null, p90: null }, best: undefined });
  expect(questionStatistics([])).toMatchObject({ commands: 0, activeHours: 0, perHour: 0 });
});
