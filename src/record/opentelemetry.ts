/**
 * Our spans as OpenTelemetry's, and the two places they go. The only importer of @opentelemetry; loaded by the first export.
 *
 * SECURITY: variables of the environment (`OTEL_*`) can silence, gut or redirect an SDK, and the exporter merges headers and
 * certificates from them even when it is given its own. The broker starts without them; here they are removed once more,
 * and sampler, limits, resource, ids, URL, headers and compression are all given, so that nothing is left to be defaulted.
 */
import { appendFileSync, closeSync, existsSync, openSync, readSync, renameSync, fstatSync, statSync } from "node:fs";
import { hostname, platform, userInfo } from "node:os";
import { randomUUID } from "node:crypto";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace as api, TraceFlags } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, TracerProvider, type ReadableSpan, type SpanProcessor } from "@opentelemetry/sdk-trace";
import { LIMITS } from "../model/index.ts";
import { ATTRIBUTES, SPANS } from "./attributes.ts";
import type { RecordSettings } from "./recorder.ts";
import type { SpanData } from "./spans.ts";

/** How a delivery ended: `later` is tried again, `never` would be refused each time. */
export type Delivery = { readonly kind: "done" } | { readonly kind: "later" | "never"; readonly reason: string };

/** A place that spans go to. `send` never rejects and ends within a bounded time. */
export type Sink = { send(spans: readonly SpanData[]): Promise<Delivery>; close(): Promise<void> };

/** In: the version of vetsh. Out: turns our spans into OpenTelemetry's; every one is sampled. */
export function spanFactory(version: string): (spans: readonly SpanData[]) => readonly ReadableSpan[] {
  const next = { traceId: "", spanId: "" };
  const ended: ReadableSpan[] = [];
  const collect: SpanProcessor = { onStart: () => undefined, onEnd: (span) => { ended.push(span); }, forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() };
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    resource: resourceFromAttributes(resourceAttributes(version)),
    spanLimits: { attributeCountLimit: 128, attributeValueLengthLimit: LIMITS.shownCommand, eventCountLimit: LIMITS.spanEvents, linkCountLimit: 16, attributePerEventCountLimit: 16, attributePerLinkCountLimit: 16 },
    spanProcessors: [collect],
  });
  const tracer = provider.getTracer("vetsh", version);
  return (spans) => {
    for (const span of spans) {
      next.traceId = span.traceId;
      next.spanId = span.spanId;
      const parent = span.parent === undefined ? ROOT_CONTEXT
        : api.setSpanContext(ROOT_CONTEXT, { traceId: span.traceId, spanId: span.parent.spanId, traceFlags: TraceFlags.SAMPLED, isRemote: span.parent.remote });
      const started = tracer.startSpan(span.name, { kind: SpanKind[SPANS[span.what].kind], startTime: span.start, attributes: mutable(span.attributes) }, parent);
      if (span.failed !== undefined) started.setStatus({ code: SpanStatusCode.ERROR, message: span.failed });
      for (const event of span.events) started.addEvent(event.name, mutable(event.attributes), event.time);
      started.end(span.end);
    }
    return ended.splice(0);
  };
}

function mutable(attributes: SpanData["attributes"]): Record<string, string | number | boolean | string[]> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, typeof value === "object" ? [...value] : value]));
}

function resourceAttributes(version: string): Record<string, string> {
  return {
    [ATTRIBUTES.serviceName.name]: "vetsh", [ATTRIBUTES.serviceVersion.name]: version, [ATTRIBUTES.serviceInstance.name]: randomUUID(),
    [ATTRIBUTES.hostName.name]: hostname(), [ATTRIBUTES.osType.name]: platform(), [ATTRIBUTES.owner.name]: userInfo().username,
  };
}

/** In: a path. Out: a sink that appends OTLP-JSON lines (0600); the file before the last `LIMITS.spansFileBytes` is kept as `PATH.1`. */
export function fileSink(path: string, make: (spans: readonly SpanData[]) => readonly ReadableSpan[]): Sink {
  let mended = false;
  const send = async (spans: readonly SpanData[]): Promise<Delivery> => {
    try {
      const line = JsonTraceSerializer.serializeRequest([...make(spans)]);
      if (line === undefined) return { kind: "never", reason: "the spans could not be encoded" };
      if (existsSync(path) && statSync(path).size >= LIMITS.spansFileBytes) renameSync(path, `${path}.1`);
      if (!mended && endsMidLine(path)) appendFileSync(path, "\n", { mode: 0o600 });
      mended = false;
      appendFileSync(path, Buffer.concat([line, Buffer.from("\n")]), { mode: 0o600 });
      mended = true;
      return { kind: "done" };
    } catch (cause) {
      return { kind: "later", reason: cause instanceof Error ? cause.message : String(cause) };
    }
  };
  return { send, close: () => Promise.resolve() };
}

function endsMidLine(path: string): boolean {
  if (!existsSync(path)) return false;
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 10;
  } finally {
    closeSync(fd);
  }
}

/** In: where, from the settings alone. Out: a sink that posts OTLP protobuf over HTTP. Throws when the URL is none. */
export function otlpSink(otlp: NonNullable<RecordSettings["otlp"]>, make: (spans: readonly SpanData[]) => readonly ReadableSpan[]): Sink {
  forgetEnvironment();
  const exporter = new OTLPTraceExporter({ url: otlp.url, headers: { ...otlp.headers }, timeoutMillis: otlp.timeoutMs, concurrencyLimit: 4, keepAlive: true, httpAgentOptions: { keepAlive: true } });
  const send = (spans: readonly SpanData[]): Promise<Delivery> => new Promise((resolve) => {
    exporter.export([...make(spans)], (result) => resolve(result.code === 0 ? { kind: "done" } : { kind: isFinal(result.error) ? "never" : "later", reason: result.error?.message ?? "the export failed" }));
  });
  return { send, close: () => exporter.shutdown() };
}

/** Answers that the same bytes would get again. Everything else (also 401, 404: somebody may put it right) is tried again. */
function isFinal(error: Error | undefined): boolean {
  return error !== undefined && "code" in error && [400, 413, 415, 422].includes(Number(error.code));
}

function forgetEnvironment(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("OTEL_")) delete process.env[name];
}
