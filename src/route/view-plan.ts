import { basename } from "node:path";
import type { Layout } from "../model/index.ts";
import type { FoundShells } from "./shells.ts";

/** What a view shows: operations for `vetsh-init --view` (shims/view.h), and what the broker needs to know. */
export type ViewPlan = {
  readonly operations: readonly string[];
  /** Paths that show something else, and the path in the view under which the original is. */
  readonly covered: readonly { readonly at: string; readonly original: string }[];
};

/** `passwd`: a changed copy of /etc/passwd; undefined: as it is. `guarded`: directories of configuration that exist. */
export type ViewRequest = { readonly layout: Layout; readonly shells: FoundShells; readonly passwd: string | undefined; readonly guarded: readonly string[] };

/**
 * In: what there is. Out: the view. Pure. The installation is read-only in it, its state hidden but for what commands use of it,
 * the person's socket hidden; every shell's path is a shim.
 */
export function viewPlan({ layout: { root }, shells, passwd, guarded }: ViewRequest): ViewPlan {
  const real = `${root}/libexec/real`;
  const replaced = [...shells.covered.map(({ at, shim }) => ({ at, by: `${root}/shims/${shim}` })), ...(passwd === undefined ? [] : [{ at: "/etc/passwd", by: passwd }])];
  // A directory for each, so that the original keeps its name: what `ps` shows.
  const covered = replaced.map(({ at }, index) => ({ at, original: `${real}/${index}/${basename(at)}` }));
  const kept = ["tmp", "cache"].map((name) => `${root}/state/${name}`);
  return {
    covered,
    operations: [
      "bind", root, root, "seal", root,
      ...guarded.flatMap((path) => ["bind", path, path, "seal", path]),
      "empty", real, "0755",
      ...covered.flatMap(({ at, original }) => ["directory", original.slice(0, original.lastIndexOf("/")), "file", original, "bind", at, original]),
      "seal", real,
      // SECURITY: the journal, grants and undo are not the agent's. Sandboxes that are started in the view need their /tmp and caches.
      "empty", `${root}/state`, "0711", ...kept.flatMap((path) => ["directory", path, "bind", path, path]), "seal", `${root}/state`,
      // SECURITY: who reaches the person's socket can say yes in their name.
      "empty", `${root}/run/human`, "0000", "seal", `${root}/run/human`,
      ...replaced.flatMap(({ at, by }) => ["bind", by, at]),
    ],
  };
}
