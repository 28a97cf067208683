import type { Stats } from "node:fs";
import type { Bytes } from "./names.ts";

/**
 * What stands at a path. Of a file the stamp: the change time is the kernel's own and cannot be set, so a file with the same
 * stamp has the same content, unless it was changed within one tick of the clock (see `isSettled`).
 */
export type Seen =
  | { readonly kind: "file"; readonly mode: number; readonly size: number; readonly modified: number; readonly changed: number; readonly inode: number }
  | { readonly kind: "directory"; readonly mode: number }
  | { readonly kind: "link"; readonly target: Bytes }
  | { readonly kind: "other" };

/** Where the content of a file is kept. `readAt`: milliseconds since the epoch, before reading began. */
export type Kept = { readonly pack: string; readonly at: number; readonly crc: number; readonly readAt: number };

/** What was at a path when the snapshot was taken, enough to bring it back. */
export type Entry = (Extract<Seen, { kind: "file" }> & Kept) | Extract<Seen, { kind: "directory" | "link" }>;

/** Entries by absolute path. */
export type Entries = ReadonlyMap<Bytes, Entry>;

/** Bits of a mode that are brought back: permissions and the sticky bit, never set-user-id. */
export const MODE_BITS = 0o1777;

/** In: what lstat or fstat said of a plain file. */
export function fileSeen(stat: Stats): Extract<Seen, { kind: "file" }> {
  return { kind: "file", mode: stat.mode & 0o7777, size: stat.size, modified: stat.mtimeMs, changed: stat.ctimeMs, inode: stat.ino };
}

/** Out: whether nothing happened to it between the two looks, as far as a look can tell. */
export function isSame(one: Seen | undefined, other: Seen | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  switch (one.kind) {
    case "file": return other.kind === "file" && one.changed === other.changed && one.modified === other.modified && one.size === other.size && one.inode === other.inode && one.mode === other.mode;
    case "directory": return other.kind === "directory" && one.mode === other.mode;
    case "link": return other.kind === "link" && one.target === other.target;
    case "other": return other.kind === "other";
  }
}

/** File systems count time in ticks: what changed just before it was read may have changed again in the same tick. */
export function isSettled(changed: number, readAt: number, marginMs: number): boolean {
  // Whole seconds: a file system that knows no smaller ones.
  return changed < readAt - (changed % 1000 === 0 ? 2_000 + marginMs : marginMs);
}

/** One line of a manifest. */
export function lineOf(path: Bytes, entry: Entry): string {
  switch (entry.kind) {
    case "file": return JSON.stringify(["f", path, entry.mode, entry.size, entry.modified, entry.changed, entry.inode, entry.pack, entry.at, entry.crc, entry.readAt]);
    case "directory": return JSON.stringify(["d", path, entry.mode]);
    case "link": return JSON.stringify(["l", path, entry.target]);
  }
}

/** In: a line that `lineOf` wrote. Throws for any other. */
export function readLine(line: string): readonly [Bytes, Entry] {
  const row = JSON.parse(line) as readonly unknown[];
  const [kind, path] = row;
  const at = (index: number): number => {
    const value = row[index];
    if (typeof value !== "number") throw new Error("not a line of a snapshot");
    return value;
  };
  if (typeof path !== "string") throw new Error("not a line of a snapshot");
  switch (kind) {
    case "f": return [path as Bytes, { kind: "file", mode: at(2), size: at(3), modified: at(4), changed: at(5), inode: at(6), pack: String(row[7]), at: at(8), crc: at(9), readAt: at(10) }];
    case "d": return [path as Bytes, { kind: "directory", mode: at(2) }];
    case "l": return [path as Bytes, { kind: "link", target: String(row[2]) as Bytes }];
    default: throw new Error("not a line of a snapshot");
  }
}
