/**
 * A scripted peer: a real server on ROOT/run/shim.sock that answers each connection as a test says, and keeps what it got.
 * It judges nothing; it is a counterpart for the native programs, not a stand-in for the broker.
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { FRAME, FrameReader, readRequest, runFrame, type Frame, type RunOrder, type ShimRequest } from "./wire.ts";

export type Talk = {
  readonly socket: Socket;
  readonly frames: Frame[];
  /** The next frame; undefined when the connection ended before one came. */
  next(): Promise<Frame | undefined>;
};

export type Peer = {
  readonly talks: Talk[];
  /** Resolves with the connection number `index`, also when it comes later. */
  talk(index: number): Promise<Talk>;
  close(): Promise<void>;
};

export async function startPeer(path: string, answer: (talk: Talk, first: Frame) => unknown, options: { readonly backlog?: number } = {}): Promise<Peer> {
  rmSync(path, { force: true });
  const talks: Talk[] = [];
  const waiting: (() => void)[] = [];
  const server: Server = createServer((socket) => {
    const talk = converse(socket);
    talks.push(talk);
    for (const wake of waiting.splice(0)) wake();
    void talk.next().then((first) => (first === undefined ? undefined : answer(talk, first)));
  });
  await new Promise<void>((resolve) => server.listen({ path, backlog: options.backlog ?? 511 }, resolve));
  chmodSync(path, 0o600);
  return {
    talks,
    async talk(index) {
      while (talks.length <= index) await new Promise<void>((resolve) => waiting.push(resolve));
      return talks[index] as Talk;
    },
    async close() {
      for (const talk of talks) talk.socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A peer that lets every request run, as `order` says (a function may look at the request first). */
export function runningPeer(path: string, order: (request: ShimRequest) => RunOrder): Promise<Peer> {
  return startPeer(path, (talk, first) => {
    if (first.type === FRAME.request) talk.socket.write(runFrame(order(readRequest(first.body))));
  });
}

function converse(socket: Socket): Talk {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  const waiting: ((frame: Frame | undefined) => void)[] = [];
  let taken = 0;
  let ended = false;
  const settle = (): void => {
    while (waiting.length > 0 && (taken < frames.length || ended)) waiting.shift()?.(taken < frames.length ? frames[taken++] : undefined);
  };
  socket.on("data", (chunk) => { frames.push(...reader.push(chunk)); settle(); });
  socket.on("close", () => { ended = true; settle(); });
  socket.on("error", () => { ended = true; settle(); });
  return {
    socket,
    frames,
    next: () => new Promise((resolve) => { waiting.push(resolve); settle(); }),
  };
}
