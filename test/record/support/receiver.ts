/**
 * An OTLP/HTTP receiver on loopback that decodes with the reference protobuf classes, and can fail in the ways collectors do.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";

export type Fault = "503" | "429" | "reset" | "hang" | "400";
export type ReceivedSpan = {
  readonly traceId: string; readonly spanId: string; readonly parentSpanId: string; readonly name: string; readonly kind: number; readonly flags: number;
  readonly start: bigint; readonly end: bigint; readonly status: number; readonly attributes: ReadonlyMap<string, unknown>; readonly resource: ReadonlyMap<string, unknown>;
  readonly events: readonly { readonly name: string; readonly attributes: ReadonlyMap<string, unknown> }[];
};

type AnyValue = { readonly stringValue?: string | null; readonly boolValue?: boolean | null; readonly intValue?: unknown; readonly doubleValue?: number | null; readonly arrayValue?: { readonly values: readonly AnyValue[] } | null };
type KeyValue = { readonly key: string; readonly value: AnyValue };
type Wire = {
  readonly resourceSpans: readonly { readonly resource: { readonly attributes: readonly KeyValue[] }; readonly scopeSpans: readonly { readonly spans: readonly {
    readonly traceId: Uint8Array; readonly spanId: Uint8Array; readonly parentSpanId: Uint8Array | null; readonly name: string; readonly kind: number; readonly flags: number;
    readonly startTimeUnixNano: unknown; readonly endTimeUnixNano: unknown; readonly status: { readonly code: number } | null; readonly attributes: readonly KeyValue[]; readonly events: readonly { readonly name: string; readonly attributes: readonly KeyValue[] }[];
  }[] }[] }[];
};
type Reference = { readonly decode: (bytes: Uint8Array) => Wire };

const root = createRequire(import.meta.url)("otlp-ref/build/src/generated/root.js") as { readonly opentelemetry: { readonly proto: { readonly collector: { readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: Reference } } } } } };
const ExportTraceServiceRequest = root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

export class Receiver {
  readonly spans: ReceivedSpan[] = [];
  readonly requests: { readonly path: string; readonly type: string; readonly headers: IncomingMessage["headers"]; readonly answered: string }[] = [];
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
    const fault = this.faults.shift();
    const got = decode(Buffer.concat(parts));
    const refused = fault === undefined && got.some((span) => this.refuses(span));
    this.requests.push({ path: request.url ?? "", type: request.headers["content-type"] ?? "", headers: request.headers, answered: refused ? "400" : fault ?? "200" });
    switch (refused ? "400" : fault) {
      case "503": response.writeHead(503).end(); return;
      case "429": response.writeHead(429, { "retry-after": "1" }).end(); return;
      case "400": response.writeHead(400).end(); return;
      case "reset": request.socket.resetAndDestroy(); return;
      case "hang": return;
      case undefined:
        this.spans.push(...got);
        response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    }
  }
}

function decode(body: Buffer): readonly ReceivedSpan[] {
  return ExportTraceServiceRequest.decode(body).resourceSpans.flatMap((of) => of.scopeSpans.flatMap((scope) => scope.spans.map((span): ReceivedSpan => ({
    traceId: hex(span.traceId), spanId: hex(span.spanId), parentSpanId: hex(span.parentSpanId), name: span.name, kind: span.kind, flags: span.flags,
    start: BigInt(String(span.startTimeUnixNano)), end: BigInt(String(span.endTimeUnixNano)), status: span.status?.code ?? 0,
    attributes: values(span.attributes), resource: values(of.resource.attributes), events: span.events.map(({ name, attributes }) => ({ name, attributes: values(attributes) })),
  }))));
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
