/**
 * A model that follows a script: chat completions of OpenAI's API, streamed, on loopback. The step it plays is the number of
 * tool results already in the conversation, so it needs no memory of who asks.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type ModelServer = {
  readonly port: number;
  /** What the agent reported of each command, in order: what a model reads. */
  readonly results: readonly string[];
  close(): void;
};

type Message = { readonly role: string; readonly content: unknown };
type ChatRequest = { readonly model: string; readonly messages: readonly Message[]; readonly tools?: readonly { readonly function: { readonly name: string } }[] };

export type Step = {
  readonly command: string;
  readonly say: string;
  /** What happens in the world before the model answers; gets what was reported so far. */
  readonly before?: (results: readonly string[]) => Promise<void>;
};

/** In: the commands the model wants to run, one a turn, and what it says of each. */
export async function serveModel(script: readonly Step[]): Promise<ModelServer> {
  const results: string[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, script, results).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, results, close: () => void server.close() };
}

async function answer(request: IncomingMessage, response: ServerResponse, script: readonly Step[], results: string[]): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (request.method !== "POST" || !request.url?.endsWith("/chat/completions")) return void response.writeHead(404).end('{"error":{"message":"no such endpoint"}}');
  const body = JSON.parse(Buffer.concat(chunks).toString()) as ChatRequest;
  const reported = body.messages.filter((message) => message.role === "tool").map((message) => textOf(message.content));
  // Requests without tools are the agent's own business: a title for the conversation.
  const hasShell = body.tools?.some((tool) => tool.function.name === "bash") ?? false;
  if (hasShell) results.splice(0, results.length, ...reported);
  const step = hasShell ? script[reported.length] : undefined;
  await step?.before?.(reported);
  const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 0, model: body.model };
  const chunk = (delta: object, finish: string | null = null): void =>
    void response.write(`data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason: finish }], ...(finish === null ? {} : { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }) })}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream" });
  chunk({ role: "assistant", content: step?.say ?? "that is all" });
  if (step !== undefined) {
    const call = { index: 0, id: `call_${reported.length + 1}`, type: "function", function: { name: "bash", arguments: JSON.stringify({ command: step.command, description: step.say }) } };
    chunk({ tool_calls: [call] });
  }
  chunk({}, step === undefined ? "stop" : "tool_calls");
  response.end("data: [DONE]\n\n");
}

function textOf(content: unknown): string {
  return typeof content === "string" ? content : JSON.stringify(content);
}
