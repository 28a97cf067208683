import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { StartError } from "./start-error.ts";

export type Listening = {
  /** Whether somebody who opens the path still finds this socket. */
  isReachable(): boolean;
  /** Stops accepting and removes the socket file; connections that are open live on. */
  close(): Promise<void>;
};

/**
 * In: where to listen, how many connections at once, what to do with each. Out: resolves when it listens, 0600.
 * Whoever calls holds the start lock: a socket file that is there was left by a broker that is gone, and is replaced.
 * Throws StartError when something else than a socket stands there.
 */
export async function listen(path: string, options: { readonly most: number; readonly backlog: number; readonly onConnection: (socket: Socket) => void; readonly onError: (error: Error) => void }): Promise<Listening> {
  removeStale(path);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, (socket) => {
    socket.on("error", options.onError);
    options.onConnection(socket);
  });
  server.maxConnections = options.most;
  await started(server, path, options.backlog);
  server.on("error", options.onError);
  chmodSync(path, 0o600);
  const own = lstatSync(path);
  return {
    isReachable: () => {
      const now = lstatSync(path, { throwIfNoEntry: false });
      return now?.ino === own.ino && now.dev === own.dev;
    },
    close: async () => closeServer(server),
  };
}

function removeStale(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new StartError(`\`${path}\` is there and is no socket`, "remove it and start again");
  unlinkSync(path);
}

async function started(server: Server, path: string, backlog: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Resolves when no new connection can arrive; does not wait for the open ones. */
async function closeServer(server: Server): Promise<void> {
  server.close();
}
