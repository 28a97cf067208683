/**
 * An installation for measuring: what install.sh makes, below a temporary directory, from the sources as they are.
 * The programs are the real ones; node_modules and rules are links into the checkout.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Layout } from "../src/model/index.ts";

export const checkout = resolve(import.meta.dirname, "..");

/** A directory that is removed again, with several installations in it. */
export function scratchDirectory(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "vetsh-bench-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** In: a directory, a name, and the text of the user's config.toml. Out: the layout of an installation made there. */
export function install(directory: string, name: string, config: string): Layout {
  const root = join(directory, name);
  const home = join(directory, `${name}-home`);
  const layout: Layout = {
    version: 1, root, home, config: join(home, ".config/vetsh"), managed: join(directory, "no-managed-policy"), node: join(root, "bin/node"), app: join(root, "app"),
    shells: { bash: "/usr/bin/bash", sh: "/usr/bin/sh", zsh: "/usr/bin/zsh", dash: "/usr/bin/dash" },
  };
  mkdirSync(layout.config, { recursive: true });
  writeFileSync(join(layout.config, "config.toml"), config);
  mkdirSync(join(root, "bin"), { recursive: true });
  for (const private_ of ["run", "state"]) mkdirSync(join(root, private_), { mode: 0o700 });
  symlinkSync(process.execPath, layout.node);
  buildApp(layout.app);
  execFileSync("make", ["-s", "-C", join(checkout, "shims"), `ROOT=${root}`], { stdio: ["ignore", "ignore", "inherit"] });
  writeFileSync(join(root, "layout.json"), JSON.stringify(layout));
  chmodSync(join(root, "layout.json"), 0o644);
  return layout;
}

function buildApp(app: string): void {
  mkdirSync(app, { recursive: true });
  execFileSync(process.execPath, [join(checkout, "node_modules/typescript/bin/tsc"), "-p", checkout, "--outDir", join(app, "dist")], { stdio: ["ignore", "inherit", "inherit"] });
  for (const each of ["node_modules", "rules", "package.json"]) symlinkSync(join(checkout, each), join(app, each));
  execFileSync(process.execPath, [join(checkout, "scripts/bundle.ts"), app], { stdio: ["ignore", "inherit", "inherit"] });
  execFileSync(process.execPath, [join(checkout, "scripts/compile-rules.ts"), app], { stdio: ["ignore", "ignore", "inherit"] });
}

/** The process of an installation's broker, found by its exact command line; undefined when none runs. */
export function brokerOf(layout: Layout): number | undefined {
  const line = [layout.node, join(layout.app, "dist/broker/main.js")].join("\0");
  const found = readdirSync("/proc").find((entry) => /^\d+$/.test(entry) && commandLine(entry).startsWith(`${line}\0`));
  return found === undefined ? undefined : Number(found);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    // It ended while we looked: then it is not the one.
    return "";
  }
}

/** Ends the broker of an installation and waits until it is gone, at most five seconds. */
export async function stopBroker(layout: Layout): Promise<void> {
  const pid = brokerOf(layout);
  if (pid === undefined) return;
  process.kill(pid, "SIGTERM");
  for (let waited = 0; waited < 100 && brokerOf(layout) !== undefined; waited += 1) await sleep(50);
  if (brokerOf(layout) !== undefined) process.kill(pid, "SIGKILL");
}

/** Resident memory of a process, in MiB. */
export function residentMiB(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (found === null) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(found[1]) / 1024;
}

/** Compiles bench/spawn-loop.c. Out: its path. */
export function buildSpawnLoop(directory: string): string {
  const path = join(directory, "spawn-loop");
  execFileSync("cc", ["-O2", "-Wall", "-o", path, join(checkout, "bench/spawn-loop.c")], { stdio: ["ignore", "inherit", "inherit"] });
  return path;
}

/** Whether a file is there. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
