import { hash } from "node:crypto";
import type { Server } from "node:net";
import { LIMITS } from "../model/index.ts";
import { Holder, type Around, type RoomAddress } from "./holder.ts";
import type { RoomPlan } from "./place.ts";
import { Standby, type Maker } from "./standby.ts";

/** How one command starts in a room: what the shim is told (docs/protocol.md). */
export type Entry = RoomAddress & { readonly directory: string; readonly ownSession: boolean; readonly set: readonly string[] };

/** A command's stay in a room. Whoever got it calls `leave` when the command has ended, or never began. */
export type Stay = {
  readonly entry: Entry;
  /** Whether nobody was in the room before. */
  readonly isFirst: boolean;
  leave(): void;
  /** Ends what a killed shim left of its command: the process group with this number. */
  endGroup(group: number): void;
};

/** A room that can be looked into from outside. The same object each time, as long as its process 1 lives. */
export type Inhabited = {
  readonly address: RoomAddress;
  readonly workspace: string;
  /** vetsh-init, by which it was made. */
  readonly init: string;
  /** Whether a command or what one left runs in it. */
  isBusy(): boolean;
  /** Calls back when its process 1 has ended. */
  onEnd(told: () => void): void;
};

type Room = { readonly plan: RoomPlan; readonly holder: Promise<Holder | undefined>; readonly guests: Set<{ readonly id: string }>; ready: Holder | undefined; seen: Inhabited | undefined; wasEntered: boolean; usedAt: number; /** For which plan its mounts were looked at last. */ lookedFor: RoomPlan | undefined };

/**
 * Serves the door of a room: what programs in it try to reach, though nothing of it was claimed. In: where connections arrive, and who asks which commands
 * (their ids) are in the room at that moment. It ends when the door is closed.
 */
export type Doorkeeper = (door: Server, inside: () => readonly string[]) => void;

/**
 * The warm sandboxes of one broker. INVARIANT: a room is found by the exact words it was made with, so that nobody enters one with
 * other authority; and only while its file system is the one it was made with.
 */
export class Rooms {
  readonly #rooms = new Map<string, Room>();
  /** Nobody enters these any more; jobs live on in them. */
  readonly #left = new Set<Room>();
  readonly #log: (message: string) => void;
  readonly #keepDoor: Doorkeeper;
  readonly #sweep: NodeJS.Timeout;
  readonly #standby = new Standby();
  #failedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(log: (message: string) => void, keepDoor: Doorkeeper) {
    this.#log = log;
    this.#keepDoor = keepDoor;
    this.#sweep = setInterval(() => this.sweep(performance.now()), LIMITS.roomSweepMs).unref();
  }

  /** How many rooms there are, those that are being made included. */
  get size(): number {
    return this.#rooms.size;
  }

  /** In: a session. Out: whether it has a room, or one is being made. */
  knows(session: string): boolean {
    return [...this.#rooms.values()].some(({ plan }) => plan.session === session);
  }

  /** All that exist, those included that nobody enters any more. */
  inhabited(): readonly Inhabited[] {
    return [...this.#rooms.values(), ...this.#left].flatMap(({ seen }) => (seen === undefined ? [] : [seen]));
  }

  /** In: what a command needs, its id, the view of the file system that its shim lives in, if any. Out: a place in a room, made now if there is none; undefined when there can be none: then it starts cold. Never rejects. */
  async enter(plan: RoomPlan, id: string, around?: Around): Promise<Stay | undefined> {
    const room = this.#find(plan, around);
    if (room === undefined) return undefined;
    const wasReady = room.ready !== undefined;
    const isFirst = !room.wasEntered;
    // Counted from here on, so that nobody retires it meanwhile.
    const guest = { id };
    room.guests.add(guest);
    const holder = room.ready ?? (await room.holder);
    if (holder === undefined || this.#closed || (wasReady ? holder.isReleased : !holder.isIntact())) {
      room.guests.delete(guest);
      return undefined;
    }
    room.wasEntered = true;
    return stayIn(room, guest, holder, plan, around, isFirst, () => {
      const key = keyOf(plan, around);
      if (this.#rooms.get(key) === room && !holder.isIntact()) this.#retire(key, room);
    });
  }

  /** From now on what makes rooms is kept ready: the first use of one does not wait for a process to be started. */
  standBy(maker: Maker): void {
    if (!this.#closed) this.#standby.begin(maker);
  }

  /** Makes a room that will probably be needed, if there is none. */
  prepare(plan: RoomPlan, around?: Around): void {
    const key = keyOf(plan, around);
    if (!this.#rooms.has(key)) this.#make(key, plan, around);
  }

  /** Retires rooms that nobody used for long and that hold no jobs. In: the time, as performance.now() gives it. */
  sweep(now: number): void {
    for (const [key, room] of this.#rooms) {
      if (isIdle(room) && now - room.usedAt >= LIMITS.roomIdleMs) this.#retire(key, room);
    }
  }

  /** Lets go of all: each ends when the last command in it has. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweep);
    this.#standby.close();
    for (const [key, room] of this.#rooms) this.#retire(key, room);
  }

  #find(plan: RoomPlan, around: Around | undefined): Room | undefined {
    const key = keyOf(plan, around);
    const known = this.#rooms.get(key);
    if (known !== undefined && isSound(known, plan)) {
      known.usedAt = performance.now();
      return known;
    }
    if (known !== undefined) this.#retire(key, known);
    return this.#make(key, plan, around);
  }

  #make(key: string, plan: RoomPlan, around: Around | undefined): Room | undefined {
    const now = performance.now();
    if (this.#closed || now - this.#failedAt < LIMITS.roomRetryMs || !this.#makePlace(plan.session)) return undefined;
    const room: Room = { plan, ready: undefined, seen: undefined, wasEntered: false, lookedFor: undefined, guests: new Set(), usedAt: now, holder: Holder.start(plan, this.#standby, around).then((holder) => this.#arrived(key, room, holder), (error: unknown) => this.#failed(key, room, error)) };
    this.#rooms.set(key, room);
    return room;
  }

  #arrived(key: string, room: Room, holder: Holder): Holder | undefined {
    if (this.#rooms.get(key) !== room) {
      holder.release();
      return undefined;
    }
    room.ready = holder;
    room.seen = { address: holder.address, workspace: room.plan.workspace, init: room.plan.init, isBusy: () => !isIdle(room), onEnd: (told) => holder.onEnd(told) };
    this.#keepDoor(holder.door, () => [...room.guests].map(({ id }) => id));
    holder.onEnd(() => {
      this.#retire(key, room);
      this.#left.delete(room);
    });
    return holder;
  }

  #failed(key: string, room: Room, error: unknown): undefined {
    if (this.#rooms.get(key) === room) this.#rooms.delete(key);
    if (this.#closed) return undefined;
    this.#failedAt = performance.now();
    this.#log(`a warm sandbox could not be made, commands start cold for ${LIMITS.roomRetryMs / 1000} s: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }

  /** Out: false when the limits are reached and every room is in use. */
  #makePlace(session: string): boolean {
    const inSession = [...this.#rooms].filter(([, room]) => room.plan.session === session);
    if (inSession.length >= LIMITS.roomsPerSession && !this.#retireOldest(inSession)) return false;
    return this.#rooms.size < LIMITS.rooms || this.#retireOldest([...this.#rooms]);
  }

  /** A room with jobs goes only when there is none without. */
  #retireOldest(among: readonly (readonly [string, Room])[]): boolean {
    const free = among.filter(([, room]) => room.guests.size === 0).toSorted(([, a], [, b]) => Number(!isIdle(a)) - Number(!isIdle(b)) || a.usedAt - b.usedAt)[0];
    if (free === undefined) return false;
    this.#retire(...free);
    return true;
  }

  #retire(key: string, room: Room): void {
    if (this.#rooms.get(key) === room) this.#rooms.delete(key);
    if (room.ready !== undefined && !this.#closed) this.#left.add(room);
    room.ready?.release();
  }
}

/** SECURITY: the words are compared, by a digest that nobody can find a second text for; each word with its length, so that none runs into the next. */
function keyOf({ words, init }: RoomPlan, around: Around | undefined): string {
  const beside = `${around?.userNamespace?.inode ?? ""}:`;
  const known = keys.get(words);
  if (known?.beside === beside && known.init === init) return known.key;
  let text = beside;
  for (const word of [init, ...words]) text += `${word.length}:${word}`;
  const key = hash("sha256", text, "base64");
  keys.set(words, { beside, init, key });
  return key;
}

/** Of words that were seen before: nobody changes them. */
const keys = new WeakMap<RoomPlan["words"], { readonly beside: string; readonly init: string; readonly key: string }>();

/**
 * Whether it may be entered.
 * SECURITY: a plan that is the same object was made of a survey in which nothing changed, and the shim compares the mounts when it is inside (`lastMount`):
 * then they need not be read here, on the way of the command. They are when it has ended (`leave`).
 */
function isSound(room: Room, plan: RoomPlan): boolean {
  if (room.ready === undefined) return true;
  const sound = room.lookedFor === plan && room.ready.address.mounts > 0 ? room.ready.isThere() : room.ready.isIntact();
  room.lookedFor = plan;
  return sound;
}

function isIdle(room: Room): boolean {
  return room.guests.size === 0 && room.ready?.hasJobs() !== true;
}

function stayIn(room: Room, guest: { readonly id: string }, holder: Holder, { directory, ownSession, set }: RoomPlan, around: Around | undefined, isFirst: boolean, left: () => void): Stay {
  return {
    entry: { ...holder.address, ...(around === undefined ? {} : { outside: around.outside }), directory, ownSession, set },
    isFirst,
    leave: () => {
      if (!room.guests.delete(guest)) return;
      room.usedAt = performance.now();
      left();
    },
    // With a terminal the group is the caller's own, and gone with the shim.
    endGroup: (group) => { if (ownSession) holder.endGroup(group); },
  };
}
