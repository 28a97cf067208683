import { accessSync, constants, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Dialect } from "../model/index.ts";

/** Where shells are, besides the directories of PATH and what /etc/shells names. */
const DIRECTORIES = ["/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/run/current-system/sw/bin", "/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin"];

/** Names of programs that a shim can stand for. */
const COVERED: Readonly<Record<string, Dialect>> = { bash: "bash", rbash: "bash", sh: "sh", dash: "dash", zsh: "zsh", rzsh: "zsh" };

/** Shells for which there is no shim: an agent that starts one is not seen. `busybox` is many programs, a shell among them. */
const WITHOUT_SHIM = ["fish", "ksh", "ksh93", "mksh", "oksh", "yash", "tcsh", "csh", "ash", "elvish", "nu", "pwsh", "xonsh", "busybox", "toybox"];

export type FoundShells = {
  /** Files to cover, by their real paths, and the shim that stands for each. */
  readonly covered: readonly { readonly at: string; readonly shim: Dialect }[];
  /** Shells that nothing stands for: their paths. */
  readonly uncovered: readonly string[];
};

/** In: directories in which shells are looked for besides the usual ones (absolute), a directory to leave out. Out: every shell that is there. */
export function findShells(more: readonly string[], except: string): FoundShells {
  const directories = [...new Set([...DIRECTORIES, ...more])].filter((directory) => directory.startsWith("/"));
  const places = [...directories.flatMap((directory) => [...Object.keys(COVERED), ...WITHOUT_SHIM].map((name) => join(directory, name))), ...listed()];
  const covered = new Map<string, Dialect>();
  const uncovered = new Set<string>();
  for (const real of new Set(places.map(realOf))) {
    if (real === undefined || real.startsWith(`${except}/`)) continue;
    // By the file's own name, which is what a shim in its place is told by the kernel: `sh` may be a link to any of them.
    const shim = COVERED[basename(real)];
    if (shim !== undefined) covered.set(real, shim);
    else if (WITHOUT_SHIM.includes(basename(real))) uncovered.add(real);
  }
  return { covered: [...covered].map(([at, shim]) => ({ at, shim })), uncovered: [...uncovered] };
}

/** What /etc/shells names that is a shell: the list holds terminal multiplexers too. */
function listed(): readonly string[] {
  try {
    return readFileSync("/etc/shells", "utf8").split("\n").filter((line) => line.startsWith("/") && (basename(line) in COVERED || WITHOUT_SHIM.includes(basename(line))));
  } catch {
    // There need be no such file.
    return [];
  }
}

/** The file that a name leads to, when it can be executed. */
function realOf(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    accessSync(real, constants.X_OK);
    return statSync(real).isFile() ? real : undefined;
  } catch {
    return undefined;
  }
}
