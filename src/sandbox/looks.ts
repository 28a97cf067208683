import { accessSync, constants, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, statfsSync, type Dirent, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { LIMITS } from "../model/index.ts";

/**
 * Looks at the file system, and remembers what came of many of them together for as long as nothing that they rested on has changed.
 *
 * Each look notes what it rests on: of a name that is there, which file that is; of one that is not, the directory that has no such
 * entry; of what was read or listed, that it was not changed since. The kernel's time of change (ctime) says so: nobody can set it, only
 * whoever sets the clock. INVARIANT: a memory is used only while every note still holds, so it says what looking again would say.
 * What cannot be told like this (links on the way, file systems whose times say less, changes so young that another could have the same
 * time) is not remembered.
 */
type Stamp = { readonly path: string; readonly dev: number; readonly ino: number; readonly mode: number; /** When it was changed; undefined: only which one it is matters. */ ctimeMs: number | undefined };

/** What the looks of one `remembered` rest on; undefined: nothing is being remembered. */
let notes: { readonly stamps: Map<string, Stamp>; /** Paths that were followed from the root. */ readonly followed: Set<string>; isSound: boolean } | undefined;

export type Memory<T> = Map<string, { readonly value: T; readonly stamps: readonly Stamp[] }>;

/** In: what is remembered, what it is about, how it is found out by the functions below alone. Out: what looking says, perhaps without looking. The same object as long as it is remembered. */
export function remembered<T>(memory: Memory<T>, key: string, look: () => T): T {
  const known = memory.get(key);
  if (known !== undefined && known.stamps.every(holds)) return known.value;
  const outer = notes;
  const mine = { stamps: new Map<string, Stamp>(), followed: new Set<string>(), isSound: true };
  notes = mine;
  try {
    const value = look();
    memory.delete(key);
    if (mine.isSound) {
      if (memory.size >= LIMITS.looksRemembered) memory.clear();
      memory.set(key, { value, stamps: [...mine.stamps.values()] });
    }
    return value;
  } finally {
    notes = outer;
    // What it rests on, nobody told the outer one.
    if (outer !== undefined) outer.isSound = false;
  }
}

function holds({ path, dev, ino, mode, ctimeMs }: Stamp): boolean {
  const info = infoOf(path);
  return info !== undefined && info.ino === ino && info.dev === dev && info.mode === mode && (ctimeMs === undefined || info.ctimeMs === ctimeMs);
}

/** What stands at a path itself, links not followed. */
export function kindOf(path: string): "file" | "directory" | "link" | "other" | "missing" {
  const info = infoOf(path);
  if (info === undefined) {
    noteMissing(path);
    return "missing";
  }
  note(path, info, "same");
  return info.isSymbolicLink() ? "link" : info.isDirectory() ? "directory" : info.isFile() ? "file" : "other";
}

/** Symlinks resolved as far as the path exists. */
export function realPathOf(path: string): string {
  try {
    // An error costs ten times a look.
    if (kindOf(path) === "missing" && dirname(path) !== path) return join(realPathOf(dirname(path)), basename(path));
    return resolved(path);
  } catch (error) {
    if (!isDenied(error)) throw error;
    if (notes !== undefined) notes.isSound = false;
    const parent = dirname(path);
    return parent === path ? path : join(realPathOf(parent), path.slice(parent === "/" ? 1 : parent.length + 1));
  }
}

/** The same of a path that is there; undefined when it is not, or cannot be looked at. */
export function realPathIfThere(path: string): string | undefined {
  try {
    if (kindOf(path) === "missing") return undefined;
    return resolved(path);
  } catch (error) {
    if (!isDenied(error)) throw error;
    if (notes !== undefined) notes.isSound = false;
    return undefined;
  }
}

/** Names in a directory; undefined when it cannot be listed: it may still have names that can be opened. */
export function namesOf(directory: string): readonly string[] | undefined {
  noteContent(directory);
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/** The same, with what each is. */
export function entriesOf(directory: string): readonly Dirent[] | undefined {
  noteContent(directory);
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/** Text of a small plain file, links not followed; undefined when there is none to read. */
export function read(path: string): string | undefined {
  const info = noteContent(path);
  if (info === undefined || !info.isFile() || info.size > LIMITS.scriptBytes) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/** Whether we may read what is there. */
export function readable(path: string): boolean {
  noteContent(path);
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch (error) {
    if (isDenied(error)) return false;
    throw error;
  }
}

/** Where a link points; undefined for what is none. */
export function linkOf(path: string): string | undefined {
  return noteContent(path)?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
}

/** Names that one file has. */
export function namesOfFile(path: string): number {
  return noteContent(path)?.nlink ?? 1;
}

/** Errors that say "there is nothing usable here"; anything else is a fault worth seeing. */
export function isDenied(error: unknown): boolean {
  return error instanceof Error && "code" in error && DENIED.has(String(error.code));
}

const DENIED: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP", "EROFS", "ENAMETOOLONG", "EEXIST"]);

function infoOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

function resolved(path: string): string {
  const real = realpathSync.native(path);
  if (notes === undefined) return real;
  if (real !== path) notes.isSound = false;
  // A directory that is renamed, and linked to under its old name, is still the same one: so each on the way counts.
  else {
    for (let at = path; !notes.followed.has(at); at = dirname(at)) {
      notes.followed.add(at);
      note(at, infoOf(at), "same");
    }
  }
  return real;
}

/** The deepest directory on the way that is there: as long as it is not changed, it has no such entry. */
function noteMissing(path: string): void {
  if (notes === undefined) return;
  for (let at = dirname(path); ; at = dirname(at)) {
    if (notes.stamps.get(at)?.ctimeMs !== undefined) return;
    const info = infoOf(at);
    if (info === undefined && at !== "/") continue;
    // What a link points to may come to be without the link's being changed.
    return note(at, info?.isSymbolicLink() === true ? undefined : info, "unchanged");
  }
}

function noteContent(path: string): Stats | undefined {
  const info = infoOf(path);
  if (info === undefined) noteMissing(path);
  else note(path, info, "unchanged");
  return info;
}

function note(path: string, info: Stats | undefined, what: "same" | "unchanged"): void {
  if (notes === undefined) return;
  const known = notes.stamps.get(path);
  if (known !== undefined && (what === "same" || known.ctimeMs !== undefined)) return;
  if (info === undefined || (what === "unchanged" && !tellsChanges(path, info))) {
    notes.isSound = false;
    return;
  }
  notes.stamps.set(path, { path, dev: info.dev, ino: info.ino, mode: info.mode, ctimeMs: what === "same" ? undefined : info.ctimeMs });
}

/** SECURITY: times of change have the grain of the kernel's clock: what changed just now may change again within the same time. */
function tellsChanges(path: string, info: Stats): boolean {
  if (Date.now() - info.ctimeMs < LIMITS.looksSettleMs) return false;
  let known = exact.get(info.dev);
  if (known === undefined) {
    known = EXACT.has(statfsSync(path).type);
    exact.set(info.dev, known);
  }
  return known;
}

const exact = new Map<number, boolean>();

/** File systems of this machine alone, by the numbers that statfs(2) gives them: ext, xfs, btrfs, tmpfs, overlay, f2fs, zfs, bcachefs. Not those of networks and FUSE. */
const EXACT: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e]);
