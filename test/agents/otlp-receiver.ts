/** An OTLP/HTTP receiver on loopback that decodes with the protobuf classes generated from OpenTelemetry's own definitions. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import generated from "otlp-ref/build/src/generated/root.js";

export type ReceivedSpan = {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly durationUs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean | readonly string[]>>;
};

export type OtlpReceiver = { readonly endpoint: string; readonly spans: readonly ReceivedSpan[]; close(): void };

export async function receiveSpans(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.headers["content-type"] !== "application/x-protobuf") return void response.writeHead(415).end();
      // Log records and metrics come to the same receiver, under paths of their own.
      if (request.url === "/v1/traces") spans.push(...decode(Buffer.concat(chunks)));
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, spans, close: () => void server.close() };
}

type Value = { stringValue?: string; intValue?: string; boolValue?: boolean; doubleValue?: number; arrayValue?: { values?: Value[] } };
type Plain = { resourceSpans?: { scopeSpans?: { spans?: { name: string; traceId: string; spanId: string; parentSpanId?: string; startTimeUnixNano: string; endTimeUnixNano: string; attributes?: { key: string; value: Value }[] }[] }[] }[] };
type MessageClass = { decode(bytes: Uint8Array): object; toObject(message: object, options: object): Plain };

function decode(bytes: Buffer): ReceivedSpan[] {
  const request = (generated as unknown as { opentelemetry: { proto: { collector: { trace: { v1: { ExportTraceServiceRequest: MessageClass } } } } } }).opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
  const plain = request.toObject(request.decode(bytes), { longs: String, bytes: String });
  const hex = (base64: string | undefined): string => Buffer.from(base64 ?? "", "base64").toString("hex");
  const spans = (plain.resourceSpans ?? []).flatMap((resource) => (resource.scopeSpans ?? []).flatMap((scope) => scope.spans ?? []));
  return spans.map((span) => ({
    name: span.name,
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    durationUs: Number((BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1000n),
    attributes: Object.fromEntries((span.attributes ?? []).map(({ key, value }) => [key, valueOf(value)])),
  }));
}

function valueOf(value: Value): string | number | boolean | readonly string[] {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.doubleValue !== undefined) return value.doubleValue;
  return (value.arrayValue?.values ?? []).map((each) => String(valueOf(each)));
}
