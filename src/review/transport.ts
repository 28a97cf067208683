import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { LIMITS } from "../model/index.ts";

/** SECURITY: agents of our own: the global ones follow proxy variables of the environment where Node is told so. */
const agents = { http: new HttpAgent({ keepAlive: true, maxSockets: 8, timeout: 60_000 }), https: new HttpsAgent({ keepAlive: true, maxSockets: 8, timeout: 60_000 }) };

const SENT_HEADERS = new Set(["authorization", "content-type", "accept"]);

/**
 * `fetch` as far as the client library needs it: one request, no redirect (a 3xx is an answer like any other), no proxy, only the
 * headers named above, the whole body read before it resolves and no more than LIMITS.reviewAnswerBytes of it.
 * In: URL, method, headers, text body, signal. Out: a Response. Errors: rejects with the connection's error or the signal's reason.
 */
export async function plainFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  const signal = init?.signal ?? undefined;
  signal?.throwIfAborted();
  const headers = Object.fromEntries([...new Headers(init?.headers)].filter(([name, value]) => SENT_HEADERS.has(name) && value !== `Bearer ${NO_KEY}`));
  const body = typeof init?.body === "string" ? Buffer.from(init.body) : undefined;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { method: init?.method ?? "GET", headers: { ...headers, "user-agent": "vetsh", ...(body === undefined ? {} : { "content-length": body.length }) }, ...(signal === undefined ? {} : { signal }) };
    const sent = url.protocol === "https:" ? httpsRequest(url, { ...options, agent: agents.https }, resolve) : httpRequest(url, { ...options, agent: agents.http }, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
  const text = await bodyOf(answer);
  return new Response(text, { status: answer.statusCode ?? 502, headers: { "content-type": answer.headers["content-type"] ?? "application/octet-stream" } });
}

/** Stands for "no key": endpoints on this machine often want none, the library always wants one. */
export const NO_KEY = "none";

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > LIMITS.reviewAnswerBytes) throw new Error(`the answer is longer than ${LIMITS.reviewAnswerBytes} bytes`);
    pieces.push(piece);
  }
  if (!answer.complete) throw new Error("the connection ended in the middle of the answer");
  return Buffer.concat(pieces).toString("utf8");
}
