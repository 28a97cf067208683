/**
 * What is exported, where to, and when: OpenTelemetry is loaded some time after the first finished request, never before a verdict, and
 * from then on each finished request wakes the forwarders. Without one there is nothing to load, nothing runs.
 */
import { statSync } from "node:fs";
import { LIMITS } from "../model/index.ts";
import { Assembler, type Life } from "./assemble.ts";
import { ATTRIBUTES } from "./attributes.ts";
import { Forwarder, neededSegment, REAL_CLOCK, type Clock, type Sink } from "./forwarder.ts";
import { Transitions, type LogData } from "./logs.ts";
import { addTo, totalsOf, type Totals } from "./metrics.ts";
import type { Encoder, Reading } from "./opentelemetry.ts";
import { cursorFile, journalDirectory, logsFile, metricsFile, spansFile } from "./place.ts";
import type { RecordSettings } from "./recorder.ts";
import { listSegments, segmentPath, type Position } from "./segments.ts";
import { filePlace, httpPlace, type Delivery, type Place } from "./sink.ts";
import { spansOf } from "./spans.ts";

export type SpanExportOptions = {
  readonly stateDir: string;
  readonly settings: RecordSettings;
  readonly onError: (message: string) => void;
  readonly retry: { readonly firstMs: number; readonly mostMs: number };
  /** Milliseconds since the epoch, for the times of metrics. */
  readonly now: () => number;
  /** For tests: a clock by which is waited. */
  readonly clock?: Clock;
};

type AnyForwarder = { wake(): void; stop(deadlineMs: number): Promise<void> };

export class SpanExport {
  readonly #options: SpanExportOptions;
  #forwarders: readonly AnyForwarder[] = [];
  #loading: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #woken = false;

  constructor(options: SpanExportOptions) {
    this.#options = options;
  }

  /** Says that a request finished. Returns at once. */
  wake(): void {
    if (this.#woken && this.#loading === undefined) return;
    this.#woken = true;
    if (this.#loading !== undefined) {
      for (const forwarder of this.#forwarders) forwarder.wake();
      return;
    }
    this.#loadIn(LIMITS.exportLoadMs);
  }

  /** At start: what an earlier broker left is exported when the first commands have had their verdicts. Returns at once. */
  resume(): void {
    this.#loadIn(LIMITS.exportResumeMs);
  }

  /** The first file of the journal that some place still needs. */
  get needed(): number {
    return Math.min(...places(this.#options).map(({ cursor }) => neededSegment(cursorFile(this.#options.stateDir, cursor))));
  }

  #loadIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.#loading ??= this.#load(); }, ms).unref();
  }

  /** Delivers what can be delivered within `deadlineMs`; the rest waits in the journal for the next start. Never rejects. */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    await (this.#loading ??= this.#load());
    await Promise.all(this.#forwarders.map((forwarder) => forwarder.stop(deadlineMs)));
  }

  async #load(): Promise<void> {
    try {
      const { encoders } = await import("./opentelemetry.ts");
      this.#forwarders = forwarders(this.#options, encoders(this.#options.settings.version));
      for (const forwarder of this.#forwarders) forwarder.wake();
    } catch (cause) {
      this.#options.onError(`nothing is exported: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
}

const SIGNALS = ["spans", "logs", "metrics"] as const;
type Signal = (typeof SIGNALS)[number];

/** Every place, its name, and what it gets. The local files have had these names since there was one signal. */
function places({ settings: { otlp } }: SpanExportOptions): readonly { readonly signal: Signal; readonly place: "file" | "otlp"; readonly cursor: string }[] {
  return SIGNALS.flatMap((signal) => (["file", "otlp"] as const).flatMap((place) => {
    if (place === "otlp" && otlp?.[URLS[signal]] === undefined) return [];
    return [{ signal, place, cursor: signal === "spans" ? place : `${place}-${signal}` }];
  }));
}

const URLS = { spans: "url", logs: "logsUrl", metrics: "metricsUrl" } as const;
const FILES = { spans: spansFile, logs: logsFile, metrics: metricsFile } as const;

type Encoders = ReturnType<typeof import("./opentelemetry.ts").encoders>;

function forwarders(options: SpanExportOptions, encode: Encoders): readonly AnyForwarder[] {
  return places(options).map(({ signal, place, cursor }): AnyForwarder => {
    const { stateDir, onError, retry, clock = REAL_CLOCK } = options;
    const common = { name: `${signal} (${place})`, journal: journalDirectory(stateDir), cursorFile: cursorFile(stateDir, cursor), onError, retry, clock };
    const open = (partial: (answer: Uint8Array) => string | undefined): Place => openPlace(options, signal, place, partial);
    const gathered = { batch: LIMITS.exportBatch, delayMs: LIMITS.exportDelayMs };
    switch (signal) {
      case "spans": return new Forwarder({ ...common, ...gathered, reader: new Assembler(), describe: ({ received }) => `the span of ${received.id}`, sink: plainSink(encode.spans, place, open(encode.spans.partial), (lives: readonly Life[]) => lives.flatMap((life) => spansOf(life))) });
      case "logs": return new Forwarder({ ...common, ...gathered, batch: LIMITS.exportBatch * 4, reader: new Transitions(), describe: (logs) => `record ${String(logs[0]?.attributes[ATTRIBUTES.seq.name])}`, sink: plainSink(encode.logs, place, open(encode.logs.partial), (lists: readonly (readonly LogData[])[]) => lists.flat()) });
      case "metrics": return new Forwarder({ ...common, batch: LIMITS.metricsBatch, delayMs: LIMITS.metricsMs, reader: new Assembler(), describe: ({ received }) => `the count of ${received.id}`, sink: metricsSink(options, encode.metrics, place, open(encode.metrics.partial)) });
    }
  });
}

function openPlace({ stateDir, settings: { otlp } }: SpanExportOptions, signal: Signal, place: "file" | "otlp", partial: (answer: Uint8Array) => string | undefined): Place {
  const url = place === "file" ? undefined : otlp?.[URLS[signal]];
  if (otlp === undefined || url === undefined) return filePlace(FILES[signal](stateDir));
  return httpPlace({ url, headers: otlp.headers, timeoutMs: otlp.timeoutMs, partial });
}

function plainSink<Item, Value>(encoder: Encoder<readonly Value[]>, place: "file" | "otlp", where: Place, values: (items: readonly Item[]) => readonly Value[]): Sink<Item> {
  return {
    send: async (items) => put(where, place === "file" ? encoder.json(values(items)) : encoder.protobuf(values(items))),
    close: () => where.close(),
  };
}

/** What was counted is kept only when the place has it: a point that is sent again then says the same and a little more. */
function metricsSink({ now, stateDir }: SpanExportOptions, encoder: Encoder<Reading>, place: "file" | "otlp", where: Place): Sink<Life> {
  let totals: Totals = { start: now(), series: [] };
  return {
    send: async (lives, behind) => {
      const next = addTo(totals, lives);
      const reading = { totals: next, time: now(), spoolBytes: bytesBehind(journalDirectory(stateDir), behind) };
      const delivery = await put(where, place === "file" ? encoder.json(reading) : encoder.protobuf(reading));
      if (delivery.kind === "done") totals = next;
      return delivery;
    },
    close: () => where.close(),
    state: () => totals,
    restore: (state) => { totals = totalsOf(state) ?? totals; },
  };
}

async function put(where: Place, bytes: Uint8Array | undefined): Promise<Delivery> {
  return bytes === undefined ? { kind: "never", reason: "it could not be encoded" } : where.put(bytes);
}

function bytesBehind(directory: string, { segment, offset }: Position): number {
  return listSegments(directory).filter((one) => one >= segment).reduce((sum, one) => sum + statSync(segmentPath(directory, one)).size - (one === segment ? offset : 0), 0);
}
