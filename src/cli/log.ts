import { watch } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { placesOf } from "../broker/index.ts";
import { escapeText, spellStrangers, plainJson } from "../model/index.ts";
import { personName, journalDirectory, ocsfEvents, readBypasses, RecordReader, type FinishedRecord, type RecordFilter } from "../record/index.ts";
import { usageFailure, type Invoked } from "./command.ts";
import { durationMs } from "./duration.ts";
import { sessionTree } from "./session-tree.ts";

export const LOG_USAGE = `usage: vetsh log [--json | --format ocsf] [--last N] [--follow] [--tree] [--since 2h] [--agent NAME] [--session ID] [--decision allow|review|ask|deny]
                 [--class CLASS] [--host HOST] [--path PATH] [--surprises]

Prints finished records, the oldest first: one line each, or one JSON object each. Each ends with a piece of its id, for \`vetsh show\`.
--format ocsf: events of the Open Cybersecurity Schema Framework, Process Activity (1007), one JSON object a line: the launch, and the end.
--tree: what ran inside what, with how long each took; with --session or the last session.
--host: it was given, tried or asked for. --path: ran there or below, or names it.
--surprises: those that did or tried more than their verdict claimed, and how many of them each rule let through; and shells of agents that went past vetsh.
`;

/** Records are looked for again this often while following, in milliseconds; a change of the journal is noticed at once. */
const LOOK_AGAIN_MS = 1_000;
const FLAG = { type: "boolean", default: false } as const;
const TEXT = { type: "string" } as const;
const OPTIONS = { json: FLAG, follow: FLAG, surprises: FLAG, tree: FLAG, last: TEXT, since: TEXT, format: TEXT, decision: TEXT, agent: TEXT, session: TEXT, class: TEXT, host: TEXT, path: TEXT } as const;

export async function log(invoked: Invoked): Promise<number> {
  const { values } = parseArgs({ args: [...invoked.args], strict: true, options: OPTIONS });
  const last = values.last === undefined ? undefined : Number(values.last);
  if (last !== undefined && !(Number.isInteger(last) && last > 0)) throw usageFailure("`--last` takes a number above 0", "log");
  if (values.tree && (values.follow || values.json || values.format !== undefined)) throw usageFailure("`--tree` is for reading: without `--follow`, `--json` and `--format`", "log");
  if (values.format !== undefined && (values.format !== "ocsf" || values.json)) throw usageFailure("`--format` takes `ocsf`, and goes without `--json`", "log");
  const filter = filterOf(values);
  const { state } = placesOf(invoked.layout.root);
  const { out } = invoked.terminal;
  const place = { hostname: hostname(), user: personName() };
  const text = values.json ? asJson : values.format === "ocsf" ? (record: FinishedRecord) => ocsfEvents(record, place).map(asJson).join("") : forPeople;
  const print = (record: FinishedRecord): void => void out.write(text(record));
  const reader = new RecordReader(state);
  const records = [...reader.next(filter)];
  const shown = last === undefined ? records : records.slice(-last);
  if (values.tree) {
    out.write(sessionTree(shown, values.session));
    return 0;
  }
  for (const record of shown) print(record);
  if (values.surprises && text === forPeople) {
    out.write(byRule(shown));
    for (const { time, pid, program, command } of readBypasses(state, filter.since)) out.write(`${time}  went past vetsh: pid ${pid}, ${visible(program, 200)}: ${visible(command, 300)}\n`);
  }
  if (values.follow) await follow(state, reader, filter, print);
  return 0;
}

function asJson(value: object): string {
  return `${plainJson(value)}\n`;
}

type Values = { readonly [name in keyof typeof OPTIONS]?: string | boolean | undefined };

function filterOf(values: Values): RecordFilter {
  const given = (["decision", "agent", "session", "class", "host"] as const).flatMap((name) => (typeof values[name] === "string" ? [[name, values[name]]] : []));
  return {
    ...(Object.fromEntries(given) as RecordFilter), surprising: values.surprises === true,
    ...(typeof values.since === "string" ? { since: Date.now() - durationMs(values.since, "log") } : {}),
    ...(typeof values.path === "string" ? { path: resolve(values.path) } : {}),
  };
}

function forPeople({ id, time, decision, final, exit, outcome, cmd, reason, surprises, undo }: FinishedRecord): string {
  const end = outcome === "exited" || outcome === "signalled" ? `exit ${exit ?? "?"}` : outcome;
  const why = final === "refuse" && reason !== null ? `  (${visible(reason, 200)})` : "";
  const kept = undo === null || undo.outcome === "none" ? "" : undo.snapshot === undefined ? "  (no snapshot)" : `  (undo: ${undo.snapshot}${undo.outcome === "partly" ? ", partly" : ""})`;
  const stopped = surprises.map(({ kind, target, reason: said }) => `                          ${kind === "planted" ? "made" : "stopped"}: ${visible(target, 300)}${said === null ? "" : `, ${visible(said, 200)}`}\n`);
  return `${time}  ${(decision ?? "-").padEnd(6)}  ${end.padEnd(8)}  ${visible(cmd, 300)}${why}${kept}  #${id.slice(-8)}\n${stopped.join("")}`;
}

function visible(text: string, maxLength: number): string {
  return spellStrangers(escapeText(text, { maxLength }));
}

/** Which rules let lines through that then tried more: the ones to look at. */
function byRule(records: readonly FinishedRecord[]): string {
  const counts = new Map<string, number>();
  for (const { rules } of records) for (const id of new Set(rules.map((rule) => rule.id))) counts.set(id, (counts.get(id) ?? 0) + 1);
  if (counts.size === 0) return "no surprises\n";
  const lines = [...counts].toSorted(([, a], [, b]) => b - a).map(([id, count]) => `${String(count).padStart(6)}  ${visible(id, 100)}\n`);
  return `\nby rule that spoke about the line:\n${lines.join("")}`;
}

/** Never returns: a human ends it with Ctrl-C. */
async function follow(state: string, reader: RecordReader, filter: RecordFilter, print: (record: FinishedRecord) => void): Promise<void> {
  for (;;) {
    for (const record of reader.next(filter)) print(record);
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
