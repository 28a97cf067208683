/** Plays a row once, with `d/` as it is. */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { spawn as spawnTerminal } from "node-pty";
import type { Row, Seen } from "./row.ts";

const BASH = "/usr/bin/bash";
const HANG_MS = 20_000;
/** Between a shell's "ready" and the signal or key: so that it is where the row wants it, starting a program or waiting for one. */
const SETTLE_MS = 120;

/** In: the row, its folder (made anew) and the folder of the shells it shall use. */
export async function play(row: Row, place: string, shells: string): Promise<Seen> {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(join(place, "home"), { recursive: true });
  symlinkSync(shells, join(place, "d"));
  for (const [path, text] of Object.entries(row.files ?? {})) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text, { mode: 0o755 });
  }
  const env = { PATH: "/usr/bin:/bin", HOME: join(place, "home"), D: join(place, "d"), LANG: "C.UTF-8", SHLVL: "1", TERM: "dumb", ...row.env };
  const [program, argv, argv0] = row.shell === undefined ? [BASH, ["--norc", ...(row.terminal === undefined ? ["-c", row.caller ?? ""] : ["-i"])], "bash"] as const : [join(place, "d", row.shell), row.argv ?? [], row.argv0 ?? row.shell] as const;
  if (row.terminal !== undefined) return onTerminal(row, row.terminal, program, argv, env, place);
  return withPipes(row, program, argv, argv0, env, place);
}

function withPipes(row: Row, program: string, argv: readonly string[], argv0: string, env: Record<string, string>, cwd: string): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { argv0, env, cwd, detached: row.signal !== undefined, stdio: [row.stdin === undefined || row.stdin === "null" ? "ignore" : "pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let signalled = row.signal === undefined;
    const hang = setTimeout(() => { kill(child.pid, row.signal !== undefined); reject(new Error(`hangs; so far: ${JSON.stringify(Buffer.concat(out).toString().slice(-400))} ${JSON.stringify(Buffer.concat(err).toString().slice(-400))}`)); }, HANG_MS);
    child.stdout?.on("data", (chunk: Buffer) => {
      out.push(chunk);
      if (signalled || row.signal === undefined || !Buffer.concat(out).includes(row.signal.after)) return;
      signalled = true;
      const { to, name } = row.signal;
      setTimeout(() => process.kill(to === "group" ? -(child.pid ?? 0) : child.pid ?? 0, name), SETTLE_MS);
    });
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    // A shell that ends without reading all of its input: EPIPE is the expected end of that.
    child.stdin?.on("error", (error: NodeJS.ErrnoException) => { if (error.code !== "EPIPE" && error.code !== "ECONNRESET") reject(error); });
    if (row.stdin !== undefined && row.stdin !== "null") child.stdin?.end(row.stdin);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(hang);
      resolve({ stdout: Buffer.concat(out).toString("latin1"), stderr: Buffer.concat(err).toString("latin1"), end: signal ?? String(code) });
    });
  });
}

function kill(pid: number | undefined, group: boolean): void {
  if (pid !== undefined) process.kill(group ? -pid : pid, "SIGKILL");
}

function onTerminal(row: Row, steps: NonNullable<Row["terminal"]>, program: string, argv: readonly string[], env: Record<string, string>, cwd: string): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const terminal = spawnTerminal(program, [...argv], { name: "dumb", cols: 77, rows: 31, cwd, env });
    let text = "";
    let from = 0;
    let step = 0;
    const hang = setTimeout(() => { terminal.kill("SIGKILL"); reject(new Error(`hangs at step ${step}: ${JSON.stringify(text)}`)); }, HANG_MS);
    terminal.onData((data) => {
      text += data;
      for (let next = steps[step]; next !== undefined; next = steps[step]) {
        const rest = text.slice(from);
        const found = typeof next[0] === "string" ? rest.indexOf(next[0]) : rest.search(next[0]);
        if (found < 0) return;
        from += found + (typeof next[0] === "string" ? next[0].length : (next[0].exec(rest)?.[0].length ?? 0));
        step += 1;
        const keys = next[1];
        if (keys !== "") setTimeout(() => terminal.write(keys), SETTLE_MS);
      }
    });
    terminal.onExit(({ exitCode, signal }) => {
      clearTimeout(hang);
      const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
      resolve({ stdout: text, stderr: "", end: step < steps.length ? `ended before step ${step}` : signal ? (name ?? String(signal)) : String(exitCode) });
    });
  });
}

/** Process ids, which no two runs share: `[1] 4711`, `pid=4711`, `line 1: 4711 Killed`. */
export function withoutPids(seen: Seen): Seen {
  const clean = (text: string): string => text.replace(/(\[\d+\][+-]? +)\d{2,}/g, "$1PID").replace(/\bpid=\d+/g, "pid=PID").replace(/(: line \d+:) +\d{2,}( )/g, "$1 PID$2");
  return { stdout: clean(seen.stdout), stderr: clean(seen.stderr), end: seen.end };
}
