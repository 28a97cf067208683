/** Builds the native programs into a temporary ROOT, as an installation has them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const project = resolve(import.meta.dirname, "../..");

export type Build = "static" | "sanitize";

export type Root = {
  readonly path: string;
  readonly socket: string;
  shim(name: "bash" | "sh" | "zsh" | "dash"): string;
  remove(): void;
};

/** In: which build, and the limit of the broker's start in milliseconds (tests of what happens at a limit use a short one). */
export function buildRoot(build: Build, options: { readonly brokerStartMs?: number } = {}): Root {
  const path = mkdtempSync(join(tmpdir(), "vetsh-root-"));
  const limit = options.brokerStartMs === undefined ? [] : [`EXTRA=-DVETSH_BROKER_START_MS=${options.brokerStartMs}`];
  execFileSync("make", ["-s", "-C", join(project, "shims"), `ROOT=${path}`, `OBJECTS=${join(project, `build/shims-${build}`)}`, ...limit, build === "static" ? "all" : "sanitize"], { stdio: ["ignore", "inherit", "inherit"] });
  mkdirSync(join(path, "run"), { mode: 0o700 });
  mkdirSync(join(path, "state"), { mode: 0o700 });
  mkdirSync(join(path, "bin"));
  mkdirSync(join(path, "app/dist/broker"), { recursive: true });
  symlinkSync(process.execPath, join(path, "bin/node"));
  return {
    path,
    socket: join(path, "run/shim.sock"),
    shim: (name) => join(path, "shims", name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
