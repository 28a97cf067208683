import { LIMITS } from "../model/index.ts";
import { portsIn, type Inhabited, type Rooms } from "../sandbox/index.ts";
import type { Ports } from "./ports.ts";

type Parts = {
  readonly rooms: Pick<Rooms, "inhabited">;
  readonly ports: Pick<Ports, "publishIn" | "isPublished">;
  /** Ports that settings publish, as they are now. */
  readonly wanted: () => readonly number[];
  readonly log: (message: string) => void;
};

/**
 * Publishes the ports that settings name, when something begins to listen on them. It looks when a command in a warm sandbox starts or
 * ends, and each LIMITS.portsLookMs while something runs in one; with no such setting it never looks.
 */
export class PortWatch {
  readonly #parts: Parts;
  /** Ports of a room that were listened on at the last look, and those of which it was said that they cannot be published. */
  readonly #known = new WeakMap<Inhabited, { readonly listening: Set<number>; readonly told: Set<number> }>();
  #next: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A command in a warm sandbox started or ended. */
  stirred(): void {
    if (this.#parts.wanted().length > 0) this.#lookIn(0);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#next);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#next);
    if (!this.#closed) this.#next = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    const wanted = this.#parts.wanted();
    const rooms = this.#parts.rooms.inhabited();
    for (const room of wanted.length === 0 ? [] : rooms) this.#lookAt(room, wanted);
    if (wanted.length > 0 && rooms.some((room) => room.isBusy())) this.#lookIn(LIMITS.portsLookMs);
  }

  /** Only what begins to listen: what a person unpublished stays so until its server has ended. */
  #lookAt(room: Inhabited, wanted: readonly number[]): void {
    const known = this.#known.get(room) ?? { listening: new Set(), told: new Set() };
    this.#known.set(room, known);
    const now = portsIn(room.address);
    for (const port of known.listening) if (!now.has(port)) known.listening.delete(port);
    for (const port of wanted) {
      if (!now.has(port) || known.listening.has(port)) continue;
      known.listening.add(port);
      if (!this.#parts.ports.isPublished(room, port)) void this.#publish(room, port, known.told);
    }
  }

  async #publish(room: Inhabited, port: number, told: Set<number>): Promise<void> {
    const answer = await this.#parts.ports.publishIn(room, port, "settings");
    if (answer.ok || told.has(port)) return;
    told.add(port);
    this.#parts.log(`port ${port} of a sandbox was not published: ${answer.error}; hint: ${answer.hint}`);
  }
}
