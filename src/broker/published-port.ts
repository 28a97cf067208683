import { createServer, type Server, type Socket } from "node:net";
import { LIMITS } from "../model/index.ts";
import type { Inhabited } from "../sandbox/index.ts";

/** A port of the host's loopback behind which a server of a room stands. `dial` connects to that server; it rejects when nobody answers. */
export class PublishedPort {
  readonly room: Inhabited;
  /** Inside, and on the host. */
  readonly port: number;
  readonly as: number;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  private constructor(room: Inhabited, port: number, as: number, server: Server) {
    this.room = room;
    this.port = port;
    this.as = as;
    this.#server = server;
  }

  /** Resolves when it can be reached. Rejects with the system's error when the port cannot be had. */
  static async open(room: Inhabited, port: number, as: number, dial: () => Promise<Socket>): Promise<PublishedPort> {
    const server = createServer({ allowHalfOpen: true });
    const one = new PublishedPort(room, port, as, server);
    server.maxConnections = LIMITS.portConnections;
    server.on("connection", (client) => void one.#serve(client, dial));
    // SECURITY: 127.0.0.1 and nothing else: what an agent serves is not for the network.
    await new Promise<void>((done, fail) => {
      server.once("error", fail);
      server.listen({ host: "127.0.0.1", port: as, exclusive: true }, () => {
        server.off("error", fail);
        done();
      });
    });
    // Too many files: that connection is not taken, and the next one may be.
    server.on("error", () => undefined);
    return one;
  }

  /** Ends it and all connections through it. */
  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
  }

  async #serve(client: Socket, dial: () => Promise<Socket>): Promise<void> {
    this.#clients.add(client);
    // What goes wrong with a connection is its end, which is passed on.
    client.on("error", () => undefined);
    client.once("close", () => this.#clients.delete(client));
    client.setTimeout(LIMITS.portIdleMs, () => client.destroy());
    try {
      const server = await dial();
      server.on("error", () => undefined);
      const { joinSockets } = await import("../network/index.ts");
      joinSockets(client, server, undefined, () => undefined);
    } catch {
      // Nobody answers inside: the client learns it as it would there.
      client.resetAndDestroy();
    }
  }
}
