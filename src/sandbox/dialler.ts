import { spawn, type ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { getSystemErrorName } from "node:util";
import { z } from "zod";
import { escapeText, LIMITS } from "../model/index.ts";
import type { RoomAddress } from "./holder.ts";

/** The descriptor of the channel, which shims/dial.c knows. */
const CHANNEL = 3;
/** Numbers of requests; then they begin again. */
const LAST_ID = 99_999_999;

const said = z.union([z.literal("ready"), z.strictObject({ id: z.int() }), z.strictObject({ id: z.int(), errno: z.int() })]);

type Waiting = { readonly done: (socket: Socket | undefined) => void; readonly fail: (error: Error) => void; readonly timer: NodeJS.Timeout };

/**
 * Connects to ports of one room from outside (shims/dial.c). INVARIANT: its process is in the room's network namespace and in no other of
 * them that anybody inside could see; what a server sends goes through sockets that only we read.
 */
export class Dialler {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #complaint = "";
  #over: string | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    // Lines are ours from here on; what the process said on its way to its end is why.
    (child.stderr as Readable | null)?.setEncoding("utf8").on("data", (text: string) => { this.#complaint = (this.#complaint + text).slice(0, LIMITS.shownReason); });
    child.once("error", (error) => this.#end(error.message));
    child.once("close", (code, by) => this.#end(this.#complaint.trim() || `it ended with ${code ?? by}`));
  }

  /**
   * In: vetsh-init, and which room. Out: a dialler that has joined it. Rejects with its words when it cannot, or not within
   * LIMITS.roomReadyMs. Nothing of our own environment is passed on.
   */
  static async start(init: string, room: RoomAddress): Promise<Dialler> {
    const words = ["--dial", CHANNEL, room.holder, room.started, room.outside].map(String);
    const child = spawn(init, words, { cwd: "/", detached: true, env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" }, stdio: ["ignore", "ignore", "pipe", "ipc"] });
    const dialler = new Dialler(child);
    await dialler.#ready();
    child.unref();
    child.channel?.unref();
    (child.stderr as { unref?: () => void } | null)?.unref?.();
    return dialler;
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  /** In: a port inside. Out: a connection to it, on 127.0.0.1 or ::1, that may be half open. Rejects with a message when there is none within LIMITS.dialMs. */
  async connect(port: number): Promise<Socket> {
    if (this.#over !== undefined) throw new Error(this.#over);
    if (this.#waiting.size >= LIMITS.dialsWaiting) throw new Error("too many connections are being made");
    const id = (this.#last % LAST_ID) + 1;
    this.#last = id;
    return new Promise((done, fail) => {
      const timer = setTimeout(() => this.#take(id)?.fail(new Error(`no answer within ${LIMITS.dialMs} ms`)), LIMITS.dialMs).unref();
      const arrived = (socket: Socket | undefined): void => {
        if (socket === undefined) return fail(new Error("it handed nothing over"));
        // Handed over sockets end whole by default: a client that has sent its last byte would get no answer.
        socket.allowHalfOpen = true;
        done(socket);
      };
      this.#waiting.set(id, { done: arrived, fail, timer });
      this.#child.send({ id, port }, (error) => { if (error !== null) this.#take(id)?.fail(error); });
    });
  }

  /** Ends it. Connections that were handed over live on. */
  close(): void {
    this.#end("it was ended");
  }

  async #ready(): Promise<void> {
    try {
      await new Promise<void>((done, fail) => {
        const timer = setTimeout(() => fail(new Error(`no answer within ${LIMITS.roomReadyMs} ms`)), LIMITS.roomReadyMs);
        this.#waiting.set(0, { done: () => done(), fail, timer });
        this.#child.on("message", (message, handle) => this.#hear(message, handle));
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #hear(message: unknown, handle: unknown): void {
    const socket = handle instanceof Socket ? handle : undefined;
    const heard = said.safeParse(message);
    if (!heard.success) {
      socket?.destroy();
      this.#end("it said something that is not understood");
      return;
    }
    const waiting = this.#take(heard.data === "ready" ? 0 : heard.data.id);
    if (heard.data !== "ready" && "errno" in heard.data) waiting?.fail(new Error(reasonOf(heard.data.errno)));
    else if (heard.data === "ready") waiting?.done(undefined);
    else if (waiting === undefined) socket?.destroy();
    else waiting.done(socket);
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  #end(why: string): void {
    if (this.#over !== undefined) return;
    this.#over = escapeText(why, { maxLength: LIMITS.shownReason });
    if (this.#child.connected) this.#child.disconnect();
    this.#child.kill("SIGKILL");
    for (const id of this.#waiting.keys()) this.#take(id)?.fail(new Error(this.#over));
  }
}

function reasonOf(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    // No number of this system.
    return `error ${errno}`;
  }
}
