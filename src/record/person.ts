import { userInfo } from "node:os";

/** Who runs this: the name in the password database, or the number where it has none (as in containers). */
export function personName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_SYSTEM_ERROR")) throw error;
    return String(process.getuid?.());
  }
}
