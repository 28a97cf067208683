/**
 * Many commands at once, of several claims, through real shims and one broker: each says what its sandbox lets it do, and where it is.
 * `test/broker/crowd.test.ts` runs it for seconds, `bench/crowd.ts` for a minute.
 */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Installation } from "./install.ts";

const WORKSPACES = 4;
const AT_ONCE = 100;
const LOOK = "readlink /proc/self/ns/pid; cat /proc/self/mountinfo";

export type CrowdReport = {
  readonly commands: number;
  /** Brokers that were killed meanwhile, and commands that were refused because of that: nothing of them ran. */
  readonly killed: number;
  readonly refused: number;
  /** What went wrong, one line for each kind. */
  readonly wrong: readonly string[];
  /** Sandboxes that were seen, for each of the claims. */
  readonly rooms: ReadonlyMap<string, number>;
};

type Claim = { readonly name: string; readonly workspace: string; readonly line: string; readonly writes: boolean };

/**
 * In: an installation whose broker runs, and how long; after how many commands the broker is killed, again and again, if it is to be. Out: what
 * was seen. Two claims in each of four workspaces.
 */
export async function crowd(vetsh: Installation, seconds: number, { killAfter }: { readonly killAfter?: number } = {}): Promise<CrowdReport> {
  const claims = makeClaims(dirname(vetsh.workspace));
  const wrong = new Set<string>();
  const seen = new Map(claims.map(({ name }) => [name, new Set<string>()]));
  const until = performance.now() + seconds * 1000;
  let [commands, refused, killed, sinceKilled] = [0, 0, 0, 0];
  const kill = async (): Promise<void> => {
    sinceKilled = Number.NEGATIVE_INFINITY;
    const broker = await vetsh.brokerPid();
    if (broker !== undefined) process.kill(broker, "SIGKILL");
    killed += broker === undefined ? 0 : 1;
    sinceKilled = 0;
  };
  const worker = async (index: number): Promise<void> => {
    for (let turn = index; performance.now() < until; turn += 1) {
      const claim = claims[turn % claims.length]!;
      const ran = await vetsh.run(["bash", "-c", claim.line], { cwd: claim.workspace });
      commands += 1;
      sinceKilled += 1;
      if (killAfter !== undefined && sinceKilled >= killAfter) void kill();
      if (killed > 0 && isRefusal(ran)) {
        refused += 1;
        continue;
      }
      const [room = "", ...mounts] = ran.stdout.trim().split("\n");
      if (ran.code !== 0) wrong.add(`${claim.name} ended with ${ran.code ?? ran.signal}: ${ran.stderr.slice(0, 200)}`);
      else for (const line of mix(claim, claims, mounts)) wrong.add(line);
      seen.get(claim.name)?.add(room);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => worker(index)));
  // Of a sandbox that is gone, the next one may have the number.
  if (killAfter === undefined) for (const [name, rooms] of seen) for (const [other, theirs] of seen) if (other !== name && !rooms.isDisjointFrom(theirs)) wrong.add(`${name} and ${other} were in one sandbox`);
  return { commands, killed, refused, wrong: [...wrong], rooms: new Map([...seen].map(([name, rooms]) => [name, rooms.size])) };
}

/** It says that nothing ran, and nothing did: itself, or the shell that it started for its recipe. */
function isRefusal({ code, stdout, stderr }: Awaited<ReturnType<Installation["run"]>>): boolean {
  return (code === 126 || stderr.includes("make: ***")) && stdout === "" && /^vetsh: [^\n]*, nothing ran[;\n]/m.test(stderr);
}

function makeClaims(base: string): readonly Claim[] {
  return Array.from({ length: WORKSPACES }, (_, index) => join(base, `crowd-${index}`)).flatMap((workspace, index) => {
    mkdirSync(join(workspace, ".git"), { recursive: true });
    writeFileSync(join(workspace, "Makefile"), `probe:\n\t@${LOOK}\n`);
    return [
      { name: `reads ${index}`, workspace, line: LOOK, writes: false },
      { name: `writes ${index}`, workspace, line: "make probe", writes: true },
    ];
  });
}

/** What a command may write that is not its own, or not what it should. */
function mix(claim: Claim, all: readonly Claim[], mounts: readonly string[]): readonly string[] {
  const writable = new Set(mounts.map((line) => line.split(" ")).filter((fields) => fields[5]?.split(",")[0] === "rw").map((fields) => fields[4] ?? ""));
  const wrong = all.filter(({ workspace }) => writable.has(workspace) !== (claim.writes && workspace === claim.workspace)).map(({ workspace }) => `${claim.name}: ${workspace} is ${writable.has(workspace) ? "writable" : "not writable"}`);
  return writable.has("/") ? [...wrong, `${claim.name}: all is writable`] : wrong;
}

/** What a broker holds that may leak: to compare before and after. */
export type Holdings = { readonly files: number; readonly rooms: number; readonly strangers: number; readonly mounts: number; readonly sockets: number };

/** In: an installation and its broker's pid. Out: its open files, its warm sandboxes, what lives in them beside process 1, mounts of the host, proxies' sockets. */
export function holdings(vetsh: Installation, broker: number): Holdings {
  const rooms = new Set<string>();
  const inside: string[] = [];
  const init = `${vetsh.root}/libexec/vetsh-init\0--hold`;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/pid`);
      inside.push(namespace);
      if (readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith(init)) rooms.add(namespace);
    } catch {
      // It ended while we looked, or is somebody else's.
      continue;
    }
  }
  return {
    files: readdirSync(`/proc/${broker}/fd`).length, rooms: rooms.size, strangers: inside.filter((namespace) => rooms.has(namespace)).length - rooms.size,
    mounts: readFileSync("/proc/self/mountinfo", "latin1").split("\n").length, sockets: readdirSync(join(vetsh.root, "run/net")).length,
  };
}
