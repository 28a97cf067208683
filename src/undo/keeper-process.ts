import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { LIMITS } from "../model/index.ts";
import type { KeeperAnswers, KeeperReply, KeeperRequest } from "./messages.ts";

type Waiting = { readonly settle: (reply: KeeperReply) => void; readonly timer: NodeJS.Timeout };

/** How keepers are started. `node`, `program`: absolute; nothing is looked up. */
export type KeeperStart = { readonly node: string; readonly program: string; readonly artefacts: readonly string[] };

/**
 * A keeper as a process: started when it is needed, killed when an answer takes too long, ended when nobody asks.
 * SECURITY: it gets an empty environment, and starts no other program.
 */
export class KeeperProcess {
  readonly #start: KeeperStart;
  readonly #workspace: string;
  readonly #directory: string;
  readonly #waiting: Waiting[] = [];
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  lastUsed = performance.now();

  constructor(start: KeeperStart, workspace: string, directory: string) {
    this.#start = start;
    this.#workspace = workspace;
    this.#directory = directory;
  }

  get busy(): boolean {
    return this.#waiting.length > 0;
  }

  /** Asks, behind what was asked before. Never rejects. */
  async ask<Op extends KeeperRequest["op"]>(request: KeeperRequest & { readonly op: Op }, ms: number): Promise<{ readonly ok: true; readonly value: KeeperAnswers[Op] } | { readonly ok: false; readonly why: string }> {
    const child = this.#child ?? this.#spawn();
    this.lastUsed = performance.now();
    clearTimeout(this.#idle);
    const reply = await new Promise<KeeperReply>((settle) => {
      const timer = setTimeout(() => this.#fail(`no answer within ${ms} ms`), ms);
      this.#waiting.push({ settle, timer });
      child.stdin?.write(`${JSON.stringify(request)}\n`);
    });
    if (!this.busy && this.#child !== undefined) this.#idle = setTimeout(() => this.end(), LIMITS.undoIdleMs).unref();
    // The keeper answers each request with its own kind of answer: both are of the same version.
    return reply as Awaited<ReturnType<KeeperProcess["ask"]>> as { readonly ok: true; readonly value: KeeperAnswers[Op] } | { readonly ok: false; readonly why: string };
  }

  /** Lets it finish what it does, and end. */
  end(): void {
    clearTimeout(this.#idle);
    this.#child?.stdin?.end();
    this.#child = undefined;
  }

  #spawn(): ChildProcess {
    const { node, program, artefacts } = this.#start;
    const child = spawn(node, [`--max-old-space-size=${LIMITS.undoMemoryMb}`, "--no-warnings", program, this.#workspace, this.#directory, JSON.stringify(artefacts)], { cwd: "/", env: {}, stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    child.on("error", (error) => this.#fail(`it cannot be started: ${error.message}`, child));
    child.on("exit", (code, signal) => this.#fail(`it ended (${signal ?? code})`, child));
    // A write to a keeper that is gone: its exit says what happened.
    child.stdin.on("error", () => undefined);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const next = this.#child === child || this.#child === undefined ? this.#waiting.shift() : undefined;
      if (next === undefined) return;
      clearTimeout(next.timer);
      next.settle(JSON.parse(line) as KeeperReply);
    });
    return child;
  }

  /** Everybody who waits is told, and the next request starts a new one. */
  #fail(why: string, child = this.#child): void {
    if (child === undefined || (this.#child !== undefined && this.#child !== child)) return;
    this.#child = undefined;
    child.kill("SIGKILL");
    for (const { settle, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      settle({ ok: false, why: `the keeper of snapshots failed: ${why}` });
    }
  }
}
