import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../model/index.ts";
import { sha256 } from "./identity.ts";
import { StartError } from "./start-error.ts";

/** The places below ROOT that only this user may enter, and what lies in them. */
export type Places = {
  readonly run: string;
  readonly state: string;
  readonly shimSocket: string;
  /** What a sandbox shows as the shim socket: whoever comes in here is inside a sandbox of ours. */
  readonly innerSocket: string;
  /** What is the human's alone: an agent's view of the file system shows nothing in it. */
  readonly human: string;
  readonly controlSocket: string;
  /** Sockets of filtering proxies, one for each command that may reach hosts. */
  readonly proxies: string;
  /** What ssh reads inside a sandbox that has a way out. */
  readonly sshConfig: string;
  readonly lock: string;
  readonly log: string;
  /** Open questions, and answers not used yet. */
  readonly questions: string;
  /** Grants for sessions. */
  readonly grants: string;
  /** Compiled code of the broker, so that the next start is quicker. */
  readonly codeCache: string;
  /** Snapshots for undo. */
  readonly undo: string;
  /** Digests of the variables of the human's own environment. */
  readonly vouched: string;
};

/** In: ROOT. Out: where its private files are. Touches nothing. */
export function placesOf(root: string): Places {
  const run = join(root, "run");
  const state = join(root, "state");
  return {
    run,
    state,
    shimSocket: join(run, "shim.sock"),
    innerSocket: join(run, "inner.sock"),
    human: join(run, "human"),
    controlSocket: join(run, "human/control.sock"),
    proxies: join(run, "net"),
    sshConfig: join(run, "ssh_config"),
    lock: join(run, "broker.lock"),
    log: join(state, "broker.log"),
    questions: join(state, "questions.json"),
    grants: join(state, "grants.json"),
    codeCache: join(state, "code-cache"),
    undo: join(state, "undo"),
    vouched: join(state, "vouched.json"),
  };
}

/** Makes run/ and state/ where they are missing, 0700. Throws StartError when one is a link, no directory, or not ours. */
export function claimDirectories(places: Places): void {
  for (const path of [places.run, places.state, places.proxies, places.human]) claimDirectory(path);
}

/** Removes the proxies' sockets of a broker that is gone. Whoever calls holds the start lock. */
export function removeLeftSockets(places: Places): void {
  for (const name of readdirSync(places.proxies)) rmSync(join(places.proxies, name), { force: true });
}

/** In: the state directory, a workspace. Out: the directory of the host that is /tmp in its sandboxes. Touches nothing. */
export function sessionTmpOf(state: string, workspace: string): string {
  return join(state, "tmp", nameOf(workspace));
}

/** In: the same. Out: the directory of the host that holds the caches of tools that work there. Touches nothing. */
export function cacheDirectoryOf(state: string, workspace: string): string {
  return join(state, "cache", nameOf(workspace));
}

const names = new Map<string, string>();

/** How a workspace is named among others. */
function nameOf(workspace: string): string {
  const known = names.get(workspace);
  if (known !== undefined) return known;
  const name = sha256(workspace).slice(0, 24);
  if (names.size >= LIMITS.surveyedDirectories) names.clear();
  names.set(workspace, name);
  return name;
}

/** Stands for the workspace where there is none and files are not looked at. */
export const NOWHERE = "/tmp/vetsh-nowhere";

/**
 * In: ROOT. Out: an empty directory that stands for the workspace of a command that has none (in `/`, in the home). One for
 * each installation, emptied at each start: a broker that was killed leaves no other behind.
 * SECURITY: in /tmp somebody else may have taken the name: then ours gets one that nobody can guess.
 */
export function makeNowhere(root: string): string {
  const path = `${NOWHERE}-${sha256(`${process.getuid?.()}:${root}`).slice(0, 16)}`;
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined && (!there.isDirectory() || there.uid !== process.getuid?.())) return mkdtempSync(`${NOWHERE}-`);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** SECURITY: a directory planted by somebody else would let them replace our sockets or read our records. */
function claimDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw new StartError(`\`${path}\` cannot be made`, "check who owns the directory above it", error);
  }
  const stat = lstatSync(path);
  if (stat.isSymbolicLink() || !stat.isDirectory()) throw new StartError(`\`${path}\` is not a directory of its own`, "remove it and start again");
  if (stat.uid !== process.getuid?.()) throw new StartError(`\`${path}\` belongs to another user (uid ${stat.uid})`, "one installation serves one user: install for this user with its own prefix");
  if ((stat.mode & 0o077) !== 0) chmodSync(path, 0o700);
}
