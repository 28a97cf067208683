import { escapeText, spellStrangers } from "../model/index.ts";
import type { FinishedRecord } from "../record/index.ts";
import { lasted } from "./duration.ts";

/** In: records, and whose session (left out: the one that was active last). Out: its commands, those inside others below them, with how long each took. */
export function sessionTree(records: readonly FinishedRecord[], session: string | undefined): string {
  const latest = records.toSorted((a, b) => (a.time < b.time ? 1 : -1))[0];
  const wanted = session ?? latest?.session;
  const mine = records.filter((record) => record.session === wanted).toSorted((a, b) => a.seq.first - b.seq.first);
  if (wanted === undefined || mine.length === 0) return "no such session\n";
  const ids = new Set(mine.map(({ id }) => id));
  const inside = Map.groupBy(mine, ({ parent }) => (parent !== null && ids.has(parent) ? parent : ""));
  const branch = (record: FinishedRecord, depth: number): readonly string[] => [
    `${line(record, depth)}\n`,
    // A parent stands before what it holds, so this ends.
    ...(inside.get(record.id) ?? []).flatMap((child) => branch(child, depth + 1)),
  ];
  const agent = mine.find((record) => record.agent !== null)?.agent;
  const head = `session ${escapeText(wanted, { maxLength: 130 })}${agent === undefined || agent === null ? "" : ` of ${escapeText(agent, { maxLength: 60 })}`}: ${mine.length} commands from ${mine[0]?.time ?? ""}\n`;
  return head + (inside.get("") ?? []).flatMap((record) => branch(record, 0)).join("");
}

function line({ id, time, cmd, duration_ms, outcome, exit, final, decision }: FinishedRecord, depth: number): string {
  const end = final === "refuse" ? `refused (${decision ?? "-"})` : outcome === "exited" || outcome === "signalled" ? (exit === 0 ? "" : `exit ${exit ?? "?"}`) : outcome;
  return `${time.slice(11, 19)}  ${lasted(duration_ms).padStart(8)}  ${"  ".repeat(depth)}${spellStrangers(escapeText(cmd, { maxLength: 160 }))}${end === "" ? "" : `  (${end})`}  #${id.slice(-8)}`;
}
