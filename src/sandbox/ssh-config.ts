import { readdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What is mounted so that `ssh`, and whatever starts it (scp, rsync, git), finds the proxy by itself. */
export type SshConfig = { readonly at: string; readonly from: string };

const SYSTEM = "/etc/ssh/ssh_config";
/** Files that one Include may name; the rest is left out. */
const MOST_INCLUDED = 64;
const made = new Map<string, { readonly stamp: string; readonly config: SshConfig }>();

/**
 * In: where our own copy may lie, the installation. Out: the mount that replaces the system's ssh_config, written again when that
 * changed; undefined where there is no plain file to mount on, or it cannot be read: then ssh needs a ProxyCommand of its own.
 */
export function prepareSsh(from: string, root: string): SshConfig | undefined {
  try {
    const at = realpathSync(SYSTEM);
    const stamp = [at, `${SYSTEM}.d`].map(stampOf).join(" ");
    const known = made.get(from);
    if (known?.stamp === stamp) return known.config;
    if (!statSync(at).isFile()) return undefined;
    const text = sshConfigText(readFileSync(at, "utf8"), included, `${root}/libexec/vetsh-init`);
    writeFileSync(`${from}.new`, text, { mode: 0o600 });
    renameSync(`${from}.new`, from);
    made.set(from, { stamp, config: { at, from } });
    return { at, from };
  } catch {
    // No ssh here, or a configuration that this user may not read: nothing is replaced, and nothing is opened.
    return undefined;
  }
}

/**
 * In: the system's configuration, how to read what it includes, the program that connects. Out: the same with our way out first: the
 * first value counts. SECURITY: only what is on the command line or in the user's own file comes before it, and without the proxy
 * there is no way out at all. Includes are spelt out, because ssh refuses files of an owner that the sandbox does not have.
 */
export function sshConfigText(system: string, read: (pattern: string) => readonly string[], init: string): string {
  let scope = "Host *";
  const lines = system.split("\n").flatMap((line) => {
    if (/^\s*(?:Host|Match)\s/i.test(line)) scope = line.trim();
    const patterns = /^\s*Include\s+(.+?)\s*$/i.exec(line)?.[1];
    if (patterns === undefined) return [line];
    return [...patterns.split(/\s+/).map((each) => each.replaceAll('"', "")).flatMap((pattern) => read(pattern.startsWith("/") ? pattern : `/etc/ssh/${pattern}`)), scope];
  });
  const ours = ["# Made by vetsh: inside a sandbox the way out is its proxy.", "Host localhost 127.0.0.1 ::1", "  ProxyCommand none", "Host *", `  ProxyCommand ${init.replaceAll("%", "%%")} --connect %h %p`, "  ProxyUseFdpass no", "  ControlMaster no", "  ControlPath none", "  CheckHostIP no"];
  return [...ours, ...lines].join("\n");
}

/** `*` and `?` in the last part of a path. A file that cannot be read is left out, as ssh would. */
function included(pattern: string): readonly string[] {
  const glob = new RegExp(`^${basename(pattern).replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")}$`);
  try {
    const names = readdirSync(dirname(pattern)).filter((name) => glob.test(name)).sort().slice(0, MOST_INCLUDED);
    return names.map((name) => readFileSync(join(dirname(pattern), name), "utf8"));
  } catch {
    return [];
  }
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "-" : `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}
