/** A real HTTP server on loopback that speaks chat completions, with every fault an endpoint can have. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export type Call = { readonly path: string; readonly headers: IncomingMessage["headers"]; readonly body: { readonly [key: string]: unknown; readonly messages: readonly { readonly role: string; readonly content: string }[] }; readonly raw: string };

/** In: the call and its nonce. Out: an answer object, or a function that does something else with the response. */
export type Mode = (call: Call, nonce: string) => object | ((response: ServerResponse) => void);

export type Endpoint = { readonly url: string; readonly port: number; readonly calls: Call[]; mode: Mode; close(): Promise<void> };

export const answer = (change: object = {}): Mode => (_, nonce) => completion({ nonce, risk: "low", authorization: "unknown", categories: ["none"], injection_suspected: false, outcome: "allow", rationale: "reads a file", ...change });

/** A chat completion whose content is an object, or text as it is. */
export function completion(content: object | string, change: object = {}): object {
  return { id: "c", object: "chat.completion", created: 0, model: "m", choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: typeof content === "string" ? content : JSON.stringify(content) }, ...change }], usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } };
}

export async function startEndpoint(mode: Mode = answer()): Promise<Endpoint> {
  const calls: Call[] = [];
  const server: Server = createServer((request, response) => {
    void handle(request, response);
  });
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let raw = "";
    for await (const piece of request) raw += String(piece);
    const call: Call = { path: request.url ?? "", headers: request.headers, body: JSON.parse(raw === "" ? `{"messages":[]}` : raw), raw };
    calls.push(call);
    const nonce = /^nonce: (\w+)$/m.exec(call.body.messages.at(-1)?.content ?? "")?.[1] ?? "";
    const result = endpoint.mode(call, nonce);
    if (typeof result === "function") return result(response);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result));
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const endpoint: Endpoint = {
    url: `http://127.0.0.1:${port}/v1`, port, calls, mode,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
  return endpoint;
}

export const status = (code: number, body: object = { error: { message: "no" } }, headers: Record<string, string> = {}): Mode => () => (response) => void response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
