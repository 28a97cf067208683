import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readToml, type Registry } from "../config/index.ts";
import { checkExamples, compileRules, EXAMPLE_PLACE } from "../policy/index.ts";
import { leadingMatch } from "../decide/index.ts";
import { isWithin, LIMITS, type Claim, type Layout, type PlanHash, type RuleOffer, type RuleWidth } from "../model/index.ts";
import { readRecords, type Recorder } from "../record/index.ts";
import type { Surveyor } from "./facts.ts";
import { judge, type HostPower, type Judgement } from "./pipeline.ts";
import { judgeAgain } from "./replay.ts";
import { draftRules, tomlOf, type Draft, type RuleText } from "./rule-draft.ts";
import type { InForce, Rulebooks } from "./rulebook.ts";

export type RuleDeskParts = { readonly layout: Layout; readonly state: string; readonly rulebooks: Rulebooks; readonly surveyor: Surveyor; readonly recorder: Pick<Recorder, "granted">; readonly registries: readonly Registry[]; readonly now: () => number };

export type WrittenRule = { readonly id: string; readonly file: string; readonly line: number; readonly reason: string; readonly example: string };

type Remembered = { readonly judged: Judgement; readonly power: HostPower };
type Told = { readonly ok: true; readonly offer: RuleOffer } | { readonly ok: false; readonly why: string };

const HEADER = "# Rules that were written when somebody answered a question with \"always\". They are yours: change them, or take them away.\n";

/**
 * Turns a yes into rules of the user's: drafts them, tries each out, and writes what a person chose.
 * INVARIANT (I1, I3, I5): a rule is offered only when, beside everything in force, it turns this very line into allow, gives it no more than
 * its claim, loads and has examples that hold. It is a rule of the user's tier: what managed policy or the user's own rules say, and what
 * is `fixed`, stands. What is written is what was shown, letter by letter.
 */
export class RuleDesk {
  readonly #parts: RuleDeskParts;
  readonly #known = new Map<string, Remembered>();

  constructor(parts: RuleDeskParts) {
    this.#parts = parts;
  }

  /** A line that somebody is asked about. Beyond LIMITS.draftableQuestions the oldest is forgotten. */
  remember(judged: Judgement, power: HostPower): void {
    this.#known.delete(judged.planHash);
    this.#known.set(judged.planHash, { judged, power });
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > LIMITS.draftableQuestions && oldest !== undefined) this.#known.delete(oldest);
  }

  knows(planHash: string): boolean {
    return this.#known.has(planHash);
  }

  /** In: the plan of an open question. Out: the rules that "always" could write, each tried out. */
  async offer(planHash: string): Promise<Told> {
    const known = this.#known.get(planHash);
    if (known === undefined) return { ok: false, why: "this question came before the broker was started: run the command again" };
    const { drafts, refused } = draftRules(known.judged, this.#parts.registries);
    const file = this.#file();
    const widths: RuleWidth[] = [];
    const not = [...refused];
    for (const draft of drafts) {
      const tried = this.#try(draft, known, file);
      if (typeof tried === "string") not.push(`${draft.name}: ${tried}`);
      else widths.push({ name: draft.name, about: draft.about, toml: tried.toml, ...(await this.#alsoPasses(tried.text, file, known)) });
    }
    return { ok: true, offer: { file, widths, refused: not } };
  }

  /** Writes what was shown. Out: why it was not written, or undefined. */
  async write(planHash: PlanHash, name: RuleWidth["name"], toml: string, by: string, channel: string): Promise<string | undefined> {
    const known = this.#known.get(planHash);
    const draft = known === undefined ? undefined : draftRules(known.judged, this.#parts.registries).drafts.find((one) => one.name === name);
    if (known === undefined || draft === undefined) return "no such rule is offered (any more)";
    const file = this.#file();
    const tried = this.#try(draft, known, file);
    if (typeof tried === "string") return tried;
    // SECURITY: a person read the text: nothing else may be written.
    if (tried.toml !== toml) return "the rule is not the one that was shown: look again";
    const written = this.#parts.recorder.granted({ id: tried.ids[0] ?? "", keep: "always", by, channel, planHash, command: known.judged.invocation.mode === "command" ? known.judged.invocation.text : "", cwd: known.judged.facts.cwd, expiresAt: undefined, rules: tried.ids });
    if (!written.ok) return `it could not be recorded: ${written.message}`;
    replaceFile(file, tried.text);
    this.#parts.rulebooks.reload();
    return undefined;
  }

  /** Rules that an "always" wrote and that are in force, in the order of the file. */
  written(): readonly WrittenRule[] {
    const file = this.#file();
    return this.#parts.rulebooks.base().rules.rules.filter((rule) => rule.file === file).map(({ id, line, reason, match }) => ({ id, file, line, reason, example: match[0] ?? "" }));
  }

  /** Takes such a rule out of the file; what else stands there stays. Out: why not, or undefined; `"unknown"` when there is none of that name. */
  takeBack(id: string): string | undefined {
    const file = this.#file();
    const rule = this.written().find((one) => one.id === id);
    if (rule === undefined) return "unknown";
    const text = textOf(file);
    const left = withoutTable(text, rule.line);
    const { loaded } = this.#parts.rulebooks.supposing(file, left)("/");
    const [problem] = loaded.problems;
    if (problem !== undefined || loaded.rules.rules.some((one) => one.id === id)) return `take it out of ${file}:${rule.line} yourself${problem === undefined ? "" : `: ${problem.message}`}`;
    replaceFile(file, left);
    this.#parts.rulebooks.reload();
    return undefined;
  }

  #file(): string {
    return join(this.#parts.layout.config, "rules", "always.toml");
  }

  /** The first spelling of a draft that holds, or why none does. */
  #try(draft: Draft, known: Remembered, file: string): { readonly toml: string; readonly text: string; readonly ids: readonly string[] } | string {
    const before = textOf(file);
    const day = new Date(this.#parts.now()).toISOString().slice(0, 10);
    let why: string | undefined;
    for (const rules of draft.variants) {
      const toml = this.#withExamples(rules, `a person said always on ${day}`);
      if (toml === undefined) {
        why ??= "no example could be found for it: write the rule yourself";
        continue;
      }
      const text = `${before === "" ? HEADER : before.endsWith("\n") ? before : `${before}\n`}\n${toml}`;
      const wrong = this.#wrongWith(text, file, known);
      if (wrong === undefined) return { toml, text, ids: rules.map(({ id }) => id) };
      why ??= wrong;
    }
    return why ?? "no spelling of it holds";
  }

  /** Chooses for each rule the first examples that hold where examples take place. */
  #withExamples(rules: readonly RuleText[], reason: string): string | undefined {
    const texts = rules.map((rule) => {
      for (const match of rule.match) for (const notMatch of rule.notMatch) {
        const toml = tomlOf(rule, match, notMatch, reason);
        if (this.#examplesHold(toml, rule.id)) return toml;
      }
      return undefined;
    });
    return texts.includes(undefined) ? undefined : texts.join("\n");
  }

  #examplesHold(toml: string, id: string): boolean {
    const { specs } = this.#parts.rulebooks.base();
    const read = readToml(toml);
    if (!read.ok) return false;
    // Alone: examples are about the rule, whatever others say.
    const rules = compileRules([{ tier: "user", mayLoosen: true, files: [{ file: "draft", data: read.data, lines: read.ruleLines }] }]);
    if (rules.rules[0]?.id !== id) return false;
    const { workspace, home } = EXAMPLE_PLACE;
    const facts = this.#parts.surveyor.factsFor({ cwd: workspace, env: new Map(), workspace, files: "none" });
    const place = { ...facts, home, vetsh: [`${home}/.local/share/vetsh`, `${home}/.config/vetsh`, "/etc/vetsh"] };
    const problems = checkExamples(rules, (line) => judge({ id: "example", shell: "bash", argv: ["bash", "-c", line], tty: { stdin: false }, inherited: new Map(), unreadable: undefined }, place, { specs, rules }, { sandboxed: true, unconfined: undefined }).analysis);
    return problems.length === 0;
  }

  /** INVARIANT: see the class. Out: why the file would not do. */
  #wrongWith(text: string, file: string, { judged, power }: Remembered): string | undefined {
    const forWorkspace = this.#parts.rulebooks.supposing(file, text);
    const inForce = forWorkspace(judged.facts.workspace);
    const [problem] = inForce.loaded.problems;
    if (problem !== undefined) return `${problem.file}:${problem.line}: ${problem.message}`;
    const after = judge(judged.subject, judged.facts, inForce, power).evaluation;
    if (after.verdict !== "allow") {
      const match = leadingMatch(after.matches, after.verdict);
      return match === undefined ? "the line would still be stopped" : `the line would still be stopped: ${match.reason} (rule ${match.id})`;
    }
    if (after.claim.network === "any") return "its hosts are not known before it runs: write a rule with `hosts`";
    return givesMore(after.claim, judged.evaluation.claim) ? "it would give the line more than it claims" : undefined;
  }

  /** What else of the last month would have passed: at most LIMITS.replayedLines lines that were stopped, the newest, for LIMITS.replayMs. */
  async #alsoPasses(text: string, file: string, { judged, power }: Remembered): Promise<Pick<RuleWidth, "also" | "alsoCount">> {
    const forWorkspace = this.#parts.rulebooks.supposing(file, text);
    const since = this.#parts.now() - LIMITS.replayedMs;
    const stopped = [...readRecords(this.#parts.state, { since })].filter(({ decision }) => decision === "ask" || decision === "review").slice(-LIMITS.replayedLines).reverse();
    const passes = new Map<string, string>();
    let until = performance.now() + LIMITS.replayMs;
    for (const [index, record] of stopped.entries()) {
      if (performance.now() > until) break;
      // Other requests come first.
      if (index % 8 === 7) {
        const began = performance.now();
        await new Promise((resolve) => setImmediate(resolve));
        until += performance.now() - began;
      }
      if (record.cmd === (judged.invocation.mode === "command" ? judged.invocation.text : "")) continue;
      const now = judgeAgain(record, (line) => this.#verdictOf(line, (workspace) => this.#parts.rulebooks.forWorkspace(workspace), power));
      if (now.kind === "skipped" || now.after === "allow") continue;
      const again = judgeAgain(record, (line) => this.#verdictOf(line, forWorkspace, power));
      if (again.kind === "judged" && again.after === "allow" && !passes.has(record.cmd)) passes.set(record.cmd, record.cmd);
    }
    return { also: [...passes.keys()].slice(0, LIMITS.alsoShown), alsoCount: passes.size };
  }

  #verdictOf({ shell, argv, cwd, workspace }: Parameters<Parameters<typeof judgeAgain>[1]>[0], forWorkspace: (workspace: string) => InForce, power: HostPower): ReturnType<Parameters<typeof judgeAgain>[1]> {
    const facts = this.#parts.surveyor.factsFor({ cwd, env: new Map([["HOME", this.#parts.layout.home], ["PATH", "/usr/local/bin:/usr/bin:/bin"]]), workspace, files: "none" });
    return judge({ id: "replay", shell, argv, tty: { stdin: false }, inherited: new Map(), unreadable: undefined }, facts, forWorkspace(facts.workspace), power).evaluation.verdict;
  }
}

/** Hosts that take the place of "any" are fewer. */
function givesMore(after: Claim, before: Claim): boolean {
  const { network } = after;
  const hosts = network === "any" ? before.network !== "any" : before.network !== "any" && network.some((host) => !before.network.includes(host));
  return hosts || after.privileged || after.sandbox === "none" || after.secrets.some((path) => !before.secrets.includes(path)) || after.writable.some((path) => !before.writable.some((held) => isWithin(path, held)));
}

/** In: a file, the line of a `[[table]]` in it (from 1). Out: the file without that table; comments right above the next one stay. */
function withoutTable(text: string, line: number): string {
  const lines = text.split("\n");
  const next = lines.findIndex((one, index) => index >= line && /^\s*\[/.test(one) && !/^\s*\[\[?[^\]]*"/.test(one));
  let end = next < 0 ? lines.length : next;
  if (next >= 0) while (end > line && /^\s*#/.test(lines[end - 1] ?? "")) end -= 1;
  return [...lines.slice(0, line - 1), ...lines.slice(end)].join("\n");
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

/** In one step, comments and all; a link stays one. Throws the system's error. */
function replaceFile(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  let target = file;
  try {
    target = realpathSync(file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  const temporary = `${target}.new`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, target);
}
