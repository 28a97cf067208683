/**
 * One writer per journal. The lock is a file that names its holder; a holder that no longer runs holds nothing.
 * The broker's own start lock (flock) already keeps brokers apart: this one keeps out every other mistake.
 */
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { bootId, isRunning, processStart, type ProcessIdentity } from "./processes.ts";

export type Lock = { release(): void };

/** Thrown by `takeLock` when a living process writes this journal already. */
export class JournalInUse extends Error {
  readonly holder: number;
  constructor(path: string, holder: number) {
    super(`the journal is written by process ${holder} already (\`${path}\`)`);
    this.name = "JournalInUse";
    this.holder = holder;
  }
}

/** In: the journal's directory. Out: the lock. Throws JournalInUse, or the system's error. */
export function takeLock(directory: string): Lock {
  const path = join(directory, "writer.lock");
  const mine = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const text = JSON.stringify({ pid: process.pid, start: processStart(process.pid), boot: bootId(), nonce: randomBytes(8).toString("hex") });
  writeFileSync(mine, text, { mode: 0o600, flag: "wx" });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (linked(mine, path)) return { release: () => releaseLock(path, text) };
      const held = readHolder(path);
      if (held !== undefined && isRunning(held, bootId())) throw new JournalInUse(path, held.pid);
      setAside(path, held);
    }
    throw new JournalInUse(path, 0);
  } finally {
    unlinkSync(mine);
  }
}

/** link(2) creates the name or fails: it never replaces. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (cause) {
    if (code(cause) === "EEXIST") return false;
    throw cause;
  }
}

/** A stale lock is renamed, and put back when it turns out that another starter had replaced it in between. */
function setAside(path: string, stale: ProcessIdentity | undefined): void {
  const aside = `${path}.stale.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    renameSync(path, aside);
  } catch (cause) {
    if (code(cause) === "ENOENT") return;
    throw cause;
  }
  const got = readHolder(aside);
  if (got !== undefined && (got.pid !== stale?.pid || got.start !== stale.start) && isRunning(got, bootId())) linked(aside, path);
  unlinkSync(aside);
}

function releaseLock(path: string, text: string): void {
  try {
    if (readFileSync(path, "utf8") === text) unlinkSync(path);
  } catch (cause) {
    // Gone already: somebody removed the directory, and there is nothing left to release.
    if (code(cause) !== "ENOENT") throw cause;
  }
}

/** Who holds the lock; undefined when the file is gone or says nothing that can be understood (then nobody can be waited for). */
function readHolder(path: string): ProcessIdentity | undefined {
  try {
    const held: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof held !== "object" || held === null || !("pid" in held) || !("start" in held) || !("boot" in held)) return undefined;
    if (typeof held.pid !== "number" || typeof held.start !== "number" || typeof held.boot !== "string") return undefined;
    return { pid: held.pid, start: held.start, boot: held.boot };
  } catch (cause) {
    if (cause instanceof SyntaxError || code(cause) === "ENOENT") return undefined;
    throw cause;
  }
}

function code(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}
