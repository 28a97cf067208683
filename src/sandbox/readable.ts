import { readdirSync } from "node:fs";
import { isWithin, LIMITS } from "../model/index.ts";
import { isDenied } from "./looks.ts";
import { isBelow } from "./mounts.ts";

/** A name in a directory. A link gives nothing of its own: what it leads to is listed where it is. */
export type Listed = { readonly name: string; readonly kind: "directory" | "file" | "link" };

/**
 * In: real paths that may not be read; how a directory is listed. Out: paths that together are everything else, as few as possible; undefined
 * when there are more than LIMITS.readablePaths. Pure but for `list`.
 * INVARIANT: none of them is, holds or leads to one of `hidden`. What is made later beside a hidden path is not in it.
 */
export function readableAround(hidden: readonly string[], list: (directory: string) => readonly Listed[]): readonly string[] | undefined {
  const found: string[] = [];
  const open = (directory: string): void => {
    for (const { name, kind } of list(directory)) {
      const path = directory === "/" ? `/${name}` : `${directory}/${name}`;
      if (kind === "link" || hidden.some((one) => isWithin(path, one))) continue;
      if (kind === "directory" && hidden.some((one) => isBelow(one, path))) open(path);
      else found.push(path);
      if (found.length > LIMITS.readablePaths) return;
    }
  };
  if (hidden.includes("/")) return [];
  open("/");
  return found.length > LIMITS.readablePaths ? undefined : found;
}

/** The same on this machine. A directory that cannot be listed gives nothing. */
export function readableHere(hidden: readonly string[]): readonly string[] | undefined {
  return readableAround(hidden, (directory) => {
    try {
      return readdirSync(directory, { withFileTypes: true }).map((entry): Listed => ({ name: entry.name, kind: entry.isSymbolicLink() ? "link" : entry.isDirectory() ? "directory" : "file" }));
    } catch (error) {
      if (isDenied(error)) return [];
      throw error;
    }
  });
}
