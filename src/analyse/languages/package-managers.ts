import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { field, only } from "../value.ts";
import { runCode } from "./code.ts";
import { ownRelease } from "./release.ts";
import { writtenScripts } from "./written-project.ts";
import { bySubcommand, deeds, guarded, hasOption, perform, plainWords, type Deed } from "./subcommand.ts";

/** npm(1), yarn, pnpm: `npm help`, yarnpkg.com/cli, pnpm.io/cli. */
const NODE = deeds(
  ["look", "ls, list, ll, la, why, explain, root, bin, prefix, get, config get, config list, config ls, pkg get, help, fund, query, licenses, doctor, sbom, workspaces list, workspaces, cache ls, store path, env, -h, explore, run -h, completion"],
  ["query", "view, info, show, v, search, outdated, audit, ping, whoami, dist-tag ls, owner ls, repo, docs, bugs, home, npm"],
  ["run", "workspaces foreach, workspaces run, run, run-script, test, t, tst, start, stop, restart, build, dev, lint, exec-script, rebuild, rb, workspace, foreach, node, version, prune, dedupe, ddp, format, typecheck, check, pack"],
  ["change", "init -y, pkg set, pkg delete, shrinkwrap, cache clean, cache clear, cache verify, uninstall, remove, rm, un, r, unlink"],
  ["install", "env use, env add, install, i, in, add, ci, clean-install, install-test, it, update, up, upgrade, link, ln, install-clean, import, fetch, install-ci-test, patch, patch-commit, approve-builds, audit fix, up-interactive, upgrade-interactive, set, plugin, self-update"],
  ["fetch-and-run", "exec, x, dlx, init, create, innit"],
  ["publish", "npm publish, npm tag, publish, unpublish, deprecate, dist-tag, dist-tag add, dist-tag rm, owner, owner add, access, team, star, unstar, deploy, hook, profile, org, stage"],
  ["login", "npm login, npm logout, login, logout, adduser, token, config set, config delete, config edit, set, config"],
);
const NODE_VALUES = new Set(["--prefix", "-C", "--dir", "--cwd", "-w", "--workspace", "--filter", "-F", "--registry", "--loglevel", "--cache", "--userconfig", "--tag", "--otp", "--omit", "--include", "--depth"]);

const NODE_FLAGS = /^-(?:[a-zA-Z]|dd|ddd|-(?:silent|quiet|verbose|json|no-[a-z-]+|color|workspaces|workspace-root|include-workspace-root|if-present|ignore-scripts|offline|prefer-offline|yes|recursive|parallel|stream|force|long|production|prod|dev|save[a-z-]*|global|frozen-lockfile|immutable|bail|version|help|dry-run|legacy-peer-deps|fix|aggregate-output|reporter-hide-prefix|foreground-scripts|top-level|inject-environment-variables|use-node-version|shell-mode|sequential|resume-from|bun|watch|inspect|install-links|exact|optional))$/;

export function nodePackages(_args: Arguments, call: Call): void {
  applyDirectory(call, ["--prefix", "-C", "--dir", "--cwd"]);
  writtenScripts(call);
  if (call.args.some((arg) => arg.texts.some((text) => /^--(?:script-shell|node-options|init-module|globalconfig|userconfig|shell|git|editor|viewer|scripts-prepend-node-path)(?:=|$)/.test(text)))) call.exec("program", `${call.name} with a program of the line's choice`);
  guarded(call, NODE_VALUES, NODE_FLAGS);
  if (hasOption(call, "-g", "--global", "--location")) {
    const first = only(plainWords(call.args, NODE_VALUES)[0]) ?? "";
    if (/^(?:ls|list|root|bin|prefix|outdated|view)$/.test(first) || (first === "config" && /^(?:get|list|ls|)$/.test(only(plainWords(call.args, NODE_VALUES)[1]) ?? ""))) return perform("look", call, call.name);
    return perform("install-global", call, `${call.name} ${first} --global`);
  }
  if (hasOption(call, "--dry-run") && !/^(?:pack|version|prune|uninstall|rm)$/.test(only(plainWords(call.args, NODE_VALUES)[0]) ?? "")) return perform("query", call, call.name);
  const words = plainWords(call.args, NODE_VALUES);
  if (only(words[0]) === "config" && words.some((word) => word.texts.some((text) => /_auth|token|password/i.test(text)))) call.add({ kind: "secret", path: undefined, variable: `${call.name} config` });
  for (const [at, arg] of call.args.entries()) if (only(arg) === "--pack-destination" && call.args[at + 1] !== undefined) call.path(call.args[at + 1]!, "write");
  if (/^yarn/.test(call.name) && only(words[0]) === "global") return perform(/^(?:list|bin|dir)$/.test(only(words[1]) ?? "") ? "look" : "install-global", call, `${call.name} global`);
  // Without a name it asks, or with `-y` does not, and writes package.json; with one it fetches `create-NAME` and runs it (npm-init(1)).
  if (/^(?:init|innit)$/.test(only(words[0]) ?? "") && words.length === 1) return perform("change", call, `${call.name} init`);
  const first = only(words[0]) ?? "";
  if (/^(?:exec|x|dlx|explore)$/.test(first)) return executed(call, after(call, words[0]!), first);
  // `yarn` alone installs; `yarn NAME` and `pnpm NAME` run a script of package.json.
  const without: Deed = call.name === "yarn" || call.name === "yarnpkg" ? "install" : "look";
  if (call.name !== "npm" && first !== "" && !NODE.has(first) && !NODE.has(`${first} ${only(words[1]) ?? ""}`)) return perform("run", call, `${call.name} ${first}`);
  if (bySubcommand(NODE, call, { valueOptions: NODE_VALUES, without }) === "look") ownRelease(call);
}

/** `npx NAME`: a program of the workspace when it is installed there, else a package that is fetched and run. */
export function npx(args: Arguments, call: Call): void {
  if (args.given.some((g) => g.option.names.includes("-p"))) call.host(undefined);
  executed(call, args.operands, "npx");
}

/** What follows the word that starts another command, with that command's own options. */
function after(call: Call, word: ReturnType<typeof field>): readonly ReturnType<typeof field>[] {
  const rest = call.args.slice(call.args.indexOf(word) + 1);
  const text = rest.findIndex((arg) => /^(?:-c|--call|--shell-mode)$/.test(only(arg) ?? ""));
  if (text >= 0 && rest[text + 1] !== undefined) call.run.text(rest[text + 1]!, call, { dialect: "sh", state: call.state.clone(), what: `${call.name} -c` });
  const dashes = rest.findIndex((arg) => only(arg) === "--");
  if (only(word) === "explore") return dashes < 0 ? [] : rest.slice(dashes + 1);
  let from = dashes === -1 ? 0 : rest.slice(0, dashes).some((arg) => !/^-/.test(only(arg) ?? "-")) ? 0 : dashes + 1;
  while (/^-/.test(only(rest[from]) ?? "")) from += /^(?:-p|--package|-c|--call|-w|--workspace)$/.test(only(rest[from]) ?? "") ? 2 : 1;
  return rest.slice(from);
}

function executed(call: Call, words: readonly ReturnType<typeof field>[], what: string): void {
  const name = only(words[0]);
  if (name === undefined) return words.length === 0 ? undefined : call.opaque(`which package \`${what}\` runs is not known`, "unknown");
  const plain = name.replace(/(?<=.)@[^/]*$/, "");
  const program = plain.replace(/^@[^/]+\//, "");
  const { facts, specs } = call.context;
  // `pnpm exec CMD` and `yarn exec CMD` start programs of the machine too.
  const runs = what === "exec" && !/[@/]/.test(name) && (specs.programs.has(name) || /^(?:ba|da|z)?sh$/.test(name));
  if (runs) return call.run.argv(words, call);
  const local = facts.files.kind(`${facts.workspace}/node_modules/.bin/${program}`) === "file" || hasOption(call, "--no-install", "--offline", "--no");
  const known = !name.includes("@") && !name.includes("/") && specs.programs.has(program);
  // `npx -y NAME` is told to fetch what is not there.
  if (known && !local && what === "npx" && hasOption(call, "-y", "--yes")) perform("fetch-and-run", call, plain);
  if (known) return call.run.argv([field([program]), ...words.slice(1)], call);
  if (local) return perform("run", call, program);
  perform("fetch-and-run", call, plain);
}

const PIP = deeds(
  ["look", "list, freeze, show, check, config list, config get, debug, inspect, hash, help, cache dir, cache info, cache list"],
  ["query", "search, index, index versions, download"],
  ["install", "install, wheel"],
  ["install-global", "uninstall"],
  ["change", "cache purge, cache remove"],
  ["login", "config set, config edit, config"],
);
const PYTHON_TOOLS = deeds(
  ["look", "generate-shell-completion, completions, completion, list, show, info, env list, env info, check, version, search, config --list, tree, python list, python find, python dir, cache dir, cache info, pip list, pip show, pip freeze, pip check, pip tree, tool list, tool dir, run -h, env, info -e, export, lock -h, graph, --venv, workspace, auth status, self version"],
  ["query", "outdated, pip index"],
  ["run", "run, shell, test, script, fmt, format"],
  ["install", "add, sync, lock, install, update, upgrade, pip install, pip sync, pip compile, venv create, create, env create, env update, python install, python pin, init -i, install-all, sync --dev, pin, ensurepath, reinstall-all, inject, upgrade-all, self add"],
  ["install-global", "tool install, tool upgrade, self update, python upgrade"],
  ["change", "remove, uninstall, init, new, venv, cache clean, cache prune, pip uninstall, cache clear, env remove, deactivate, activate, clean, tool uninstall, uninstall-all"],
  ["fetch-and-run", "tool run, x"],
  ["publish", "publish"],
  ["login", "login, auth, config"],
);

const PY_VALUES = new Set(["--log", "--proxy", "--retries", "--timeout", "--exists-action", "--trusted-host", "--cert", "--client-cert", "--cache-dir", "--python", "--use-feature", "--use-deprecated", "-n", "-p", "--name", "--prefix", "-c", "--directory", "--project", "-C", "--config-file", "--color", "--allow-insecure-host", "--config", "--environment", "-e", "--env"]);
const PIP_VALUES = new Set(["--log", "--proxy", "--retries", "--timeout", "--exists-action", "--trusted-host", "--cert", "--client-cert", "--cache-dir", "--python", "--use-feature", "--use-deprecated"]);

export function pythonPackages(_args: Arguments, call: Call): void {
  const words = plainWords(call.args, new Set(["-n", "-p", "--name", "--prefix", "-c", "--python", "--directory", "--project", "-C"]));
  const first = only(words[0]) ?? "";
  if (call.name === "uvx" || (call.name === "pipx" && first === "run") || (call.name === "uv" && first === "tool" && only(words[1]) === "run")) return perform("fetch-and-run", call, only(words.at(call.name === "uvx" ? 0 : 1)) ?? "?");
  if (first === "config" && !/^pip3?$/.test(call.name) && (words.length <= 2 || hasOption(call, "--list") || /^(?:show|find|list|get|explore)$/.test(only(words[1]) ?? ""))) return perform("look", call, `${call.name} config`);
  if (call.name === "virtualenv") return call.path(words[0] ?? field(["."]), "write");
  for (const [at, arg] of call.args.entries()) {
    const target = /^(?:-t|--target|--root|--prefix|--dest|-d|--install-dir|--report|--log|--src|--python-preference-dir)=?/.exec(only(arg) ?? "");
    const value = target === null ? undefined : (only(arg) ?? "").includes("=") ? field([(only(arg) ?? "").split("=").slice(1).join("=")]) : only(arg) === target[0] ? call.args[at + 1] : undefined;
    if (value !== undefined) call.path(value, "write");
  }
  guarded(call, PY_VALUES, /^-(?:[a-zA-Z]|vv|vvv|qq|-(?:quiet|verbose|no-[a-z-]+|offline|isolated|disable-pip-version-check|require-virtualenv|version|help|debug|ansi|native-tls|preview|frozen|locked|yes|user|json|dry-run|system|managed-python))$/);
  // An isolated build fetches what it is built with (PEP 517); poetry and pdm bring theirs along.
  if (first === "build") return perform(/^(?:uv|hatch)$/.test(call.name) && !hasOption(call, "--no-build-isolation", "--offline") ? "install" : "run", call, `${call.name} build`);
  if (isOffline(call, first)) return perform("run", call, `${call.name} ${first}`);
  if (call.name === "pip" || call.name === "pip3") return void bySubcommand(PIP, call, { valueOptions: PIP_VALUES });
  // `uv run CMD`, `poetry run CMD`, `conda run CMD`: the command itself, in the workspace's environment.
  if (first === "run" && words.length > 1) {
    const start = call.args.findIndex((arg) => arg === words[1]);
    call.exec("workspace", `${call.name} run`);
    return call.run.argv(call.args.slice(start), call);
  }
  if (call.name === "conda" || call.name === "mamba" || call.name === "micromamba") {
    // `conda shell.bash hook` prints what makes `conda activate` a function of the shell.
    if (/^shell(?:\.(?:posix|bash|zsh|dash))?$/.test(first)) return perform("look", call, "conda shell");
    if (/^(?:install|create|update|remove|env)$/.test(first) && !/^(?:list|export)$/.test(only(words[1]) ?? "")) return perform("install-global", call, `${call.name} ${first}`);
  }
  bySubcommand(PYTHON_TOOLS, call, { without: "look" });
}

/**
 * Told to fetch nothing (pip(1) `--no-index`, uv `--offline`), or to install only a directory of the workspace without what it needs: its own build
 * code runs. What it has to have and is not there makes it fail.
 */
function isOffline(call: Call, first: string): boolean {
  if (/^(?:install|wheel|sync|add|lock|build|pip|export|tree)$/.test(first) && hasOption(call, "--no-index", "--offline")) return true;
  const words = plainWords(call.args, new Set([...PIP_VALUES, "-e", "--editable", "-r", "-c"])).slice(1);
  const from = call.args.flatMap((arg, at) => (/^(?:-e|--editable)$/.test(only(call.args[at - 1]) ?? "") ? [arg] : []));
  return first === "install" && hasOption(call, "--no-deps") && hasOption(call, "--no-build-isolation") && [...words, ...from].length > 0 && [...words, ...from].every((word) => /^\.{1,2}(?:$|[/[])|^\//.test(only(word) ?? ""));
}

const CARGO = deeds(
  ["look", "tree, metadata, locate-project, pkgid, verify-project, version, --list, help, read-manifest, config, report, info"],
  ["run", "build, b, check, c, test, t, run, r, bench, clippy, doc, d, rustc, rustdoc, nextest, expand, miri, llvm-cov, tarpaulin, criterion, flamegraph, watch, udeps, machete, deny, hack, make, xtask, insta, mutants, fuzz, asm, bloat, package"],
  ["change", "fmt, clean, new, init, fix, remove, rm, generate-lockfile, sort"],
  ["install", "add, update, fetch, vendor, upgrade, outdated, audit, generate"],
  ["install-global", "install, uninstall, binstall"],
  ["query", "search"],
  ["publish", "publish, yank, owner, release"],
  ["login", "login, logout"],
);

export function cargo(_args: Arguments, call: Call): void {
  applyDirectory(call, ["-C", "--manifest-path"]);
  const config = call.args.findIndex((arg) => /^--config/.test(only(arg) ?? ""));
  if (config >= 0) call.exec("program", "cargo --config");
  const words = call.args.filter((arg) => !/^\+/.test(only(arg) ?? ""));
  guarded(call, new Set(["--color", "--config", "-Z", "-C", "--explain"]), /^-(?:q|v|vv|V|h|-(?:quiet|verbose|locked|offline|frozen|version|list|help))$/, words);
  for (const [at, arg] of call.args.entries()) {
    const text = only(arg) ?? "";
    if (text === "--") break;
    const target = /^--(?:target-dir|artifact-dir|out-dir|root|path|manifest-path|output-path|lcov|output-dir)(?:=(.*))?$/.exec(text);
    const value = target === null ? undefined : target[1] === undefined ? call.args[at + 1] : field([target[1]]);
    if (value !== undefined) call.path(value, /path/.test(text) && !/output/.test(text) ? "read" : "write");
  }
  const sub = only(words.find((word) => !/^-/.test(only(word) ?? "-")));
  if (sub === "publish" && hasOption(call, "--dry-run", "-n")) return perform("query", call, "cargo publish --dry-run"), perform("run", call, "cargo publish --dry-run");
  if (/^(?:add|update|fetch|vendor)$/.test(sub ?? "") && hasOption(call, "--offline")) return perform("change", call, `cargo ${sub}`);
  if (sub === "watch") {
    for (const [at, arg] of call.args.entries()) {
      if (/^(?:-s|--shell)$/.test(only(arg) ?? "") && call.args[at + 1] !== undefined) call.run.text(call.args[at + 1]!, call, { dialect: "sh", state: call.state.clone(), what: "cargo watch" });
      if (only(arg) === "--" && at + 1 < call.args.length) call.run.argv(call.args.slice(at + 1), call);
    }
  }
  bySubcommand(CARGO, call, { args: words, valueOptions: new Set(["--color", "--config", "-Z", "-C"]), without: "look" });
}

const GO = deeds(
  ["look", "env, list, version, doc, help, mod graph, mod why, mod verify, work edit, mod edit -json"],
  ["run", "tool, build, test, run, vet, generate, tool dist, fmt -n"],
  ["change", "fmt, fix, mod init, mod edit, clean, work init, work use, work sync, mod vendor"],
  ["install", "get, mod download, mod tidy, work vendor"],
  ["install-global", "install"],
  ["publish", "bug, telemetry"],
);

export function go(_args: Arguments, call: Call): void {
  applyDirectory(call, ["-C"]);
  const words = plainWords(call.args, new Set(["-C"]));
  const first = only(words[0]);
  for (const [index, arg] of call.args.entries()) {
    const text = only(arg) ?? "";
    const value = /^--?o=(.*)$/.exec(text)?.[1] ?? (/^--?o$/.test(text) ? only(call.args[index + 1]) : undefined);
    if (value !== undefined) call.path(field([value]), "write");
    if (/^--?(?:toolexec|exec|vettool)(?:=|$)/.test(text)) call.exec("program", `go ${text}`);
    if (/^--?(?:coverprofile|cpuprofile|memprofile|blockprofile|mutexprofile|trace|outputdir)=/.test(text)) call.path(field([text.slice(text.indexOf("=") + 1)]), "write");
  }
  if (first === "env" && hasOption(call, "-w", "-u")) return call.path(field([`${call.context.facts.home}/.config/go/env`]), "write");
  if (first === "run" && /^[\w.-]+\.[a-z]+\/.*@/.test(only(words[1]) ?? "")) return perform("fetch-and-run", call, only(words[1])!);
  if (first === "clean" && hasOption(call, "-modcache", "-cache", "--modcache", "--cache")) return call.path(field([`${call.context.facts.home}/.cache/go-build`]), "write");
  bySubcommand(GO, call, { valueOptions: new Set(["-C", "-o", "-run", "-bench", "-count", "-timeout", "-tags", "-ldflags", "-gcflags", "-f", "-p", "-mod", "-coverprofile"]) });
}

const RUBY = deeds(
  ["look", "list, env, contents, specification, which, dependency, outdated, environment, show, info, check, config, platform, exec -h, licenses, routes, about, stats, notes, -T, --tasks, versions"],
  ["query", "search, query"],
  ["install", "install, update, add, fetch, lock, package"],
  ["install-global", "uninstall, cleanup, pristine"],
  ["change", "init, remove, clean, new, generate, g, destroy, d, build"],
  ["run", "exec, server, s, console, c, test, db:migrate, spec, runner, r, db:create, db:seed, db:setup, assets:precompile, cache, gem"],
  ["publish", "push, yank, owner, release, deploy"],
  ["login", "signin, signout"],
);

export function rubyPackages(_args: Arguments, call: Call): void {
  const words = plainWords(call.args, new Set());
  const first = only(words[0]) ?? "";
  if (call.name === "rake" && call.args.some((arg) => /^db:(?:drop|reset|purge|schema:load|rollback)/.test(only(arg) ?? ""))) call.add({ kind: "lose", what: "database", target: "rake" });
  if (call.name === "rake") for (const [at, arg] of call.args.entries()) if (/^(?:-[eEp]|--execute(?:-print|-continue)?)$/.test(only(arg) ?? "") && call.args[at + 1] !== undefined) runCode("ruby", call.args[at + 1]!, call);
  if (call.name === "cap" && call.args.some((arg) => /^(?:deploy|rollback|.*:(?:deploy|restart|migrate|rollback|upload).*)$/.test(only(arg) ?? ""))) call.exec("remote", "cap deploys");
  if (!["gem", "bundle", "bundler", "rails"].includes(call.name)) return perform("run", call, call.name);
  if (/^bundler?$/.test(call.name) && first === "exec") {
    call.exec("workspace", "bundle exec");
    return call.run.argv(call.args.slice(call.args.findIndex((arg) => arg === words[0]) + 1), call);
  }
  if (/^bundler?$/.test(call.name) && first === "install" && hasOption(call, "--local")) return perform("run", call, "bundle install --local");
  if (/^db:(?:drop|reset|purge|schema:load|rollback)/.test(first)) call.add({ kind: "lose", what: "database", target: first });
  else if (call.name === "rails" && first.includes(":")) return perform("run", call, `rails ${first}`);
  bySubcommand(RUBY, call, { without: /^bundler?$/.test(call.name) ? "install" : "look" });
}

const PHP = deeds(
  ["look", "show, info, list, licenses, depends, why, prohibits, why-not, validate, check-platform-reqs, status, about, suggests, fund, diagnose, help, route:list, config:show, migrate:status"],
  ["query", "search, outdated, audit, browse"],
  ["install", "install, i, update, u, upgrade, require, r, create-project, reinstall, bump"],
  ["change", "remove, rm, init, dump-autoload, dumpautoload, clear-cache, clearcache, archive, config"],
  ["run", "run-script, run, exec, test, tinker, serve, migrate, make"],
  ["install-global", "global, self-update, selfupdate"],
);

export function phpPackages(_args: Arguments, call: Call): void {
  if (call.name !== "composer") return perform("run", call, call.name);
  const first = only(plainWords(call.args, new Set(["-d", "--working-dir"]))[0]) ?? "";
  if (first !== "" && !PHP.has(first)) return perform("run", call, `composer ${first}`);
  bySubcommand(PHP, call, { valueOptions: new Set(["-d", "--working-dir"]), without: "look" });
}

function applyDirectory(call: Call, names: readonly string[]): void {
  for (const [index, arg] of call.args.entries()) {
    const text = only(arg) ?? "";
    const name = names.find((n) => text === n || text.startsWith(`${n}=`));
    if (name === undefined) continue;
    const value = text === name ? only(call.args[index + 1]) : text.slice(name.length + 1);
    if (value === undefined || name === "--manifest-path") continue;
    call.directories = call.directories?.map((base) => (value.startsWith("/") ? value : `${base}/${value}`));
  }
}
