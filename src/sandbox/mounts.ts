import { isWithin, LIMITS } from "../model/index.ts";

/** One mount inside the sandbox. `hide` of a directory is an empty one nobody may list; `empty` is an empty directory of its own. */
export type Mount =
  | { readonly kind: "writable" | "read-only"; readonly at: string; readonly from: string }
  | { readonly kind: "hide-directory" | "hide-file"; readonly at: string }
  | { readonly kind: "empty"; readonly at: string; readonly mode: "0555" | "1777" };

const STRICTNESS: readonly Mount["kind"][] = ["writable", "empty", "read-only", "hide-file", "hide-directory"];

/** In: absolute normalised paths. Out: true when `path` is below `directory` and not the same. */
export function isBelow(path: string, directory: string): boolean {
  return path !== directory && isWithin(path, directory);
}

/**
 * In: mounts in any order. Out: the mounts to make, in order: parents before children, one per path (the strictest),
 * none that its parents already give, and a pin for every ancestor of a protected path.
 * INVARIANT: below a writable mount, every directory on the way to a stricter mount is itself a mount point, so that
 * it cannot be renamed away with what it protects (`mv .git .git2`).
 */
export function layOut(mounts: readonly Mount[]): readonly Mount[] {
  const unique = new Map<string, Mount>();
  for (const mount of mounts) {
    const other = unique.get(mount.at);
    if (other === undefined || STRICTNESS.indexOf(mount.kind) > STRICTNESS.indexOf(other.kind)) unique.set(mount.at, mount);
  }
  const ordered = [...unique.values()].sort(byDepth);
  const kept = ordered.filter((mount, index) => !isRedundant(mount, ordered.slice(0, index)));
  return addPins(kept);
}

/** The deepest mount above a path decides what the path already is. */
function isRedundant(mount: Mount, above: readonly Mount[]): boolean {
  const parent = above.findLast((other) => isBelow(mount.at, other.at));
  switch (mount.kind) {
    case "writable": return parent?.kind === "writable" && mount.from === mount.at && parent.from === parent.at;
    case "read-only": return parent === undefined ? mount.from === mount.at : parent.kind === "read-only" && mount.from === mount.at && parent.from === parent.at;
    // What a parent has replaced is not there to be hidden.
    case "hide-directory": case "hide-file": return parent !== undefined && (parent.kind === "hide-directory" || parent.kind === "empty" || (parent.kind === "writable" && parent.from !== parent.at));
    case "empty": return false;
  }
}

function addPins(mounts: readonly Mount[]): readonly Mount[] {
  const all = new Map(mounts.map((mount) => [mount.at, mount]));
  for (const mount of mounts) {
    const root = mounts.findLast((other) => isBelow(mount.at, other.at));
    if (root?.kind !== "writable" || root.from !== root.at || mount.kind === "writable") continue;
    for (let path = parentOf(mount.at); isBelow(path, root.at); path = parentOf(path)) {
      if (!all.has(path)) all.set(path, { kind: "writable", at: path, from: path });
    }
  }
  return [...all.values()].sort(byDepth);
}

/** In: mounts as `layOut` gives them. Out: the words for bubblewrap. */
export function mountWords(mounts: readonly Mount[]): readonly string[] {
  return mounts.flatMap((mount) => {
    switch (mount.kind) {
      case "writable": return ["--bind", mount.from, mount.at];
      case "read-only": return ["--ro-bind", mount.from, mount.at];
      // A directory that holds something which stays visible must be passable; otherwise it says "permission denied".
      case "hide-directory": return ["--perms", mounts.some((other) => isBelow(other.at, mount.at)) ? "0111" : "0000", "--tmpfs", mount.at];
      // Bubblewrap mounts without devices, so opening it is refused rather than empty.
      case "hide-file": return ["--ro-bind", "/dev/null", mount.at];
      case "empty": return ["--perms", mount.mode, "--tmpfs", mount.at];
    }
  });
}

/** Out: true when there are more binds than starting a command may cost (bubblewrap reads the whole mount table for each). */
export function tooMany(mounts: readonly Mount[]): boolean {
  return mounts.filter((mount) => mount.kind !== "empty" && mount.kind !== "hide-directory").length > LIMITS.sandboxBindsMost;
}

export function parentOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end <= 0 ? "/" : path.slice(0, end);
}

function byDepth(a: Mount, b: Mount): number {
  return depth(a.at) - depth(b.at) || (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);
}

function depth(path: string): number {
  return path === "/" ? 0 : path.split("/").length - 1;
}
