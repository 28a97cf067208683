/**
 * A model that follows a script: chat completions and responses of OpenAI's API, streamed, on loopback. The step it plays is the
 * number of tool results already in the conversation, so it needs no memory of who asks.
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

export type Step = {
  readonly command: string;
  readonly say: string;
  /** What happens in the world before the model answers; gets what was reported so far. */
  readonly before?: (results: readonly string[]) => Promise<void>;
};

/** The tools by which agents run commands, and what they want to be told. */
const TOOLS: Readonly<Record<string, (step: Step) => object>> = {
  bash: ({ command, say }) => ({ command, description: say }),
  exec_command: ({ command }) => ({ cmd: command }),
  run_shell_command: ({ command, say }) => ({ command, description: say, is_background: false }),
};

type Call = { readonly id: string; readonly name: string; readonly args: string };
type Reply = { readonly text: string; readonly call: Call | undefined };
/** One of the two interfaces: how requests are read and replies are streamed. */
type Dialect = {
  readonly tools: (body: Body) => readonly string[];
  readonly results: (body: Body) => readonly unknown[];
  readonly events: (model: string, reply: Reply) => readonly (readonly [string | undefined, object | string])[];
};
type Tool = { readonly name?: string; readonly function?: { readonly name: string } };
type Item = { readonly role?: string; readonly type?: string; readonly content?: unknown; readonly output?: unknown };
type Body = { readonly model: string; readonly messages?: readonly Item[]; readonly input?: readonly Item[]; readonly tools?: readonly Tool[] };

const CHAT: Dialect = {
  tools: ({ tools = [] }) => tools.map((tool) => tool.function?.name ?? ""),
  results: ({ messages = [] }) => messages.filter(({ role }) => role === "tool").map(({ content }) => content),
  events: (model, { text, call }) => {
    const chunk = (delta: object, finish: string | null = null): object => ({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 0, model, choices: [{ index: 0, delta, finish_reason: finish }], ...(finish === null ? {} : { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }) });
    const calls = call === undefined ? [] : [chunk({ tool_calls: [{ index: 0, id: call.id, type: "function", function: { name: call.name, arguments: call.args } }] })];
    return [chunk({ role: "assistant", content: text }), ...calls, chunk({}, call === undefined ? "stop" : "tool_calls"), "[DONE]"].map((data) => [undefined, data] as const);
  },
};

const RESPONSES: Dialect = {
  tools: ({ tools = [] }) => tools.map(({ name = "" }) => name),
  results: ({ input = [] }) => input.filter(({ type = "" }) => type.endsWith("_output")).map(({ output }) => output),
  events: (model, { text, call }) => {
    const said = { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text, annotations: [] }] };
    const output = [said, ...(call === undefined ? [] : [{ type: "function_call", id: `fc_${call.id}`, call_id: call.id, name: call.name, arguments: call.args }])];
    const response = { id: "resp_1", object: "response", model, status: "completed", output, usage: { input_tokens: 1, input_tokens_details: { cached_tokens: 0 }, output_tokens: 1, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 2 } };
    const events: [string, object][] = [["response.created", { response: { ...response, status: "in_progress", output: [] } }], ...output.map((item, index): [string, object] => ["response.output_item.done", { output_index: index, item }]), ["response.completed", { response }]];
    return events.map(([type, body], index) => [type, { type, sequence_number: index, ...body }] as const);
  },
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
  const path = request.url ?? "";
  const dialect = request.method !== "POST" ? undefined : path.endsWith("/chat/completions") ? CHAT : path.endsWith("/responses") ? RESPONSES : undefined;
  if (dialect === undefined) return void response.writeHead(404).end('{"error":{"message":"no such endpoint"}}');
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
  const reported = dialect.results(body).map(textOf);
  // Requests without such a tool are the agent's own business: a title for the conversation.
  const tool = dialect.tools(body).find((name) => TOOLS[name] !== undefined);
  if (tool !== undefined) results.splice(0, results.length, ...reported);
  const step = tool === undefined ? undefined : script[reported.length];
  await step?.before?.(reported);
  const call = step === undefined || tool === undefined ? undefined : { id: `call_${reported.length + 1}`, name: tool, args: JSON.stringify(TOOLS[tool]?.(step)) };
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const [type, data] of dialect.events(body.model, { text: step?.say ?? "that is all", call })) {
    response.write(`${type === undefined ? "" : `event: ${type}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  }
  response.end();
}

function textOf(content: unknown): string {
  return typeof content === "string" ? content : JSON.stringify(content);
}
