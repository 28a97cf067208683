import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { z } from "zod";

/** In: the path of a list that `writeList` wrote, the shape of its members, what is lost when it cannot be used. Out: the list; empty when it is missing or cannot be used: nothing is granted by it. */
export function readList<T>(path: string, schema: z.ZodType<T[]>, lost: string, onError: (message: string) => void): readonly T[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) onError(`\`${path}\` cannot be read: ${String(error)}; ${lost}`);
    return [];
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    onError(`\`${path}\` is damaged: ${String(error).split("\n")[0] ?? ""}; ${lost}`);
    return [];
  }
}

/** Replaces the file in one step, for this user alone; on disk when this returns. Throws the system's error. */
export function writeList(path: string, list: readonly unknown[]): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${JSON.stringify(list, undefined, 1)}\n`, { mode: 0o600, flush: true });
  renameSync(temporary, path);
}
