import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import type { ControlAnswers } from "../broker/index.ts";
import { LIMITS, escapeText, plainJson } from "../model/index.ts";
import { Failure, refuseAgents, usageFailure, type Invoked, type Terminal } from "./command.ts";
import { request } from "./control-client.ts";
import { personName } from "../record/index.ts";

export const UNDO_USAGE = `usage: vetsh undo [ID] [--all] [--dry-run] [--yes]
       vetsh undo --list [--json]

Brings back what a command deleted or overwrote, as it was before the command: the last command of this workspace, or ID.
Only what the command changed, unless --all. Asks before work that was done since is replaced. An undo can be undone.
  --dry-run   says what would change, and changes nothing
  --yes       does not ask
exit: 0 done (or nothing to do), 1 not done, 2 usage
`;

type Snapshot = ControlAnswers["snapshots"]["snapshots"][number];
type Look = ControlAnswers["undo-look"]["look"];

export async function undo(invoked: Invoked): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...invoked.args], strict: true, allowPositionals: true,
    options: { list: { type: "boolean", default: false }, json: { type: "boolean", default: false }, all: { type: "boolean", default: false }, "dry-run": { type: "boolean", default: false }, yes: { type: "boolean", default: false } },
  });
  if (positionals.length > 1) throw usageFailure("one id at most", "undo");
  const { root } = invoked.layout;
  const { snapshots } = await request(root, { op: "snapshots" });
  if (values.list) return list(snapshots, values.json, invoked.terminal);
  refuseAgents();
  const id = positionals[0] ?? lastHere(snapshots, process.cwd()).id;
  const { look } = await request(root, { op: "undo-look", id, all: values.all }, LIMITS.undoApplyMs);
  show(look, invoked.terminal);
  if (look.total === 0 || values["dry-run"]) return 0;
  if (!values.yes && look.since > 0 && !(await agrees(look, invoked.terminal))) throw new Failure("nothing was changed", "`--yes` replaces what was worked on since, too");
  const { done } = await request(root, { op: "undo", id, all: values.all, digest: look.digest, by: personName() }, LIMITS.undoApplyMs);
  for (const problem of done.problems) invoked.terminal.err.write(`vetsh: not brought back: ${shown(problem)}\n`);
  invoked.terminal.out.write(`brought back ${count(done.restored)}, removed ${count(done.removed)}\nhint: \`vetsh undo ${done.redo}\` takes this back\n`);
  return done.problems.length === 0 ? 0 : 1;
}

/** The last command in this workspace that changed something and was not undone. */
function lastHere(snapshots: readonly Snapshot[], directory: string): Snapshot {
  const here = snapshots.filter(({ workspace, command }) => command !== undefined && (directory === workspace || directory.startsWith(`${workspace}/`)));
  const last = here.findLast(({ undone, changed }) => !undone && changed !== 0);
  if (last === undefined) throw new Failure("there is nothing to undo in this workspace", "`vetsh undo --list` shows everything that is kept");
  return last;
}

function list(snapshots: readonly Snapshot[], json: boolean, { out }: Terminal): number {
  for (const snapshot of snapshots) out.write(json ? `${plainJson(snapshot)}\n` : listed(snapshot));
  if (snapshots.length === 0 && !json) out.write("nothing is kept\n");
  return 0;
}

function listed({ id, workspace, time, command, undoOf, files, uncovered, changed, undone }: Snapshot): string {
  const state = undone ? "undone" : changed === undefined ? "end not seen" : changed === 0 ? "changed nothing" : `changed ${count(changed)}`;
  return `${id}  ${new Date(time).toISOString()}  ${shown(command ?? `vetsh undo ${undoOf ?? ""}`)}\n        ${shown(workspace)}: ${state}, ${count(files)} kept${uncovered === 0 ? "" : `, ${uncovered} not covered`}\n`;
}

function show({ snapshot, changes, total, since, others, uncovered, sawEnd }: Look, { out }: Terminal): void {
  out.write(`${snapshot.id}: before \`${shown(snapshot.command ?? `vetsh undo ${snapshot.undoOf ?? ""}`)}\` at ${new Date(snapshot.time).toISOString()}\n`);
  if (total === 0) out.write("everything is as it was\n");
  for (const { path, does, since: worked, difference } of changes) {
    out.write(`  ${does.padEnd(12)} ${shown(path)}${worked && sawEnd ? "   (worked on since)" : ""}\n`);
    for (const line of difference ?? []) out.write(`      ${shown(line)}\n`);
  }
  if (total > changes.length) out.write(`  and ${total - changes.length} more\n`);
  if (!sawEnd && total > 0) out.write("note: how the command left them was not seen: any of it may be work done since\n");
  else if (since > 0) out.write(`note: ${count(since)} worked on after the command\n`);
  if (others > 0) out.write(`note: ${count(others)} changed, but not by the command; --all brings them back, too\n`);
  for (const what of uncovered) out.write(`note: not covered: ${shown(what)}\n`);
}

async function agrees({ since, total }: Look, { input, err }: Terminal): Promise<boolean> {
  if (input.isTTY !== true) return false;
  const questions = createInterface({ input, output: err });
  try {
    return /^y(?:es)?$/i.test((await questions.question(`bring back ${count(total)}, replacing work in ${since}? [y/N] `)).trim());
  } finally {
    questions.close();
  }
}

function count(paths: number): string {
  return `${paths} ${paths === 1 ? "path" : "paths"}`;
}

function shown(text: string): string {
  return escapeText(text, { maxLength: 300 });
}
