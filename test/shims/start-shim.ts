/** Starts a program with given descriptors, and tells what came of it. */
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** SHLVL, because Node's pipes are sockets, and a bash without it that reads from a socket takes itself for a remote shell and reads ~/.bashrc. */
const PLAIN = { PATH: "/usr/bin:/bin", SHLVL: "1" };

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stdout: Buffer; readonly stderr: string };

export type Started = { readonly pid: number; readonly ended: Promise<Ended>; output(): string; readonly stdin: NodeJS.WritableStream | null };

const running = new Set<ChildProcess>();

/** Ends what a failed test left running. */
export function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

export function start(program: string, args: readonly string[], options: SpawnOptions & { readonly argv0?: string } = {}): Started {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: PLAIN, ...options });
  running.add(child);
  child.on("exit", () => running.delete(child));
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }));
  });
  return { pid: child.pid ?? -1, ended, output: () => Buffer.concat(stdout).toString(), stdin: child.stdin };
}

/** Waits until `holds` says so; fails after ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** True while the process runs: not when it is gone, and not when all that is left is to be waited for (a dying thread still holds files). */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8")) || readdirSync(`/proc/${pid}/task`).length > 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || (error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
