import { closeSync, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import { LIMITS, type Dialect, type Layout } from "../model/index.ts";
import { namespaceOf, type Around } from "../sandbox/index.ts";

/** A path that a view shows something else for, and the path in the view under which the original is. */
export type Covered = { readonly at: string; readonly original: string };

/** A view of the file system in which an agent lives (`vetsh run`). */
export type View = Around & { readonly covered: readonly Covered[]; readonly keeper: number };

/**
 * The views of agents that run now, as the human's programs told of them. A request comes from a view when its shim lives in exactly that mount namespace:
 * one that the agent makes for itself inside (a sandbox of its own) is none, so that its shims are not let out of it.
 * SECURITY: which view a request comes from is what the caller's pid says. It decides how the shell is found, not what it may do.
 */
export class Views {
  readonly #views = new Map<string, View>();
  readonly #told = new Set<string>();
  readonly #awaited = new Set<() => void>();
  readonly #began = performance.now();
  readonly #own = namespaceOf("self", "mnt");

  /**
   * In: a process that lives in the view and stays while it is used; what the view covers. Out: to be called when nobody uses it any more.
   * Throws when there is no such process, or it lives where we do.
   */
  add(keeper: number, covered: readonly Covered[]): () => void {
    const name = namespaceOf(keeper, "mnt");
    if (name === undefined || name === this.#own) throw new Error("that process lives in no view");
    const own = namespaceOf(keeper, "user") === namespaceOf("self", "user");
    const path = `/proc/${keeper}/ns`;
    const file = own ? undefined : openSync(`${path}/user`, "r");
    this.#views.set(name, { outside: statSync(`${path}/mnt`).ino, userNamespace: file === undefined ? undefined : { inode: statSync(`${path}/user`).ino, file }, covered, keeper });
    for (const told of this.#awaited) told();
    return () => {
      this.#views.delete(name);
      if (file !== undefined) closeSync(file);
    };
  }

  /**
   * In: the pid of a shim. Out: the view that it lives in; undefined when that is ours, or nobody told us of it. A broker that has just begun waits for the
   * programs of the human that were attached to the one before.
   */
  async of(pid: number): Promise<View | undefined> {
    if (this.#views.size === 0 && this.#left() <= 0) return undefined;
    const name = namespaceOf(pid, "mnt") ?? "";
    if (name === this.#own) return undefined;
    for (let left = this.#left(); left > 0 && !this.#views.has(name); left = this.#left()) await this.#next(left);
    return this.#views.get(name);
  }

  #left(): number {
    return this.#began + LIMITS.viewsReturnMs - performance.now();
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const told = (): void => {
        this.#awaited.delete(told);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(told, ms);
      this.#awaited.add(told);
    });
  }

  /**
   * Paths that are no longer covered, each told once. Who replaces a file outside by another (an upgrade of bash does, by renaming) takes the mounts on it away in every
   * mount namespace: the view then shows the new one.
   */
  lost(): readonly { readonly keeper: number; readonly at: string }[] {
    return [...this.#views.values()].flatMap(({ keeper, covered }) => {
      const mounted = mountPointsOf(keeper);
      if (mounted === undefined) return [];
      return covered.filter(({ at }) => !mounted.has(at) && !this.#told.has(`${keeper}:${at}`)).map(({ at }) => {
        this.#told.add(`${keeper}:${at}`);
        return { keeper, at };
      });
    });
  }

  get size(): number {
    return this.#views.size;
  }

  /** In: a process. Out: whether it lives in one of them. */
  holds(pid: number): boolean {
    return this.#views.has(namespaceOf(pid, "mnt") ?? "");
  }

  /** In: what /proc says a process executes. Out: whether that is a real shell under the path that a view has it by. */
  isRealShell(program: string): boolean {
    return [...this.#views.values()].some(({ covered }) => covered.some(({ original }) => original === program));
  }
}

/** Where a process has something mounted; undefined when it is gone. */
function mountPointsOf(pid: number): ReadonlySet<string> | undefined {
  try {
    // The fifth field; blanks in it are spelt \\040.
    return new Set(readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n").map((line) => (line.split(" ")[4] ?? "").replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))));
  } catch {
    return undefined;
  }
}

/** In: which shell, the view it is to be found in without a sandbox; undefined: where our own file system is shown. Out: the path of the real one there. */
export function shellFor(layout: Layout, shell: Dialect, view: View | undefined): string {
  const path = layout.shells[shell];
  if (view === undefined) return path;
  const real = realpathSync(path);
  return view.covered.find(({ at }) => at === real)?.original ?? path;
}
