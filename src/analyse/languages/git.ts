import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { wasGiven } from "../specs/arguments.ts";
import { field, isKnown } from "../value.ts";
import { configuredPrograms, emptyLimit } from "./git-configured.ts";

/** Configuration keys whose value git runs or loads (git-config(1)). */
const RUNS = /^(?:core\.(?:pager|editor|sshcommand|fsmonitor|hookspath|gitproxy|askpass|attributesfile|worktree|alternaterefscommand)|alias\..+|.*\.(?:textconv|command|process|clean|smudge|driver|cmd|path|helper|program|insteadof|pushinsteadof|proxy|uploadpack|receivepack|vcs)|diff\.external|pager\..+|sequence\.editor|gpg\.(?:program|.+\.program|ssh\.defaultkeycommand)|gc\.recentobjectshook|imap\.tunnel|instaweb\..*|core\.notescommand|credential\.helper|include\.path|includeif\..+|init\.templatedir|uploadpack\.packobjectshook|interactive\.difffilter|browser\..+|man\..+|web\.browser|sendemail\..*|http\.(?:.*\.)?(?:ssl.*|pinnedpubkey|cookiefile|extraheader|emptyauth|delegation)|ssh\.variant|http\..*proxy|remote\..+\.(?:uploadpack|receivepack|vcs|proxy)|submodule\..+\.update|trailer\..+\.(?:command|cmd)|protocol\..*|safe\.directory|extensions\..+)$/i;

/** `git -c KEY=VALUE` and `git config KEY VALUE`: a key that names a program is code that git will run. */
export function gitCommand(args: Arguments, call: Call): void {
  for (const { option, value } of args.given) {
    if (!option.names.includes("-c") && !option.names.includes("--config-env")) continue;
    for (const text of value?.texts ?? []) configKey(text, call);
  }
  if (call.name !== "git") return;
  configuredPrograms(call);
  emptyLimit(call);
  if (args.operands.length < 2) return;
  const key = args.operands[0]!.texts[0]!;
  if (isKnown(key) && key.includes(".")) configKey(`${key}=${args.operands[1]!.texts[0]!}`, call);
}

function configKey(text: string, call: Call): void {
  const equals = text.indexOf("=");
  const key = (equals < 0 ? text : text.slice(0, equals)).trim();
  const value = equals < 0 ? "" : text.slice(equals + 1);
  if (!isKnown(key)) return call.opaque("a git configuration key that is not known", "unknown");
  if (!RUNS.test(key)) return;
  if (/^(?:core\.pager|pager\..+|core\.editor|sequence\.editor)$/i.test(key) && /^(?:cat|less|true|:|false|no|off|)$/.test(value)) return;
  if (/^http\..*ssl/i.test(key) && /^(?:true|1|yes|on)$/.test(value)) return;
  if (/^(?:core\.fsmonitor|core\.hookspath)$/i.test(key) && /^(?:false|0|no|\/dev\/null|)$/.test(value)) return;
  if (/^alias\./i.test(key) && !value.startsWith("!")) return;
  if (/^alias\./i.test(key)) return call.run.text(field([value.slice(1)]), call, { dialect: "sh", state: call.state.clone(), what: "git alias" }), call.exec("program", `git ${key}`);
  call.exec("program", `git ${key}`);
}

/** `git push REMOTE [REFSPEC…]`: `+ref`, `:ref`, `--force`, `--delete` and `--mirror` lose what others may have (git-push(1)). */
export function refspec(args: Arguments, call: Call): void {
  const [remote, ...refs] = args.operands;
  const url = remote?.texts[0];
  const host = url === undefined ? undefined : (/^[a-z+]+:\/\/(?:[^@/]*@)?([^/:]+)/.exec(url)?.[1] ?? /^(?:[^@/]*@)?([^/:]+\.[^/:]+):/.exec(url)?.[1]);
  call.host(host, { sends: true });
  if (wasGiven(args, "-n")) return;
  call.add({ kind: "remote", what: "push", target: url });
  const forced = ["-f", "--force", "--force-with-lease", "--mirror", "--delete", "-d", "--prune"].some((name) => wasGiven(args, name));
  if (forced || refs.some((ref) => ref.texts.some((text) => /^[+:]/.test(text)))) call.add({ kind: "lose", what: "remote-ref", target: refs[0]?.texts[0] });
}

/**
 * `git checkout`: a branch, or paths whose uncommitted changes are lost (git-checkout(1)). `checkout -- PATH`,
 * `checkout COMMIT -- PATH`, `checkout .` and `checkout PATH` restore files.
 */
export function checkout(args: Arguments, call: Call): void {
  if (wasGiven(args, "-b") || wasGiven(args, "-B") || wasGiven(args, "--orphan")) return;
  const dashes = call.args.findIndex((arg) => arg.texts[0] === "--");
  const paths = dashes >= 0 ? call.args.slice(dashes + 1) : args.operands.slice(args.operands.length > 1 ? 1 : 0).filter((arg) => args.operands.length > 1 || arg.texts.some(isPath));
  if (paths.length > 0) call.add({ kind: "lose", what: "uncommitted", target: paths[0]!.texts[0] });
}

/** A word that names files rather than a branch: `.`, a pattern, a file extension. */
function isPath(text: string): boolean {
  return text === "." || text.startsWith("./") || text.startsWith(":/") || /[*?]/.test(text) || text.endsWith("/") || /\.[A-Za-z]{1,5}$/.test(text);
}

/** `git fetch`, `pull`, `clone`, `ls-remote`: the host of the URL, if one is given; `ext::` and `-oProxyCommand` run programs. */
export function remote(args: Arguments, call: Call): void {
  for (const { option, value } of args.given) if (option.names.includes("--config")) for (const text of value?.texts ?? []) configKey(text, call);
  const url = args.operands[0]?.texts[0];
  if (url !== undefined && /^(?:ext|fd)::/.test(url)) return call.exec("program", url);
  if (url !== undefined && /^(?:\/|\.\.?(?:\/|$)|file:\/\/)/.test(url)) return call.path(field([url.replace(/^file:\/\//, "")]), "read");
  const host = url === undefined ? undefined : (/^[a-z+]+:\/\/(?:[^@/]*@)?([^/:]+)/.exec(url)?.[1] ?? /^(?:[^@/:]*@)?([^/:]+\.[^/:]+):/.exec(url)?.[1]);
  call.host(host);
}

/** Commands that show what is in files: `REV:PATH`, and paths of a patch; with `--no-index` any file of the machine. */
export function shown(args: Arguments, call: Call): void {
  const verb = call.args.map((arg) => arg.texts[0] ?? "").find((word) => /^(?:diff|show|log|cat-file|blame|annotate|grep|hash-object|stash|whatchanged|diff-\w+|unpack-file|archive)$/.test(word)) ?? "";
  const given = (...names: readonly string[]): boolean => names.some((name) => wasGiven(args, name));
  const outside = given("--no-index");
  const onlyNames = given("--stat", "--name-only", "--name-status", "--shortstat", "--numstat", "-s", "--summary", "--quiet") && !given("-p");
  const contents = (/^(?:diff|show|blame|annotate|whatchanged|diff-\w+|hash-object)$/.test(verb) && !onlyNames) || (verb === "log" && given("-p", "-L", "-U")) || (verb === "cat-file" && given("-p", "--batch", "--textconv", "--filters"));
  if (!outside && !contents) return;
  const paths = verb === "grep" && outside && !given("-e") ? args.operands.slice(1) : args.operands;
  for (const operand of paths) {
    for (const text of operand.texts) {
      const path = /^[^:/]*:(?!\/)(.+)$/s.exec(text)?.[1] ?? text;
      if (!path.includes("..") || outside) call.path({ ...operand, texts: [path] }, "read");
    }
  }
}
