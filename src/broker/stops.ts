import type { Server, Socket } from "node:net";
import { escapeText, LIMITS, type PlanHash } from "../model/index.ts";
import type { NetworkEvent, Resolver } from "../network/index.ts";
import type { ConnectionRecord } from "./connection-record.ts";

type Parts = { readonly resolve: Resolver; readonly log: (message: string) => void };

/**
 * What commands try to reach though nothing of it was claimed: answered at once with the reason, recorded as theirs, and counted. A
 * command that was stopped in LIMITS.stopsBeforeAsk runs gets a way out of its own the next time, on which a person is asked about each
 * host: an agent that runs it again and again loops no longer, and nothing was reached meanwhile.
 */
export class Stops {
  readonly #parts: Parts;
  /** Commands that run in rooms, by id. */
  readonly #running = new Map<string, { readonly plan: PlanHash; readonly record: ConnectionRecord }>();
  /** In how many runs a plan was stopped; the newest last. */
  readonly #counts = new Map<PlanHash, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(id: string, plan: PlanHash, record: ConnectionRecord): void {
    this.#running.set(id, { plan, record });
  }

  /** Its end, or that it never began: later calls change nothing. */
  end(id: string): void {
    this.#running.delete(id);
  }

  /** Whether this command was stopped so often that a person should be asked. */
  isDue(plan: PlanHash): boolean {
    return (this.#counts.get(plan) ?? 0) >= LIMITS.stopsBeforeAsk;
  }

  /** In: where the connections of a room arrive, and which commands are in it. Lets nothing through. Most rooms see no connection: what answers them is loaded with the first. */
  keepDoor(door: Server, inside: () => readonly string[]): void {
    const early: Socket[] = [];
    const hold = (socket: Socket): void => {
      socket.on("error", () => socket.destroy());
      if (early.push(socket) === 1) void open();
    };
    const open = async (): Promise<void> => {
      try {
        const { serveGate } = await import("../network/index.ts");
        door.off("connection", hold);
        serveGate(door, { allow: [], resolve: this.#parts.resolve, onEvent: (event) => this.#stopped(event, inside()) });
        for (const socket of early) if (!socket.destroyed) door.emit("connection", socket);
      } catch (error) {
        this.#parts.log(`a warm sandbox has nobody at its door: ${String(error)}`);
        for (const socket of early.splice(0)) socket.destroy();
      }
    };
    door.maxConnections = LIMITS.networkConnections;
    door.on("connection", hold);
  }

  /** Who of those inside tried cannot be told apart: it is recorded with each of them. */
  #stopped(event: NetworkEvent, ids: readonly string[]): void {
    if (ids.length === 0) this.#parts.log(`a job in the background tried to reach \`${escapeText(event.target?.host ?? "?", { maxLength: 300 })}\` and was refused`);
    for (const id of ids) {
      const one = this.#running.get(id);
      if (one === undefined) continue;
      if (!one.record.wasStopped) this.#count(one.plan);
      one.record.add(event);
    }
  }

  #count(plan: PlanHash): void {
    const count = (this.#counts.get(plan) ?? 0) + 1;
    this.#counts.delete(plan);
    this.#counts.set(plan, count);
    if (this.#counts.size > LIMITS.stopsRemembered) this.#counts.delete(this.#counts.keys().next().value as PlanHash);
  }
}
