import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { placesOf, Rulebooks } from "../broker/index.ts";
import { DIALECTS, escapeText } from "../model/index.ts";
import { inspectTranscripts } from "../intent/index.ts";
import { probe, probeReading } from "../sandbox/index.ts";
import { readBypasses, readRecords } from "../record/index.ts";
import { tryWays, type Tried } from "./canaries.ts";
import { Failure, usageFailure, type Invoked } from "./command.ts";
import { request, startBroker } from "./control-client.ts";
import { inRoute, runAgent, sayNotes } from "./run.ts";

export const DOCTOR_USAGE = `usage: vetsh doctor
       vetsh doctor --routes
       vetsh doctor -- AGENT [ARGUMENT…]

Looks whether everything is in place, and says what to do about what is not.
--routes: tries each way by which an agent may start a shell, as under \`vetsh run\`: with a harmless line, a denied one, and a shell inside a line.
With an agent: that, then runs it as \`vetsh run\` does, and shows which of its commands came to us.
exit: 0 all is well, 1 something is missing, or a way went past us
`;

type Finding = { readonly what: string; readonly ok: boolean; readonly say: string; readonly hint?: string };

export async function doctor(invoked: Invoked): Promise<number> {
  const [first, ...rest] = invoked.args;
  if (first === "--routes" && rest.length === 0) return routes(invoked, []);
  if (first === "--" && rest.length > 0) return routes(invoked, rest);
  if (first !== undefined) throw usageFailure(`\`${escapeText(first, { maxLength: 100 })}\` is not understood`, "doctor");
  const findings = [...installation(invoked), ...configuration(invoked), ...(await sandbox(invoked)), ...(await liveBroker(invoked)), ...transcripts(invoked)];
  for (const { what, ok, say, hint } of findings) {
    invoked.terminal.out.write(`${ok ? "ok  " : "gap "} ${what.padEnd(14)} ${escapeText(say, { maxLength: 1_000 })}\n`);
    if (hint !== undefined) invoked.terminal.out.write(`     ${"".padEnd(14)} hint: ${escapeText(hint, { maxLength: 1_000 })}\n`);
  }
  return findings.every(({ ok }) => ok) ? 0 : 1;
}

/** Tries the ways to a shell; then, if one is named, an agent. */
function routes(invoked: Invoked, agent: readonly string[]): Promise<number> {
  const { out } = invoked.terminal;
  const [command, ...args] = agent;
  return inRoute(invoked, { agent: "doctor", wantsView: true }, async (around) => {
    const tried = await tryWays(around, invoked.layout.node);
    out.write(tableOf(tried));
    const slipped = tried.filter((one) => !(one.seen && one.refused && one.nested && one.recorded));
    out.write(summaryOf(tried, slipped));
    if (command === undefined) return slipped.length === 0 ? 0 : 1;
    const since = Date.now();
    sayNotes(invoked, command, args);
    const status = await runAgent(command, args, around);
    const seen = [...readRecords(placesOf(around.root).state, { since })];
    for (const { final, cmd } of seen) out.write(`${final === "run" ? "ran    " : "refused"}  ${escapeText(cmd, { maxLength: 200 })}\n`);
    out.write(seen.length === 0 ? "gap  no command of the agent came to us\n     hint: it ran none, or has a shell of its own inside; let it run one, and look again\n" : `ok   ${seen.length} commands of the agent came to us; it ended with ${status}\n`);
    const past = readBypasses(placesOf(around.root).state, since);
    for (const { program, command: line } of past) out.write(`gap  a shell of the agent went past us: ${escapeText(program, { maxLength: 200 })}: ${escapeText(line, { maxLength: 200 })}\n`);
    return slipped.length === 0 && seen.length > 0 && past.length === 0 ? 0 : 1;
  });
}

function summaryOf(tried: readonly Tried[], slipped: readonly Tried[]): string {
  const past = slipped.filter(({ recorded }) => !recorded);
  if (slipped.length === 0) return `ok   ${tried.length} ways to a shell, all of them come to us\n`;
  if (past.length > 0) return `gap  ${past.length} of ${tried.length} ways to a shell go past us\n     hint: an agent that uses one of them is neither judged nor held; see docs/agents.md\n`;
  return `gap  ${slipped.length} of ${tried.length} ways to a shell come to us, and no sandbox holds what they start\n     hint: see \`vetsh doctor\`, and the setting sandbox.use\n`;
}

function tableOf(tried: readonly Tried[]): string {
  const width = Math.max(...tried.map(({ way }) => way.length), "way".length);
  const word = (ok: boolean): string => (ok ? "yes" : "NO").padEnd(10);
  const rows = tried.map(({ way, seen, refused, nested, recorded }) => `${escapeText(way, { maxLength: 200 }).padEnd(width)}  ${word(seen)}${word(refused)}${word(nested)}${word(recorded)}`.trimEnd());
  return `${["way".padEnd(width), " held      refused   nested    recorded"].join(" ")}\n${rows.join("\n")}\n`;
}

function installation({ layout, installed }: Invoked): readonly Finding[] {
  if (!installed) return [{ what: "installation", ok: false, say: "this is a source tree, nothing is installed", hint: "run `./install.sh`" }];
  const programs = [layout.node, ...DIALECTS.map((shell) => join(layout.root, "shims", shell)), join(layout.root, "libexec/vetsh-init"), join(layout.root, "libexec/vetsh-start")];
  const lacking = programs.filter((path) => !executable(path));
  const shells = Object.entries(layout.shells).filter(([, path]) => !existsSync(path));
  return [
    { what: "installation", ok: true, say: layout.root },
    lacking.length === 0 ? { what: "programs", ok: true, say: `node, ${DIALECTS.length} shims, vetsh-init, vetsh-start` } : { what: "programs", ok: false, say: `missing or not executable: ${lacking.join(", ")}`, hint: "run the installer again" },
    // A shell that is not installed is not wanted: its shim refuses.
    { what: "real shells", ok: shells.every(([name]) => name !== "bash" && name !== "sh"), say: shells.length === 0 ? "all there" : `not installed: ${shells.map(([name]) => name).join(", ")}` },
  ];
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Missing or not executable: that is the finding.
    return false;
  }
}

function configuration({ layout }: Invoked): readonly Finding[] {
  const rulebooks = new Rulebooks(layout, Date.now, () => undefined);
  const { rules, loaded } = rulebooks.base();
  const problems = rulebooks.problems();
  if (problems.length === 0) return [{ what: "configuration", ok: true, say: `${rules.rules.length} rules, ${loaded.specs.length} spec files` }];
  return problems.map((say) => ({ what: "configuration", ok: false, say }));
}

async function sandbox({ layout, installed }: Invoked): Promise<readonly Finding[]> {
  const { state } = placesOf(layout.root);
  const place = { scratch: installed ? state : "/tmp", bash: layout.shells.bash, init: join(layout.root, "libexec/vetsh-init") };
  const host = await probe(place);
  const gaps = host.gaps.map((gap): Finding => ({ what: gap.required ? "sandbox" : "sandbox (less)", ok: !gap.required, say: gap.reason, hint: gap.remedy }));
  if (!host.sandboxed) return host.landlock === undefined ? gaps : [...gaps, { what: "landlock", ok: true, say: "holds commands that only read, and nothing else" }];
  // Not needed here, so that it does not work is no gap.
  const reading = installed ? await probeReading(place) : undefined;
  return [
    { what: "sandbox", ok: true, say: `bubblewrap ${host.version ?? ""} at ${host.bwrap ?? ""}` },
    ...gaps,
    ...(installed ? [{ what: "landlock", ok: true, say: reading === undefined ? "would hold commands that only read, if bubblewrap could not work" : `not needed; ${reading.reason}` }] : []),
  ];
}

/** Agents change what they write without notice: then nothing is known of why their commands run, and somebody should hear of it. */
function transcripts({ layout }: Invoked): readonly Finding[] {
  return inspectTranscripts(layout.home).map(({ agent, file, known }) => known
    ? { what: "intent", ok: true, say: `transcripts of ${agent} are understood` }
    : { what: "intent (less)", ok: true, say: `transcripts of ${agent} are not understood (\`${file}\`)`, hint: "a newer vetsh may read them; until then a first line `# why: …` says why a command runs" });
}

async function liveBroker({ layout, installed }: Invoked): Promise<readonly Finding[]> {
  if (!installed) return [];
  try {
    startBroker(layout.root);
    const { status } = await request(layout.root, { op: "status" });
    return [{ what: "broker", ok: true, say: `answers, pid ${status.pid}` }, ...status.problems.map((say): Finding => ({ what: "broker", ok: false, say }))];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [{ what: "broker", ok: false, say: error.message, hint: error.hint }];
  }
}
