import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ENV = { PATH: "/usr/bin:/bin", HOME: "/home/dev", LANG: "C.UTF-8" };

/** In: text. Out: whether bash accepts it, without running it. */
export function bashAccepts(text: string): boolean {
  return inFile(text, (file) => spawnSync("bash", ["--norc", "-n", file], { env: ENV }).status === 0);
}

/** In: text. Out: the same script as bash prints it, parse-only (bash 5.2 and later). Undefined when bash rejects it. */
export function prettyPrinted(text: string): string | undefined {
  return inFile(text, (file) => {
    const done = spawnSync("bash", ["--norc", "--pretty-print", file], { env: ENV, encoding: "utf8" });
    return done.status === 0 && done.stderr === "" ? done.stdout : undefined;
  });
}

/** Runs our own harmless text and gives what it wrote. `stdin` is empty unless given. */
export function run(shell: string, args: readonly string[], options: { readonly cwd?: string; readonly stdin?: string } = {}): { readonly stdout: string; readonly stderr: string; readonly status: number | null } {
  const done = spawnSync(shell, args, { env: ENV, encoding: "utf8", cwd: options.cwd ?? "/", input: options.stdin ?? "" });
  return { stdout: done.stdout, stderr: done.stderr, status: done.status };
}

export function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "vetsh-parse-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function inFile<T>(text: string, use: (file: string) => T): T {
  return inFolder((folder) => {
    const file = join(folder, "text");
    writeFileSync(file, text);
    return use(file);
  });
}
