import type { Socket } from "node:net";
import { LIMITS } from "../model/index.ts";
import { decodeShimFrame, encodeBrokerFrame, FrameSplitter, type BrokerFrame, type EndReport, type RequestFrame, type ShimFrame } from "./frames.ts";
import { FrameError } from "./wire.ts";

/** What a connection needs from whoever judges and records. One `Visit` is one request. */
export type Reception = {
  /** A request came in. `say` sends WAIT, and then exactly one RUN or DENY; `gone` fires when the shim went away. */
  arrive(frame: RequestFrame, say: (frame: BrokerFrame) => void, gone: AbortSignal): Visit;
  /** A command that an earlier broker let run has ended. */
  late(id: string, end: EndReport): void;
  /** A gated shell connects with its token. Out: whoever reads its fields from here on; undefined: not known, or not from where it should be. */
  gate(token: string): ((socket: Socket) => void) | undefined;
  /** A connection that ended before it was a request: nothing ran. */
  malformed(reason: string): void;
};

/** INVARIANT: exactly one of `finished`, `failed`, `lost` counts; later calls change nothing. */
export type Visit = {
  started(pid: number): void;
  finished(end: EndReport): void;
  failed(reason: string): void;
  lost(reason: string): void;
};

/** Bytes of unfinished frames on all connections together: beyond LIMITS.heldFrameBytes the one that asks for more is closed. */
export type FrameBudget = { held: number };

/**
 * Speaks docs/protocol.md with one shim: REQUEST, then STARTED, then FINISHED or FAILED; or one LATE.
 * SECURITY: whatever comes out of that order or is malformed ends the connection; the shim starts nothing without RUN.
 */
export function serveShim(socket: Socket, reception: Reception, budget: FrameBudget): void {
  const splitter = new FrameSplitter();
  const gone = new AbortController();
  let visit: Visit | undefined;
  const deadline = setTimeout(() => end("no complete request in time"), LIMITS.requestMs);

  let mine = 0;
  const hold = (bytes: number): void => {
    budget.held += bytes - mine;
    mine = bytes;
    if (budget.held > LIMITS.heldFrameBytes) throw new FrameError("too many unfinished frames at once");
  };
  const end = (reason: string): void => {
    clearTimeout(deadline);
    budget.held -= mine;
    mine = 0;
    gone.abort(reason);
    if (visit === undefined) reception.malformed(reason);
    else visit.lost(reason);
    socket.destroy();
  };
  const say = (frame: BrokerFrame): void => {
    if (!socket.destroyed && socket.writable) socket.write(encodeBrokerFrame(frame));
  };
  const take = (frame: ShimFrame): void => {
    switch (frame.type) {
      case "request":
        if (visit !== undefined) throw new FrameError("a second request on one connection");
        clearTimeout(deadline);
        visit = reception.arrive(frame, say, gone.signal);
        return;
      case "late":
        if (visit !== undefined) throw new FrameError("a late report after a request");
        clearTimeout(deadline);
        reception.late(frame.id, frame.end);
        socket.end();
        return;
      case "started":
        return expected(visit).started(frame.pid);
      case "gate": {
        const serve = visit === undefined ? reception.gate(frame.token) : undefined;
        if (serve === undefined || splitter.held > 0) throw new FrameError("a gate of no shell that is known");
        clearTimeout(deadline);
        return handOver(socket, serve);
      }
      case "finished":
        expected(visit).finished(frame.end);
        socket.end();
        return;
      case "failed":
        expected(visit).failed(frame.reason);
        socket.end();
        return;
    }
  };

  socket.on("data", (chunk: Buffer) => {
    try {
      if (socket.destroyed) return;
      const frames = splitter.push(chunk);
      hold(splitter.held);
      for (const { type, body } of frames) take(decodeShimFrame(type, body));
    } catch (error) {
      // SECURITY: also for a bug of ours: the connection ends, and a shim without RUN runs nothing.
      end(error instanceof FrameError ? `malformed: ${error.message}` : `internal error: ${String(error)}`);
    }
  });
  socket.once("end", () => end(splitter.held > 0 ? "the connection ended inside a frame" : "the connection ended"));
  socket.once("close", () => end("the connection ended"));
}

/** From here on the connection is a gate's. */
function handOver(socket: Socket, serve: (socket: Socket) => void): void {
  for (const event of ["data", "end", "close"]) socket.removeAllListeners(event);
  serve(socket);
}

function expected(visit: Visit | undefined): Visit {
  if (visit === undefined) throw new FrameError("a report without a request");
  return visit;
}
