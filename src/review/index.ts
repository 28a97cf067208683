/**
 * review: a language model's opinion on one line that policy wants looked at.
 * Goes in: settings once, then per line the text, what analysis found and what policy claims. Comes out: a `Review`.
 * What holds: it never rejects; every failure is outcome "ask" with `error` set, and code, not the model, derives the outcome:
 * the model can lower what policy allows to think about, never raise it. Nothing is read from the environment, no proxy and no
 * redirect is followed. The line travels as data, without the agent's own prose. Only importer of the client library, loaded on first use.
 * A filter, not a boundary: models are talked into things. The sandbox holds what was allowed.
 */
export { createReviewer, type Reviewer, type ReviewerSettings } from "./reviewer.ts";
export type { ReviewInput } from "./prompt.ts";
