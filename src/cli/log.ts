import { watch } from "node:fs";
import { parseArgs } from "node:util";
import { placesOf } from "../broker/index.ts";
import { escapeText } from "../model/index.ts";
import { journalDirectory, readRecords, type FinishedRecord, type RecordFilter } from "../record/index.ts";
import { usageFailure, type Invoked } from "./command.ts";

export const LOG_USAGE = `usage: vetsh log [--json] [--last N] [--decision allow|review|ask|deny] [--surprises] [--follow]

Prints finished records, the oldest first: one line each, or one JSON object each.
--surprises: those that did or tried more than their verdict claimed, and how many of them each rule let through.
`;

/** Records are looked for again this often while following, in milliseconds; a change of the journal is noticed at once. */
const LOOK_AGAIN_MS = 1_000;

export async function log(invoked: Invoked): Promise<number> {
  const { values } = parseArgs({
    args: [...invoked.args], strict: true,
    options: { json: { type: "boolean", default: false }, last: { type: "string" }, decision: { type: "string" }, surprises: { type: "boolean", default: false }, follow: { type: "boolean", default: false } },
  });
  const last = values.last === undefined ? undefined : Number(values.last);
  if (last !== undefined && !(Number.isInteger(last) && last > 0)) throw usageFailure("`--last` takes a number above 0", "log");
  const { state } = placesOf(invoked.layout.root);
  const print = (record: FinishedRecord): void => void invoked.terminal.out.write(values.json ? `${JSON.stringify(record)}\n` : forPeople(record));
  const filter = { surprising: values.surprises, ...(values.decision === undefined ? {} : { decision: values.decision }) };
  const records = [...readRecords(state, filter)];
  for (const record of last === undefined ? records : records.slice(-last)) print(record);
  if (values.surprises && !values.json) invoked.terminal.out.write(byRule(last === undefined ? records : records.slice(-last)));
  if (values.follow) await follow(state, new Set(records.map(({ id }) => id)), filter, print);
  return 0;
}

function forPeople({ time, decision, final, exit, outcome, cmd, reason, surprises, undo }: FinishedRecord): string {
  const end = outcome === "exited" || outcome === "signalled" ? `exit ${exit ?? "?"}` : outcome;
  const why = final === "refuse" && reason !== null ? `  (${escapeText(reason, { maxLength: 200 })})` : "";
  const kept = undo === null || undo.outcome === "none" ? "" : undo.snapshot === undefined ? "  (no snapshot)" : `  (undo: ${undo.snapshot}${undo.outcome === "partly" ? ", partly" : ""})`;
  const stopped = surprises.map(({ kind, target, reason: said }) => `                          ${kind === "planted" ? "made" : "stopped"}: ${escapeText(target, { maxLength: 300 })}${said === null ? "" : `, ${escapeText(said, { maxLength: 200 })}`}\n`);
  return `${time}  ${(decision ?? "-").padEnd(6)}  ${end.padEnd(8)}  ${escapeText(cmd, { maxLength: 300 })}${why}${kept}\n${stopped.join("")}`;
}

/** Which rules let lines through that then tried more: the ones to look at. */
function byRule(records: readonly FinishedRecord[]): string {
  const counts = new Map<string, number>();
  for (const { rules } of records) for (const id of new Set(rules.map((rule) => rule.id))) counts.set(id, (counts.get(id) ?? 0) + 1);
  if (counts.size === 0) return "no surprises\n";
  const lines = [...counts].toSorted(([, a], [, b]) => b - a).map(([id, count]) => `${String(count).padStart(6)}  ${escapeText(id, { maxLength: 100 })}\n`);
  return `\nby rule that spoke about the line:\n${lines.join("")}`;
}

/** Never returns: a human ends it with Ctrl-C. */
async function follow(state: string, seen: Set<string>, filter: RecordFilter, print: (record: FinishedRecord) => void): Promise<void> {
  for (;;) {
    for (const record of readRecords(state, filter)) {
      if (seen.has(record.id)) continue;
      seen.add(record.id);
      print(record);
    }
    await change(journalDirectory(state));
  }
}

async function change(directory: string): Promise<void> {
  await new Promise<void>((done) => {
    const timer = setTimeout(done, LOOK_AGAIN_MS);
    try {
      const watcher = watch(directory, { persistent: false }, () => { watcher.close(); clearTimeout(timer); done(); });
      watcher.on("error", () => watcher.close());
      timer.ref();
      setTimeout(() => watcher.close(), LOOK_AGAIN_MS).unref();
    } catch {
      // Nothing was recorded yet: the clock alone decides when to look again.
    }
  });
}
