import { createServer, type Server, type Socket } from "node:net";
import { LIMITS } from "../model/index.ts";
import { reach, type Reached, type Resolver } from "./dial.ts";
import type { NetworkEvent, Protocol } from "./event.ts";
import { compileHosts } from "./host-list.ts";
import { leaveFor, type Decider, type Sought } from "./leave.ts";
import { serveHttp } from "./http-proxy.ts";
import { serveSocks } from "./socks.ts";
import type { Target } from "./target.ts";

export type GateOptions = {
  /** What the command may reach, as `compileHosts` reads it; what is denied is not reached, whatever allows it. */
  readonly allow: readonly string[];
  readonly deny?: readonly string[];
  readonly resolve: Resolver;
  /** Asked about everything that is not denied here; without it, what is not allowed is refused. */
  readonly decide?: Decider;
  /** Told of each thing that was tried, once, when it is over. Must not throw. */
  readonly onEvent: (event: NetworkEvent) => void;
  /** Shorter limits, for tests. */
  readonly limits?: Partial<GateLimits>;
};

export type GateLimits = { readonly connections: number; readonly headBytes: number; readonly headMs: number; readonly idleMs: number };

/** The way out of one command. */
export type Gate = {
  /** Ends everything: nobody is listened to any more, each connection is cut, each event has been told. */
  close(): void;
};

/** What a protocol needs from its gate. */
export type Desk = {
  readonly limits: GateLimits;
  /** Decides, looks up, checks and dials. */
  reach(sought: Pick<Sought, "target" | "protocol" | "method" | "holdMs">): Promise<Reached>;
  /** In: what is being tried. Out: called once, or more (later calls change nothing), when it is over. `socket` is where its bytes are counted. */
  begin(protocol: Protocol | undefined, target: Target | undefined): Attempt;
};

export type Attempt = {
  /** The upstream connection whose bytes are this attempt's. */
  connected(socket: Socket): void;
  end(outcome: NetworkEvent["outcome"], reason?: string): void;
};

/**
 * In: where to listen (a path that does not exist, in a directory only this user may enter) and what may be reached. Out: resolves when
 * it listens; rejects with the system's error.
 */
export async function openGate({ path, ...options }: GateOptions & { readonly path: string }): Promise<Gate> {
  const server = createServer({ allowHalfOpen: true });
  const gate = serveGate(server, options);
  await listening(server, path);
  return gate;
}

/** In: a server that listens, or will, and what may be reached. The first byte of a connection says what is spoken: 5 is SOCKS5, all else HTTP. */
export function serveGate(server: Server, options: GateOptions): Gate {
  const limits: GateLimits = { connections: LIMITS.networkConnections, headBytes: LIMITS.networkHeadBytes, headMs: LIMITS.networkHeadMs, idleMs: LIMITS.networkIdleMs, ...options.limits };
  const hosts = compileHosts(options.allow, options.deny);
  const ended = new AbortController();
  const sockets = new Set<Socket>();
  const attempts = new Set<Attempt>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (ended.signal.aborted) socket.destroy();
  };
  const desk: Desk = {
    limits,
    reach: async (sought) => {
      const leave = await leaveFor(sought, hosts, options.decide, ended.signal);
      if (leave.kind === "refused") return leave;
      const reached = await reach(sought, leave.hosts, options.resolve, ended.signal);
      if (reached.kind === "connected") keep(reached.socket);
      return reached;
    },
    begin: (protocol, target) => newAttempt(protocol, target, attempts, options.onEvent),
  };
  const http = serveHttp(desk);
  server.on("connection", (socket) => {
    keep(socket);
    socket.on("error", () => socket.destroy());
    sniff(socket, limits, { socks: () => serveSocks(socket, desk), http: () => http(socket) });
  });
  server.maxConnections = limits.connections;
  server.on("drop", () => desk.begin(undefined, undefined).end("refused", "too many connections at once"));
  return {
    close: () => {
      server.close();
      ended.abort(new Error("the command has ended"));
      for (const attempt of attempts) attempt.end("allowed");
      for (const socket of sockets) socket.destroy();
    },
  };
}

function newAttempt(protocol: Protocol | undefined, target: Target | undefined, attempts: Set<Attempt>, onEvent: GateOptions["onEvent"]): Attempt {
  let upstream: Socket | undefined;
  const attempt: Attempt = {
    connected: (socket) => { upstream = socket; },
    end: (outcome, reason) => {
      if (!attempts.delete(attempt)) return;
      // Cut while it was still being decided: it reached nothing.
      const cut = outcome === "allowed" && upstream === undefined;
      onEvent({ protocol, target, outcome: cut ? "failed" : outcome, reason: cut ? "the command ended before there was a connection" : reason, sent: upstream?.bytesWritten ?? 0, received: upstream?.bytesRead ?? 0 });
    },
  };
  attempts.add(attempt);
  return attempt;
}

/** Waits for the first byte, puts it back, and says who is to read it. A client that says nothing in time is cut. */
function sniff(socket: Socket, limits: GateLimits, serve: { readonly socks: () => void; readonly http: () => void }): void {
  const late = setTimeout(() => socket.destroy(), limits.headMs).unref();
  socket.setTimeout(limits.idleMs, () => socket.destroy());
  socket.once("close", () => clearTimeout(late));
  socket.once("end", () => clearTimeout(late));
  socket.once("data", (first: Buffer) => {
    clearTimeout(late);
    socket.pause();
    socket.unshift(first);
    if (first[0] === 5) serve.socks();
    else serve.http();
  });
}

async function listening(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: 512 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
