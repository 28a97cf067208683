import { closeSync, constants, fstatSync, lstatSync, openSync, rmSync, type BigIntStats } from "node:fs";
import { basename, dirname } from "node:path";
import { LIMITS, type Effect, type Layout } from "../model/index.ts";
import { realPathOf } from "../sandbox/index.ts";

/** Programs that write into the file that stands there. Others make a directory of that name, or put a file of their own in its place, which a mount does not let them. */
const WRITES_INTO: ReadonlySet<string> = new Set(["redirection", "coreutils/touch", "coreutils/tee", "coreutils/cp", "coreutils/dd", "textutils/tee", "network/curl", "network/wget"]);

export type StandIn = { readonly path: string; readonly made: BigIntStats };

/**
 * In: what a line would do, the paths that a person let it write, the installation, its workspace. Makes an empty file for each that does not
 * exist yet: a mount needs something to stand on, and its directory would be more than was granted. Out: the files made, for `takeBack`.
 * SECURITY: only by a person's word, only new names (O_EXCL), only in a directory of this user to which no link leads, and nothing of vetsh's.
 */
export function putStandIns(effects: readonly Effect[], granted: readonly string[], layout: Layout, workspace: string): readonly StandIn[] {
  const made: StandIn[] = [];
  for (const path of granted.slice(0, LIMITS.standIns)) {
    const writes = effects.filter((effect) => effect.kind === "write" && effect.path.path === path);
    if (writes.length === 0 || !writes.every(({ by }) => WRITES_INTO.has(by)) || !mayStand(path, layout, workspace)) continue;
    const fd = quietly(() => openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW));
    if (fd === undefined) continue;
    made.push({ path, made: fstatSync(fd, { bigint: true }) });
    closeSync(fd);
  }
  return made;
}

/** Removes those that nobody wrote to, truncated or touched: as if they had never been there. */
export function takeBack(standIns: readonly StandIn[]): void {
  for (const { path, made } of standIns) {
    const now = quietly(() => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
    const unused = now !== undefined && now.isFile() && now.ino === made.ino && now.dev === made.dev && now.size === 0n && now.mtimeNs === made.mtimeNs && now.nlink === 1n;
    if (unused) quietly(() => rmSync(path));
  }
}

function mayStand(path: string, { root, config, managed }: Layout, workspace: string): boolean {
  const within = (top: string): boolean => path === top || path.startsWith(`${top}/`);
  if (!path.startsWith("/") || [root, config, managed, workspace, "/tmp", "/dev", "/proc", "/run", "/sys"].some(within)) return false;
  const directory = dirname(path);
  if (basename(path) === "" || realPathOf(directory) !== directory) return false;
  const info = quietly(() => lstatSync(directory, { throwIfNoEntry: false }));
  return info !== undefined && info.isDirectory() && info.uid === process.getuid?.() && (info.mode & 0o022) === 0;
}

/** A name that cannot be made or looked at stays as it is: the plan then says what is missing. */
function quietly<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code !== "EIO") return undefined;
    throw error;
  }
}
