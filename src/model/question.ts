import type { Keep } from "./decision.ts";
import type { Intent } from "./outcome.ts";
import type { Span } from "./source.ts";

/**
 * What a human is asked before a command runs. Made by the broker from a judged line, shown by `terminal`, `vetsh approvals`
 * and every other channel. SECURITY: all texts are as the agent wrote them; whoever shows them escapes them (I7).
 */
export type Question = {
  /** The approval id that an answer names. */
  readonly id: string;
  /** The command, canonical where it was understood, else its source. */
  readonly command: string;
  /** The piece of `command` that weighed most, in UTF-16 code units. */
  readonly span: Span | undefined;
  /** What it would do, in words, one effect or group of effects a line, the weightiest first. */
  readonly effects: readonly string[];
  /** Why it was stopped, and the rule that says so; no rule when it was stopped because nobody understood it. */
  readonly reason: string;
  readonly rule: string | undefined;
  /** A safer way, when the rule names one. */
  readonly instead: string | undefined;
  /** What it would be allowed to touch, in words: `writes in the workspace · no network`. */
  readonly authority: string;
  /** True when the command runs already, and asks for a connection that it was not given. */
  readonly running?: boolean | undefined;
  /** What would be lost, and what to beware of, one thing a line: counted as far as it could be looked at quickly. */
  readonly stake?: readonly string[] | undefined;
  /** More for who wants to know: every effect with its cause, every rule that spoke. */
  readonly detail?: readonly string[] | undefined;
  /** How often the identical command has asked, this time included. */
  readonly times?: number | undefined;
  /** How far a yes may go beyond this run; nothing when it may not. */
  readonly offers?: readonly Exclude<Keep, "once">[] | undefined;
  /** Why the agent says it wants it. Never evidence. */
  readonly intent: Intent | undefined;
  /** Milliseconds since the epoch; past it nothing ran and the question is pending. */
  readonly expiresAt: number;
};

export type Answer = "yes" | "no";

/** One way to keep a yes as rules of the user's. */
export type RuleWidth = {
  readonly name: "line" | "options" | "place";
  /** What it lets through, in words. */
  readonly about: string;
  /** Exactly what would be written. */
  readonly toml: string;
  /** Commands of the journal that were asked about and would have passed, the newest first, and how many there were. */
  readonly also: readonly string[];
  readonly alsoCount: number;
};

/** What "always" could mean for one question. `refused`: widths that are not offered, with the reason. */
export type RuleOffer = { readonly file: string; readonly widths: readonly RuleWidth[]; readonly refused: readonly string[] };
