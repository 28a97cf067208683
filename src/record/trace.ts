/**
 * Which trace a request belongs to (W3C Trace Context), and what its command is told.
 * SECURITY: TRACEPARENT is a claim of the agent. It can place a command in a trace of its choice, nothing else: the
 * sampled flag is not looked at, so it cannot silence a span, and the raw value is kept as evidence.
 */
import { randomBytes } from "node:crypto";
import { escapeText, LIMITS, type Request, type TraceContext } from "../model/index.ts";

export type Trace = {
  /** The span of the command (`execute_tool`). */
  readonly context: TraceContext;
  /** The span of the process: the parent of whatever the command starts. */
  readonly processSpanId: string;
  /** The value for TRACEPARENT in the command's environment. */
  readonly traceparent: string;
  /** What was inherited, escaped and cut, whether valid or not. */
  readonly inherited: string | undefined;
  /** 0 for a command that was not started inside another one we know. */
  readonly depth: number;
  /** Request id of the command inside which this one runs. */
  readonly parent: string | undefined;
};

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x20-\x7e]*)?$/;

/** Knows the process spans that were given out lately, so that nested commands find the one they run in. */
export class Traces {
  readonly #given = new Map<string, { readonly id: string; readonly depth: number }>();

  /** In: the request. Out: its place in a trace; a new trace when it inherits none that is valid. Calling it again gives other ids. */
  traceFor(request: Request): Trace {
    const raw = request.env.get("TRACEPARENT");
    const inherited = raw === undefined ? undefined : parseTraceparent(raw);
    const outer = inherited === undefined ? undefined : this.#given.get(inherited.spanId);
    const context: TraceContext = { traceId: inherited?.traceId ?? randomId(16), spanId: randomId(8), parentSpanId: inherited?.spanId };
    const processSpanId = randomId(8);
    const depth = outer === undefined ? 0 : outer.depth + 1;
    this.#remember(processSpanId, request.id, depth);
    return {
      context, processSpanId, depth, parent: outer?.id,
      traceparent: `00-${context.traceId}-${processSpanId}-01`,
      inherited: raw === undefined ? undefined : escapeText(raw, { maxLength: 128 }),
    };
  }

  #remember(spanId: string, id: string, depth: number): void {
    this.#given.set(spanId, { id, depth });
    if (this.#given.size <= LIMITS.rememberedSpans) return;
    const oldest = this.#given.keys().next();
    if (!oldest.done) this.#given.delete(oldest.value);
  }
}

/** In: a value of TRACEPARENT. Out: its ids, or undefined when the specification says it must be ignored. */
export function parseTraceparent(value: string): { readonly traceId: string; readonly spanId: string } | undefined {
  const [, version, traceId, spanId, rest] = TRACEPARENT.exec(value) ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined) return undefined;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId };
}

/** Random bytes are fetched for many ids at once: a call costs more than its bytes. */
let pool: Buffer = Buffer.alloc(0);

function randomId(bytes: number): string {
  for (;;) {
    if (pool.length < bytes) pool = randomBytes(2048);
    const id = pool.toString("hex", 0, bytes);
    pool = pool.subarray(bytes);
    if (!/^0+$/.test(id)) return id;
  }
}
