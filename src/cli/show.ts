import { parseArgs } from "node:util";
import { placesOf } from "../broker/index.ts";
import { escapeText, spellStrangers, plainJson } from "../model/index.ts";
import { readRecords, type FinishedRecord } from "../record/index.ts";
import { Failure, usageFailure, type Invoked } from "./command.ts";
import { lasted } from "./duration.ts";

export const SHOW_USAGE = `usage: vetsh show [--json] ID

Everything that is recorded of one command: who wanted it and why, how it was judged and by which rules, who allowed it, what it was
given, what it did, how it ended. ID: a piece of its id, as \`vetsh log\` ends its lines with.
`;

export async function show(invoked: Invoked): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...invoked.args], strict: true, allowPositionals: true, options: { json: { type: "boolean", default: false } } });
  const [part] = positionals;
  if (part === undefined || positionals.length > 1) throw usageFailure("one id is needed", "show");
  const all = [...readRecords(placesOf(invoked.layout.root).state)];
  const record = theOne(all, part.replace(/^#/, ""));
  const around = all.find(({ id }) => id === record.parent);
  const inside = all.filter(({ parent }) => parent === record.id);
  invoked.terminal.out.write(values.json ? `${plainJson({ ...record, inside: inside.map(({ id }) => id) })}\n` : forPeople(record, around, inside));
  return 0;
}

function theOne(all: readonly FinishedRecord[], part: string): FinishedRecord {
  const found = part.length < 4 ? [] : all.filter(({ id }) => id === part || id.endsWith(part) || id.startsWith(part));
  const [record, ...more] = found;
  const shown = escapeText(part, { maxLength: 80 });
  if (record === undefined) throw new Failure(`no finished command has the id \`${shown}\``, "`vetsh log` ends each line with a piece of its id; one that still runs has no record yet");
  if (more.length > 0) throw new Failure(`${found.length} commands have \`${shown}\` in their id`, "give more of it");
  return record;
}

type Row = readonly [label: string, text: string | undefined];

function forPeople(record: FinishedRecord, around: FinishedRecord | undefined, inside: readonly FinishedRecord[]): string {
  const rows: readonly Row[] = [...whoAndWhy(record, around, inside), ...judgement(record), ...given(record), ...whatItDid(record), ...ending(record)];
  let last = "";
  return rows.flatMap(([label, text]) => {
    if (text === undefined) return [];
    const head = label === last ? "" : label;
    last = label;
    return [`${head.padEnd(10)} ${text}\n`];
  }).join("");
}

function plain(text: string, maxLength = 400): string {
  return spellStrangers(escapeText(text, { maxLength }));
}

function whoAndWhy(record: FinishedRecord, around: FinishedRecord | undefined, inside: readonly FinishedRecord[]): readonly Row[] {
  const { cmd, id, time, cwd, workspace, agent, session, call, shell, mode, intent, intent_source: source, intent_trust: trust, truncated, redacted } = record;
  return [
    ["command", plain(cmd, 4_000)],
    ["", truncated ? "(cut: the record has its beginning and the hash of the whole)" : undefined],
    ["", redacted === 0 ? undefined : `(${redacted} secrets were replaced: equal marks are equal secrets)`],
    ["id", id],
    ["when", time],
    ["where", `${plain(cwd)}${workspace === null || workspace === cwd ? "" : ` (workspace ${plain(workspace)})`}`],
    ["who", `${agent === null ? "an unknown program" : plain(agent)}, session ${plain(session)}${call === null ? "" : `, call ${plain(call)}`}, by ${shell} (${mode})`],
    ["why", intent === null ? "nobody said" : `"${plain(intent)}" (${plain(source ?? "?")}, written by the ${plain(trust ?? "?")})`],
    ["inside", around === undefined ? undefined : `${plain(around.cmd, 120)}  #${around.id.slice(-8)}`],
    ...inside.slice(0, 20).map((one): Row => ["started", `${plain(one.cmd, 120)}  #${one.id.slice(-8)}`]),
    ["started", inside.length > 20 ? `and ${inside.length - 20} more` : undefined],
  ];
}

function judgement({ decision, final, source, reason, rules, classes, review, approval, grant }: FinishedRecord): readonly Row[] {
  return [
    ["judged", decision === null ? "no decision was reached" : `${decision}: ${plain(reason ?? "no reason")}${classes.length === 0 ? "" : ` (${classes.join(", ")})`}`],
    ["answer", final === null ? undefined : `${final === "run" ? "it ran" : "it was refused"}, by ${SOURCES[source ?? ""] ?? plain(source ?? "nobody")}`],
    ...rules.map(({ id, tier, file, line, verdict }): Row => ["rules", `${plain(id, 100)}: ${verdict} (${tier} ${plain(file, 200)}:${line})`]),
    ["reviewer", review === null ? undefined : `${plain(review.model, 80)}: ${review.outcome}, risk ${review.risk}, in ${lasted(review.ms)}: ${plain(review.rationale)}${review.error === undefined ? "" : ` (${plain(review.error, 80)})`}`],
    ["person", approval === null ? undefined : `${approval.outcome}${approval.by === undefined ? "" : ` by ${plain(approval.by, 80)}`} (${approval.channel}) after ${lasted(approval.ms)}${approval.message === undefined ? "" : `: "${plain(approval.message)}"`}`],
    ["person", grant === null ? undefined : `an earlier yes of ${plain(grant.by, 80)} (${plain(grant.keep, 20)}, ${plain(grant.id, 40)})`],
  ];
}

const SOURCES: Readonly<Record<string, string>> = { rule: "rules", reviewer: "the reviewer", human: "a person", grant: "an earlier yes", fallback: "default: nobody could be asked" };

function given({ authority, undo }: FinishedRecord): readonly Row[] {
  return [
    ["given", authority === null ? undefined : `sandbox ${authority.sandbox}; writes ${authority.writable.length === 0 ? "nothing" : authority.writable.map((one) => plain(one, 200)).join(", ")}; network ${authority.network === "any" ? "everywhere" : authority.network.length === 0 ? "none" : authority.network.map((one) => plain(one, 120)).join(", ")}`],
    ...(authority?.missing ?? []).map((one): Row => ["not held", plain(one)]),
    ["undo", undo === null ? undefined : `${undo.outcome}${undo.snapshot === undefined ? "" : `: \`vetsh undo ${undo.snapshot}\``}, ${undo.files} paths in ${lasted(undo.ms)}`],
    ...(undo?.uncovered ?? []).map((one): Row => ["not kept", plain(one)]),
  ];
}

function whatItDid({ connections, questions, surprises }: FinishedRecord): readonly Row[] {
  return [
    ...connections.slice(0, 50).map(({ host, port, outcome, reason, sent, received }): Row => ["network", `${plain(host ?? "?", 120)}:${port ?? "?"} ${outcome}${reason === null ? "" : ` (${plain(reason, 200)})`}${outcome === "allowed" ? `, ${sent} bytes sent, ${received} received` : ""}`]),
    ["network", connections.length > 50 ? `and ${connections.length - 50} more` : undefined],
    ...questions.map(({ host, port, final, source, reason, approver }): Row => ["asked for", `${plain(host, 120)}:${port}: ${final} by ${approver === null ? source : plain(approver, 80)}: ${plain(reason, 200)}`]),
    ...surprises.map(({ kind, target, reason }): Row => ["surprise", `${kind === "planted" ? "made" : "tried"} ${plain(target, 300)}${reason === null ? "" : `: ${plain(reason, 200)}`}`]),
  ];
}

function ending({ outcome, exit, signal, duration_ms, usage, late, reason, pid, seq, trace_id, span_id, sha256 }: FinishedRecord): readonly Row[] {
  const how = { exited: `exit ${exit ?? "?"}`, signalled: `signal ${signal ?? "?"} (exit ${exit ?? "?"})`, refused: "nothing ran", lost: `the end was not seen: ${plain(reason ?? "no reason")}` }[outcome];
  return [
    ["ended", `${how}${pid === null ? "" : `, process ${pid}`}${duration_ms === null ? "" : `, after ${lasted(duration_ms)}`}${late ? ", reported late" : ""}`],
    ["used", usage === null ? undefined : `${lasted(usage.userUs / 1_000)} user, ${lasted(usage.systemUs / 1_000)} system, ${(usage.maxRssKb / 1_024).toFixed(1)} MiB at the peak`],
    ["record", `numbers ${seq.first} to ${seq.last} of the journal; trace ${trace_id}, span ${span_id}`],
    ["sha256", sha256 ?? undefined],
  ];
}
