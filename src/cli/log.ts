import { watch } from "node:fs";
import { parseArgs } from "node:util";
import { placesOf } from "../broker/index.ts";
import { escapeText } from "../model/index.ts";
import { journalDirectory, readRecords, type FinishedRecord } from "../record/index.ts";
import { usageFailure, type Invoked } from "./command.ts";

export const LOG_USAGE = `usage: vetsh log [--json] [--last N] [--decision allow|review|ask|deny] [--follow]

Prints finished records, the oldest first: one line each, or one JSON object each.
`;

/** Records are looked for again this often while following, in milliseconds; a change of the journal is noticed at once. */
const LOOK_AGAIN_MS = 1_000;

export async function log(invoked: Invoked): Promise<number> {
  const { values } = parseArgs({
    args: [...invoked.args], strict: true,
    options: { json: { type: "boolean", default: false }, last: { type: "string" }, decision: { type: "string" }, follow: { type: "boolean", default: false } },
  });
  const last = values.last === undefined ? undefined : Number(values.last);
  if (last !== undefined && !(Number.isInteger(last) && last > 0)) throw usageFailure("`--last` takes a number above 0", "log");
  const { state } = placesOf(invoked.layout.root);
  const print = (record: FinishedRecord): void => void invoked.terminal.out.write(values.json ? `${JSON.stringify(record)}\n` : forPeople(record));
  const filter = values.decision === undefined ? {} : { decision: values.decision };
  const records = [...readRecords(state, filter)];
  for (const record of last === undefined ? records : records.slice(-last)) print(record);
  if (values.follow) await follow(state, new Set(records.map(({ id }) => id)), filter, print);
  return 0;
}

function forPeople({ time, decision, final, exit, outcome, cmd, reason }: FinishedRecord): string {
  const end = outcome === "exited" || outcome === "signalled" ? `exit ${exit ?? "?"}` : outcome;
  const why = final === "refuse" && reason !== null ? `  (${escapeText(reason, { maxLength: 200 })})` : "";
  return `${time}  ${(decision ?? "-").padEnd(6)}  ${end.padEnd(8)}  ${escapeText(cmd, { maxLength: 300 })}${why}\n`;
}

/** Never returns: a human ends it with Ctrl-C. */
async function follow(state: string, seen: Set<string>, filter: { readonly decision?: string }, print: (record: FinishedRecord) => void): Promise<void> {
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
