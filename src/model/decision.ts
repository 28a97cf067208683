import type { Analysis, Effect } from "./effect.ts";
import type { Span } from "./source.ts";
import type { Tier, Verdict } from "./verdict.ts";

/** One rule that matched one effect (or the whole line): the evidence of a verdict. */
export type RuleMatch = {
  readonly id: string;
  readonly tier: Tier;
  readonly file: string;
  readonly line: number;
  readonly verdict: Verdict;
  readonly reason: string;
  /** A safer way, when the rule names one. */
  readonly instead: string | undefined;
  /** The effect that matched, by index in the analysis; undefined for a rule about the whole line. */
  readonly effect: number | undefined;
  /** Hosts this rule opens, when it allows a network effect. */
  readonly hosts: readonly string[];
};

/** What policy says of one line. INVARIANT: `verdict` is the maximum over `matches` and the effects without a rule (I1, I2). */
export type Evaluation = {
  readonly verdict: Verdict;
  readonly matches: readonly RuleMatch[];
  readonly claim: Claim;
  /** SHA-256 over the rules and settings in force: a decision names its policy. */
  readonly policy: string;
};

/** The authority that the effects need: what the sandbox will hold the command to. */
export type Claim = {
  /** none: no confinement asked for (only by human grant or explicit setting) · custom: workspace and extra paths. */
  readonly sandbox: "none" | "read-only" | "workspace" | "custom";
  /** Absolute paths that may be written, besides the workspace (when `sandbox` is not read-only) and the session's /tmp. */
  readonly writable: readonly string[];
  /** Hosts that may be reached; "any" when they are not known. */
  readonly network: readonly string[] | "any";
  /** Secret files that stay readable because reading them was approved. */
  readonly secrets: readonly string[];
  /** True when even the named sandbox must be left (privilege, devices, other processes): only a human can grant it. */
  readonly privileged: boolean;
};

/** Who gave the final answer. */
export type DecisionSource = "rule" | "reviewer" | "human" | "grant" | "fallback";

/** What a reviewer answered, or why it could not (then the answer counts as ask, I4). */
export type Review = {
  readonly outcome: "allow" | "ask" | "deny";
  readonly rationale: string;
  readonly risk: "low" | "medium" | "high" | "critical" | "unknown";
  readonly model: string;
  /** Milliseconds since the epoch, and duration in milliseconds. */
  readonly startedAt: number;
  readonly ms: number;
  /** timeout | http_5xx | schema | refusal | truncated | breaker_open | …; undefined when it answered. */
  readonly error: string | undefined;
  readonly usage: { readonly input: number; readonly output: number } | undefined;
};

/** once: this run · session: exactly this plan until the session ends · always: a rule was written. */
export const KEEPS = ["once", "session", "always"] as const;
export type Keep = (typeof KEEPS)[number];

/** Ways on which a question reaches a human: over an agent's screen, in a popup, on the agent's own terminal, told elsewhere. */
export const CHANNELS = ["outer-terminal", "tmux", "terminal", "webhook", "notification"] as const;
export type Channel = (typeof CHANNELS)[number];

/** What a human answered. `pending`: nobody answered in time or nobody was there; the question stays open under `id`. */
export type Approval = {
  readonly id: string;
  readonly outcome: "approved" | "denied" | "pending";
  readonly channel: Channel | "control" | "none";
  /** How far a yes goes: this run (when left out), or more. */
  readonly keep?: Keep | undefined;
  readonly by: string | undefined;
  /** What the human wants the agent to be told, with a "no". */
  readonly message: string | undefined;
  readonly startedAt: number;
  readonly ms: number;
};

export type Decision = {
  readonly final: "run" | "refuse";
  readonly source: DecisionSource;
  readonly evaluation: Evaluation;
  readonly review: Review | undefined;
  readonly approval: Approval | undefined;
  /** The earlier yes that this run used. */
  readonly grant?: { readonly id: string; readonly by: string; readonly keep: "once" | "session" } | undefined;
  /** Why, in one line, already safe to print. */
  readonly reason: string;
  readonly instead: string | undefined;
  /** The piece of source that weighed most. */
  readonly span: Span | undefined;
};

/** What approvals and grants bind to: SHA-256 over script bytes, cwd, workspace, canonical words and claim (I3). */
export type PlanHash = string & { readonly __brand: "PlanHash" };

export type Judged = { readonly analysis: Analysis; readonly evaluation: Evaluation; readonly effects: readonly Effect[] };
