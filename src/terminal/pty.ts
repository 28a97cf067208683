import { writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { LIMITS } from "../model/index.ts";
import type { TerminalSize } from "./size.ts";

/** How an agent's process ended; `signal` is 0 when it exited by itself. */
export type PtyEnd = { readonly code: number; readonly signal: number };

export type PtyCommand = {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly size: TerminalSize;
};

/** An agent in a pseudoterminal. Bytes are never decoded. */
export type AgentPty = {
  readonly pid: number;
  /** Queues input. False when more than `LIMITS.heldInputBytes` wait: stop until `onDrain`. */
  write(bytes: Buffer): boolean;
  pause(): void;
  resume(): void;
  resize(size: TerminalSize): void;
  /** To the agent, or with its whole process group. Nothing happens when it is gone. */
  signal(signal: NodeJS.Signals, to: "agent" | "group"): void;
  /** Resolves after the last byte of output was delivered. */
  readonly ended: Promise<PtyEnd>;
};

/** node-pty's addon (1.1, pinned; its own `src/native.d.ts`). `onExit` gets the exit code and the signal. */
type Native = {
  fork(file: string, args: string[], env: string[], cwd: string, columns: number, rows: number, uid: number, gid: number, utf8: boolean, helper: string, onExit: (code: number, signal: number) => void): { readonly fd: number; readonly pid: number; readonly pty: string };
  resize(fd: number, columns: number, rows: number): void;
};

/**
 * In: a command whose `file` is a path, and what to do with its output. Out: the running agent.
 * Rejects when node-pty's addon is missing or the process cannot be forked.
 *
 * Why not node-pty's own `spawn`: it destroys its socket 200 ms after the process ends, also while we are not reading, and the
 * end of the output is lost; its writer spins while the agent does not read; with bytes instead of strings it leaves IUTF8 off.
 */
export async function startPty(command: PtyCommand, on: { readonly data: (bytes: Buffer) => void; readonly drain: () => void }): Promise<AgentPty> {
  const { loadNativeModule } = await loader();
  const native = loadNativeModule("pty").module;
  const environment = Object.entries({ TERM: "xterm-256color", ...command.env }).map(([name, value]) => `${name}=${value}`);
  const { columns, rows } = command.size;
  const exited = Promise.withResolvers<PtyEnd>();
  const unchanged = -1;
  const forked = native.fork(command.file, [...command.args], environment, command.cwd, columns, rows, unchanged, unchanged, true, "", (code, signal) => exited.resolve({ code, signal }));
  const input = createInput(forked.fd, on.drain);
  const output = readOutput(forked.fd, exited.promise, on.data, input.close);
  let gone = false;
  void exited.promise.then(() => (gone = true));
  return {
    pid: forked.pid,
    write: input.write,
    pause: output.pause,
    resume: output.resume,
    resize: (size) => {
      if (!output.closed()) native.resize(forked.fd, size.columns, size.rows);
    },
    signal: (signal, to) => {
      if (!gone) sendSignal(to === "group" ? -forked.pid : forked.pid, signal);
    },
    ended: Promise.all([exited.promise, output.ended]).then(([end]) => end),
  };
}

async function loader(): Promise<{ loadNativeModule(name: "pty"): { readonly module: Native } }> {
  // No declarations: node-pty's public entry would load more than the addon.
  const path = "node-pty/lib/utils.js";
  const module = (await import(path)) as { readonly default: { loadNativeModule(name: "pty"): { readonly module: Native } } };
  return module.default;
}

function sendSignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    // Between the end of the process and our notice of it there is nobody to signal.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * Reads until the terminal's other side is closed by everybody (the kernel says EIO then, after the last byte), or, when
 * something the agent left behind keeps it open, until nothing came for a while after the agent's end.
 */
function readOutput(fd: number, exited: Promise<PtyEnd>, onData: (bytes: Buffer) => void, beforeClose: () => void): { pause(): void; resume(): void; closed(): boolean; readonly ended: Promise<void> } {
  const ended = Promise.withResolvers<void>();
  let paused = false;
  let agentGone = false;
  let closed = false;
  let idle: NodeJS.Timeout | undefined;
  const keep = createSlab();
  const take = (length: number, bytes: Uint8Array): boolean => {
    onData(keep(bytes.subarray(0, length)));
    closeWhenIdle();
    return !paused;
  };
  const socket = openReader(fd, take);
  const close = (): void => {
    if (closed) return;
    closed = true;
    clearTimeout(idle);
    // The descriptor's number may be somebody else's right after this.
    beforeClose();
    socket.destroy();
    ended.resolve();
  };
  const closeWhenIdle = (): void => {
    if (idle !== undefined) clearTimeout(idle);
    if (agentGone && !paused && !closed) idle = setTimeout(close, IDLE_MS);
  };
  // EIO is how a pseudoterminal ends; any other failure to read ends it, too.
  socket.on("error", close);
  socket.on("close", close);
  void exited.then(() => {
    agentGone = true;
    closeWhenIdle();
  });
  socket.resume();
  return {
    pause: () => {
      paused = true;
      clearTimeout(idle);
      socket.pause();
    },
    resume: () => {
      paused = false;
      if (!closed) socket.resume();
      closeWhenIdle();
    },
    closed: () => closed,
    ended: ended.promise,
  };
}

/**
 * A pseudoterminal gives some 4 KB at a time. A stream would take 64 KB of memory for each of them; this one reads into the
 * same buffer again and again.
 */
function openReader(fd: number, take: (length: number, bytes: Uint8Array) => boolean): ReadStream {
  // `onread` is an option of net.Socket, which ReadStream hands its options to; its declaration does not say so.
  const options: object = { onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: take } };
  return new ReadStream(fd, options);
}
const READ_BYTES = 65_536;

/** Out: what copies bytes to where they stay, many pieces in one block of memory. */
function createSlab(): (bytes: Uint8Array) => Buffer {
  let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  let used = 0;
  return (bytes) => {
    if (used + bytes.length > SLAB_BYTES) {
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      used = 0;
    }
    slab.set(bytes, used);
    used += bytes.length;
    return slab.subarray(used - bytes.length, used);
  };
}
const SLAB_BYTES = 262_144;

/** The agent has ended; output that has not come after this long is not coming. */
const IDLE_MS = 200;

/** Writes what the kernel takes and tries again for the rest, and says when too much is waiting. */
function createInput(fd: number, onDrain: () => void): { write(bytes: Buffer): boolean; close(): void } {
  const queue: Buffer[] = [];
  let queued = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const push = (): void => {
    timer = undefined;
    const wasFull = queued > LIMITS.heldInputBytes;
    for (let head = queue[0]; head !== undefined && !closed; head = queue[0]) {
      const written = writeSome(fd, head);
      if (written === undefined) {
        closed = true;
        break;
      }
      queued -= written;
      if (written === head.length) queue.shift();
      else queue[0] = head.subarray(written);
      if (written === 0) {
        timer = setTimeout(push, RETRY_MS);
        break;
      }
    }
    if (wasFull && queued <= LIMITS.heldInputBytes) onDrain();
  };
  return {
    write: (bytes) => {
      if (closed || bytes.length === 0) return true;
      queue.push(bytes);
      queued += bytes.length;
      if (timer === undefined) push();
      return queued <= LIMITS.heldInputBytes;
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}
const RETRY_MS = 5;

/** Out: bytes written, 0 when the kernel's buffer is full, undefined when nobody will ever read. */
function writeSome(fd: number, bytes: Buffer): number | undefined {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EAGAIN") return 0;
    if (code === "EIO" || code === "EBADF") return undefined;
    throw error;
  }
}
