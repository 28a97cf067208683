import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync } from "node:fs";
import { Server } from "node:net";
import type { Readable } from "node:stream";
import { LIMITS } from "../model/index.ts";
import type { RoomPlan } from "./place.ts";
import { abandon, giveWords, type Standby } from "./standby.ts";

/** What a shim needs to find a room and nothing else in its place (shims/enter.h). */
export type RoomAddress = {
  /** Process 1 of the room, as the host numbers it. */
  readonly holder: number;
  /** When that began, in clock ticks since boot. */
  readonly started: number;
  /** Inode of the mount namespace that the room was made in. */
  readonly outside: number;
  /** CLONE_NEW… bits of the namespaces that are the room's own. */
  readonly namespaces: number;
  /** How many mounts it was made with and the number of the last one, which the kernel gives once: the shim compares them. Zero: not known. */
  readonly mounts: number;
  readonly lastMount: number;
};

/**
 * A view of the file system (vetsh run) in which shims live that shall enter. In a user namespace of its own a room must be made, or its shims could not join it;
 * what the room shows of the file system is ours all the same, not the view's.
 */
export type Around = {
  /** Inode of the view's mount namespace. */
  readonly outside: number;
  /** The user namespace, by its inode, and a descriptor of it; undefined: the view has none of its own. */
  readonly userNamespace: { readonly inode: number; readonly file: number } | undefined;
};

/** The kernel's CLONE_NEW… bits, by the names below /proc/PID/ns. */
const NAMESPACES = { mnt: 0x00020000, cgroup: 0x02000000, uts: 0x04000000, ipc: 0x08000000, user: 0x10000000, pid: 0x20000000, net: 0x40000000 } as const;
/** bubblewrap's own "if possible". */
const OPTIONAL: readonly string[] = ["cgroup"];

/**
 * One warm sandbox, seen from outside. INVARIANT: it stays while its channel is open, and afterwards as long as something lives
 * in it: letting go never ends a command. A broker that is killed lets go of all.
 */
export class Holder {
  readonly address: RoomAddress;
  /** Where connections arrive that programs inside make to what they take for a proxy. It listens on the room's loopback; who serves it, says `Rooms`. */
  readonly door: Server;
  readonly #child: ChildProcess;
  /** Its process namespace, as /proc spells it. */
  readonly #inside: string;
  /** And its mount namespace. */
  readonly #view: string;
  readonly #mounts: { readonly file: number; readonly table: Buffer };
  #released = false;

  private constructor(child: ChildProcess, address: RoomAddress, door: Server) {
    this.#child = child;
    this.address = address;
    this.door = door.unref();
    this.#inside = namespaceOf(address.holder, "pid") ?? "";
    this.#view = namespaceOf(address.holder, "mnt") ?? "";
    const file = openSync(`/proc/${address.holder}/mountinfo`, "r");
    this.#mounts = { file, table: readWhole(file) };
    child.once("exit", () => this.release());
  }

  /**
   * In: what the room shall be, who waits to make one, the view whose shims will enter it. Out: the room, once it can be entered. Rejects
   * with bubblewrap's words when it does not come about within LIMITS.roomReadyMs.
   */
  static async start(plan: RoomPlan, standby: Standby, around?: Around): Promise<Holder> {
    const [bwrap = "", ...words] = plan.words;
    const { child, isFresh } = standby.take({ bwrap, init: plan.init }, around?.userNamespace?.file);
    try {
      giveWords(child, words);
      const { pid, door, ...mounts } = await announced(child);
      return new Holder(child, { ...addressOf(pid), ...mounts }, door);
    } catch (error) {
      abandon(child);
      if (isFresh) throw error;
      // Somebody may have ended it while it waited, which says nothing of the next one.
      return Holder.start(plan, standby, around);
    }
  }

  get isReleased(): boolean {
    return this.#released;
  }

  /** Whether its process 1 still holds it. One that has ended, or waits in its end for others to be, has no view any more; we may not have heard of it yet. */
  isThere(): boolean {
    return !this.#released && namespaceOf(this.address.holder, "mnt") === this.#view;
  }

  /**
   * Whether its view of the file system is the one that it was made with.
   * SECURITY: who replaces a file outside by another (`git config` does, by renaming) takes every mount on it away inside as well: the
   * protected file could be written, the hidden one read. The kernel's table shows it.
   */
  isIntact(): boolean {
    if (!this.isThere()) return false;
    try {
      return readWhole(this.#mounts.file).equals(this.#mounts.table);
    } catch {
      // Its process 1 is gone: nobody may enter what cannot be looked at.
      return false;
    }
  }

  /** Whether something lives on in it from commands that have ended. Commands that run are not seen here. */
  hasJobs(): boolean {
    const { holder } = this.address;
    try {
      return readFileSync(`/proc/${holder}/task/${holder}/children`, "latin1").trim() !== "";
    } catch {
      return false;
    }
  }

  /** Calls back when its process 1 has ended, whoever ended it. */
  onEnd(told: () => void): void {
    this.#child.once("exit", told);
  }

  /** Lets go: it ends when nothing lives in it any more. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.door.close();
    closeSync(this.#mounts.file);
    for (const stream of this.#child.stdio) (stream as { destroy?: () => void } | null)?.destroy?.();
  }

  /**
   * Ends a command whose shim was killed: what is left of its process group, inside this room and nowhere else.
   * In: the group's number on the host. Who left the group, to outlive the command, stays.
   */
  endGroup(group: number): void {
    const own = this.#inside;
    for (let round = 0; round < LIMITS.roomKillRounds; round += 1) {
      const left = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && groupOf(name) === group && namespaceOf(name, "pid") === own);
      if (left.length === 0) return;
      for (const pid of left) signal(Number(pid));
    }
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

type Announced = Pick<RoomAddress, "mounts" | "lastMount"> & { readonly pid: number; readonly door: Server };

/** The pid of process 1 and where it listens, once it says that it is ready. */
async function announced(child: ChildProcess): Promise<Announced> {
  const [, ready, errors, info] = child.stdio as readonly (Readable | null)[];
  let said = "";
  let facts = "";
  let complaint = "";
  let door: Server | undefined;
  errors?.setEncoding("utf8").on("data", (text: string) => { complaint += text.slice(0, LIMITS.shownReason); });
  return new Promise<Announced>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${LIMITS.roomReadyMs} ms`)), LIMITS.roomReadyMs);
    const look = (): void => {
      const pid = /"child-pid":\s*(\d+)/.exec(facts)?.[1];
      const ready = /^ready (\d+) (\d+)\n/.exec(said);
      if (pid === undefined || ready === null || door === undefined) return;
      clearTimeout(timer);
      resolve({ pid: Number(pid), door, mounts: Number(ready[1]), lastMount: Number(ready[2]) });
    };
    child.on("message", (_, handle) => {
      if (handle instanceof Server) door = handle;
      look();
    });
    ready?.setEncoding("utf8").on("data", (text: string) => { said += text; look(); });
    info?.setEncoding("utf8").on("data", (text: string) => { facts += text; look(); });
    const failed = (why: string): void => { clearTimeout(timer); reject(new Error(complaint.trim() || why)); };
    child.once("error", (error) => failed(error.message));
    child.once("close", (code, by) => failed(`it ended with ${code ?? by}`));
  });
}

/** Throws when the process is gone, or lacks a namespace that every room has. */
function addressOf(holder: number): Omit<RoomAddress, "mounts" | "lastMount"> {
  let namespaces = 0;
  for (const [name, bit] of Object.entries(NAMESPACES)) {
    const [theirs, ours] = [namespaceOf(holder, name), namespaceOf("self", name)];
    if (theirs !== undefined && theirs !== ours) namespaces += bit;
    else if (!OPTIONAL.includes(name)) throw new Error(`it has no ${name} namespace of its own`);
  }
  return { holder, started: startTimeOf(holder), outside: statSync("/proc/self/ns/mnt").ino, namespaces };
}

/** When a process began, in clock ticks since boot. Throws when it is gone. */
export function startTimeOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
}

/** What identifies a namespace of a process, by its name below /proc/PID/ns; undefined when it cannot be told. */
export function namespaceOf(pid: number | string, name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch {
    // Gone, or not ours to look at.
    return undefined;
  }
}

function groupOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : Number(fields[2]);
  } catch {
    return undefined;
  }
}

const chunk = Buffer.alloc(64 * 1024);

/** All of a file of /proc that can be read from the beginning again. */
function readWhole(file: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const length = readSync(file, chunk, 0, chunk.length, at);
    if (length === 0) return Buffer.concat(parts);
    parts.push(Buffer.from(chunk.subarray(0, length)));
    at += length;
  }
}
