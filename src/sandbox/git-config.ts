import { resolve } from "node:path";

/**
 * In: text of a git configuration file, its directory, the work tree. Out: absolute paths that this configuration makes part of itself:
 * other configuration files, the directory of hooks, programs of the work tree that git starts. Reads only the plain forms git itself
 * writes (`key = value`, optional quotes, comments); `~` and `%(prefix)` paths lie outside of the work tree and are left out.
 */
export function namedPaths(text: string, directory: string, workTree: string): readonly string[] {
  const paths: string[] = [];
  let section = "";
  for (const line of text.split("\n")) {
    const header = /^\s*\[\s*([A-Za-z0-9.-]+)/.exec(line);
    if (header !== null) section = (header[1] ?? "").toLowerCase();
    const setting = /(?:^|\])\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (setting === null) continue;
    const key = `${section}.${(setting[1] ?? "").toLowerCase()}`;
    const value = (setting[2] ?? "").replace(/^"(.*)"$/, "$1").replace(/\s+[#;].*$/, "");
    if (value === "" || /^[~%]/.test(value)) continue;
    if (key === "include.path" || key === "includeif.path") paths.push(resolve(directory, value));
    else if (key === "core.hookspath") paths.push(resolve(workTree, value));
    // A program by its path; a bare name is looked up in PATH, a command line runs its first word.
    else if (PROGRAMS.has(key)) for (const word of value.replace(/^!/, "").split(/\s+/)) if (/^\.{0,2}\/|\//.test(word)) paths.push(resolve(workTree, word));
  }
  return paths;
}

const PROGRAMS: ReadonlySet<string> = new Set([
  "core.fsmonitor", "core.sshcommand", "core.pager", "core.editor", "core.askpass", "core.gitproxy", "sequence.editor", "credential.helper", "gpg.program", "diff.external", "diff.command", "diff.textconv",
  "merge.driver", "filter.clean", "filter.smudge", "filter.process", "difftool.cmd", "mergetool.cmd", "interactive.difffilter",
]);
