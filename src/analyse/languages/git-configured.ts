import type { Call } from "../call.ts";

/** Commands that show or compare contents, or look at the work tree: git runs drivers, filters, monitors and pagers for them. */
const LOOKS = /^(?:add|archive|blame|annotate|cat-file|checkout|cherry-pick|commit|diff|diff-\w+|difftool|grep|log|merge|pull|range-diff|rebase|reset|restore|revert|shortlog|show|stash|status|switch|whatchanged|worktree)$/;

/** Keys whose value git starts for these (git-config(1), gitattributes(5)); hooks are code of the workspace and counted elsewhere. */
const STARTS = /^(?:core\.(?:fsmonitor|pager|alternaterefscommand|sshcommand|gitproxy)|pager\..+|diff\.external|diff\..+\.(?:textconv|command)|filter\..+\.(?:clean|process|smudge)|merge\..+\.driver|interactive\.difffilter|gpg\.(?:.+\.)?program)$/;

/** Programs that people name there, and that only show or store what git gives them. */
const KNOWN = /^(?:|true|false|cat|(?:less|more|delta|bat|diff-so-fancy|diff-highlight|git-lfs|git lfs|gpg2?|ssh|nbstripout)(?: [\w%.=/ -]*)?)$/;

/** The workspace's own `.git/config`, where it can be read: what it makes git start that is not one of the usual programs. */
export function configuredPrograms(call: Call): void {
  const verb = call.args.find((arg) => LOOKS.test(arg.texts[0]!))?.texts[0];
  if (verb === undefined) return;
  const { files, workspace } = call.context.facts;
  const text = files.readScript(`${workspace}/.git/config`)?.text;
  if (text === undefined) return;
  let section = "";
  for (const line of text.split("\n")) {
    const header = /^\s*\[\s*([\w.-]+)(?:\s+"((?:\\.|[^"\\])*)")?\s*\]/.exec(line);
    if (header !== null) section = header[2] === undefined ? header[1]!.toLowerCase() : `${header[1]!.toLowerCase()}.${header[2]}`;
    const setting = /(?:^|\])\s*([A-Za-z][\w-]*)\s*(?:=\s*(.*?))?\s*$/.exec(line);
    if (setting === null) continue;
    const key = `${section}.${setting[1]!.toLowerCase()}`;
    if (STARTS.test(key) && !KNOWN.test((setting[2] ?? "").replace(/^"(.*)"$/, "$1").trim())) call.exec("program", `git ${key} of .git/config`);
  }
}

/** `git diff --`: whatever was to stand after it and limit the command is missing, and without it the command is about everything. */
export function emptyLimit(call: Call): void {
  if (call.args.length > 1 && call.args.at(-1)!.texts[0] === "--") call.opaque("`--` with nothing after it: what limits the command is missing");
}
