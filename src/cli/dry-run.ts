import { mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judge, NOWHERE, placesOf, placing, planFor, Rulebooks, sourceOf, Surveyor, vet, type Ending, type InForce, type Judgement, type Placement, type RecordedLine } from "../broker/index.ts";
import { decide, type Ports } from "../decide/index.ts";
import { LIMITS, VERDICTS, type Analysis, type Approval, type EffectClass, type Effect, type Layout, type Review, type Tier, type Verdict } from "../model/index.ts";
import { parseScript } from "../parse/index.ts";
import { probe, type HostProbe, type Plan } from "../sandbox/index.ts";

/** A line to judge. `workspace` undefined: found from `cwd`, as for a command that runs. */
export type Line = { readonly cmd: string; readonly cwd: string; readonly workspace: string | undefined };

/** The public answer about one line (`vetsh check --json`). Names are added to, not changed; `version` counts changes. */
export type Checked = {
  readonly version: 1;
  readonly decision: Verdict;
  readonly classes: readonly EffectClass[];
  readonly effects: readonly Effect[];
  /** What execution would really give, were it to run. */
  readonly authority: { readonly sandbox: Plan["authority"]["sandbox"]; readonly writable: readonly string[]; readonly network: readonly string[] | "any" };
  readonly rules: readonly { readonly id: string; readonly file: string; readonly line: number; readonly tier: Tier }[];
  readonly reasons: readonly string[];
  readonly parse: { readonly ok: true } | { readonly ok: false; readonly error: string };
};

/** The exit code that tells a verdict to scripts (`check`, `explain`). */
export const VERDICT_EXIT: Readonly<Record<Verdict, number>> = { allow: 0, review: 3, ask: 4, deny: 5 };

/** An authority in words. */
export function authorityWords({ sandbox, writable, network }: Checked["authority"]): string {
  return `sandbox ${sandbox}; writable ${writable.join(" ") || "nothing"}; network ${network === "any" ? "any" : network.join(" ") || "none"}`;
}

/** Judges lines without running them, with the same pipeline as execution, in this process. */
export type DryRun = {
  check(line: Line): Promise<Checked & { readonly judged: Judgement }>;
  /** A line as a shell was started with it, and the rules to judge it by; without, those in force. Plans nothing. */
  judgeAs(line: RecordedLine, forWorkspace?: (workspace: string) => InForce): Judgement;
  /** What one line does where the examples of rules take place. */
  analyse(line: string, place: { readonly workspace: string; readonly home: string }): Analysis;
  readonly rulebooks: Rulebooks;
};

/** In: the layout; `report` is told what is wrong with the configuration. Out: ready to judge. */
export async function openDryRun(layout: Layout, report: (message: string) => void): Promise<DryRun> {
  const rulebooks = new Rulebooks(layout, Date.now, report);
  const places = placesOf(layout.root);
  const surveyor = new Surveyor(layout, NOWHERE, Date.now);
  const host = await probeHere(layout);
  return {
    rulebooks,
    check: async (line) => {
      const exists = isDirectory(line.cwd);
      const real = (path: string): string => (isDirectory(path) ? realpathSync(path) : path);
      const workspace = line.workspace === undefined ? undefined : real(line.workspace);
      const facts = surveyor.factsFor({ cwd: real(line.cwd), env: plainEnvironment(layout), workspace, files: exists ? "real" : "none" });
      const inForce = rulebooks.forWorkspace(facts.workspace);
      const { placement, power } = placing(inForce.loaded.settings, { layout, places, host });
      return vet(subjectOf(line.cmd), facts, inForce, power, printing(placement, exists && isDirectory(facts.workspace) ? "host" : "none"));
    },
    judgeAs: ({ shell, argv, cwd, workspace }, forWorkspace) => {
      const facts = surveyor.factsFor({ cwd, env: plainEnvironment(layout), workspace, files: isDirectory(cwd) ? "real" : "none" });
      const inForce = forWorkspace?.(facts.workspace) ?? rulebooks.forWorkspace(facts.workspace);
      const { power } = placing(inForce.loaded.settings, { layout, places, host });
      return judge({ id: "replay", shell, argv, tty: { stdin: false }, inherited: new Map(), unreadable: undefined }, facts, inForce, power);
    },
    analyse: (line, place) => {
      const { specs, rules } = rulebooks.base();
      const facts = surveyor.factsFor({ cwd: place.workspace, env: new Map(), workspace: place.workspace, files: "none" });
      return judge(subjectOf(line), { ...facts, home: place.home, vetsh: exampleInstallation(place.home) }, { specs, rules }, { sandboxed: true, unconfined: undefined }).analysis;
    },
  };
}

/** Where vetsh would be in the home of the examples. */
function exampleInstallation(home: string): readonly string[] {
  return [`${home}/.local/share/vetsh`, `${home}/.config/vetsh`, "/etc/vetsh"];
}

function subjectOf(cmd: string): Parameters<typeof vet>[0] {
  return { id: "check", shell: "bash", argv: ["bash", "-c", cmd], tty: { stdin: false }, inherited: new Map(), unreadable: undefined };
}

/** As a shell has it that inherits nothing in particular: this process's own environment may be an agent's. */
function plainEnvironment(layout: Layout): ReadonlyMap<string, string> {
  return new Map([["HOME", layout.home], ["PATH", "/usr/local/bin:/usr/bin:/bin"], ["LANG", "C.UTF-8"]]);
}

const NO_TTY = { stdin: false, stdout: false, stderr: false, controlling: undefined };

/** The last steps as a printer: whoever would be asked says yes, so that the authority can be shown. Nothing of it is executed. */
function printing(placement: Placement, look: "host" | "none"): Ending<Plan, Checked & { readonly judged: Judgement }> {
  return {
    receive: () => undefined,
    decide: (judged) => decide(judged, ASSENT, AbortSignal.timeout(LIMITS.askMs)),
    plan: async (judged, permit) => (await planFor(judged, permit, NO_TTY, placement, look)).plan,
    record: async (judged, _ruling, plan) => ({ ...describe(judged, plan), judged }),
  };
}

const assentingReview: Review = { outcome: "allow", rationale: "dry run", risk: "low", model: "none", startedAt: 0, ms: 0, error: undefined, usage: undefined };
const assentingHuman: Approval = { id: "dry-run", outcome: "approved", channel: "none", by: undefined, message: undefined, startedAt: 0, ms: 0 };
const ASSENT: Ports = {
  review: async () => assentingReview,
  approve: async () => assentingHuman,
  grants: { add: () => undefined, spend: () => undefined, revoke: () => false, list: () => [] },
};

function describe(judged: Judgement, plan: Plan | undefined): Checked {
  const { evaluation, analysis } = judged;
  const missing = plan?.missing ?? [];
  const heaviestFirst = [...evaluation.matches].sort((a, b) => VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict));
  const rules = new Map(heaviestFirst.map(({ id, file, line, tier }) => [`${file}:${line}:${id}`, { id, file, line, tier }]));
  return {
    version: 1,
    // What cannot be held to its claim does not run.
    decision: evaluation.verdict === "allow" && missing.length > 0 ? "deny" : evaluation.verdict,
    classes: analysis.classes,
    effects: analysis.effects,
    authority: plan === undefined || missing.length > 0 ? { sandbox: "read-only", writable: [], network: [] } : plan.authority,
    rules: [...rules.values()],
    reasons: [...new Set([...heaviestFirst.map(({ reason }) => reason), ...missing.map((what) => `cannot be given: ${what}`)])],
    parse: parseResult(judged),
  };
}

function parseResult(judged: Judgement): Checked["parse"] {
  const source = sourceOf(judged);
  if (source === undefined) return judged.invocation.mode === "opaque" ? { ok: false, error: judged.invocation.reason } : { ok: true };
  const opaque = parseScript(source, judged.invocation.dialect).opaque[0];
  return opaque === undefined ? { ok: true } : { ok: false, error: opaque.reason };
}

async function probeHere(layout: Layout): Promise<HostProbe> {
  const { state } = placesOf(layout.root);
  if (isDirectory(state)) return probe({ scratch: state, bash: layout.shells.bash, init: join(layout.root, "libexec/vetsh-init") });
  const scratch = mkdtempSync(join(tmpdir(), "vetsh-check-"));
  try {
    return await probe({ scratch, bash: layout.shells.bash, init: join(layout.root, "libexec/vetsh-init") });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
