import { escapeText, isWithin, LIMITS } from "../model/index.ts";
import type { Recorder } from "../record/index.ts";
import { Dialler, listenersIn, portsIn, type Inhabited, type Rooms } from "../sandbox/index.ts";
import { PublishedPort } from "./published-port.ts";

/** A port of a warm sandbox, for a person. */
export type ListedPort = {
  readonly port: number;
  readonly workspace: string;
  /** Who listens, as far as it can be told; the agent's text. */
  readonly pid: number | undefined;
  readonly program: string | undefined;
  /** False when it is published and nobody listens any more. */
  readonly listening: boolean;
  /** The port of the host's loopback where it can be reached. */
  readonly as: number | undefined;
};

/** Which port, where on the host (the same number if not said), and which room if several listen on it. */
export type PublishRequest = { readonly port: number; readonly as?: number | undefined; readonly workspace?: string | undefined; readonly pid?: number | undefined };

export type PortAnswer = { readonly ok: true; readonly port: number; readonly as: number; readonly workspace: string } | PortRefusal;
type PortRefusal = { readonly ok: false; readonly error: string; readonly hint: string };

type Parts = { readonly rooms: Pick<Rooms, "inhabited">; readonly recorder: Pick<Recorder, "published" | "unpublished">; readonly log: (message: string) => void };

/**
 * Servers of warm sandboxes that can be reached from outside. INVARIANT: only a person's word or setting publishes; a published port is on
 * 127.0.0.1 alone, and ends with its room, with the broker, or when a person says so.
 */
export class Ports {
  readonly #parts: Parts;
  readonly #published = new Map<number, PublishedPort>();
  readonly #diallers = new Map<Inhabited, Promise<Dialler>>();
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  list(): readonly ListedPort[] {
    return this.#parts.rooms.inhabited().flatMap((room) => {
      const { workspace } = room;
      const listeners = listenersIn(room.address);
      const silent = [...this.#published.values()].filter((one) => one.room === room && !listeners.some(({ port }) => port === one.port));
      return [
        ...listeners.map(({ port, pid, program }) => ({ port, workspace, pid, program, listening: true, as: this.#of(room, port)?.as })),
        ...silent.map(({ port, as }) => ({ port, workspace, pid: undefined, program: undefined, listening: false, as })),
      ];
    });
  }

  /** In: what to publish, who wants it. Never rejects. */
  async publish(wanted: PublishRequest, by: string | undefined): Promise<PortAnswer> {
    const room = this.#find(wanted);
    return "ok" in room ? room : this.#open(room, wanted.port, wanted.as ?? wanted.port, by);
  }

  /** The same for one room. `by`: a person, or "settings". */
  publishIn(room: Inhabited, port: number, by: string | undefined): Promise<PortAnswer> {
    return this.#open(room, port, port, by);
  }

  isPublished(room: Inhabited, port: number): boolean {
    return this.#of(room, port) !== undefined;
  }

  /** In: a port of the host where something is published; or one inside, if only one such is. */
  unpublish(port: number): PortAnswer {
    const inside = [...this.#published.values()].filter((one) => one.port === port);
    const found = this.#published.get(port) ?? (inside.length === 1 ? inside[0] : undefined);
    if (found === undefined) return { ok: false, error: inside.length === 0 ? `port ${port} is not published` : `port ${port} of ${inside.length} sandboxes is published`, hint: "`vetsh ports` shows which ports of this machine are; name one of those" };
    this.#end(found, "a person ended it");
    return { ok: true, port: found.port, as: found.as, workspace: found.room.workspace };
  }

  close(): void {
    this.#closed = true;
    for (const one of this.#published.values()) this.#end(one, "the broker stops");
  }

  #of(room: Inhabited, port: number): PublishedPort | undefined {
    return [...this.#published.values()].find((one) => one.room === room && one.port === port);
  }

  #find({ port, workspace, pid }: PublishRequest): Inhabited | PortRefusal {
    const listening = this.#parts.rooms.inhabited().filter((room) => portsIn(room.address).has(port));
    if (listening.length === 0) return { ok: false, error: `nothing in a sandbox listens on port ${port}`, hint: "`vetsh ports` shows what does; start the server in the background first (a command that was given hosts has a sandbox that cannot be reached)" };
    const named = listening.filter((room) => (workspace === undefined || isWithin(workspace, room.workspace)) && (pid === undefined || listenersIn(room.address).some((one) => one.port === port && one.pid === pid)));
    if (named.length === 1 && named[0] !== undefined) return named[0];
    const where = [...new Set(listening.map((room) => `\`${escapeText(room.workspace, { maxLength: LIMITS.shownPiece })}\``))].join(", ");
    if (named.length === 0) return { ok: false, error: `nothing that fits listens on port ${port}`, hint: `it is listened on in ${where}` };
    return { ok: false, error: `${named.length} sandboxes listen on port ${port}`, hint: `name one by \`--workspace DIR\` (${where}), or by \`--pid PID\` as \`vetsh ports\` shows it` };
  }

  async #open(room: Inhabited, port: number, as: number, by: string | undefined): Promise<PortAnswer> {
    const known = this.#of(room, port);
    if (known !== undefined) return { ok: false, error: `port ${port} is published already, as 127.0.0.1:${known.as}`, hint: `\`vetsh ports unpublish ${known.as}\` ends that` };
    if (this.#closed || this.#published.size >= LIMITS.portsPublished) return { ok: false, error: `${LIMITS.portsPublished} ports are published`, hint: "end one: `vetsh ports unpublish PORT`" };
    try {
      // Before anybody is told that it can be reached.
      await this.#dialler(room);
      const one = await PublishedPort.open(room, port, as, async () => (await this.#dialler(room)).connect(port));
      this.#published.set(as, one);
      room.onEnd(() => this.#end(one, "its sandbox ended"));
      this.#note(this.#parts.recorder.published({ port, as, workspace: room.workspace, by }));
      // It may have ended while we were at it, and then nobody calls.
      if (!this.#parts.rooms.inhabited().includes(room)) this.#end(one, "its sandbox ended");
      return { ok: true, port, as, workspace: room.workspace };
    } catch (error) {
      this.#letGo(room);
      return refusalOf(error, port, as);
    }
  }

  #end(one: PublishedPort, reason: string): void {
    if (this.#published.get(one.as) !== one) return;
    this.#published.delete(one.as);
    one.close();
    this.#letGo(one.room);
    this.#note(this.#parts.recorder.unpublished({ port: one.port, as: one.as, workspace: one.room.workspace, reason }));
  }

  /** One for all ports of a room; a new one when it has ended. */
  async #dialler(room: Inhabited): Promise<Dialler> {
    const known = await (this.#diallers.get(room) ?? this.#start(room));
    if (!known.isOver) return known;
    // Whoever comes first replaces it.
    if ((await this.#diallers.get(room)) === known) this.#diallers.delete(room);
    return this.#diallers.get(room) ?? this.#start(room);
  }

  #start(room: Inhabited): Promise<Dialler> {
    const made = Dialler.start(room.init, room.address);
    this.#diallers.set(room, made);
    // Whoever waits for it is told; the next one tries again.
    made.catch(() => { if (this.#diallers.get(room) === made) this.#diallers.delete(room); });
    return made;
  }

  /** Ends the dialler of a room of which nothing is published any more. */
  #letGo(room: Inhabited): void {
    if ([...this.#published.values()].some((one) => one.room === room)) return;
    const dialler = this.#diallers.get(room);
    this.#diallers.delete(room);
    // One that could not be started is gone already, and whoever wanted it was told.
    dialler?.then((one) => one.close(), () => undefined);
  }

  #note(written: { readonly ok: boolean; readonly message?: string }): void {
    if (!written.ok) this.#parts.log(`not recorded: ${written.message ?? ""}`);
  }
}

function refusalOf(error: unknown, port: number, as: number): PortRefusal {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const other = `\`vetsh ports publish ${port} --as N\` takes another`;
  if (code === "EADDRINUSE") return { ok: false, error: `port ${as} of this machine is taken`, hint: other };
  if (code === "EACCES") return { ok: false, error: `port ${as} of this machine is not for ordinary users`, hint: `${other}, 1024 or above` };
  return { ok: false, error: escapeText(`the sandbox cannot be reached: ${error instanceof Error ? error.message : String(error)}`, { maxLength: LIMITS.shownReason }), hint: "`vetsh doctor` looks whether everything is in place" };
}
