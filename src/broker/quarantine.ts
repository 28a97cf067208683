import { closeSync, constants, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { isWithin } from "../model/index.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** One thing that was moved aside: where it was, where it is. */
export type Aside = { readonly path: string; readonly to: string };

/**
 * In: the state directory and the id of a command, the workspace, paths that are new in it. Out: those that were moved to STATE/planted/ID, each into a
 * directory of its own with its name, beside a file `from` that says where it was; `mv` brings it back. What lies elsewhere, is a `.git`, or cannot be
 * moved in one step (another file system) stays.
 * SECURITY: jobs of the command may go on: every directory on the way is opened without following a link, so that nothing outside of the workspace is moved.
 */
export function moveAside({ state, id }: { readonly state: string; readonly id: string }, workspace: string, paths: readonly string[]): readonly Aside[] {
  const moved: Aside[] = [];
  for (const path of paths) {
    if (path === workspace || !isWithin(path, workspace) || basename(path) === ".git") continue;
    const place = placeFor(join(state, "planted", id), moved.length + 1);
    const to = join(place, basename(path));
    writeFileSync(join(place, "from"), `${path}\n`, { mode: 0o600 });
    if (renamed(workspace, relative(workspace, path), to)) moved.push({ path, to });
    else rmSync(place, { recursive: true, force: true });
  }
  return moved;
}

function placeFor(directory: string, number: number): string {
  const place = join(directory, String(number));
  mkdirSync(place, { recursive: true, mode: 0o700 });
  return place;
}

/** In: a directory, a path below it, a path of our own. Out: whether what stands there was moved; links are not followed, the last name's neither. */
function renamed(top: string, below: string, to: string): boolean {
  const open: number[] = [];
  try {
    let at = openSync(top, DIRECTORY);
    open.push(at);
    for (const name of below.split("/").slice(0, -1)) open.push((at = openSync(`/proc/self/fd/${at}/${name}`, DIRECTORY)));
    // `from` stands beside it: something planted under that name would take its place.
    if (existsSync(to)) return false;
    renameSync(`/proc/self/fd/${at}/${basename(below)}`, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && STAYS.has(String(error.code))) return false;
    throw error;
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

/** It is gone again, is behind a link by now, or cannot be moved. */
const STAYS = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EXDEV", "EACCES", "EPERM", "EBUSY", "ENOTEMPTY", "EEXIST", "EISDIR", "EROFS", "ENOSPC", "EDQUOT"]);

/** In: what was moved. Out: the directory that holds it all. */
export function placeOf(moved: readonly Aside[]): string | undefined {
  return moved[0] === undefined ? undefined : dirname(dirname(moved[0].to));
}
