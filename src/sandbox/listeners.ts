import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { LIMITS, redact } from "../model/index.ts";
import { namespaceOf, startTimeOf, type RoomAddress } from "./holder.ts";

/** What listens on the loopback of a room. `pid` as the host numbers it; both are undefined where it cannot be told from outside. */
export type Listener = { readonly port: number; readonly pid: number | undefined; /** Its command line, redacted; the agent's text. */ readonly program: string | undefined };

/** The kernel's tables of sockets, and how they spell the addresses that a connection to 127.0.0.1 or ::1 finds. */
const TABLES: readonly { readonly name: string; readonly found: ReadonlySet<string> }[] = [
  { name: "tcp", found: new Set(["0100007F", "00000000"]) },
  { name: "tcp6", found: new Set(["00000000000000000000000000000000", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"]) },
];
const LISTEN = "0A";
/** The door, which the broker holds: it is no server of the agent's. */
const DOOR = "0100007F:0C38";

/** In: a room. Out: ports on which something listens there, and the sockets' inodes. Empty when the room is gone. */
export function portsIn(room: RoomAddress): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  try {
    for (const { name, found: addresses } of TABLES) for (const line of tableOf(room.holder, name)) addListening(line, addresses, found);
    // The number may be another process's by now: then the table was of the host's.
    if (startTimeOf(room.holder) === room.started) return found;
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return new Map();
}

/** In: a room. Out: what listens there, by port. Looks at each process of the room: for a person who asks, not for each command. */
export function listenersIn(room: RoomAddress): readonly Listener[] {
  const ports = [...portsIn(room)].toSorted(([a], [b]) => a - b).slice(0, LIMITS.portsShown);
  if (ports.length === 0) return [];
  const owners = ownersOf(room, new Set(ports.flatMap(([, inodes]) => inodes)));
  return ports.map(([port, inodes]) => {
    const pid = inodes.map((inode) => owners.get(inode)).find((owner) => owner !== undefined);
    return { port, pid, program: pid === undefined ? undefined : commandOf(pid) };
  });
}

function addListening(line: string, addresses: ReadonlySet<string>, found: Map<number, string[]>): void {
  const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
  const [address = "", port = ""] = local.split(":");
  if (state !== LISTEN || local === DOOR || !addresses.has(address)) return;
  const number = Number.parseInt(port, 16);
  found.set(number, [...(found.get(number) ?? []), inode]);
}

/** Which process holds which socket. */
function ownersOf(room: RoomAddress, inodes: ReadonlySet<string>): ReadonlyMap<string, number> {
  const owners = new Map<string, number>();
  const inside = namespaceOf(room.holder, "pid");
  let [processes, descriptors] = [0, 0];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || namespaceOf(name, "pid") !== inside) continue;
    processes += 1;
    for (const fd of descriptorsOf(name)) {
      descriptors += 1;
      if (processes > LIMITS.portProcesses || descriptors > LIMITS.portDescriptors || owners.size === inodes.size) return owners;
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${name}/fd/${fd}`))?.[1];
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) owners.set(inode, Number(name));
    }
  }
  return owners;
}

function tableOf(holder: number, name: string): readonly string[] {
  const file = openSync(`/proc/${holder}/net/${name}`, "r");
  try {
    const bytes = Buffer.alloc(LIMITS.portTableBytes);
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read) read = readSync(file, bytes, length, bytes.length - length, null);
    // Listening sockets come first; a line that was cut is none.
    return bytes.toString("latin1", 0, length).split("\n").slice(1, -1);
  } finally {
    closeSync(file);
  }
}

function descriptorsOf(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    if (!isGone(error)) throw error;
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (!isGone(error)) throw error;
    return "";
  }
}

function commandOf(pid: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").slice(0, LIMITS.shownCommand).split("\0").join(" ").trim();
    return words === "" ? undefined : redact(words).text.slice(0, LIMITS.shownPiece);
  } catch (error) {
    if (!isGone(error)) throw error;
    return undefined;
  }
}

/** Processes end while they are looked at, and some do not let themselves be looked at. */
function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["ENOENT", "ESRCH", "EACCES", "EPERM", "EINVAL"].includes(String(error.code));
}
