import type OpenAI from "openai";
import { escapeText, LIMITS } from "../model/index.ts";
import { ANSWER_SCHEMA, SYSTEM } from "./prompt.ts";
import type { ReviewerSettings } from "./reviewer.ts";
import { NO_KEY, plainFetch } from "./transport.ts";

export type Reply =
  | { readonly kind: "completion"; readonly body: unknown }
  /** `again`: another attempt may succeed at once. */
  | { readonly kind: "error"; readonly error: string; readonly detail: string; readonly again: boolean };

export type Endpoint = (message: string, signal: AbortSignal) => Promise<Reply>;

/** In: settings. Out: one question to the endpoint at a time, which never rejects. Remembers when json_schema is not understood. */
export function createEndpoint(settings: ReviewerSettings): Endpoint {
  let client: OpenAI | undefined;
  let format: "json_schema" | "json_object" = "json_schema";
  // SECURITY: without an address the library would send the line to its vendor.
  const usable = /^https?:\/\//.test(settings.baseUrl) && URL.canParse(settings.baseUrl) && settings.model !== "";
  return async (message, signal) => {
    if (!usable) return { kind: "error", error: "settings", detail: "no usable address and model are set", again: false };
    try {
      client ??= await createClient(settings);
      try {
        return { kind: "completion", body: await complete(client, settings, message, format, signal) };
      } catch (error) {
        if (format !== "json_schema" || statusOf(error) !== 400 || signal.aborted) throw error;
        const body = await complete(client, settings, message, "json_object", signal);
        format = "json_object";
        return { kind: "completion", body };
      }
    } catch (error) {
      return failure(error, signal);
    }
  };
}

/** SECURITY: every option that the library would otherwise take from the environment is given. */
async function createClient(settings: ReviewerSettings): Promise<OpenAI> {
  const { OpenAI: Client } = await import("openai");
  return new Client({
    baseURL: settings.baseUrl, apiKey: settings.apiKey === undefined || settings.apiKey === "" ? NO_KEY : settings.apiKey, adminAPIKey: null, organization: null, project: null, webhookSecret: null,
    logLevel: "off", maxRetries: 0, timeout: settings.timeoutMs, fetch: plainFetch,
  });
}

async function complete(client: OpenAI, settings: ReviewerSettings, message: string, format: "json_schema" | "json_object", signal: AbortSignal): Promise<unknown> {
  return client.chat.completions.create({
    model: settings.model,
    messages: [{ role: "system", content: SYSTEM }, { role: "user", content: message }],
    response_format: format === "json_schema" ? { type: "json_schema", json_schema: { name: "review", strict: true, schema: ANSWER_SCHEMA } } : { type: "json_object" },
    [settings.tokenParameter ?? "max_completion_tokens"]: LIMITS.reviewTokens,
  }, { signal, maxRetries: 0, timeout: settings.timeoutMs });
}

function failure(error: unknown, signal: AbortSignal): Reply {
  const detail = escapeText(error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error), { maxLength: 200 });
  if (signal.aborted) return { kind: "error", error: "timeout", detail: "no answer in time", again: false };
  const status = statusOf(error);
  if (status === undefined) return { kind: "error", error: "network", detail, again: true };
  if (status >= 500) return { kind: "error", error: "http_5xx", detail: `status ${status}`, again: true };
  return { kind: "error", error: status >= 400 ? "http_4xx" : "http_3xx", detail: `status ${status}`, again: false };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && "status" in error && typeof error.status === "number" ? error.status : undefined;
}
