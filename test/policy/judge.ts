import { fileURLToPath } from "node:url";
import { analyseText, compileSpecs } from "../../src/analyse/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import type { Loaded } from "../../src/config/index.ts";
import { nothingKnown } from "../../src/model/index.ts";
import type { Analysis, Facts, Layout } from "../../src/model/index.ts";
import { EXAMPLE_PLACE } from "../../src/policy/index.ts";

const APP = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** The installation as a checkout has it, without user and managed configuration. */
export const LAYOUT: Layout = {
  version: 1, root: "/nonexistent", home: EXAMPLE_PLACE.home, config: "/nonexistent/config", managed: "/nonexistent/managed",
  node: process.execPath, app: APP, shells: { bash: "/bin/bash", sh: "/bin/sh", zsh: "/bin/zsh", dash: "/bin/dash" },
};

/** The default configuration and the real analysis with the real specs: what the product would say at EXAMPLE_PLACE. */
export function defaults(): { readonly loaded: Loaded; readonly judge: (line: string) => Analysis } {
  const loaded = loadConfig(LAYOUT);
  const specs = compileSpecs(loaded.specs);
  const facts: Facts = {
    cwd: EXAMPLE_PLACE.workspace, workspace: EXAMPLE_PLACE.workspace, home: EXAMPLE_PLACE.home, env: new Map(),
    vetsh: [`${EXAMPLE_PLACE.home}/.local/share/vetsh`, `${EXAMPLE_PLACE.home}/.config/vetsh`], files: nothingKnown,
  };
  const known = new Map<string, Analysis>();
  const judge = (line: string): Analysis => {
    const found = known.get(line) ?? analyseText(line, "bash", facts, specs);
    known.set(line, found);
    return found;
  };
  return { loaded, judge };
}
