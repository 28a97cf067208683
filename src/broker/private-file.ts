import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { LIMITS } from "../model/index.ts";

/** In: a file that holds a credential. Out: its text. Throws when others can read it, or it is not a plain file of this user. */
export function readPrivateFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > LIMITS.configBytes) throw new Error(`\`${path}\` is not a plain file`);
    if ((stat.mode & 0o077) !== 0 || stat.uid !== process.getuid?.()) throw new Error(`\`${path}\` holds a credential and can be read by others: chmod 600 it`);
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}
