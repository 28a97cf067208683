import { escapeText, isWithin, type Claim } from "../model/index.ts";
import { isBelow, parentOf } from "./mounts.ts";
import { NEVER_WRITABLE, NEVER_WRITABLE_BELOW } from "./paths.ts";
import type { Place } from "./place.ts";

/** The directories and files to make writable, outermost first, or why one cannot be. */
export function writableRoots(claim: Claim, place: Place): { readonly paths: readonly string[]; readonly missing: readonly string[] } {
  if (claim.sandbox === "read-only") return { paths: [], missing: [] };
  const { workspace, git, refused: holes } = place.survey;
  const nowhere = hasNoWorkspace(place);
  const paths = new Set(nowhere ? [] : [workspace]);
  const missing = nowhere ? [] : [...holes];
  const problem = nowhere ? undefined : neverWritable(workspace, place);
  if (problem !== undefined) missing.push(`the workspace \`${show(workspace)}\` cannot be made writable: ${problem}`);
  if (git.kind === "linked") for (const path of [git.commonDir, git.gitDir]) if (!isWithin(path, workspace) && neverWritable(path, place) === undefined) paths.add(path);
  if (claim.sandbox !== "custom") return { paths: outermost(paths), missing };

  for (const { asked, real, kind } of place.survey.writable) {
    const found = extraRoot(asked, real, kind, place);
    if ("missing" in found) missing.push(found.missing);
    else if (found.path !== undefined) paths.add(found.path);
  }
  const unknown = claim.writable.filter((path) => !place.survey.writable.some(({ asked }) => asked === path));
  for (const path of unknown) missing.push(`\`${show(path)}\` was not looked at before planning`);
  return { paths: outermost(paths, place.survey.protected), missing };
}

/** A workspace that is vetsh's own stands for none (a command in the home directory, in /etc): nothing of it is made writable. */
export function hasNoWorkspace({ survey, root }: Place): boolean {
  return isBelow(survey.workspace, root);
}

/** One path of a claim: what to mount for it (nothing when it is writable already), or why that cannot be. */
function extraRoot(asked: string, real: string, kind: Place["survey"]["writable"][number]["kind"], place: Place): { readonly path: string | undefined } | { readonly missing: string } {
  if (isBelow(real, "/tmp") && !isWithin(real, place.survey.workspace) && kind === "missing") return { path: undefined };
  const problem = neverWritable(real, place);
  if (problem !== undefined) return { missing: `\`${show(asked)}\` cannot be made writable: ${problem}` };
  switch (kind) {
    case "file": case "directory": return { path: real };
    case "other": return { missing: `\`${show(asked)}\` cannot be made writable: it is neither a file nor a directory` };
    case "missing": {
      // Inside the workspace a new name needs nothing, unless it is to be made in a protected directory: then that one is opened.
      const guard = place.survey.protected.find((path) => isBelow(real, path));
      if (isBelow(real, place.survey.workspace)) return { path: guard };
      return { missing: `\`${show(asked)}\` does not exist, and making \`${show(parentOf(real))}\` writable would give more than was judged: create it first, or claim its directory` };
    }
  }
}

/** In: a path somebody wants writable. Out: why it must not be, or undefined. */
function neverWritable(path: string, place: Place): string | undefined {
  if (!path.startsWith("/")) return "it is not an absolute path";
  if (isWithin(place.home, path) && place.home !== "/") return path === place.home ? "it is the home directory" : "it holds the home directory";
  if ((NEVER_WRITABLE as readonly string[]).includes(path)) return "it is a directory of the system";
  const below = NEVER_WRITABLE_BELOW.find((directory) => isWithin(path, directory));
  if (below !== undefined) return `it is below ${below}`;
  if ([place.root, ...place.guarded].some((own) => isWithin(path, own))) return "it belongs to vetsh";
  return undefined;
}

/** Roots that lie in another root are dropped, unless something protected stands between them. */
function outermost(paths: ReadonlySet<string>, guards: readonly string[] = []): readonly string[] {
  const ordered = [...paths].sort((a, b) => a.length - b.length);
  return ordered.filter((path, index) => !ordered.slice(0, index).some((root) => isBelow(path, root) && !guards.some((guard) => isWithin(path, guard) && isWithin(guard, root))));
}

/** Out: a path as people may see it. */
export function show(path: string): string {
  return escapeText(path, { maxLength: 300 });
}
