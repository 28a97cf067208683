import { copyFile, mkdir, readdir, stat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CachePlace } from "../config/index.ts";
import { LIMITS } from "../model/index.ts";
import { cacheDirectoryOf } from "./directories.ts";

/** The caches of one workspace: their directory on the host, and which variable names which of them. */
export type WorkspaceCaches = { readonly from: string; readonly variables: readonly { readonly variable: string; readonly directory: string }[] };

/**
 * Makes the directories in which tools keep their caches, one set for each workspace, and fills new ones from the user's own.
 * INVARIANT: nothing of the user's own caches is ever writable inside: what is linked lies in the read-only home.
 */
export class Caches {
  readonly #places: readonly CachePlace[];
  readonly #state: string;
  readonly #home: string;
  readonly #log: (message: string) => void;
  readonly #made = new Map<string, Promise<WorkspaceCaches>>();

  constructor(places: readonly CachePlace[], state: string, home: string, log: (message: string) => void) {
    this.#places = places;
    this.#state = state;
    this.#home = home;
    this.#log = log;
  }

  /** In: a workspace. Out: its caches, which exist by then; undefined when they cannot be made, which the log says: tools then find the user's, read-only. */
  async of(workspace: string): Promise<WorkspaceCaches | undefined> {
    const from = cacheDirectoryOf(this.#state, workspace);
    let made = this.#made.get(from);
    if (made === undefined) {
      if (this.#made.size >= LIMITS.surveyedDirectories) this.#made.clear();
      made = this.#make(from);
      this.#made.set(from, made);
      // The next command tries again.
      made.catch(() => this.#made.delete(from));
    }
    try {
      return await made;
    } catch (error) {
      this.#log(`caches of a workspace could not be made: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  async #make(from: string): Promise<WorkspaceCaches> {
    await mkdir(from, { recursive: true, mode: 0o700 });
    const budget = { left: LIMITS.cacheSeeds };
    for (const { directory, seed } of this.#places) {
      const path = join(from, directory);
      // mkdir says what it made: a cache that was there already is not filled again.
      const fresh = (await mkdir(path, { recursive: true, mode: 0o700 })) !== undefined;
      if (!fresh || seed === undefined) continue;
      const except = (name: string): boolean => seed.except.some((one) => one.test(name));
      for (const one of seed.link) await fill(join(this.#home, seed.from, one), join(path, one), (source, target) => symlink(source, target), except, budget);
      for (const one of seed.copy) await fill(join(this.#home, seed.from, one), join(path, one), copySmall, except, budget);
    }
    if (budget.left <= 0) this.#log(`the user's own caches are larger than what a new workspace is given of them (${LIMITS.cacheSeeds} files)`);
    return { from, variables: this.#places };
  }
}

/** Every plain file at or below `source` is put to the same place below `target`. What is missing or cannot be read is left out: a cache may lack anything. */
async function fill(source: string, target: string, put: (source: string, target: string) => Promise<void>, except: (name: string) => boolean, budget: { left: number }): Promise<void> {
  const info = await stat(source).catch(() => undefined);
  if (info === undefined || info.uid !== process.getuid?.()) return;
  if (info.isFile()) {
    if ((budget.left -= 1) < 0) return;
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    return put(source, target);
  }
  if (!info.isDirectory()) return;
  await mkdir(target, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(source, { withFileTypes: true }).catch(() => [])) {
    if (budget.left <= 0) return;
    if (except(entry.name)) continue;
    if (entry.isDirectory()) await fill(join(source, entry.name), join(target, entry.name), put, except, budget);
    else if (entry.isFile() && (budget.left -= 1) >= 0) await put(join(source, entry.name), join(target, entry.name));
  }
}

async function copySmall(source: string, target: string): Promise<void> {
  const info = await stat(source).catch(() => undefined);
  if (info !== undefined && info.size <= LIMITS.cacheCopyBytes) await copyFile(source, target);
}
