/** Gates as commands meet them, and servers for them to reach: real sockets, names from a table. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttp, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGate, type Gate, type GateOptions, type NetworkEvent } from "../../src/network/index.ts";

export type Upstream = { readonly port: number; readonly server: Server; readonly seen: readonly string[]; close(): void };

/** A server on 127.0.0.1. */
export async function serve(onConnection: (socket: Socket) => void, host = "127.0.0.1"): Promise<Upstream> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    onConnection(socket);
  });
  return listening(server, host, [], sockets);
}

/** An HTTP server that answers with what it was asked: method, path, `Host`, body. */
export async function serveHttp(): Promise<Upstream> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createHttp((request: IncomingMessage, response) => {
    const body: Buffer[] = [];
    request.on("data", (chunk: Buffer) => body.push(chunk));
    request.on("end", () => {
      seen.push(`${request.method} ${request.url} ${request.headers.host}`);
      response.setHeader("X-Headers", request.rawHeaders.filter((_, at) => at % 2 === 0).join(","));
      response.end(`${request.method} ${request.url} host=${request.headers.host} body=${Buffer.concat(body).toString()}\n`);
    });
  });
  server.on("connection", (socket) => sockets.add(socket));
  return listening(server, "127.0.0.1", seen, sockets);
}

async function listening(server: Server, host: string, seen: readonly string[], sockets: Set<Socket>): Promise<Upstream> {
  await new Promise<void>((done, fail) => server.once("error", fail).listen(0, host, done));
  return {
    port: (server.address() as AddressInfo).port, server, seen,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

export type Opened = { readonly gate: Gate; readonly path: string; readonly events: NetworkEvent[]; readonly asked: string[]; close(): void };

/** A gate whose names come from a table: one list of addresses, or one for each time it is asked. */
export async function open(options: { readonly allow: readonly string[]; readonly deny?: readonly string[]; readonly names?: Readonly<Record<string, readonly string[] | readonly (readonly string[])[]>>; readonly limits?: GateOptions["limits"]; readonly decide?: NonNullable<GateOptions["decide"]> }): Promise<Opened> {
  const directory = mkdtempSync(join(tmpdir(), "vetsh-gate-"));
  const path = join(directory, "s");
  const events: NetworkEvent[] = [];
  const asked: string[] = [];
  const gate = await openGate({
    path, allow: options.allow, deny: options.deny ?? [], limits: options.limits ?? {}, ...(options.decide === undefined ? {} : { decide: options.decide }),
    onEvent: (event) => events.push(event),
    resolve: async (host) => {
      const before = asked.filter((each) => each === host).length;
      asked.push(host);
      const found = options.names?.[host];
      if (found === undefined) throw new Error("ENOTFOUND");
      const [first] = found;
      return typeof first === "string" ? (found as readonly string[]) : ((found as readonly (readonly string[])[])[Math.min(before, found.length - 1)] ?? []);
    },
  });
  return { gate, path, events, asked, close: () => { gate.close(); rmSync(directory, { recursive: true, force: true }); } };
}

/** Sends bytes, and gives what came back until the other side ended. `later`: more to send once some bytes have come. */
export function talk(path: string, bytes: string | Buffer, options: { readonly until?: (text: string) => boolean; readonly later?: string | Buffer; readonly half?: boolean } = {}): Promise<string> {
  return new Promise((done) => {
    const socket = connect({ path, allowHalfOpen: true });
    let text = "";
    let more = options.later;
    const finish = (): void => {
      socket.destroy();
      done(text);
    };
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (more !== undefined) {
        if (options.half === true) socket.end(more);
        else socket.write(more);
        more = undefined;
      }
      if (options.until?.(text) === true) finish();
    });
    socket.on("end", finish);
    socket.on("close", finish);
    // Cut off: what came before counts.
    socket.on("error", finish);
    if (options.half === true && options.later === undefined) socket.end(bytes);
    else socket.write(bytes);
  });
}

/** SOCKS5: greeting and a request for a name or an IPv4 or IPv6 address. */
export function socks(host: string, port: number, options: { readonly command?: number; readonly type?: number } = {}): Buffer {
  const four = /^\d+\.\d+\.\d+\.\d+$/.test(host) ? Buffer.from(host.split(".").map(Number)) : undefined;
  const type = options.type ?? (four === undefined ? 3 : 1);
  const address = four ?? Buffer.concat([Buffer.from([host.length]), Buffer.from(host, "latin1")]);
  return Buffer.concat([Buffer.from([5, 1, 0, 5, options.command ?? 1, 0, type]), address, Buffer.from([port >> 8, port & 255])]);
}
