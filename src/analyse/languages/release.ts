import type { Call } from "../call.ts";
import { isWithin } from "../../model/index.ts";
import { normalise } from "../paths.ts";

/**
 * Yarn and pnpm look for the release of themselves that a workspace asks for, and start that one whatever their arguments
 * are, `--version` included: `yarnPath` of `.yarnrc.yml`, `yarn-path` of `.yarnrc`, `plugins`, `packageManager` of `package.json`
 * (yarnpkg.com/configuration/yarnrc, nodejs.org/api/corepack.html). In: a call that only looks otherwise.
 */
export function ownRelease(call: Call): void {
  if (!/^(?:yarn|yarnpkg|pnpm)$/.test(call.name)) return;
  const { files, workspace } = call.context.facts;
  for (const directory of call.directories ?? []) {
    for (const at of upTo(directory, workspace)) {
      for (const [name, pattern] of NAMED) {
        const path = `${at}/${name}`;
        const text = files.readScript(path)?.text;
        if (text === undefined && files.kind(path) !== "missing") return call.exec("program", `the ${call.name} that \`${name}\` names, if it does`);
        const named = text === undefined ? null : pattern.exec(text);
        if (named !== null) return call.exec(isOurs(named[1] ?? "", at, workspace) ? "workspace" : "program", `the ${call.name} that \`${name}\` names`);
      }
    }
  }
}

/** What of a configuration names a program; the group is its path or address. A plain version names a release of the registry. */
const NAMED: readonly (readonly [string, RegExp])[] = [
  [".yarnrc.yml", /^\s*(?:yarnPath|-\s*path|(?=plugins:\s*\n\s*-\s*)plugins)\s*:\s*["']?([^"'\s]*)/m],
  [".yarnrc", /^\s*"?yarn-path"?\s+"?([^"\s]+)/m],
  ["package.json", /"packageManager"\s*:\s*"[a-z]+@([a-z]+:[^"]*)"/],
];

function isOurs(text: string, directory: string, workspace: string): boolean {
  return text !== "" && !/^[a-z]+:/.test(text) && isWithin(normalise(text, directory), workspace);
}

/** A directory and those above it, as far as the workspace reaches. */
function upTo(directory: string, workspace: string): readonly string[] {
  if (!isWithin(directory, workspace)) return [directory];
  const all = [directory];
  while (all.at(-1) !== workspace) all.push(all.at(-1)!.slice(0, all.at(-1)!.lastIndexOf("/")));
  return all;
}
