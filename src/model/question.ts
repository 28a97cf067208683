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
  /** How far a yes may go beyond this run; nothing when it may not. */
  readonly offers?: readonly Exclude<Keep, "once">[] | undefined;
  /** Why the agent says it wants it. Never evidence. */
  readonly intent: Intent | undefined;
  /** Milliseconds since the epoch; past it nothing ran and the question is pending. */
  readonly expiresAt: number;
};

export type Answer = "yes" | "no";
