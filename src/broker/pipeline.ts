/**
 * What happens to one start of a shell, from what the shim said to an answer. Execution, `vetsh check` and `vetsh test`
 * go through the same function; they differ in the `Ending` that decides, plans and records.
 */
import { randomUUID } from "node:crypto";
import { analyse, classesOf, inheritedEffects, type Specs } from "../analyse/index.ts";
import { planHashOf, type Proposal, type Ruling } from "../decide/index.ts";
import type { Analysis, Dialect, Facts, Invocation, Tty } from "../model/index.ts";
import { readInvocation } from "../parse/index.ts";
import { evaluate, type RuleSet } from "../policy/index.ts";
import { boundEnvironment } from "./bound-environment.ts";
import { sha256 } from "./identity.ts";
import { gateOf, gatedAnalysis } from "./gates.ts";
import { startEffects } from "./start-effects.ts";

/** One start of a shell, as claimed by a shim or made up by `vetsh check`. */
export type Subject = {
  /** Names the request in permit and record. */
  readonly id: string;
  readonly shell: Dialect;
  readonly argv: readonly string[];
  readonly tty: Pick<Tty, "stdin">;
  /** Variables it would inherit that could change what a command does and that no human vouched for. */
  readonly inherited: ReadonlyMap<string, string>;
  /** Why the text is not exactly what would run; undefined when it is. */
  readonly unreadable: string | undefined;
  /** What the shell was fed before and ran: what that did is not this text's doing. */
  readonly prior?: string;
  /** False where lines of a shell cannot be judged one by one (the shell is inside a line that was judged as a whole). */
  readonly gates?: boolean;
};

/** What is in force: compiled once, exchanged as a whole. */
export type Rulebook = { readonly specs: Specs; readonly rules: RuleSet };

/** What this host and its settings can hold a command to. */
export type HostPower = { readonly sandboxed: boolean; readonly unconfined: "allow" | undefined };

/** A subject, before it is judged. */
export type Arrived = { readonly invocation: Invocation; readonly facts: Facts };

/** A subject, judged. */
export type Judgement = Proposal & { readonly subject: Subject; readonly facts: Facts; readonly invocation: Invocation };

/** The last steps of the pipeline: real ones for execution, a printer for a dry run. */
export type Ending<P, Answer> = {
  /** Writes down what arrived, before anything reads it closely: also a line whose analysis ends the process leaves a trace. */
  readonly receive: (arrived: Arrived) => void;
  /** Asks whoever has to be asked. */
  readonly decide: (judged: Judgement) => Promise<Ruling>;
  /** From the permit to how the command starts; called only with a permit. */
  readonly plan: (judged: Judgement, permit: NonNullable<Ruling["permit"]>) => Promise<P>;
  /** Writes down what was decided, and says it. */
  readonly record: (judged: Judgement, ruling: Ruling, plan: P | undefined) => Promise<Answer>;
};

/**
 * read → receive → parse → analyse → evaluate → decide → plan → record.
 * INVARIANT: an answer exists only when every step ran; whatever throws is a refusal to the caller, never a run.
 */
export async function vet<P, Answer>(subject: Subject, facts: Facts, rulebook: Rulebook, host: HostPower, ending: Ending<P, Answer>): Promise<Answer> {
  const invocation = readSubject(subject);
  ending.receive({ invocation, facts });
  const judged = judgeInvocation(invocation, subject, facts, rulebook, host);
  const ruling = await ending.decide(judged);
  const plan = ruling.permit === undefined ? undefined : await ending.plan(judged, ruling.permit);
  return ending.record(judged, ruling, plan);
}

/** parse → analyse → evaluate: what the line would do and what policy says of it. Reads nothing but `facts`. */
export function judge(subject: Subject, facts: Facts, rulebook: Rulebook, host: HostPower): Judgement {
  return judgeInvocation(readSubject(subject), subject, facts, rulebook, host);
}

function judgeInvocation(invocation: Invocation, subject: Subject, facts: Facts, rulebook: Rulebook, host: HostPower): Judgement {
  const gated = subject.gates === false ? undefined : gateOf(invocation, subject.argv);
  const found = gated === undefined ? since(subject.prior ?? "", invocation, facts, rulebook.specs) : gatedAnalysis(gated, invocation);
  const analysis = withInherited(found, invocation, subject.inherited, facts, rulebook.specs);
  const evaluation = evaluate(analysis, rulebook.rules, { sandboxed: host.sandboxed, workspace: facts.workspace, home: facts.home, ...(host.unconfined === undefined ? {} : { unconfined: host.unconfined }) });
  const planHash = planHashOf(
    {
      shell: subject.shell, argv: subject.argv, script: undefined, cwd: facts.cwd, workspace: facts.workspace,
      // Nobody is asked about what passes by itself: its plan needs no variables to be told from another one.
      environment: evaluation.verdict === "allow" ? [] : boundEnvironment(facts.env, subject.argv),
      // SECURITY: text that was not read exactly looks like other text: no approval may ever fit it again.
      canonical: subject.unreadable === undefined ? analysis.canonical : randomUUID(),
      effects: analysis.effects, scripts: analysis.scripts, claim: evaluation.claim, policy: evaluation.policy,
    },
    sha256,
  );
  return { requestId: subject.id, subject, facts, invocation, analysis, evaluation, effects: analysis.effects, planHash };
}

/**
 * What a text does that follows another one, of which the shell still knows what it set. What both did alike, the first one did: it was judged
 * then. Spans are those of the text.
 */
function since(prior: string, invocation: Invocation, facts: Facts, specs: Specs): Analysis {
  if (prior === "" || invocation.mode !== "command") return analyse(invocation, facts, specs);
  const before = analyse({ ...invocation, text: prior }, facts, specs);
  const both = analyse({ ...invocation, text: prior + invocation.text }, facts, specs);
  const at = (span: { readonly start: number; readonly end: number }): { readonly start: number; readonly end: number } => (span.start < prior.length ? { start: 0, end: 0 } : { start: span.start - prior.length, end: span.end - prior.length });
  const known = new Set([...before.effects, ...before.commands].map((one) => JSON.stringify(one)));
  const isNew = (one: object): boolean => !known.has(JSON.stringify(one));
  // SECURITY: behind a limit nothing is looked at any more, so that it was reached before says nothing of what came after.
  const effects = both.effects.filter((effect) => isNew(effect) || effect.by.startsWith("limit/")).map((effect) => ({ ...effect, span: at(effect.span) }));
  const commands = both.commands.filter(isNew).map((command) => ({ ...command, span: at(command.span) }));
  // An approval is for this text, whatever was fed before it comes again.
  const canonical = commands.map(({ words }) => words.map((word) => (word === undefined ? "?" : JSON.stringify(word))).join(" ")).join("\n");
  return { ...both, effects, classes: classesOf(effects), commands, canonical: canonical === "" ? invocation.text : canonical };
}

function readSubject(subject: Subject): Invocation {
  if (subject.unreadable !== undefined) return { mode: "opaque", dialect: subject.shell, reason: subject.unreadable };
  return readInvocation(subject.shell, subject.argv, { tty: subject.tty.stdin });
}

/** SECURITY: variables can only add effects (I5): what a line does by itself stays. */
function withInherited(analysis: Analysis, invocation: Invocation, inherited: Subject["inherited"], facts: Facts, specs: Specs): Analysis {
  if (invocation.mode === "print") return analysis;
  const more = [...startEffects(invocation, inherited, facts), ...inheritedEffects({ ...facts, env: inherited }, specs, invocation.dialect)];
  if (more.length === 0) return analysis;
  const effects = [...analysis.effects, ...more];
  return { ...analysis, effects, classes: classesOf(effects) };
}

/** In: a line, judged or not. Out: the source that its spans point into; undefined when it is not in the request. */
export function sourceOf({ invocation, facts }: Arrived): string | undefined {
  switch (invocation.mode) {
    case "command":
      return invocation.text;
    case "file":
      return facts.files.readScript(invocation.path.startsWith("/") ? invocation.path : `${facts.cwd}/${invocation.path}`)?.text;
    case "stdin":
    case "interactive":
    case "print":
    case "opaque":
      return undefined;
  }
}
