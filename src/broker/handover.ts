import type { Stats } from "node:fs";
import type { Handover } from "../config/index.ts";
import { LIMITS } from "../model/index.ts";
import { HeldDirectory } from "./held-directory.ts";

/** The host's /tmp, and what a sandbox of this workspace has in its place. */
export type TwoTmps = { readonly host: string; readonly session: string };

/** A file that a line names: its path below /tmp, and what may be done with it. */
export type Named = { readonly name: string; readonly comes: boolean; readonly goes: boolean; readonly replace: boolean };

/** How a file of the host stood when vetsh put it there, or when a command deleted its own copy. */
type Mark = string;

const NAME = /(?<![\w./-])\/tmp\/([A-Za-z0-9_][\w.+-]*(?:\/[A-Za-z0-9_-][\w.+-]*)*)/g;

/**
 * In: the words of a line, the data, directories of the host that are shown as they are (workspace, home). Out: the files in
 * /tmp that it names and that may be handed over; at most LIMITS.handoverFiles. Pure.
 */
export function namedInTmp(words: readonly string[], handovers: readonly Handover[], shown: readonly string[]): readonly Named[] {
  const found = new Map<string, Named>();
  for (const [path, name = ""] of words.flatMap((word) => [...word.matchAll(NAME)])) {
    if (found.size >= LIMITS.handoverFiles || found.has(name) || shown.some((own) => path === own || path.startsWith(`${own}/`))) continue;
    const fitting = handovers.filter((one) => one.name.test(name));
    if (fitting.length === 0) continue;
    found.set(name, { name, comes: fitting.some(({ flow }) => flow !== "out"), goes: fitting.some(({ flow }) => flow !== "in"), replace: fitting.some(({ replace }) => replace) });
  }
  return [...found.values()];
}

/**
 * Copies named files between the host's /tmp and that of a session. The newer one wins on the way in; on the way out a file of
 * the user's own is left as it is, unless the data says that its name is made for commands to write to.
 * SECURITY: what a sandboxed command left may be anything: links, devices and second names are not taken, and no path of its
 * making is followed. What other users own is neither read nor written.
 */
export class Handovers {
  /** Host path → how the file there stood when we had put it there. */
  readonly #ours = new Map<string, Mark>();
  /** Host path → how the file there stood when a command had deleted what it had of it. */
  readonly #deleted = new Map<string, Mark>();

  /** Before a command. Out: the names that it finds, for `bringOut`. */
  bringIn(named: readonly Named[], tmps: TwoTmps): ReadonlySet<string> {
    const there = new Set<string>();
    let room: number = LIMITS.handoverLineBytes;
    for (const { name, comes } of named) {
      const { parts, leaf } = split(name);
      holding(walk(tmps.host, parts, { make: false }), (host) => {
        const read = comes ? host?.read(leaf, Math.min(LIMITS.handoverBytes, room)) : undefined;
        room -= read?.content.length ?? 0;
        const mine = read !== undefined && this.#deleted.get(`${tmps.host}/${name}`) === markOf(read.stat) ? undefined : read;
        // A directory that an agent made for what is to come out is there before the command; others come with their file.
        holding(walk(tmps.session, parts, { make: mine !== undefined || (host !== undefined && !comes) }), (session) => {
          const old = session?.look(leaf);
          const newer = mine !== undefined && (old === undefined || (old.isFile() && isNewer(mine.stat, old)));
          const put = newer ? session?.put(leaf, mine, "replace") : undefined;
          if (put !== undefined || old?.isFile() === true) there.add(name);
        });
      });
    }
    return there;
  }

  /** After a command. Out: the names that could not be carried out because a file of the user's own stands there. */
  bringOut(named: readonly Named[], found: ReadonlySet<string>, tmps: TwoTmps): readonly string[] {
    const left: string[] = [];
    let room: number = LIMITS.handoverLineBytes;
    for (const one of named.filter(({ goes }) => goes)) {
      const { parts, leaf } = split(one.name);
      holding(walk(tmps.session, parts, { make: false }), (session) => {
        const made = session?.read(leaf, Math.min(LIMITS.handoverBytes, room));
        room -= made?.content.length ?? 0;
        const gone = session?.look(leaf) === undefined;
        if (made === undefined && !(gone && found.has(one.name))) return;
        // Directories of the host are made only for a file that is there to be put into them.
        holding(walk(tmps.host, parts, { make: made !== undefined }), (host) => {
          const path = `${tmps.host}/${one.name}`;
          const standing = host?.look(leaf);
          if (made === undefined) this.#goneInside(host, leaf, path, standing);
          else if (standing === undefined || !isCopy(standing, made.stat)) {
            const put = this.#isFree(one, path, standing) ? host?.put(leaf, made, standing === undefined ? "fresh" : "replace") : undefined;
            if (put === undefined) left.push(one.name);
            else this.#remember(this.#ours, path, put);
          }
          // Names that an agent makes anew for each command would pile up.
          if (made !== undefined && one.replace && !one.comes) session?.remove(leaf);
        });
      });
    }
    return left;
  }

  #isFree({ replace }: Named, path: string, standing: Stats | undefined): boolean {
    if (standing === undefined) return true;
    if (!standing.isFile() || standing.uid !== process.getuid?.() || standing.nlink !== 1) return false;
    return replace || this.#ours.get(path) === markOf(standing);
  }

  #goneInside(host: HeldDirectory | undefined, leaf: string, path: string, standing: Stats | undefined): void {
    if (host === undefined || standing === undefined) return;
    if (this.#ours.get(path) === markOf(standing)) host.remove(leaf);
    else this.#remember(this.#deleted, path, standing);
  }

  #remember(marks: Map<string, Mark>, path: string, stat: Stats): void {
    if (marks.size >= LIMITS.handoverMarks) marks.clear();
    marks.set(path, markOf(stat));
  }
}

function split(name: string): { readonly parts: readonly string[]; readonly leaf: string } {
  const parts = name.split("/");
  return { leaf: parts.at(-1) ?? "", parts: parts.slice(0, -1) };
}

function holding(directory: HeldDirectory | undefined, use: (directory: HeldDirectory | undefined) => void): void {
  try {
    use(directory);
  } finally {
    directory?.close();
  }
}

/** INVARIANT: the first directory is one of ours to name; each further one belongs to this user, and no link leads to it. */
function walk(top: string, parts: readonly string[], options: { readonly make: boolean }): HeldDirectory | undefined {
  let at = HeldDirectory.open(top);
  for (const part of parts) {
    const next = at.enter(part, options);
    at.close();
    if (next === undefined) return undefined;
    at = next;
  }
  return at;
}

/** A copy is given the time of what it was made from, which the system keeps more exactly than we can set it, in milliseconds. */
const SET_WITHIN_MS = 2;

function isNewer(one: Stats, other: Stats): boolean {
  return one.mtimeMs > other.mtimeMs + SET_WITHIN_MS;
}

function isCopy(one: Stats, other: Stats): boolean {
  return one.size === other.size && !isNewer(one, other) && !isNewer(other, one);
}

/** ctime: nobody can set it back, so a file that was written to or replaced since is told apart. */
function markOf(stat: Stats): Mark {
  return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
}
