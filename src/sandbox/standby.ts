import { spawn, type ChildProcess } from "node:child_process";
import type { Writable } from "node:stream";
import { LIMITS } from "../model/index.ts";

/** What makes a room: bubblewrap, and what it executes inside to hold it. Both absolute. */
export type Maker = { readonly bwrap: string; readonly init: string };

/** The descriptor on which process 1 hands over its door, and the one that bubblewrap reads its words from: places in `stdio` below. */
const CHANNEL = 4;
const WORDS = 5;
/** The user namespace of a view of the file system, if the room is to be made in one. */
const BESIDE = 6;

/**
 * Bubblewraps that were started and wait for their words, so that a room that is needed now does not wait for a process to be started.
 * INVARIANT: one that waits has no authority and shares nothing: it makes its namespaces when it has read all its words. One that is let
 * go reads none, makes an empty sandbox, finds nothing to execute there, and ends.
 */
export class Standby {
  #maker: Maker | undefined;
  #waiting: ChildProcess[] = [];
  #refill: NodeJS.Timeout | undefined;

  /** From now on a few wait, for as long as `close` is not called. */
  begin(maker: Maker): void {
    if (this.#maker?.bwrap === maker.bwrap && this.#maker.init === maker.init) return;
    this.close();
    this.#maker = maker;
    this.#refillLater();
  }

  /**
   * In: what a room needs, and a descriptor of the user namespace that it is to be made in, if that is not ours. Out: a bubblewrap that waits for
   * its words, started now if none does. `isFresh`: it was started now.
   */
  take(maker: Maker, beside: number | undefined): { readonly child: ChildProcess; readonly isFresh: boolean } {
    const isOurs = beside === undefined && this.#maker?.bwrap === maker.bwrap && this.#maker.init === maker.init;
    const child = isOurs ? this.#waiting.find(isAlive) : undefined;
    if (child === undefined) return { child: startMaker(maker, beside), isFresh: true };
    this.#waiting = this.#waiting.filter((other) => other !== child);
    this.#refillLater();
    return { child, isFresh: false };
  }

  close(): void {
    this.#maker = undefined;
    clearTimeout(this.#refill);
    this.#refill = undefined;
    for (const child of this.#waiting.splice(0)) abandon(child);
  }

  /** Not while a first command is on its way. */
  #refillLater(): void {
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined;
      this.#waiting = this.#waiting.filter(isAlive);
      if (this.#maker !== undefined && this.#waiting.length < LIMITS.roomsStandby) {
        this.#waiting.push(startMaker(this.#maker, undefined));
        this.#refillLater();
      }
    }, LIMITS.roomPrepareMs).unref();
  }
}

/** The words go out; the channel for them is closed behind the last. In: bubblewrap's options, its own name left out. */
export function giveWords(child: ChildProcess, words: readonly string[]): void {
  wordsOf(child)?.end(words.map((word) => `${word}\0`).join(""));
}

/** Node's types know five descriptors. */
function wordsOf({ stdio }: ChildProcess): Writable | null {
  return (stdio as readonly unknown[])[WORDS] as Writable | null;
}

/** It ends, whatever it has come to. */
export function abandon(child: ChildProcess): void {
  for (const stream of child.stdio) (stream as { destroy?: () => void } | null)?.destroy?.();
  child.kill("SIGKILL");
}

/** Nothing of our own environment is passed on. Whoever waits for our end is not kept by a sandbox that is only there. */
function startMaker({ bwrap, init }: Maker, beside: number | undefined): ChildProcess {
  const [file = "", ...first] = beside === undefined ? [bwrap] : [init, "--beside", String(BESIDE), bwrap];
  const child = spawn(file, [...first, "--args", String(WORDS), "--new-session", "--as-pid-1", "--info-fd", "3", "--", init, "--hold", String(CHANNEL)], { cwd: "/", detached: true, env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" }, stdio: ["pipe", "pipe", "pipe", "pipe", "ipc", "pipe", ...(beside === undefined ? [] : [beside])] });
  // Its end is seen by "exit"; a channel that breaks says nothing more, and one that could not be started says so to whoever waits for it.
  for (const one of [child, child.stdin, wordsOf(child)]) one?.on("error", () => undefined);
  child.unref();
  child.channel?.unref();
  for (const stream of child.stdio) (stream as { unref?: () => void } | null)?.unref?.();
  return child;
}

function isAlive({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}
