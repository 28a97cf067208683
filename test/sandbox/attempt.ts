/** One attack in a throw-away machine of its own, with what it aims at: listeners of the host, a process, an open directory. */
import { spawn, type ChildProcess } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { Attack } from "./attacks.ts";
import { giveTo, listenIn, makeBox, removeBox, type Ask, type Box, type inside, type Person } from "./box.ts";

/** Between the outputs of attacks. */
const MARK = "-- the next attack --";

let tcp: Server;
let abstract: Server;
let udp: Socket;
let port = 0;
let current: Box | undefined;

beforeAll(async () => {
  tcp = createServer((socket) => socket.on("error", () => undefined).end());
  await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  const address = tcp.address();
  port = address !== null && typeof address === "object" ? address.port : 0;
  abstract = createServer((socket) => socket.on("error", () => undefined).end());
  await new Promise<void>((resolve) => abstract.listen(`\0vetsh-test-${port}`, resolve));
  udp = createSocket("udp4", () => current !== undefined && existsSync(current.base) && writeFileSync(join(current.base, "udp"), ""));
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", () => resolve()));
});

afterAll(() => {
  tcp.close();
  abstract.close();
  udp.close();
  for (const victim of sleepers.values()) victim.kill("SIGKILL");
});

/** Runs one attack in a fresh box, with or without the sandbox, and says whether it worked. */
export async function attempt(attack: Attack, person: Person, ask: (box: Box) => Ask, how: typeof inside): Promise<boolean> {
  return (await attemptAll([attack], person, ask, how)).length > 0;
}

/** Attacks in groups of a size that one sandbox takes in a moment. */
export function inGroups(attacks: readonly Attack[]): readonly { readonly name: string; readonly group: readonly Attack[] }[] {
  const size = 12;
  return Array.from({ length: Math.ceil(attacks.length / size) }, (_, at) => attacks.slice(at * size, (at + 1) * size)).map((group) => ({ name: `${group[0]?.name ?? ""} and ${group.length - 1} more`, group }));
}

/**
 * Runs attacks one after the other in one box and one sandbox. Out: the names of those that worked. Each was also tried in a box of
 * its own (`attack.test.ts`): here one profile after the other is to be gone through in little time.
 */
export async function attemptAll(attacks: readonly Attack[], person: Person, ask: (box: Box) => Ask, how: typeof inside): Promise<readonly string[]> {
  const box = makeBox(person);
  current = box;
  const sockets = [await listenIn(box, "root/run/shim.sock"), await listenIn(box, "root/run/human/control.sock"), await listenIn(box, "home/.gnupg/S.gpg-agent"), await listenIn(box, "agent.sock"), await wayOut(box)];
  const victim = sleeper(person);
  const descriptor = openSync(box.outside, "r");
  try {
    const env = { PID: String(victim.pid), TCP: String(port), UDP: String(udp.address().port), SOME_API_KEY: "PRIVATE", AWS_SECRET_ACCESS_KEY: "PRIVATE" };
    const run = await how(box, attacks.map(({ script }) => `echo '${MARK}'; ( cd "$W"; ${script}\n)`).join("\n"), { ...ask(box), env, inherit: descriptor });
    if (run.err.includes("bwrap: ") && !attacks.some(({ script }) => script.includes("bwrap"))) throw new Error(`the sandbox did not start: ${run.err}`);
    const outputs = run.out.split(`${MARK}\n`).slice(1);
    if (outputs.length !== attacks.length) throw new Error(`${outputs.length} of ${attacks.length} attacks were made: ${run.err}`);
    return attacks.filter((attack, at) => attack.took(box, { ...run, out: outputs[at] ?? "" })).map(({ name }) => name);
  } finally {
    closeSync(descriptor);
    for (const socket of sockets) socket.close();
    removeBox(box);
  }
}

/** What stands where the filtering proxy of a command would: nobody who passes anything on. */
function wayOut(box: Box): Promise<Server> {
  mkdirSync(join(box.root, "run/net"), { recursive: true });
  giveTo(box.person, join(box.root, "run/net"));
  return listenIn(box, "root/run/net/p1");
}

const sleepers = new Map<number, ChildProcess>();

/** A process of the host that belongs to the person; another one when an attack ended it. */
function sleeper(person: Person): ChildProcess {
  const running = sleepers.get(person.uid);
  // Its end may not have been heard of yet; who has ended executes nothing.
  if (running?.pid !== undefined && existsSync(`/proc/${running.pid}/exe`)) return running;
  const identity = process.getuid?.() === 0 ? { uid: person.uid, gid: person.gid } : {};
  const started = spawn("/bin/sleep", ["600"], { env: { VICTIM: "yes" }, stdio: "ignore", ...identity });
  sleepers.set(person.uid, started);
  return started;
}
