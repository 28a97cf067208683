import type { Bytes } from "./names.ts";

/** A directory that nothing leads out of, and what of it a command puts at stake. */
export type Anchor = Bytes;

/**
 * What is at stake, for one path: itself and all below it.
 * `name`: only what fits this pattern of a last name, however deep. `git`: what of `.git` directories: all of them, or
 * their references and index without objects. `link`: only when a symbolic link stands there.
 */
export type Root = {
  readonly anchor: Anchor;
  readonly path: Bytes;
  readonly name: string | undefined;
  readonly git: "all" | "references";
  /** "git": the path is a git directory itself. */
  readonly top: "tree" | "git";
  readonly only: "link" | undefined;
};

/** How much a snapshot may hold. */
export type TakeLimits = { readonly files: number; readonly bytes: number; readonly ms: number };

/** What was left out, and why. Both are as they were found: escape before showing. */
export type Uncovered = { readonly path: Bytes; readonly why: string };

/** Of a git directory, what makes up branches, stash and index. What is left out cannot be changed without a claim of its own, or is only added to. */
export const NOT_REFERENCES: ReadonlySet<string> = new Set(["objects", "lfs", "modules", "worktrees", "hooks", "config", "config.worktree", "info", "branches", "description"]);
