import { mkdtempSync, rmSync } from "node:fs";
import { afterAll } from "vitest";

const directories: string[] = [];
// Not at the exit of the process: the runner ends its workers by a signal, and handlers of "exit" do not run then.
afterAll(() => { for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true }); });

/** A new directory with this beginning of a path, which is gone when the tests of this file are over. Out: its path. */
export function passing(prefix: string): string {
  const directory = mkdtempSync(prefix);
  directories.push(directory);
  return directory;
}
