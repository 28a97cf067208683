/**
 * When spans are exported: OpenTelemetry is loaded some time after the first finished request, never before a verdict, and
 * from then on each finished request wakes the forwarders. Without one there is nothing to load, nothing runs.
 */
import { LIMITS } from "../model/index.ts";
import { Forwarder, neededSegment } from "./forwarder.ts";
import { cursorFile, journalDirectory, spansFile } from "./place.ts";
import type { RecordSettings } from "./recorder.ts";

export type SpanExportOptions = {
  readonly stateDir: string;
  readonly settings: RecordSettings;
  readonly onError: (message: string) => void;
  readonly retry: { readonly firstMs: number; readonly mostMs: number };
};

export class SpanExport {
  readonly #options: SpanExportOptions;
  #forwarders: readonly Forwarder[] = [];
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
    const places = this.#options.settings.otlp === undefined ? ["file"] : ["file", "otlp"];
    return Math.min(...places.map((place) => neededSegment(cursorFile(this.#options.stateDir, place))));
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
    const { stateDir, settings, onError, retry } = this.#options;
    try {
      const { fileSink, otlpSink, spanFactory } = await import("./opentelemetry.ts");
      const make = spanFactory(settings.version);
      const common = { journal: journalDirectory(stateDir), onError, retry };
      const forwarders = [new Forwarder({ ...common, name: "file", cursorFile: cursorFile(stateDir, "file"), sink: fileSink(spansFile(stateDir), make) })];
      if (settings.otlp !== undefined) {
        forwarders.push(new Forwarder({ ...common, name: "otlp", cursorFile: cursorFile(stateDir, "otlp"), sink: otlpSink(settings.otlp, make) }));
      }
      this.#forwarders = forwarders;
      for (const forwarder of forwarders) forwarder.wake();
    } catch (cause) {
      onError(`spans are not exported: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
}
