import type { Dialect } from "./source.ts";

/**
 * Where an installation lives: `ROOT/layout.json`, written by the installer, read by broker and command line.
 * SECURITY: every place vetsh looks at comes from here, none from the environment of whoever starts it.
 * All paths are absolute.
 */
export type Layout = {
  readonly version: 1;
  /** The installation itself; holds bin, app, shims, libexec, run and state. */
  readonly root: string;
  /** The user's home, from the password database. */
  readonly home: string;
  /** Directory of the user's configuration. */
  readonly config: string;
  /** Directory of the root-owned policy. */
  readonly managed: string;
  /** The node that runs broker and command line. */
  readonly node: string;
  /** Directory that holds `dist` (or `src`), `rules` and `node_modules`. */
  readonly app: string;
  /** The real shells. */
  readonly shells: { readonly [shell in Dialect]: string };
};
