import { hash } from "node:crypto";
import { DIALECTS, VERDICTS, type Dialect, type Verdict } from "../model/index.ts";
import type { FinishedRecord } from "../record/index.ts";

/** A line of the journal that can be judged again. */
export type RecordedLine = { readonly shell: Dialect; readonly argv: readonly string[]; readonly cwd: string; readonly workspace: string | undefined };

/** Why one cannot: its text was cut, or secrets in it were replaced, or it is not in the journal, or nothing was decided. */
export type Skipped = "redacted" | "cut" | "not in the journal" | "never judged";

export type Again = { readonly kind: "judged"; readonly before: Verdict; readonly after: Verdict } | { readonly kind: "skipped"; readonly why: Skipped };

/**
 * In: a finished record, and the pipeline's judgement of a line under the rules in question. Out: what was said of it then and what is said now.
 * INVARIANT: only text that is exactly what ran (its hash says so) is judged: a redacted line is another line.
 */
export function judgeAgain(record: FinishedRecord, verdictOf: (line: RecordedLine) => Verdict): Again {
  const before = VERDICTS.find((verdict) => verdict === record.decision);
  if (before === undefined) return { kind: "skipped", why: "never judged" };
  if (record.truncated) return { kind: "skipped", why: "cut" };
  if (record.redacted > 0 || record.argv.some((word) => word.includes("[redacted:"))) return { kind: "skipped", why: "redacted" };
  const shell = DIALECTS.find((dialect) => dialect === record.shell);
  if (shell === undefined || (record.mode !== "command" && record.mode !== "file")) return { kind: "skipped", why: "not in the journal" };
  if (record.mode === "command" && (record.sha256 === null || !record.argv.some((word) => hash("sha256", word, "hex") === record.sha256))) return { kind: "skipped", why: "not in the journal" };
  return { kind: "judged", before, after: verdictOf({ shell, argv: record.argv, cwd: record.cwd, workspace: record.workspace ?? undefined }) };
}
