import type { Socket } from "node:net";
import type { Inlet } from "./inlet.ts";

/**
 * Joins two connections: each side's bytes go to the other as fast as that takes them, and the end of one direction is
 * passed on without ending the other. `over` is called when either is gone; then so is the other, once it has what was sent to it.
 */
export function join(client: Socket, upstream: Socket, inlet: Inlet | undefined, over: () => void): void {
  client.pipe(upstream);
  if (inlet === undefined) upstream.pipe(client);
  else inlet.pour(upstream, client);
  const follow = (gone: Socket, other: Socket): void => {
    gone.once("close", () => {
      over();
      if (gone.readableEnded) other.destroySoon();
      else other.destroy();
    });
  };
  follow(client, upstream);
  follow(upstream, client);
  if (client.destroyed) upstream.destroy();
  if (upstream.destroyed) client.destroy();
}
