import { execFileSync } from "node:child_process";
import type { ReadStream } from "node:tty";

/**
 * The human's terminal without any processing, and back.
 * Node's raw mode keeps output processing (a line feed becomes carriage return and line feed), which breaks every full-screen
 * program; `stty raw` of coreutils turns it off as well. Both together, because Node restores what it changed itself at exit.
 */
export function rawMode(input: ReadStream): { on(): void; off(): void } {
  return {
    on: () => {
      input.setRawMode(true);
      stty(["raw", "-echo"]);
    },
    off: () => {
      if (!input.destroyed) input.setRawMode(false);
    },
  };
}

/** Changes the terminal on our own standard input. Without stty the screen of a full-screen program may come out staggered: not worth an end. */
function stty(settings: readonly string[]): void {
  try {
    execFileSync("/bin/stty", settings, { stdio: ["inherit", "ignore", "ignore"], env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== undefined) throw error;
  }
}
