import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { stakeOfLine } from "../broker/index.ts";
import { describeEffect } from "../decide/index.ts";
import { VERDICTS, escapeText, shellWord, spellStrangers, type Effect, type FoundCommand, type RuleMatch, type Span, type Verdict, plainJson } from "../model/index.ts";
import { undoWords } from "../undo/index.ts";
import { usageFailure, type Invoked } from "./command.ts";
import { VERDICT_EXIT, authorityWords, openDryRun, type Checked } from "./dry-run.ts";

export const EXPLAIN_USAGE = `usage: vetsh explain [--json] [--cwd DIR] [--workspace DIR] 'COMMAND'

Shows how a command line is read: every command in it with what its words can be, every effect with the piece of the
line that causes it, which spec and which rule spoke, and what would make it pass. Runs nothing, needs no broker.
exit: 0 allow, 3 review, 4 ask, 5 deny, 2 usage
`;

/** Lines of the source that are shown with marks below; the rest is cut, never the marks' meaning. */
const MAX_LINES = 40;

export async function explain(invoked: Invoked): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...invoked.args], strict: true, allowPositionals: true,
    options: { json: { type: "boolean", default: false }, cwd: { type: "string" }, workspace: { type: "string" } },
  });
  const cmd = positionals[0];
  if (cmd === undefined || positionals.length > 1) throw usageFailure(cmd === undefined ? "there is no command to explain" : "the command must be one word: put it in quotes", "explain");
  const dry = await openDryRun(invoked.layout, (message) => invoked.terminal.err.write(`vetsh: ${message}\n`));
  const { judged, ...checked } = await dry.check({ cmd, cwd: resolve(values.cwd ?? process.cwd()), workspace: values.workspace === undefined ? undefined : resolve(values.workspace) });
  const { analysis, evaluation } = judged;
  const settings = dry.rulebooks.base().loaded.settings.undo;
  const undo = settings.use === "off" ? "off" : undoWords(stakeOfLine(judged, settings.code)) ?? "nothing is at stake";
  const out = values.json
    ? `${plainJson({ ...checked, commands: analysis.commands, scripts: analysis.scripts, matches: evaluation.matches, claim: evaluation.claim, undo })}\n`
    : [...commands(analysis.commands), ...effects(cmd, analysis.effects, evaluation.matches), ...verdict(checked, evaluation.matches), `undo: ${undo}`].map((line) => `${line}\n`).join("");
  invoked.terminal.out.write(out);
  return VERDICT_EXIT[checked.decision];
}

/** Each command, indented by how many scripts deep it stands, with the possible values of its words. */
function commands(found: readonly FoundCommand[]): readonly string[] {
  const lines = found.map(({ words, depth }) => `  ${"  ".repeat(depth)}${words.map((word) => (word === undefined ? "?" : word.length === 1 ? spelt(word[0]!) : `{${word.map(spelt).join(" ")}}`)).join(" ")}`);
  // A loop is gone through more than once.
  return ["commands (`?` is not known before it runs):", ...(lines.length === 0 ? ["  none"] : cut([...new Set(lines)]))];
}

/** Every effect under the piece of source that causes it, with who says so and what the rules make of it. */
function effects(source: string, all: readonly Effect[], matches: readonly RuleMatch[]): readonly string[] {
  if (all.length === 0) return ["effects:", "  none"];
  const lines = all.flatMap((effect, index) => {
    const [decides, ...also] = matches.filter((match) => match.effect === index);
    const rules = decides === undefined ? [] : [`${decides.verdict} by ${decides.id}`, ...(also.length === 0 ? [] : [`also ${also.map(({ id }) => id).join(", ")}`])];
    const before = all[index - 1]?.span;
    const same = before?.start === effect.span.start && before.end === effect.span.end;
    return [...(same ? [] : underline(source, effect.span)), `    ${effect.sure === "possible" ? "may " : "would "}${shown(describeEffect(effect), 300)}  [${effect.by}]${rules.length === 0 ? "" : `  ${rules.join(", ")}`}`];
  });
  return ["effects:", ...cut(lines)];
}

/** The line of the source that holds the span's start, and marks below it. Escaped text keeps its marks in place. */
function underline(source: string, span: Span): readonly string[] {
  const start = source.lastIndexOf("\n", span.start - 1) + 1;
  const next = source.indexOf("\n", span.start);
  const end = next < 0 ? source.length : next;
  const before = shown(source.slice(start, span.start), 200);
  const marked = shown(source.slice(span.start, Math.min(span.end, end)), 200);
  const after = shown(source.slice(Math.min(span.end, end), end), 200);
  return [`  ${before}${marked}${after}`, `  ${" ".repeat(before.length)}${"^".repeat(Math.max(1, marked.length))}`];
}

function verdict(checked: Checked, matches: readonly RuleMatch[]): readonly string[] {
  const weighty = [...matches].filter((match) => match.verdict === checked.decision && match.verdict !== "allow");
  // One rule decides about an effect; others that say no less of the same one are named, not told.
  const deciding = weighty.filter((match) => match.effect === undefined || weighty.find(({ effect }) => effect === match.effect) === match);
  const told = new Set(deciding.map(({ id }) => id));
  const also = new Set(weighty.map(({ id }) => id).filter((id) => !told.has(id)));
  const reasons = [...new Map(deciding.map((match) => [match.id, `  ${match.reason} (rule ${match.id}, ${match.tier}, ${match.file}:${match.line})`])).values(), ...(also.size === 0 ? [] : [`  also by ${[...also].join(", ")}`])];
  const ways = [...new Set(matches.filter((match) => match.instead !== undefined && VERDICTS.indexOf(match.verdict) > 0).map((match) => `  ${match.instead} (for ${match.id})`))];
  return [
    `verdict: ${checked.decision}`,
    ...reasons.map((line) => escapeText(line, { maxLength: 400 })),
    `authority: ${authorityWords(checked.authority)}`,
    ...(checked.decision === "allow" ? [] : ["what would make it pass:", ...ways.map((line) => escapeText(line, { maxLength: 400 })), `  ${PASSES[checked.decision]}`]),
  ];
}

const PASSES: Readonly<Record<Exclude<Verdict, "allow">, string>> = {
  review: "a reviewer's approval, a person's yes, or a rule of the user's or the managed tier that allows it",
  ask: "a person's yes, or a rule of the user's or the managed tier that allows it",
  deny: "nothing but a change of the rule that denies it",
};

/** A word as a shell would read it back: `sh -c 'a b'` is not `sh -c a b`. */
function spelt(word: string): string {
  return shown(shellWord(word));
}

function shown(text: string, maxLength = 80): string {
  return spellStrangers(escapeText(text, { maxLength }));
}

function cut(lines: readonly string[]): readonly string[] {
  return lines.length <= MAX_LINES * 3 ? lines : [...lines.slice(0, MAX_LINES * 3), `  … ${lines.length - MAX_LINES * 3} more lines (--json shows all)`];
}
