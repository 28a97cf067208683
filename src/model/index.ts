/**
 * model: the vocabulary. Goes in: nothing. Comes out: types and the few constants every room shares.
 * Data walks Request → Invocation → Script → Analysis → Evaluation → Decision → Permit → Outcome, once, in that order.
 * What holds: all values are read-only; unions carry a literal tag; verdicts are ordered and combined by maximum;
 * every limit of the product stands in `limits.ts`. Imports nothing.
 */
export * from "./agent-facts.ts";
export * from "./version.ts";
export * from "./verdict.ts";
export * from "./escape.ts";
export * from "./source.ts";
export * from "./limits.ts";
export * from "./layout.ts";
export * from "./request.ts";
export * from "./script.ts";
export * from "./effect.ts";
export * from "./facts.ts";
export * from "./decision.ts";
export * from "./outcome.ts";
export * from "./redact.ts";
export * from "./question.ts";
export * from "./shell-word.ts";
export * from "./within.ts";
