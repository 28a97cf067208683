import { spawnSync } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { StartError } from "./start-error.ts";

const LOCK_FD = 3;

/**
 * In: the lock file, whether we may take the lock ourselves. Holds from here to the end of the process, or throws StartError.
 * Started by a shim or `vetsh-start`, the lock came with us on descriptor 3. INVARIANT: there is never a second broker,
 * so whoever holds the lock may remove the sockets it finds.
 */
export function holdStartLock(path: string, mode: { readonly foreground: boolean }): void {
  if (isLockedHere(LOCK_FD, path)) return;
  if (!mode.foreground) throw new StartError("the broker was not given its start lock", "start it with `vetsh broker start`, or here with `--foreground`");
  takeLock(path);
}

/** /proc/self/fdinfo names the locks that belong to this very descriptor, whoever asked for them. */
function isLockedHere(fd: number, path: string): boolean {
  try {
    const own = fstatSync(fd);
    const lock = statSync(path);
    return own.ino === lock.ino && own.dev === lock.dev && /^lock:.*FLOCK\s+ADVISORY\s+WRITE/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"));
  } catch {
    // Descriptor 3 is not open, or is no such file: the lock did not come with us.
    return false;
  }
}

/** A lock of flock(2) belongs to the open file, not to a process: flock(1) takes it on our descriptor, and it stays ours. */
function takeLock(path: string): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  const taken = spawnSync("/usr/bin/flock", ["--nonblock", "3"], { stdio: ["ignore", "ignore", "ignore", fd], env: {}, timeout: 5_000 });
  if (taken.status === 0) return;
  closeSync(fd);
  if (taken.error !== undefined) throw new StartError("`/usr/bin/flock` is needed to start in the foreground", "install util-linux, or use `vetsh broker start`", taken.error);
  throw new StartError("another broker is running", "see `vetsh broker status`");
}
