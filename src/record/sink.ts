/**
 * Where what was encoded goes: a local file of lines, or a collector over HTTP. One attempt each; who calls tries again.
 */
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { Agent as TlsAgent, request as httpsRequest } from "node:https";
import { LIMITS } from "../model/index.ts";

/**
 * How a delivery ended. `note`: the place took it and says that it dropped some. `later` is tried again, after `afterMs` at the
 * earliest when the place said so; `refused`: it answers, and will not take this until somebody changes a setting. `never`: these bytes would be refused each time.
 */
export type Delivery =
  | { readonly kind: "done"; readonly note?: string }
  | { readonly kind: "later"; readonly reason: string; readonly afterMs?: number; readonly refused?: true }
  | { readonly kind: "never"; readonly reason: string };

/** A place for bytes. `put` never rejects and ends within a bounded time. */
export type Place = { put(bytes: Uint8Array): Promise<Delivery>; close(): void };

/** In: a path. Out: a place that appends lines (0600); the file before the last `LIMITS.spansFileBytes` is kept as `PATH.1`. */
export function filePlace(path: string): Place {
  let whole = false;
  const put = async (line: Uint8Array): Promise<Delivery> => {
    try {
      if (existsSync(path) && statSync(path).size >= LIMITS.spansFileBytes) renameSync(path, `${path}.1`);
      if (!whole && endsMidLine(path)) appendFileSync(path, "\n", { mode: 0o600 });
      whole = false;
      appendFileSync(path, Buffer.concat([line, Buffer.from("\n")]), { mode: 0o600 });
      whole = true;
      return { kind: "done" };
    } catch (cause) {
      return { kind: "later", reason: cause instanceof Error ? cause.message : String(cause) };
    }
  };
  return { put, close: () => undefined };
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

export type HttpPlace = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For one attempt, in milliseconds. */
  readonly timeoutMs: number;
  /** In: the body of a 2xx answer. Out: what the collector says that it did not take. May throw: then it says nothing. */
  readonly partial: (body: Uint8Array) => string | undefined;
};

/** In: where, from the settings alone. Out: a place that posts protobuf over HTTP; redirections are not followed. Throws when the URL is none. */
export function httpPlace({ url, headers, timeoutMs, partial }: HttpPlace): Place {
  const target = new URL(url);
  const secure = target.protocol === "https:";
  const agent = secure ? new TlsAgent({ keepAlive: true, maxSockets: 4 }) : new Agent({ keepAlive: true, maxSockets: 4 });
  const put = (bytes: Uint8Array): Promise<Delivery> => new Promise((resolve) => {
    const later = (reason: string): void => resolve({ kind: "later", reason });
    const sent = (secure ? httpsRequest : httpRequest)(target, {
      method: "POST", agent, signal: AbortSignal.timeout(timeoutMs),
      headers: { ...headers, "content-type": "application/x-protobuf", "content-length": bytes.length },
    }, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on("data", (part: Buffer) => {
        size += part.length;
        if (size <= LIMITS.exportAnswerBytes) parts.push(part);
      });
      response.on("error", (error) => later(error.message));
      response.on("end", () => resolve(judged(response.statusCode ?? 0, response.headers["retry-after"], () => partial(Buffer.concat(parts)))));
    });
    sent.on("error", (error) => later(error.name === "TimeoutError" || error.name === "AbortError" ? `no answer in ${timeoutMs} ms` : error.message));
    sent.end(bytes);
  });
  return { put, close: () => agent.destroy() };
}

/** Answers that the same bytes would get again, and those that say that a setting is wrong. Everything else may pass. */
const FINAL: ReadonlySet<number> = new Set([400, 413, 415, 422]);
const REFUSALS: ReadonlySet<number> = new Set([401, 402, 403, 404, 405, 410]);

function judged(status: number, retryAfter: string | undefined, partial: () => string | undefined): Delivery {
  if (status >= 200 && status < 300) {
    const note = saidBy(partial);
    return note === undefined ? { kind: "done" } : { kind: "done", note };
  }
  const reason = `the collector answers ${status}`;
  if (FINAL.has(status)) return { kind: "never", reason };
  if (REFUSALS.has(status)) return { kind: "later", reason, refused: true };
  const afterMs = waitOf(retryAfter);
  return { kind: "later", reason, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** SECURITY: what a collector answers is anybody's text (a page, JSON, half a message): who cannot read it still has delivered. */
function saidBy(partial: () => string | undefined): string | undefined {
  try {
    return partial();
  } catch {
    // It took what was sent, and says nothing that is understood.
    return undefined;
  }
}

/** In: `Retry-After`: seconds, or a date. Out: milliseconds, at most LIMITS.exportRestMs. */
function waitOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, LIMITS.exportRestMs) : undefined;
}
