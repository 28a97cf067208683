/**
 * Brings what the journal tells to one place, in order, at least once.
 *
 * It reads the journal's files, not memory: a place that is down for a day costs nothing but the place where it stopped.
 * INVARIANT: the cursor moves only over what was delivered, or what the place will never take (told to `onError`).
 */
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { LIMITS } from "../model/index.ts";
import { readEntries, type Located, type Position } from "./segments.ts";
import type { Delivery } from "./sink.ts";

/** Makes what is delivered out of the lines of the journal. `oldest`: where reading must begin so that what is under way now is seen whole; undefined when nothing is. */
export type Reader<Item> = { push(located: Located): Item | undefined; readonly oldest: Position | undefined };

/**
 * Delivers. `send` never rejects and ends within a bounded time. `state`: what has to be known of everything delivered before, kept
 * together with the cursor, so that both are of the same moment; `restore` gets it back.
 */
export type Sink<Item> = {
  send(items: readonly Item[], behind: Position): Promise<Delivery>;
  close(): void;
  state?(): unknown;
  restore?(state: unknown): void;
};

/** Milliseconds that only go forward, and waiting. */
export type Clock = { now(): number; sleep(ms: number): { readonly done: Promise<void>; cancel(): void } };

export type ForwarderOptions<Item> = {
  /** For messages: what goes where, `spans (otlp)`. */
  readonly name: string;
  readonly journal: string;
  readonly cursorFile: string;
  readonly reader: Reader<Item>;
  readonly sink: Sink<Item>;
  /** In: an item that is left out. Out: what it is, for a message. */
  readonly describe: (item: Item) => string;
  readonly onError: (message: string) => void;
  /** First and longest wait after a failure, in milliseconds. */
  readonly retry: { readonly firstMs: number; readonly mostMs: number };
  readonly clock: Clock;
  /** Items that are sent at once, and how long they are gathered, in milliseconds. */
  readonly batch: number;
  readonly delayMs: number;
};

/** `offset`: all before it is delivered. `from`: where the first line stands of a request that was still open there. */
type Cursor = { readonly at: Position; readonly from: Position; readonly state?: unknown };

export class Forwarder<Item> {
  readonly #options: ForwarderOptions<Item>;
  /** What was read and not delivered, at most a batch, each with the cursor behind it. */
  readonly #pending: { readonly item: Item; readonly next: Cursor }[] = [];
  #read: Position;
  #cursor: Cursor;
  #batch: number;
  #failures = 0;
  /** Since when the place refuses everything. */
  #refused: number | undefined;
  #resting = false;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #wait: (() => void) | undefined;

  /** Goes on where the cursor file says. */
  constructor(options: ForwarderOptions<Item>) {
    this.#options = options;
    this.#batch = options.batch;
    this.#cursor = readCursor(options.cursorFile) ?? { at: { segment: 0, offset: 0 }, from: { segment: 0, offset: 0 } };
    if (this.#cursor.state !== undefined) options.sink.restore?.(this.#cursor.state);
    this.#read = this.#cursor.from;
  }

  /** Says that the journal has grown. Returns at once; reading begins a little later, off the path of the command, for several at once. */
  wake(): void {
    this.#again = true;
    if (this.#running !== undefined || this.#stopped) return;
    this.#timer ??= setTimeout(() => this.#start(), this.#options.delayMs).unref();
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again) this.wake();
    });
  }

  /** One more attempt for what is left, then ends; at most `deadlineMs`. What was not delivered waits in the journal. Never rejects. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    this.#again = true;
    this.#start();
    this.#wait?.();
    await within(deadlineMs, this.#running ?? Promise.resolve());
    this.#options.sink.close();
  }

  async #run(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        while (await this.#deliverBatch()) await new Promise((resolve) => { setImmediate(resolve); });
        if (this.#again && !this.#stopped) await this.#pause(this.#options.delayMs);
      }
    } catch (cause) {
      // A journal or cursor that cannot be read or written: the next wake tries again, commands are not concerned.
      this.#options.onError(`${this.#options.name} are not forwarded: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  /** Out: whether there may be more. */
  async #deliverBatch(): Promise<boolean> {
    this.#fill();
    const batch = this.#pending.slice(0, this.#batch);
    const last = batch.at(-1);
    if (last === undefined) return false;
    const delivery = await this.#options.sink.send(batch.map(({ item }) => item), last.next.at);
    switch (delivery.kind) {
      case "done":
        if (delivery.note !== undefined) this.#options.onError(`${this.#options.name}: the collector took them and says: ${delivery.note}`);
        await this.#advance(batch.length, last.next);
        return true;
      case "never":
        if (batch.length > 1) {
          // One item that the place will not take must not cost the others.
          this.#batch = Math.floor(batch.length / 2);
          return true;
        }
        this.#options.onError(`${this.#options.name}: ${this.#options.describe(last.item)} was refused and is left out: ${delivery.reason}`);
        await this.#advance(1, last.next);
        return true;
      case "later":
        if (this.#failures === 0) this.#options.onError(`${this.#options.name} wait: ${delivery.reason}`);
        if (this.#stopped) return false;
        await this.#pause(this.#waitFor(delivery));
        return true;
    }
  }

  /** Reads on until a batch is full or the journal ends. What was read stays here until it is delivered: nothing is read twice. */
  #fill(): void {
    if (this.#pending.length >= this.#options.batch) return;
    for (const located of readEntries(this.#options.journal, this.#read)) {
      const behind = { segment: located.segment, offset: located.end };
      this.#read = behind;
      const item = this.#options.reader.push(located);
      if (item === undefined || isBefore(located, this.#cursor.at)) continue;
      this.#pending.push({ item, next: { at: behind, from: this.#options.reader.oldest ?? behind } });
      if (this.#pending.length >= this.#options.batch) return;
    }
  }

  async #advance(delivered: number, next: Cursor): Promise<void> {
    this.#pending.splice(0, delivered);
    this.#failures = 0;
    this.#refused = undefined;
    this.#resting = false;
    this.#batch = Math.min(this.#options.batch, this.#batch * 2);
    const state = this.#options.sink.state?.();
    this.#cursor = state === undefined ? next : { ...next, state };
    await writeCursor(this.#options.cursorFile, this.#cursor);
  }

  /** Longer with each failure, and as long as the place asks for. Who refuses for long is tried rarely: somebody has to change a setting. */
  #waitFor({ reason, afterMs, refused }: Extract<Delivery, { readonly kind: "later" }>): number {
    const { retry: { firstMs, mostMs }, clock, name, onError } = this.#options;
    this.#failures += 1;
    this.#refused = refused === undefined ? undefined : this.#refused ?? clock.now();
    if (this.#refused !== undefined && clock.now() - this.#refused >= LIMITS.exportRefusedMs) {
      if (!this.#resting) onError(`${name}: ${reason} for ${LIMITS.exportRefusedMs / 60_000} minutes: tried once in ${LIMITS.exportRestMs / 60_000} minutes from here on, and at the next start; what is not delivered waits in the journal`);
      this.#resting = true;
      return LIMITS.exportRestMs;
    }
    const backoff = Math.min(mostMs, firstMs * 2 ** Math.min(this.#failures - 1, 20)) * (0.8 + Math.random() * 0.4);
    return Math.max(backoff, afterMs ?? 0);
  }

  /** Ends early when the forwarder is stopped. */
  async #pause(ms: number): Promise<void> {
    const sleep = this.#options.clock.sleep(ms);
    const stopped = new Promise<void>((resolve) => { this.#wait = resolve; });
    await Promise.race([sleep.done, stopped]);
    this.#wait = undefined;
    sleep.cancel();
  }
}

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms) => {
    let timer: NodeJS.Timeout | undefined;
    const done = new Promise<void>((resolve) => { timer = setTimeout(resolve, ms).unref(); });
    return { done, cancel: () => clearTimeout(timer) };
  },
};

function isBefore(located: { readonly segment: number; readonly start: number }, at: Position): boolean {
  return located.segment < at.segment || (located.segment === at.segment && located.start < at.offset);
}

/** In: the cursor of a place. Out: the first file of the journal that it still needs. */
export function neededSegment(cursorFile: string): number {
  return readCursor(cursorFile)?.from.segment ?? 0;
}

/** Out: undefined when there is none that can be understood: then everything is sent (again). */
function readCursor(path: string): Cursor | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value !== "object" || value === null || !("at" in value) || !("from" in value)) return undefined;
    return isPosition(value.at) && isPosition(value.from) ? { at: value.at, from: value.from, ...("state" in value ? { state: value.state } : {}) } : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError || (cause instanceof Error && "code" in cause && cause.code === "ENOENT")) return undefined;
    throw cause;
  }
}

function isPosition(value: unknown): value is Position {
  return typeof value === "object" && value !== null && "segment" in value && "offset" in value && Number.isSafeInteger(value.segment) && Number.isSafeInteger(value.offset);
}

/** The name always holds a whole cursor, the old or the new. Losing the newest means repeating, not losing. Not in the way of requests: a rename may wait for the disk. */
async function writeCursor(path: string, cursor: Cursor): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(cursor), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, ms); });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
