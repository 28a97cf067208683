/**
 * What the filtering proxy costs: bytes through one tunnel, and time that it adds to a connection. It runs in a process of its own,
 * as in the broker; both ends are a C program. `node bench/proxy.ts` prints the rows alone.
 */
import { execFileSync, fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openGate } from "../src/network/index.ts";
import { checkout, scratchDirectory } from "./installation.ts";

export type ProxyRow = { readonly what: string; readonly measured: string; readonly aim: string; readonly met: boolean | undefined };

const MEGABYTES = 600;
const STREAMS = 5;
const REQUESTS = 300;

/** In: a directory to build in. Out: two rows. The best of several streams counts: what disturbs them is not the proxy's. */
export async function proxyRows(directory: string): Promise<readonly ProxyRow[]> {
  const loop = join(directory, "stream-loop");
  execFileSync("cc", ["-O2", "-Wall", "-o", loop, join(checkout, "bench/stream-loop.c")], { stdio: ["ignore", "inherit", "inherit"] });
  const path = join(directory, "proxy.sock");
  const gate = fork(import.meta.filename, ["gate", path]);
  const sources = [spawn(loop, ["source", String(MEGABYTES)], { stdio: ["ignore", "pipe", "inherit"] }), spawn(loop, ["source", "0"], { stdio: ["ignore", "pipe", "inherit"] })] as const;
  try {
    const [streams, requests] = await Promise.all(sources.map(portOf));
    await once(gate, "message");
    const rates: { readonly elapsed: number; readonly processor: number }[] = [];
    for (let round = 0; round < STREAMS; round += 1) rates.push(await stream(loop, path, streams ?? "", gate));
    const fastest = rates.reduce((a, b) => (b.elapsed > a.elapsed ? b : a));
    const busy = Math.max(...rates.map(({ processor }) => processor));
    const [direct, through] = [await ask(loop, "-", requests ?? ""), await ask(loop, path, requests ?? "")];
    const added = (through.middle - direct.middle) / 1e6;
    return [
      { what: "proxy: one tunnel", measured: `${Math.round(fastest.elapsed)} MB/s (${Math.round(busy)} per second of its processor time)`, aim: "≥ 500 MB/s", met: fastest.elapsed >= 500 },
      { what: "proxy: added per connection", measured: `p50 ${added.toFixed(2)} ms (of the least: ${((through.least - direct.least) / 1e6).toFixed(2)} ms)`, aim: "≤ 1 ms", met: added <= 1 },
    ];
  } finally {
    for (const child of [gate, ...sources]) child.kill();
    rmSync(path, { force: true });
  }
}

async function portOf(source: ChildProcess): Promise<string> {
  const [chunk] = (await once(source.stdout ?? source, "data")) as [Buffer];
  return chunk.toString().trim();
}

/** Out: MB a second, by the clock and by the proxy's own processor time. */
async function stream(loop: string, path: string, port: string, gate: ChildProcess): Promise<{ readonly elapsed: number; readonly processor: number }> {
  const used = async (): Promise<number> => {
    gate.send("usage");
    const [{ user, system }] = (await once(gate, "message")) as [NodeJS.CpuUsage];
    return (user + system) / 1e6;
  };
  const before = await used();
  const [bytes = 0, ns = 1] = (await run(loop, ["sink", path, port])).split(" ").map(Number);
  const busy = (await used()) - before;
  if (bytes !== MEGABYTES * 1024 * 1024 + 1) throw new Error(`${bytes} bytes arrived`);
  return { elapsed: bytes / 1e6 / (ns / 1e9), processor: bytes / 1e6 / busy };
}

async function ask(loop: string, path: string, port: string): Promise<{ readonly least: number; readonly middle: number }> {
  const [least = 0, middle = 0] = (await run(loop, ["ask", path, port, String(REQUESTS)])).split(" ").map(Number);
  return { least, middle };
}

async function run(file: string, args: readonly string[]): Promise<string> {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => { text += chunk.toString(); });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
  return text;
}

/** The proxy as a command has it, but for the host, which stands for this machine. */
async function serveGate(path: string): Promise<void> {
  const hosts = ["bench.test", "127.0.0.1"];
  await openGate({ path, allow: hosts, resolve: async () => ["127.0.0.1"], onEvent: () => undefined, decide: async () => ({ kind: "allowed", hosts }) });
  process.on("message", () => process.send?.(process.cpuUsage()));
  process.send?.("listening");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (process.argv[2] === "gate") await serveGate(process.argv[3] ?? "");
  else {
    const scratch = scratchDirectory();
    try {
      for (const { what, measured, aim, met } of await proxyRows(scratch.path)) console.log(`${what}: ${measured}, aim ${aim}${met === true ? "" : " MISSED"}`);
    } finally {
      scratch.remove();
    }
  }
}
