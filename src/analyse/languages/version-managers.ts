import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { field, only } from "../value.ts";
import { perform } from "./subcommand.ts";

const LOOKS = /^(?:ls|list|list-all|ls-remote|list-remote|current|which|where|whence|version|versions|prefix|root|shims|env|help|status|config|info|doctor|alias|cache|outdated|hook|hook-env|hooks|activate|init|virtualenv-init|export|shellenv|sh-activate|sh-deactivate|commands|completions|virtualenvs|virtualenv-prefix|version-name|version-file|version-origin|latest|stdlib|show_dump|dump|settings|tasks|plugins|search|--version|-v|-V|--help|-h|)$/;
const CHOOSES = /^(?:use|local|global|shell|set|default|pin|rehash|reshim|unset|reload|edit|trust|untrust|new|sh-use|sh-shell|deactivate|alias|unalias)$/;

/** nvm, asdf, mise, pyenv, direnv and their like: `exec` and `run` start a command; `install` fetches; the rest chooses a version. */
export function versionManager(_args: Arguments, call: Call): void {
  const words = call.args.map((arg) => only(arg) ?? "");
  const first = words.find((word) => !word.startsWith("-")) ?? "";
  const at = words.indexOf(first);
  if (first === "" || LOOKS.test(first)) return call.name === "mise" && first === "tasks" ? perform("run", call, "mise tasks") : undefined;
  if (/^(?:exec|run|x|with-shim-path)$/.test(first)) return started(at, words, call);
  if (call.name === "direnv") {
    // SECURITY: `direnv allow` lets a file of the workspace run in every shell that enters the directory.
    if (/^(?:allow|permit|grant)$/.test(first)) return call.add({ kind: "persist", via: "direnv allow", path: undefined });
    if (/^(?:deny|block|revoke|prune)$/.test(first)) return;
    return perform("run", call, `direnv ${first}`);
  }
  if (CHOOSES.test(first) || (/^\d+(?:\.\d+)*$|^v\d|^lts/.test(first) && call.name !== "n")) return call.path(field(["."]), "write");
  perform("install-global", call, `${call.name} ${first}`);
}

/** `nvm exec VERSION cmd`, `mise exec [TOOL…] -- cmd`, `direnv exec DIR cmd`, `pyenv exec cmd`. */
function started(at: number, words: readonly string[], call: Call): void {
  const dashes = words.indexOf("--", at);
  let from = dashes >= 0 ? dashes + 1 : at + 1;
  if (dashes < 0) {
    while (/^-/.test(words[from] ?? "")) from += 1;
    if (/^(?:nvm|direnv|sdk|n)$/.test(call.name) || /^(?:v?\d[\w.-]*|lts.*|[\w-]+@.*)$/.test(words[from] ?? "")) from += 1;
  }
  call.exec("workspace", `${call.name} ${words[at]}`);
  if (from < call.args.length && !(words[at] === "run" && call.name === "mise")) call.run.argv(call.args.slice(from), call);
}
