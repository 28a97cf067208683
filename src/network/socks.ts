import type { Socket } from "node:net";
import { LIMITS } from "../model/index.ts";
import type { Attempt, Desk } from "./gate.ts";
import { canonicalHost, type Target } from "./target.ts";
import { join } from "./tunnel.ts";

/** Replies of RFC 1928. */
const REPLY = { succeeded: 0, failed: 1, notAllowed: 2, hostUnreachable: 4, commandNotSupported: 7, addressNotSupported: 8 } as const;
const CONNECT = 1;
const NO_AUTHENTICATION = 0;
const NO_METHOD = 0xff;
/** Greeting with 255 methods, and a request with a name of 255 bytes. */
const LONGEST = 257 + 262;

type Request = { readonly kind: "more" } | { readonly kind: "bad"; readonly reply: number; readonly reason: string } | { readonly kind: "connect"; readonly target: Target; readonly length: number };

/** Serves one connection as a SOCKS5 proxy: no authentication, CONNECT only; a name is looked up here, not by the client. */
export function serveSocks(socket: Socket, desk: Desk): void {
  let held: Buffer = Buffer.alloc(0);
  let greeted = false;
  const late = setTimeout(() => socket.destroy(), desk.limits.headMs).unref();
  socket.once("close", () => clearTimeout(late));
  const stop = (): void => {
    clearTimeout(late);
    socket.off("data", take);
    socket.pause();
  };
  const take = (chunk: Buffer): void => {
    held = Buffer.concat([held, chunk]);
    if (!greeted) {
      const length = 2 + (held[1] ?? LONGEST);
      if (held.length < length) return;
      greeted = held.subarray(2, length).includes(NO_AUTHENTICATION);
      held = held.subarray(length);
      if (!greeted) {
        stop();
        return refuse(socket, Buffer.from([5, NO_METHOD]), desk.begin("socks5", undefined), "the client offers no way without a password");
      }
      socket.write(Buffer.from([5, NO_AUTHENTICATION]));
    }
    const request = read(held);
    // What follows a whole request belongs to the tunnel, however much it is.
    if (request.kind === "more" && held.length <= LONGEST) return;
    stop();
    if (request.kind !== "connect") {
      const bad = request.kind === "bad" ? request : { reply: REPLY.failed, reason: "the request is too long" };
      return refuse(socket, reply(bad.reply), desk.begin("socks5", undefined), bad.reason);
    }
    void tunnel(socket, request.target, held.subarray(request.length), desk);
  };
  socket.on("data", take);
  socket.once("end", () => {
    if (!greeted) socket.destroy();
  });
  socket.resume();
}

async function tunnel(client: Socket, target: Target, head: Buffer, desk: Desk): Promise<void> {
  const attempt = desk.begin("socks5", target);
  const reached = await desk.reach({ target, protocol: "socks5", method: "CONNECT", holdMs: LIMITS.connectionHoldMs });
  if (reached.kind !== "connected") {
    attempt.end(reached.kind, reached.reason);
    client.end(reply(reached.kind === "refused" ? REPLY.notAllowed : REPLY.hostUnreachable));
    return finish(client);
  }
  attempt.connected(reached.socket);
  client.write(reply(REPLY.succeeded));
  if (head.length > 0) reached.socket.write(head);
  join(client, reached.socket, reached.inlet, () => attempt.end("allowed"));
}

function refuse(client: Socket, bytes: Buffer, attempt: Attempt, reason: string): void {
  attempt.end("refused", reason);
  client.end(bytes);
  finish(client);
}

function finish(client: Socket): void {
  client.once("finish", () => setTimeout(() => client.destroy(), 100).unref());
  client.resume();
}

function read(bytes: Buffer): Request {
  const [version, command, , type, first] = bytes;
  if (version === undefined) return { kind: "more" };
  if (version !== 5) return { kind: "bad", reply: REPLY.failed, reason: "this is no SOCKS5 request" };
  if (type === undefined || command === undefined || first === undefined) return { kind: "more" };
  if (command !== CONNECT) return { kind: "bad", reply: REPLY.commandNotSupported, reason: "only CONNECT is done, no BIND and no UDP" };
  const start = type === 3 ? 5 : 4;
  const length = type === 1 ? 4 : type === 4 ? 16 : type === 3 ? first : 0;
  if (length === 0) return { kind: "bad", reply: REPLY.addressNotSupported, reason: "the kind of address is not known" };
  if (bytes.length < start + length + 2) return { kind: "more" };
  const host = canonicalHost(hostOf(type, bytes.subarray(start, start + length)));
  const port = bytes.readUInt16BE(start + length);
  if (host === undefined || port === 0) return { kind: "bad", reply: REPLY.addressNotSupported, reason: "the host is none" };
  return { kind: "connect", target: { host, port }, length: start + length + 2 };
}

function hostOf(type: number, bytes: Buffer): string {
  if (type === 3) return bytes.toString("latin1");
  if (type === 1) return [...bytes].join(".");
  return Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(":");
}

/** No address of ours is told. */
function reply(code: number): Buffer {
  return Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
}
