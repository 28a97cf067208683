import { parseArgs } from "node:util";
import { placesOf } from "../broker/index.ts";
import { escapeText, spellStrangers } from "../model/index.ts";
import { readRecords, type FinishedRecord } from "../record/index.ts";
import type { Invoked } from "./command.ts";
import { durationMs, lasted } from "./duration.ts";

export const REPORT_USAGE = `usage: vetsh report [--since 7d] [--html]

What agents did, what was stopped, who approved what, which rules spoke, and what was not expected: Markdown, or a page of HTML without scripts.
`;

export async function report(invoked: Invoked): Promise<number> {
  const { values } = parseArgs({ args: [...invoked.args], strict: true, options: { since: { type: "string", default: "7d" }, html: { type: "boolean", default: false } } });
  const since = Date.now() - durationMs(values.since, "report");
  const made = reportOf(readRecords(placesOf(invoked.layout.root).state, { since }), new Date(since).toISOString());
  invoked.terminal.out.write(values.html ? asHtml(made) : asMarkdown(made));
  return 0;
}

/** Cells are plain text: whoever writes them out escapes them for their medium. */
export type Section = { readonly heading: string; readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[]; readonly none: string; readonly more: number };
export type Report = { readonly title: string; readonly summary: string; readonly sections: readonly Section[] };

/** Rows of one section that are shown; the others are counted. */
const ROWS = 50;

/** In: records in order, and since when. Out: what a person wants to know of them. */
export function reportOf(records: Iterable<FinishedRecord>, since: string): Report {
  const all = [...records];
  const refused = all.filter(({ final }) => final === "refuse");
  const answered = all.filter(({ approval, grant, review }) => approval !== null || grant !== null || review !== null);
  const surprising = all.filter(({ surprises }) => surprises.length > 0);
  const failed = all.filter(({ outcome, exit }) => outcome === "lost" || (outcome !== "refused" && exit !== 0));
  return {
    title: `vetsh: what ran since ${since}`,
    summary: `${all.length} commands: ${all.length - refused.length} ran, ${refused.length} were stopped, ${failed.length} failed; ${all.filter(({ approval }) => approval !== null).length} were asked about, ${surprising.length} tried more than they were judged to.`,
    sections: [
      section("What agents did", ["agent", "commands", "sessions", "stopped", "time", "what it was"], "nothing ran", byAgent(all)),
      section("What was stopped", ["when", "agent", "command", "verdict", "why", "id"], "nothing was stopped", refused.map(({ time, agent, cmd, decision, reason, id }) => [time, agent ?? "-", cmd, decision ?? "-", reason ?? "-", id.slice(-8)])),
      section("Who allowed what", ["when", "who", "answer", "command", "id"], "nobody was asked", answered.map(({ time, approval, grant, review, cmd, id }) => [
        time,
        approval?.by ?? (grant === null ? review?.model ?? "-" : `${grant.by}, earlier`),
        approval === null ? (grant === null ? `${review?.outcome ?? "-"} (reviewer, risk ${review?.risk ?? "-"})` : grant.keep) : `${approval.outcome} after ${lasted(approval.ms)}`, cmd, id.slice(-8),
      ])),
      section("Which rules spoke", ["rule", "verdict", "commands", "place"], "no rule spoke", byRule(all)),
      section("What was not expected", ["when", "command", "what", "why", "id"], "nothing", surprising.flatMap(({ time, cmd, surprises, id }) => surprises.map(({ kind, target, reason }) => [time, cmd, `${kind === "planted" ? "made" : "tried"} ${target}`, reason ?? "-", id.slice(-8)]))),
      section("Hosts", ["host", "reached", "refused", "bytes sent", "bytes received"], "no host was tried", byHost(all)),
    ],
  };
}

function section(heading: string, columns: readonly string[], none: string, rows: readonly (readonly string[])[]): Section {
  return { heading, columns, none, rows: rows.slice(0, ROWS), more: Math.max(0, rows.length - ROWS) };
}

function byAgent(all: readonly FinishedRecord[]): readonly (readonly string[])[] {
  return [...Map.groupBy(all, ({ agent }) => agent ?? "unknown")].toSorted(([, a], [, b]) => b.length - a.length).map(([agent, own]) => [
    agent, String(own.length), String(new Set(own.map(({ session }) => session)).size), String(own.filter(({ final }) => final === "refuse").length),
    lasted(own.reduce((sum, { duration_ms }) => sum + (duration_ms ?? 0), 0)), counts(own.flatMap(({ classes }) => classes)),
  ]);
}

function counts(words: readonly string[]): string {
  return [...Map.groupBy(words, (word) => word)].map(([word, same]) => ({ word, count: same.length })).toSorted((a, b) => b.count - a.count).map(({ word, count }) => `${word} ${count}`).join(", ");
}

function byRule(all: readonly FinishedRecord[]): readonly (readonly string[])[] {
  const spoken = all.flatMap(({ rules }) => [...new Map(rules.map((rule) => [rule.id, rule])).values()]);
  return [...Map.groupBy(spoken, ({ id, verdict }) => `${id} ${verdict}`).values()].toSorted((a, b) => b.length - a.length)
    .flatMap((same) => (same[0] === undefined ? [] : [[same[0].id, same[0].verdict, String(same.length), `${same[0].tier} ${same[0].file}:${same[0].line}`]]));
}

function byHost(all: readonly FinishedRecord[]): readonly (readonly string[])[] {
  return [...Map.groupBy(all.flatMap(({ connections }) => connections), ({ host, port }) => `${host ?? "?"}:${port ?? "?"}`)].toSorted(([, a], [, b]) => b.length - a.length).map(([host, tried]) => [
    host, String(tried.filter(({ outcome }) => outcome === "allowed").length), String(tried.filter(({ outcome }) => outcome === "refused").length),
    String(tried.reduce((sum, { sent }) => sum + sent, 0)), String(tried.reduce((sum, { received }) => sum + received, 0)),
  ]);
}

/** SECURITY: cells hold text of commands: characters that mean something to Markdown are spelt out, and control characters are (I7). */
export function asMarkdown({ title, summary, sections }: Report): string {
  const cell = (text: string): string => spellStrangers(escapeText(text, { maxLength: 300 })).replace(/[\\`*_{}[\]<>()#!|~&]/g, (char) => `\\${char}`);
  const table = ({ columns, rows, none, more }: Section): string => rows.length === 0 ? `${none}\n` : [
    `| ${columns.join(" | ")} |`, `| ${columns.map(() => "---").join(" | ")} |`, ...rows.map((row) => `| ${row.map(cell).join(" | ")} |`), ...(more === 0 ? [] : ["", `and ${more} more`]),
  ].map((line) => `${line}\n`).join("");
  return `# ${title}\n\n${summary}\n${sections.map((one) => `\n## ${one.heading}\n\n${table(one)}`).join("")}`;
}

/** SECURITY: as `asMarkdown`; the page also forbids itself scripts and whatever would be loaded from elsewhere. */
export function asHtml({ title, summary, sections }: Report): string {
  const cell = (text: string): string => spellStrangers(escapeText(text, { maxLength: 2_000 })).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
  const table = ({ columns, rows, none, more }: Section): string => rows.length === 0 ? `<p>${cell(none)}</p>` : `<table><thead><tr>${columns.map((name) => `<th>${cell(name)}</th>`).join("")}</tr></thead><tbody>
${rows.map((row) => `<tr>${row.map((text) => `<td>${cell(text)}</td>`).join("")}</tr>`).join("\n")}
</tbody></table>${more === 0 ? "" : `<p>and ${more} more</p>`}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${cell(title)}</title>
<style>body{font:15px/1.4 system-ui,sans-serif;margin:2em;max-width:90em}table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.2em .8em;border-bottom:1px solid #ccc}td{font-family:ui-monospace,monospace;overflow-wrap:anywhere}</style>
</head><body><h1>${cell(title)}</h1><p>${cell(summary)}</p>
${sections.map((one) => `<h2>${cell(one.heading)}</h2>\n${table(one)}`).join("\n")}
</body></html>
`;
}
