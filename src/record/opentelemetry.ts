/**
 * Our spans, log records and metrics as OpenTelemetry's, encoded. The only importer of @opentelemetry; loaded by the first export.
 *
 * SECURITY: variables of the environment (`OTEL_*`) can silence, gut or redirect an SDK. The broker starts without them; here they
 * are removed once more, and sampler, limits, resource and ids are all given, so that nothing is left to be defaulted. Nothing of
 * OpenTelemetry sends: `sink.ts` does, from the settings alone.
 */
import { hostname, platform } from "node:os";
import { randomUUID } from "node:crypto";
import { ROOT_CONTEXT, SeverityNumber, SpanKind, SpanStatusCode, trace as api, TraceFlags, ValueType, type HrTime } from "@opentelemetry/api";
import { JsonLogsSerializer, JsonMetricsSerializer, JsonTraceSerializer, ProtobufLogsSerializer, ProtobufMetricsSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, TracerProvider, type ReadableSpan, type SpanProcessor } from "@opentelemetry/sdk-trace";
import { escapeText, LIMITS } from "../model/index.ts";
import { ATTRIBUTES, LOGS, METRICS, SPANS, type MetricName } from "./attributes.ts";
import type { LogData } from "./logs.ts";
import { BOUNDS, type Series, type Totals } from "./metrics.ts";
import type { SpanData } from "./spans.ts";
import { personName } from "./person.ts";

/** Turns one signal into bytes: OTLP-JSON for files, protobuf for collectors. Out: undefined when it cannot be encoded. `partial`: what an answer says was dropped. */
export type Encoder<Value> = { json(value: Value): Uint8Array | undefined; protobuf(value: Value): Uint8Array | undefined; partial(answer: Uint8Array): string | undefined };

/** All counted numbers at one moment, and how much of the journal waits. `time`: milliseconds since the epoch. */
export type Reading = { readonly totals: Totals; readonly time: number; readonly spoolBytes: number };

/** In: the version of vetsh. Out: what encodes each signal; all of them name the same resource. */
export function encoders(version: string): { readonly spans: Encoder<readonly SpanData[]>; readonly logs: Encoder<readonly LogData[]>; readonly metrics: Encoder<Reading> } {
  forgetEnvironment();
  const resource = resourceFromAttributes(resourceAttributes(version));
  const scope = { name: "vetsh", version };
  const spans = spanFactory(version, resource);
  const records = (logs: readonly LogData[]): LogRecords => logs.map((log) => logRecord(log, resource, scope));
  const readings = (reading: Reading): ResourceMetrics => ({ resource, scopeMetrics: [{ scope, metrics: metricsOf(reading) }] });
  return {
    spans: {
      json: (value) => JsonTraceSerializer.serializeRequest([...spans(value)]), protobuf: (value) => ProtobufTraceSerializer.serializeRequest([...spans(value)]),
      partial: (answer) => { const { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(answer); return said(partialSuccess?.rejectedSpans, partialSuccess?.errorMessage); },
    },
    logs: {
      json: (value) => JsonLogsSerializer.serializeRequest(records(value)), protobuf: (value) => ProtobufLogsSerializer.serializeRequest(records(value)),
      partial: (answer) => { const { partialSuccess } = ProtobufLogsSerializer.deserializeResponse(answer); return said(partialSuccess?.rejectedLogRecords, partialSuccess?.errorMessage); },
    },
    metrics: {
      json: (value) => JsonMetricsSerializer.serializeRequest(readings(value)), protobuf: (value) => ProtobufMetricsSerializer.serializeRequest(readings(value)),
      partial: (answer) => { const { partialSuccess } = ProtobufMetricsSerializer.deserializeResponse(answer); return said(partialSuccess?.rejectedDataPoints, partialSuccess?.errorMessage); },
    },
  };
}

function said(rejected: number | undefined, message: string | undefined): string | undefined {
  if ((rejected ?? 0) === 0 && (message ?? "") === "") return undefined;
  return `${rejected ?? 0} were dropped${message === undefined || message === "" ? "" : `: ${escapeText(message, { maxLength: 300 })}`}`;
}

type Resource = ReturnType<typeof resourceFromAttributes>;
type Scope = { readonly name: string; readonly version: string };
type LogRecords = Parameters<typeof JsonLogsSerializer.serializeRequest>[0];
type ResourceMetrics = Parameters<typeof JsonMetricsSerializer.serializeRequest>[0];
type MetricData = ResourceMetrics["scopeMetrics"][number]["metrics"][number];

function logRecord({ name, time, severity, context, attributes }: LogData, resource: Resource, scope: Scope): LogRecords[number] {
  return {
    hrTime: highResolution(time), hrTimeObserved: highResolution(time), severityNumber: SeverityNumber[severity], severityText: severity, eventName: LOGS[name].name,
    resource, instrumentationScope: scope, attributes: mutable(attributes), droppedAttributesCount: 0,
    ...(context === undefined ? {} : { spanContext: { ...context, traceFlags: TraceFlags.SAMPLED } }),
  };
}

function highResolution(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

/** Numbers of the SDK's enumerations, which only a package exports that we otherwise do not need. */
const CUMULATIVE: MetricData["aggregationTemporality"] = 1;
const POINT = { histogram: 0, gauge: 2, counter: 3 } as const;

function metricsOf({ totals, time, spoolBytes }: Reading): MetricData[] {
  const startTime = highResolution(totals.start);
  const endTime = highResolution(time);
  return Object.entries(METRICS).flatMap(([metric, { name, kind, unit, note }]): MetricData[] => {
    const series = totals.series.filter((one) => one.metric === (metric as MetricName));
    const base = { descriptor: { name, unit, description: note, valueType: kind === "histogram" ? ValueType.DOUBLE : ValueType.INT }, aggregationTemporality: CUMULATIVE };
    const point = <Value>({ attributes }: Pick<Series, "attributes">, value: Value): { startTime: HrTime; endTime: HrTime; attributes: Record<string, string>; value: Value } => ({ startTime, endTime, attributes: { ...attributes }, value });
    switch (kind) {
      case "gauge": return [{ ...base, dataPointType: POINT.gauge, dataPoints: [point({ attributes: {} }, spoolBytes)] }];
      case "counter": return series.length === 0 ? [] : [{ ...base, dataPointType: POINT.counter, isMonotonic: true, dataPoints: series.map((one) => point(one, one.count)) }];
      case "histogram": return series.length === 0 ? [] : [{ ...base, dataPointType: POINT.histogram, dataPoints: series.map((one) => point(one, {
        buckets: { boundaries: [...BOUNDS], counts: [...one.counts] }, sum: one.sum, count: one.count, min: one.min, max: one.max,
      })) }];
    }
  });
}

/** Turns our spans into OpenTelemetry's; every one is sampled. */
function spanFactory(version: string, resource: Resource): (spans: readonly SpanData[]) => readonly ReadableSpan[] {
  const next = { traceId: "", spanId: "" };
  const ended: ReadableSpan[] = [];
  const collect: SpanProcessor = { onStart: () => undefined, onEnd: (span) => { ended.push(span); }, forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() };
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    resource,
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
    [ATTRIBUTES.hostName.name]: hostname(), [ATTRIBUTES.osType.name]: platform(), [ATTRIBUTES.owner.name]: personName(),
  };
}

function forgetEnvironment(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("OTEL_")) delete process.env[name];
}
