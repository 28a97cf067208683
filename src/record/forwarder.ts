/**
 * Brings finished requests from the journal to one place, in order, at least once.
 *
 * It reads the journal's files, not memory: a place that is down for a day costs nothing but the place where it stopped.
 * INVARIANT: the cursor moves only over what was delivered, or what the place will never take (told to `onError`).
 */
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { LIMITS } from "../model/index.ts";
import { Assembler, type Life } from "./assemble.ts";
import type { Sink } from "./opentelemetry.ts";
import { readEntries, type Position } from "./segments.ts";
import { spansOf } from "./spans.ts";

export type ForwarderOptions = {
  readonly name: string;
  readonly journal: string;
  readonly cursorFile: string;
  readonly sink: Sink;
  readonly onError: (message: string) => void;
  /** First and longest wait after a failure, in milliseconds. */
  readonly retry: { readonly firstMs: number; readonly mostMs: number };
};

/** `offset`: all before it is delivered. `from`: where the first line stands of a request that was still open there. */
type Cursor = { readonly at: Position; readonly from: Position };

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #assembler = new Assembler();
  /** Finished requests that were read and not delivered, at most a batch, each with the cursor behind it. */
  readonly #pending: { readonly life: Life; readonly next: Cursor }[] = [];
  #read: Position;
  #cursor: Cursor;
  #batch: number = LIMITS.exportBatch;
  #failures = 0;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #wait: (() => void) | undefined;

  /** Goes on where the cursor file says. */
  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#cursor = readCursor(options.cursorFile) ?? { at: { segment: 0, offset: 0 }, from: { segment: 0, offset: 0 } };
    this.#read = this.#cursor.from;
  }

  /** Says that the journal has grown. Returns at once; reading begins a little later, off the path of the command, for several at once. */
  wake(): void {
    this.#again = true;
    if (this.#running !== undefined || this.#stopped) return;
    this.#timer ??= setTimeout(() => this.#start(), LIMITS.exportDelayMs).unref();
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
    await within(deadlineMs, this.#options.sink.close().catch((cause: unknown) => this.#options.onError(`spans (${this.#options.name}): ${String(cause)}`)));
  }

  async #run(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        while (await this.#deliverBatch()) await new Promise((resolve) => { setImmediate(resolve); });
        if (this.#again && !this.#stopped) await this.#pause(LIMITS.exportDelayMs);
      }
    } catch (cause) {
      // A journal or cursor that cannot be read or written: the next wake tries again, commands are not concerned.
      this.#options.onError(`spans (${this.#options.name}) are not forwarded: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  /** Out: whether there may be more. */
  async #deliverBatch(): Promise<boolean> {
    this.#fill();
    const batch = this.#pending.slice(0, this.#batch);
    const last = batch.at(-1);
    if (last === undefined) return false;
    const delivery = await this.#options.sink.send(batch.flatMap(({ life }) => spansOf(life)));
    switch (delivery.kind) {
      case "done":
        await this.#advance(batch.length, last.next);
        return true;
      case "never":
        if (batch.length > 1) {
          // One request that the place will not take must not cost the others.
          this.#batch = Math.floor(batch.length / 2);
          return true;
        }
        this.#options.onError(`spans (${this.#options.name}): the span of ${last.life.received.id} was refused and is left out: ${delivery.reason}`);
        await this.#advance(1, last.next);
        return true;
      case "later":
        if (this.#failures === 0) this.#options.onError(`spans (${this.#options.name}) wait: ${delivery.reason}`);
        if (this.#stopped) return false;
        await this.#pause(this.#backoff());
        return true;
    }
  }

  /** Reads on until a batch is full or the journal ends. What was read stays here until it is delivered: nothing is read twice. */
  #fill(): void {
    if (this.#pending.length >= LIMITS.exportBatch) return;
    for (const located of readEntries(this.#options.journal, this.#read)) {
      const behind = { segment: located.segment, offset: located.end };
      this.#read = behind;
      const life = this.#assembler.push(located);
      if (life === undefined || isBefore(located, this.#cursor.at)) continue;
      this.#pending.push({ life, next: { at: behind, from: this.#assembler.oldest ?? behind } });
      if (this.#pending.length >= LIMITS.exportBatch) return;
    }
  }

  async #advance(delivered: number, next: Cursor): Promise<void> {
    this.#pending.splice(0, delivered);
    this.#failures = 0;
    this.#batch = Math.min(LIMITS.exportBatch, this.#batch * 2);
    this.#cursor = next;
    await writeCursor(this.#options.cursorFile, next);
  }

  #backoff(): number {
    const { firstMs, mostMs } = this.#options.retry;
    this.#failures += 1;
    return Math.min(mostMs, firstMs * 2 ** Math.min(this.#failures - 1, 20)) * (0.8 + Math.random() * 0.4);
  }

  /** Ends early when the forwarder is stopped. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wait?.(), ms);
      timer.unref();
      this.#wait = () => { clearTimeout(timer); this.#wait = undefined; resolve(); };
    });
  }
}

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
    return isPosition(value.at) && isPosition(value.from) ? { at: value.at, from: value.from } : undefined;
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
