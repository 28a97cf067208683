/**
 * From lines to lives: collects what the journal says of one request until it is finished.
 */
import type { Chained, ConnectionBody, ConnectionDecidedBody, DecidedBody, FinishedBody, IntentBody, ReceivedBody } from "./entries.ts";
import type { Located, Position } from "./segments.ts";

type At<Body> = Body & Chained;

/** All that is known of one finished request. `decided` is missing when the broker died before it decided. */
export type Life = {
  readonly received: At<ReceivedBody>;
  readonly decided: At<DecidedBody> | undefined;
  readonly started: { readonly pid: number; readonly time: number } | undefined;
  readonly connections: readonly ConnectionBody[];
  readonly asked: readonly At<ConnectionDecidedBody>[];
  /** Protected names that the command made. */
  readonly planted: readonly string[];
  /** The directory that some of them were moved to. */
  readonly moved?: string | undefined;
  /** What the agent's transcript said, when that was found before the end. */
  readonly intent: IntentBody | undefined;
  readonly finished: At<FinishedBody>;
};

type Part = { readonly received: At<ReceivedBody>; readonly from: Position; readonly connections: ConnectionBody[]; readonly asked: At<ConnectionDecidedBody>[]; planted: readonly string[]; moved?: string | undefined; intent?: IntentBody; decided?: At<DecidedBody>; started?: { readonly pid: number; readonly time: number } };

/** Memory: the requests that are open at the place reached. */
export class Assembler {
  readonly #open = new Map<string, Part>();

  /** In: the next entry. Out: a life, when this entry ends one. A second end of the same request gives nothing. */
  push({ entry, segment, start }: Located): Life | undefined {
    switch (entry.kind) {
      case "received":
        this.#open.set(entry.id, { received: entry, from: { segment, offset: start }, connections: [], asked: [], planted: [] });
        return undefined;
      case "decided": {
        const part = this.#open.get(entry.id);
        if (part !== undefined) part.decided = entry;
        return undefined;
      }
      case "started": {
        const part = this.#open.get(entry.id);
        if (part !== undefined) part.started = { pid: entry.pid, time: entry.time };
        return undefined;
      }
      case "connection":
        this.#open.get(entry.id)?.connections.push(entry);
        return undefined;
      case "connection-decided":
        this.#open.get(entry.id)?.asked.push(entry);
        return undefined;
      case "planted": {
        const part = this.#open.get(entry.id);
        if (part !== undefined) [part.planted, part.moved] = [entry.paths, entry.moved];
        return undefined;
      }
      case "intent": {
        const part = this.#open.get(entry.id);
        if (part !== undefined) part.intent = entry;
        return undefined;
      }
      case "finished": {
        const part = this.#open.get(entry.id);
        if (part === undefined) return undefined;
        this.#open.delete(entry.id);
        return { received: part.received, decided: part.decided, started: part.started, connections: part.connections, asked: part.asked, planted: part.planted, ...(part.moved === undefined ? {} : { moved: part.moved }), intent: part.intent, finished: entry };
      }
      case "opened":
      case "undone":
      case "granted":
      case "revoked":
      case "attached":
      case "bypass":
      case "published":
      case "unpublished":
      case "checkpoint":
      case "retired":
      case "unrecorded":
      case "gap":
        return undefined;
    }
  }

  /** Where reading must begin so that every request open now is seen whole; undefined when none is. */
  get oldest(): Position | undefined {
    return this.#open.values().next().value?.from;
  }
}
