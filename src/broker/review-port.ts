import type { Settings } from "../config/index.ts";
import type { Intent, Request, Review } from "../model/index.ts";
import type { Judgement } from "./pipeline.ts";

/** What a reviewer is told beside the judged line. */
export type ReviewContext = { readonly request: Request; readonly intent: Intent | undefined };

/** Makes the reviewer that the settings name; loads its library when it is first asked. */
export type ReviewPorts = {
  /** undefined: none is configured, so `review` becomes `ask`. */
  portFor(settings: Settings["reviewer"], context: () => ReviewContext): ((judged: Judgement, signal: AbortSignal) => Promise<Review>) | undefined;
};

/** In: where failures are told. Out: reviewers as the settings want them. */
export function lazyReviews(_log: (message: string) => void): ReviewPorts {
  return { portFor: () => undefined };
}
