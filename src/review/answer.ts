import { z } from "zod";
import { escapeText, type Review } from "../model/index.ts";
import { AUTHORIZATIONS, CATEGORIES, OUTCOMES, RISKS } from "./prompt.ts";

/** The part of a chat completion that is looked at. */
const completionSchema = z.object({
  choices: z.array(z.object({
    finish_reason: z.string().nullish(),
    message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
  })).min(1),
  usage: z.object({ prompt_tokens: z.number().int().nonnegative(), completion_tokens: z.number().int().nonnegative() }).nullish().catch(undefined),
});

/** INVARIANT: exactly these keys; what is more or less is no answer. */
const answerSchema = z.strictObject({
  nonce: z.string(),
  risk: z.enum(RISKS),
  authorization: z.enum(AUTHORIZATIONS),
  categories: z.array(z.enum(CATEGORIES)).max(20),
  injection_suspected: z.boolean(),
  outcome: z.enum(OUTCOMES),
  rationale: z.string().max(4_000),
});

export type Answer = z.infer<typeof answerSchema>;
export type Usage = NonNullable<Review["usage"]>;
export type Reading =
  | { readonly kind: "answer"; readonly answer: Answer; readonly usage: Usage | undefined }
  | { readonly kind: "error"; readonly error: "schema" | "nonce" | "refusal" | "truncated"; readonly detail: string; readonly usage: Usage | undefined };

/** In: what the server sent, parsed as JSON, and the nonce of the question. Out: the answer, or why it is none. */
export function readAnswer(completion: unknown, nonce: string): Reading {
  const parsed = completionSchema.safeParse(completion);
  if (!parsed.success) return fault("schema", "the endpoint sent no chat completion", undefined);
  const usage = parsed.data.usage ? { input: parsed.data.usage.prompt_tokens, output: parsed.data.usage.completion_tokens } : undefined;
  const choice = parsed.data.choices[0];
  if (choice === undefined) return fault("schema", "the endpoint sent no choice", usage);
  if (choice.message.refusal !== null && choice.message.refusal !== undefined && choice.message.refusal !== "") return fault("refusal", "the model refused to review", usage);
  const reason = choice.finish_reason ?? "no reason given";
  switch (reason) {
    case "stop": break;
    case "length": return fault("truncated", "the answer was cut off", usage);
    case "content_filter": return fault("refusal", "the endpoint filtered the answer", usage);
    default: return fault("schema", `the answer did not end: ${reason}`, usage);
  }
  const answer = answerSchema.safeParse(jsonOf(choice.message.content ?? ""));
  if (!answer.success) return fault("schema", "the answer is not the JSON object asked for", usage);
  // SECURITY: a model that copies an answer out of the command does not know the nonce.
  if (answer.data.nonce !== nonce) return fault("nonce", "the answer does not carry the nonce of the question", usage);
  return { kind: "answer", answer: answer.data, usage };
}

function fault(error: "schema" | "nonce" | "refusal" | "truncated", detail: string, usage: Usage | undefined): Reading {
  return { kind: "error", error, detail: escapeText(detail, { maxLength: 200 }), usage };
}

/** The whole text as JSON, after thoughts in front of it and a code fence around it; undefined when it is anything else. */
function jsonOf(content: string): unknown {
  const text = content.trim().replace(/^<think>[\s\S]*?<\/think>\s*/, "");
  const fenced = /^```(?:json)?\s*\n([\s\S]*?)\n?```$/.exec(text);
  try {
    return JSON.parse(fenced?.[1] ?? text);
  } catch {
    // Not JSON: makes the result stricter, see `readAnswer`.
    return undefined;
  }
}

/**
 * In: an answer. Out: what it is worth.
 * INVARIANT: only low or medium risk without a suspicion can be allowed. High risk would need authorization of at least
 * "medium", and nobody can give that yet: a model's own word for it is not enough.
 */
export function outcomeOf(answer: Answer): Review["outcome"] {
  if (answer.outcome !== "allow") return answer.outcome;
  if (answer.injection_suspected) return "ask";
  switch (answer.risk) {
    case "low": case "medium": return "allow";
    case "high": case "critical": return "ask";
  }
}
