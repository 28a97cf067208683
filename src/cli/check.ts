import { isAbsolute, normalize, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { z } from "zod";
import { describeEffect } from "../decide/index.ts";
import { escapeText, LIMITS, spellStrangers, plainJson } from "../model/index.ts";
import { usageFailure, type Invoked } from "./command.ts";
import { VERDICT_EXIT, authorityWords, openDryRun, type Checked, type DryRun } from "./dry-run.ts";

export const CHECK_USAGE = `usage: vetsh check [--json] [--cwd DIR] [--workspace DIR] -- 'COMMAND'
       vetsh check --batch          one JSON object {id, cmd, cwd, workspace} a line on standard input

Says what vetsh would do with a command line, and runs nothing. Needs no broker.
exit: 0 allow, 3 review, 4 ask, 5 deny, 2 usage (--batch: 0)
`;

export async function check(invoked: Invoked): Promise<number> {
  const { values, positionals } = readArguments(invoked.args);
  const dry = await openDryRun(invoked.layout, (message) => invoked.terminal.err.write(`vetsh: ${message}\n`));
  if (values.batch) return batch(invoked, dry);
  const cmd = positionals[0];
  if (cmd === undefined || positionals.length > 1) throw usageFailure(cmd === undefined ? "there is no command to check" : "the command must be one word: put it in quotes", "check");
  const cwd = resolve(values.cwd ?? process.cwd());
  const checked = await dry.check({ cmd, cwd, workspace: values.workspace === undefined ? undefined : resolve(values.workspace) });
  const { judged: _judged, ...answer } = checked;
  invoked.terminal.out.write(values.json ? `${plainJson(answer)}\n` : forPeople(checked));
  return VERDICT_EXIT[answer.decision];
}

function readArguments(args: readonly string[]): { readonly values: { readonly json: boolean; readonly batch: boolean; readonly cwd?: string | undefined; readonly workspace?: string | undefined }; readonly positionals: readonly string[] } {
  try {
    return parseArgs({
      args: [...args], strict: true, allowPositionals: true,
      options: { json: { type: "boolean", default: false }, batch: { type: "boolean", default: false }, cwd: { type: "string" }, workspace: { type: "string" } },
    });
  } catch (error) {
    throw usageFailure(error instanceof Error ? (error.message.split(".")[0] ?? "").replace(/^./, (first) => first.toLowerCase()) : String(error), "check");
  }
}

function forPeople(checked: Awaited<ReturnType<DryRun["check"]>>): string {
  const { decision, reasons, rules, effects, judged } = checked;
  const rule = rules[0];
  const line = (text: string): string => `${spellStrangers(escapeText(text, { maxLength: 2_000 }))}\n`;
  const instead = judged.evaluation.matches.find((match) => match.instead !== undefined && match.verdict === judged.evaluation.verdict)?.instead;
  return [
    line(`${decision}: ${reasons[0] ?? "no rule objects"}${rule === undefined || rule.line === 0 ? "" : ` (rule ${rule.id}, ${rule.file}:${rule.line})`}`),
    ...(checked.parse.ok ? [] : [line(`  not understood: ${checked.parse.error}`)]),
    ...[...new Set(effects.map(describeEffect))].slice(0, 20).map((words) => line(`  would ${words}`)),
    line(`  with: ${authorityWords(checked.authority)}`),
    ...(instead === undefined ? [] : [line(`hint: safer: ${instead}`)]),
  ].join("");
}

const absolutePath = z.string().refine((path) => isAbsolute(path), "must be an absolute path").transform((path) => normalize(path).replace(/(?<=.)\/$/, ""));
const rowSchema = z.object({ id: z.unknown().optional(), cmd: z.string(), cwd: absolutePath.optional(), workspace: absolutePath.optional() });

/** One answer for each line, in order; a line that is not understood is answered with an error and "deny", and the next one is read. */
async function batch(invoked: Invoked, dry: DryRun): Promise<number> {
  const { input, out } = invoked.terminal;
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    if (text.trim() === "") continue;
    const answer = `${plainJson(await answerRow(text, dry))}\n`;
    if (!out.write(answer)) await new Promise((done) => out.once("drain", done));
  }
  return 0;
}

async function answerRow(text: string, dry: DryRun): Promise<object> {
  const row = readRow(text);
  if (!row.ok) return refused(row.id, row.error);
  try {
    const { judged: _judged, ...checked } = await dry.check({ cmd: row.cmd, cwd: row.cwd, workspace: row.workspace });
    const { version, ...rest } = checked;
    return { version, id: row.id, ...rest };
  } catch (error) {
    // INVARIANT: what cannot be judged is not allowed; the row says why, the others go on.
    return refused(row.id, `internal error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readRow(text: string): { readonly ok: true; readonly id: unknown; readonly cmd: string; readonly cwd: string; readonly workspace: string | undefined } | { readonly ok: false; readonly id: unknown; readonly error: string } {
  if (text.length > LIMITS.frameBytes) return { ok: false, id: null, error: "the line is too long" };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, id: null, error: "the line is not JSON" };
  }
  const parsed = rowSchema.safeParse(json);
  const id = typeof json === "object" && json !== null && "id" in json ? json.id : null;
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { ok: false, id, error: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not understood"}` };
  }
  const { cmd, workspace } = parsed.data;
  return { ok: true, id, cmd, workspace, cwd: parsed.data.cwd ?? workspace ?? process.cwd() };
}

function refused(id: unknown, error: string): object {
  const answer: Checked = { version: 1, decision: "deny", classes: ["opaque"], effects: [], authority: { sandbox: "read-only", writable: [], network: [] }, rules: [], reasons: [error], parse: { ok: false, error } };
  const { version, ...rest } = answer;
  return { version, id, error, ...rest };
}
