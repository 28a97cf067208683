import type { Settings } from "../config/index.ts";
import type { Evaluation, Review } from "../model/index.ts";
import type { Reviewer, ReviewInput } from "../review/index.ts";
import { sourceOf, type Judgement } from "./pipeline.ts";
import { readPrivateFile } from "./private-file.ts";

/** Asks the reviewer about one judged line. Never rejects. */
export type AskReview = (judged: Judgement, signal: AbortSignal, connection?: ReviewedConnection) => Promise<Review>;

/** When the line runs already and only this is in question. */
export type ReviewedConnection = { readonly evaluation: Evaluation } & NonNullable<ReviewInput["connection"]>;

export type ReviewPorts = {
  /** In: the settings in force. Out: how to ask, or undefined when none is configured: then `review` becomes `ask`. */
  portFor(settings: Settings["reviewer"]): AskReview | undefined;
};

/**
 * Reviewers as the settings name them: one for each distinct setting, with its own memory and breakers. The library behind
 * it is loaded by the first review, so that a broker which never reviews does not pay for it.
 */
export function lazyReviews(log: (message: string) => void): ReviewPorts {
  let current: { readonly key: string; readonly reviewer: Promise<Reviewer> } | undefined;
  return {
    portFor: (settings) => {
      if (!settings.enabled || settings.baseUrl === undefined || settings.model === undefined) return undefined;
      return async (judged, signal, connection) => {
        const text = sourceOf(judged);
        if (text === undefined) return unreviewed(settings, "no_text", "the text that would run is not known");
        const key = JSON.stringify(settings);
        try {
          if (current?.key !== key) current = { key, reviewer: load(settings) };
          const reviewer = await current.reviewer;
          return await reviewer({ text, cwd: judged.facts.cwd, workspace: judged.facts.workspace, analysis: judged.analysis, ...inQuestion(judged, connection) }, signal);
        } catch (error) {
          current = undefined;
          log(`the reviewer cannot be used: ${error instanceof Error ? error.message : String(error)}`);
          return unreviewed(settings, "unusable", "the reviewer cannot be used");
        }
      };
    },
  };
}

function inQuestion(judged: Judgement, connection: ReviewedConnection | undefined): Pick<ReviewInput, "evaluation" | "connection"> {
  if (connection === undefined) return { evaluation: judged.evaluation };
  const { evaluation, host, port, method, given } = connection;
  return { evaluation, connection: { host, port, method, given } };
}

async function load(settings: Settings["reviewer"]): Promise<Reviewer> {
  const apiKey = settings.keyFile === undefined ? undefined : readPrivateFile(settings.keyFile).split("\n")[0]?.trim();
  const { createReviewer } = await import("../review/index.ts");
  return createReviewer({ baseUrl: settings.baseUrl ?? "", model: settings.model ?? "", apiKey, timeoutMs: settings.timeoutMs, tokenParameter: settings.tokenParameter });
}

/** INVARIANT: no review is worth "ask" (I4). */
function unreviewed(settings: Settings["reviewer"], error: string, rationale: string): Review {
  return { outcome: "ask", rationale, risk: "unknown", model: settings.model ?? "none", startedAt: Date.now(), ms: 0, error, usage: undefined };
}
