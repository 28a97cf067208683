import { createServer, request as requestTo, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { Socket } from "node:net";
import type { Attempt, Desk } from "./gate.ts";
import { holdFor } from "./leave.ts";
import { tell } from "./refusal.ts";
import { readAuthority, showTarget, type Target } from "./target.ts";
import { join } from "./tunnel.ts";

/** Headers about one connection, not about what it carries. */
const HOP_BY_HOP: ReadonlySet<string> = new Set(["connection", "proxy-connection", "proxy-authorization", "proxy-authenticate", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"]);

type State = { readonly arm: () => void; readonly disarm: () => void; open: number };

/**
 * In: a gate's desk. Out: serves one connection as an HTTP proxy: CONNECT, and `GET http://host/path`. Node's strict parser
 * reads and writes every message, so that two sides cannot read one in two ways; `Host` is what was checked, not what was said.
 */
export function serveHttp(desk: Desk): (socket: Socket) => void {
  const states = new WeakMap<Duplex, State>();
  const server = createServer({ maxHeaderSize: desk.limits.headBytes, requireHostHeader: false, insecureHTTPParser: false, keepAliveTimeout: desk.limits.headMs, requestTimeout: 0, headersTimeout: 0 });
  server.on("request", (request, response) => {
    const state = states.get(request.socket);
    state?.disarm();
    if (state !== undefined) state.open += 1;
    request.socket.setTimeout(desk.limits.idleMs);
    response.once("close", () => {
      if (state === undefined) return;
      state.open -= 1;
      if (state.open === 0) state.arm();
    });
    void forward(request, response, desk);
  });
  server.on("connect", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const state = states.get(socket);
    state?.disarm();
    // An answer that is still being written would be mixed with the tunnel's bytes.
    if (!(socket instanceof Socket) || state === undefined || state.open > 0) return void socket.destroy();
    void tunnel(request, socket, head, desk);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    states.get(socket)?.disarm();
    const tooLong = error.code === "HPE_HEADER_OVERFLOW";
    const reason = tooLong ? "the head of the request is too long" : "this is no HTTP request";
    if (error.code !== "ECONNRESET") desk.begin(undefined, undefined).end("refused", reason);
    answer(socket, tooLong ? 431 : 400, reason, undefined);
  });
  return (socket) => {
    let timer: NodeJS.Timeout | undefined;
    const disarm = (): void => clearTimeout(timer);
    // SECURITY: a head that comes byte by byte must not hold a connection for ever.
    const arm = (): void => {
      disarm();
      timer = setTimeout(() => socket.destroy(), desk.limits.headMs).unref();
    };
    states.set(socket, { arm, disarm, open: 0 });
    socket.once("close", disarm);
    arm();
    server.emit("connection", socket);
    socket.resume();
  };
}

async function tunnel(request: IncomingMessage, client: Socket, head: Buffer, desk: Desk): Promise<void> {
  const target = readAuthority(request.url ?? "", undefined);
  const attempt = desk.begin("connect", target);
  client.on("error", () => client.destroy());
  client.setTimeout(desk.limits.idleMs);
  if (target === undefined) return malformed(client, attempt, "CONNECT needs a host and a port, and nothing else");
  const reached = await desk.reach({ target, protocol: "connect", method: "CONNECT", holdMs: holdFor(request.rawHeaders) });
  if (reached.kind !== "connected") {
    attempt.end(reached.kind, reached.reason);
    return answer(client, reached.kind === "refused" ? 403 : 502, reached.reason, reached.kind === "refused" ? reached.hint : undefined);
  }
  attempt.connected(reached.socket);
  client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  if (head.length > 0) reached.socket.write(head);
  join(client, reached.socket, reached.inlet, () => attempt.end("allowed"));
}

function malformed(client: Duplex, attempt: Attempt, reason: string): void {
  attempt.end("refused", reason);
  answer(client, 400, reason, undefined);
}

/** A whole answer on a connection that ends with it. */
function answer(client: Duplex, status: number, reason: string, hint: string | undefined): void {
  if (!client.writable) return void client.destroy();
  const { phrase, body } = tell(reason, hint);
  client.end(`HTTP/1.1 ${status} ${phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  // Whoever goes on sending is not listened to.
  client.once("finish", () => setTimeout(() => client.destroy(), 100).unref());
  client.resume();
}

async function forward(request: IncomingMessage, response: ServerResponse, desk: Desk): Promise<void> {
  const found = /^http:\/\/([^/?#]*)([^#]*)/i.exec(request.url ?? "");
  const target = readAuthority(found?.[1] ?? "", 80);
  const attempt = desk.begin("http", target);
  if (found === null || target === undefined) {
    const reason = found === null ? "this is a proxy: it takes CONNECT and `http://` addresses" : "the address has no plain host and port";
    attempt.end("refused", reason);
    return say(response, 400, reason, undefined);
  }
  const reached = await desk.reach({ target, protocol: "http", method: request.method ?? "", holdMs: holdFor(request.rawHeaders) });
  if (reached.kind !== "connected") {
    attempt.end(reached.kind, reached.reason);
    return say(response, reached.kind === "refused" ? 403 : 502, reached.reason, reached.kind === "refused" ? reached.hint : undefined);
  }
  attempt.connected(reached.socket);
  reached.socket.once("close", () => attempt.end("allowed"));
  const rest = found[2] ?? "";
  pass(request, response, reached.socket, { path: rest.startsWith("/") ? rest : `/${rest}`, host: target });
}

function pass(request: IncomingMessage, response: ServerResponse, socket: Socket, to: { readonly path: string; readonly host: Target }): void {
  // SECURITY: with an agent, also `agent: false`, the socket that was checked would be left aside and another one dialled.
  const onward = requestTo({ createConnection: () => socket, setHost: false, method: request.method, path: to.path, headers: headersFor(request, to.host) });
  const fail = (): void => {
    socket.destroy();
    if (response.headersSent) response.destroy();
    else say(response, 502, `\`${showTarget(to.host)}\` ended the connection or did not speak HTTP`, undefined);
  };
  onward.once("error", fail);
  // An upstream that changes the protocol unasked: there is no answer, and no error either.
  onward.once("close", () => {
    if (!response.headersSent) fail();
  });
  onward.once("response", (reply) => {
    reply.once("error", fail);
    try {
      response.writeHead(reply.statusCode ?? 502, reply.statusMessage, kept(reply.rawHeaders));
    } catch (error) {
      if (error instanceof TypeError) return fail();
      throw error;
    }
    reply.pipe(response);
    reply.once("close", () => {
      if (!reply.complete) response.destroy();
    });
  });
  response.once("close", () => {
    if (!response.writableFinished) socket.destroy();
  });
  request.pipe(onward);
}

/** SECURITY: `Host` names what was checked: another name there would choose another site at the same address. */
function headersFor(request: IncomingMessage, target: Target): string[] {
  const length = request.headers["content-length"] === undefined && request.headers["transfer-encoding"] !== undefined ? ["Transfer-Encoding", "chunked"] : [];
  const host = target.port === 80 ? showTarget(target).replace(/:80$/, "") : showTarget(target);
  return ["Host", host, ...kept(request.rawHeaders, "host"), "Connection", "close", ...length];
}

/** In: raw headers. Out: those that go on, less the named one and what `Connection` lists. */
function kept(raw: readonly string[], without?: string): string[] {
  const pairs = raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ""] as const] : []));
  const listed = new Set(pairs.filter(([name]) => name.toLowerCase() === "connection").flatMap(([, value]) => value.toLowerCase().split(",").map((each) => each.trim())));
  return pairs.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()) && !listed.has(name.toLowerCase()) && name.toLowerCase() !== without).flat();
}

function say(response: ServerResponse, status: number, reason: string, hint: string | undefined): void {
  if (response.destroyed) return;
  const { phrase, body } = tell(reason, hint);
  response.writeHead(status, phrase, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": Buffer.byteLength(body), Connection: "close" });
  response.end(body);
}
