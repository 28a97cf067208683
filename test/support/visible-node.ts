import { copyFileSync, linkSync, mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";

/**
 * This Node in a directory that sandboxes show. The checkout may lie below /tmp, which they hide.
 * In: a directory below a workspace. Out: the path of `node` in it.
 */
export function visibleNode(directory: string): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "node");
  const own = realpathSync(process.execPath);
  try {
    linkSync(own, path);
  } catch {
    // Another file system, or a link that is not permitted: a copy does as well.
    copyFileSync(own, path);
  }
  return path;
}
