/**
 * An OTLP/HTTP receiver on loopback that decodes with the reference protobuf classes, and can fail in the ways collectors do.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";

export type Fault = "503" | "429" | "reset" | "hang" | "400" | "401" | "404";
export type ReceivedSpan = {
  readonly traceId: string; readonly spanId: string; readonly parentSpanId: string; readonly name: string; readonly kind: number; readonly flags: number;
  readonly start: bigint; readonly end: bigint; readonly status: number; readonly attributes: ReadonlyMap<string, unknown>; readonly resource: ReadonlyMap<string, unknown>;
  readonly events: readonly { readonly name: string; readonly attributes: ReadonlyMap<string, unknown> }[];
};

export type ReceivedLog = { readonly event: string; readonly time: bigint; readonly severity: string; readonly traceId: string; readonly spanId: string; readonly attributes: ReadonlyMap<string, unknown>; readonly resource: ReadonlyMap<string, unknown> };
/** One point of a metric; `value`: the sum of a counter, the count of a histogram. */
export type ReceivedPoint = { readonly name: string; readonly unit: string; readonly kind: "sum" | "histogram" | "gauge"; readonly start: bigint; readonly value: number; readonly buckets: readonly number[]; readonly attributes: ReadonlyMap<string, unknown> };

type AnyValue = { readonly stringValue?: string | null; readonly boolValue?: boolean | null; readonly intValue?: unknown; readonly doubleValue?: number | null; readonly arrayValue?: { readonly values: readonly AnyValue[] } | null };
type KeyValue = { readonly key: string; readonly value: AnyValue };
type Wire = {
  readonly resourceSpans: readonly { readonly resource: { readonly attributes: readonly KeyValue[] }; readonly scopeSpans: readonly { readonly spans: readonly {
    readonly traceId: Uint8Array; readonly spanId: Uint8Array; readonly parentSpanId: Uint8Array | null; readonly name: string; readonly kind: number; readonly flags: number;
    readonly startTimeUnixNano: unknown; readonly endTimeUnixNano: unknown; readonly status: { readonly code: number } | null; readonly attributes: readonly KeyValue[]; readonly events: readonly { readonly name: string; readonly attributes: readonly KeyValue[] }[];
  }[] }[] }[];
};
type Reference<Message> = { readonly decode: (bytes: Uint8Array) => Message };
type LogWire = {
  readonly resourceLogs: readonly { readonly resource: { readonly attributes: readonly KeyValue[] }; readonly scopeLogs: readonly { readonly logRecords: readonly {
    readonly eventName: string; readonly timeUnixNano: unknown; readonly severityText: string; readonly traceId: Uint8Array | null; readonly spanId: Uint8Array | null; readonly attributes: readonly KeyValue[];
  }[] }[] }[];
};
type PointWire = { readonly startTimeUnixNano: unknown; readonly asInt?: unknown; readonly asDouble?: number | null; readonly count?: unknown; readonly bucketCounts?: readonly unknown[]; readonly attributes: readonly KeyValue[] };
type MetricWire = {
  readonly resourceMetrics: readonly { readonly scopeMetrics: readonly { readonly metrics: readonly {
    readonly name: string; readonly unit: string;
    readonly sum?: { readonly dataPoints: readonly PointWire[]; readonly isMonotonic: boolean; readonly aggregationTemporality: number } | null; readonly histogram?: { readonly dataPoints: readonly PointWire[]; readonly aggregationTemporality: number } | null; readonly gauge?: { readonly dataPoints: readonly PointWire[] } | null;
  }[] }[] }[];
};

type Collector = {
  readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: Reference<Wire> } };
  readonly logs: { readonly v1: { readonly ExportLogsServiceRequest: Reference<LogWire> } };
  readonly metrics: { readonly v1: { readonly ExportMetricsServiceRequest: Reference<MetricWire> } };
};
const { opentelemetry } = createRequire(import.meta.url)("otlp-ref/build/src/generated/root.js") as { readonly opentelemetry: { readonly proto: { readonly collector: Collector } } };
const { trace, logs, metrics } = opentelemetry.proto.collector;

export class Receiver {
  readonly spans: ReceivedSpan[] = [];
  readonly requests: { readonly path: string; readonly type: string; readonly headers: IncomingMessage["headers"]; readonly answered: string }[] = [];
  readonly logs: ReceivedLog[] = [];
  /** Of the last request of metrics: cumulative points replace those before. */
  points: readonly ReceivedPoint[] = [];
  /** How requests fail while this says so, before `faults` are looked at. */
  failing: (path: string) => Fault | undefined = () => undefined;
  /** How the next requests fail, first first; then all succeed. */
  readonly faults: Fault[] = [];
  /** Refuses a request with 400 when this says so of one of its spans. */
  refuses: (span: ReceivedSpan) => boolean = () => false;
  readonly #server = createServer((request, response) => { void this.#handle(request, response); });

  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => { this.#server.listen(port, "127.0.0.1", resolve); });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => { this.#server.close(resolve); });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const path = request.url ?? "";
    const fault = this.failing(path) ?? this.faults.shift();
    const body = Buffer.concat(parts);
    const got = path.endsWith("/traces") ? decode(body) : [];
    const records = path.endsWith("/logs") ? decodeLogs(body) : [];
    const points = path.endsWith("/metrics") ? decodeMetrics(body) : undefined;
    const refused = fault === undefined && got.some((span) => this.refuses(span));
    this.requests.push({ path: request.url ?? "", type: request.headers["content-type"] ?? "", headers: request.headers, answered: refused ? "400" : fault ?? "200" });
    switch (refused ? "400" : fault) {
      case "503": response.writeHead(503).end(); return;
      case "429": response.writeHead(429, { "retry-after": "1" }).end(); return;
      case "401": case "404": response.writeHead(Number(fault)).end(); return;
      case "400": response.writeHead(400).end(); return;
      case "reset": request.socket.resetAndDestroy(); return;
      case "hang": return;
      case undefined:
        this.spans.push(...got);
        this.logs.push(...records);
        this.points = points ?? this.points;
        response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    }
  }
}

function decode(body: Buffer): readonly ReceivedSpan[] {
  return trace.v1.ExportTraceServiceRequest.decode(body).resourceSpans.flatMap((of) => of.scopeSpans.flatMap((scope) => scope.spans.map((span): ReceivedSpan => ({
    traceId: hex(span.traceId), spanId: hex(span.spanId), parentSpanId: hex(span.parentSpanId), name: span.name, kind: span.kind, flags: span.flags,
    start: BigInt(String(span.startTimeUnixNano)), end: BigInt(String(span.endTimeUnixNano)), status: span.status?.code ?? 0,
    attributes: values(span.attributes), resource: values(of.resource.attributes), events: span.events.map(({ name, attributes }) => ({ name, attributes: values(attributes) })),
  }))));
}

function decodeLogs(body: Buffer): readonly ReceivedLog[] {
  return logs.v1.ExportLogsServiceRequest.decode(body).resourceLogs.flatMap((of) => of.scopeLogs.flatMap((scope) => scope.logRecords.map((record): ReceivedLog => ({
    event: record.eventName, time: BigInt(String(record.timeUnixNano)), severity: record.severityText, traceId: hex(record.traceId), spanId: hex(record.spanId), attributes: values(record.attributes), resource: values(of.resource.attributes),
  }))));
}

function decodeMetrics(body: Buffer): readonly ReceivedPoint[] {
  return metrics.v1.ExportMetricsServiceRequest.decode(body).resourceMetrics.flatMap((of) => of.scopeMetrics.flatMap((scope) => scope.metrics.flatMap(({ name, unit, sum, histogram, gauge }) => {
    for (const aggregated of [sum, histogram]) if (aggregated !== null && aggregated !== undefined && aggregated.aggregationTemporality !== 2) throw new Error(`${name} is not cumulative`);
    const kind = sum ? "sum" : histogram ? "histogram" : "gauge";
    return (sum ?? histogram ?? gauge)?.dataPoints.map((point): ReceivedPoint => ({
      name, unit, kind, start: BigInt(String(point.startTimeUnixNano)), value: Number(String(kind === "histogram" ? point.count : point.asInt ?? point.asDouble)), buckets: (point.bucketCounts ?? []).map((count) => Number(String(count))), attributes: values(point.attributes),
    })) ?? [];
  })));
}

function values(list: readonly KeyValue[]): ReadonlyMap<string, unknown> {
  return new Map(list.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: AnyValue): unknown {
  if (value.arrayValue !== null && value.arrayValue !== undefined) return value.arrayValue.values.map(plain);
  if (value.intValue !== null && value.intValue !== undefined) return Number(String(value.intValue));
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}

/** The reference decoder gives null for bytes that were not sent. */
function hex(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString("hex");
}
