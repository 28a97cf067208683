import { randomBytes } from "node:crypto";
import { escapeText, type Review } from "../model/index.ts";
import { outcomeOf, readAnswer, type Usage } from "./answer.ts";
import { Breaker } from "./breaker.ts";
import { Cache } from "./cache.ts";
import { createEndpoint, type Endpoint } from "./endpoint.ts";
import { userMessage, type ReviewInput } from "./prompt.ts";

export type ReviewerSettings = {
  /** Up to and without `/chat/completions`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey: string | undefined;
  /** For one review as a whole, all attempts included, in milliseconds. */
  readonly timeoutMs: number;
  /** What the endpoint calls the limit on its answer: older servers know only `max_tokens`. */
  readonly tokenParameter?: "max_completion_tokens" | "max_tokens" | undefined;
};

/** Never rejects. INVARIANT: a Review with `error` has outcome "ask". */
export type Reviewer = (input: ReviewInput, signal: AbortSignal) => Promise<Review>;

/** In: settings from user or managed configuration. Out: a reviewer with its own memory and breakers: one per broker. */
export function createReviewer(settings: ReviewerSettings): Reviewer {
  const state = { endpoint: createEndpoint(settings), breaker: new Breaker(), cache: new Cache(settings.model) };
  return async (input, signal) => {
    const started = { at: Date.now(), clock: performance.now() };
    const result = await review(input, settings, state, signal).catch((error: unknown): Result => failed("internal", error instanceof Error ? error.message : String(error)));
    return { ...result, model: settings.model, startedAt: started.at, ms: Math.round(performance.now() - started.clock) };
  };
}

type State = { readonly endpoint: Endpoint; readonly breaker: Breaker; readonly cache: Cache };
type Result = Omit<Review, "model" | "startedAt" | "ms">;

async function review(input: ReviewInput, settings: ReviewerSettings, { endpoint, breaker, cache }: State, signal: AbortSignal): Promise<Result> {
  if (signal.aborted) return failed("aborted", "nobody waits for the answer any more");
  const kept = cache.get(input, performance.now());
  if (kept !== undefined) return { outcome: kept.outcome, risk: kept.risk, rationale: `${kept.rationale} (remembered)`, error: undefined, usage: undefined };
  if (breaker.tooManyDenials()) return failed("denial_limit", "the reviewer has refused too often: a person should look");
  if (breaker.isOpen(performance.now())) return failed("breaker_open", "the reviewer did not answer several times and is left alone for a while");

  const result = await ask(input, settings, endpoint, signal);
  if (result.error === undefined) breaker.answered(result.outcome);
  // A line nobody could be shown, or nobody waits for, says nothing about the endpoint.
  else if (result.error !== "too_long" && result.error !== "aborted") breaker.failed(performance.now());
  if (result.error === undefined) cache.put(input, { ...result, model: settings.model, startedAt: 0, ms: 0 }, performance.now());
  return result;
}

/** At most two attempts inside one deadline; the second only where the first one did not reach a model. */
async function ask(input: ReviewInput, settings: ReviewerSettings, endpoint: Endpoint, signal: AbortSignal): Promise<Result> {
  const nonce = randomBytes(12).toString("hex");
  const message = userMessage(input, { nonce, delimiter: randomBytes(12).toString("hex") });
  if (message === undefined) return failed("too_long", "the command is too long to be reviewed as a whole");
  const deadline = new AbortController();
  const stop = (): void => deadline.abort();
  const timer = setTimeout(stop, settings.timeoutMs);
  signal.addEventListener("abort", stop, { once: true });
  try {
    let reply = await endpoint(message, deadline.signal);
    if (reply.kind === "error" && reply.again) reply = await endpoint(message, deadline.signal);
    if (reply.kind === "error") return signal.aborted ? failed("aborted", "nobody waits for the answer any more") : failed(reply.error, reply.detail);
    const reading = readAnswer(reply.body, nonce);
    if (reading.kind === "error") return failed(reading.error, reading.detail, reading.usage);
    return { outcome: outcomeOf(reading.answer), risk: reading.answer.risk, rationale: escapeText(reading.answer.rationale, { maxLength: 500 }), error: undefined, usage: reading.usage };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function failed(error: string, detail: string, usage?: Usage): Result {
  return { outcome: "ask", risk: "unknown", rationale: escapeText(`no review: ${detail}`, { maxLength: 300 }), error, usage };
}
