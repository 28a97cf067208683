import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { readLayout } from "../broker/index.ts";
import type { Layout } from "../model/index.ts";

/**
 * In: the path this program was started by, and `--root` if it was given. Out: the installation it belongs to; in a source
 * tree that was not installed a layout with the usual places, good for `check` and `test`.
 * SECURITY: nothing comes from the environment: an agent could point it at an installation of its own.
 */
export function findInstallation(program: string, root: string | undefined): { readonly layout: Layout; readonly installed: boolean } {
  if (root !== undefined) return { layout: readLayout(resolve(root)), installed: true };
  for (let at = dirname(resolve(program)); ; at = dirname(at)) {
    if (existsSync(join(at, "layout.json"))) return { layout: readLayout(at), installed: true };
    if (dirname(at) === at) return { layout: sourceLayout(), installed: false };
  }
}

function sourceLayout(): Layout {
  const { homedir } = userInfo();
  return {
    version: 1,
    root: join(homedir, ".local/share/vetsh"),
    home: homedir,
    config: join(homedir, ".config/vetsh"),
    managed: "/etc/vetsh",
    node: process.execPath,
    app: resolve(import.meta.dirname, "../.."),
    shells: { bash: "/usr/bin/bash", sh: "/usr/bin/sh", zsh: "/usr/bin/zsh", dash: "/usr/bin/dash" },
  };
}
