import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, field, only } from "../value.ts";
import { guarded, hasOption, plainWords } from "./subcommand.ts";
import { reads } from "./words.ts";

/** Remote services are looked at or changed; a few words lose what cannot be made again. */
type Verbs = { readonly look: RegExp; readonly lose: RegExp; readonly what: string; readonly local?: RegExp };

function words(call: Call, values: readonly string[] = []): readonly string[] {
  return plainWords(call.args, new Set(values)).map((f) => only(f) ?? "");
}

/** `docker --version`, `gh help pr`, `aws s3 help`, `terraform plan -help`, `docker compose up --help`; `docker run IMAGE --help` asks the image. */
function asks(call: Call): boolean {
  const all = call.args.map((arg) => only(arg) ?? HOLE);
  if (all.every((text) => /^(?:--version|--help|-h|-v|-V|version|help|--client)$/.test(text))) return true;
  const before = all.slice(0, -1);
  if (!before.every((text) => /^[a-z][a-z0-9-]*$/.test(text))) return false;
  if (/^(?:--help|-help|-h)$/.test(all.at(-1)!)) return before.length === 1 || (before.length === 2 && !/^(?:run|exec|create|ssh)$/.test(before[0]!));
  return all[0] === "help" || (all.at(-1) === "help" && /^(?:aws|gcloud|az)$/.test(call.name));
}

function remote(verbs: Verbs, call: Call, given: readonly string[]): void {
  if (asks(call)) return;
  const line = given.join(" ");
  if (verbs.local?.test(line) === true) return call.path(field(["."]), "read");
  call.host(undefined, { sends: !verbs.look.test(line) });
  if (verbs.look.test(line)) return;
  call.add({ kind: "remote", what: verbs.what, target: line });
  if (verbs.lose.test(line)) call.add({ kind: "lose", what: "resource", target: line });
}

/** docker(1) and relatives: looking talks to the local engine; running is the engine's authority, which is root's. */
export function containers(_args: Arguments, call: Call): void {
  if (asks(call)) return;
  const given = words(call, ["-H", "--host", "-c", "--context", "--config", "-f", "--file", "-p", "--project-name", "--log-level", "-l", "--profile", "--env-file", "--project-directory", "--progress", "--parallel", "--ansi", "--tlscacert", "--tlscert", "--tlskey", "--builder"]);
  guarded(call, new Set(["-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--tlscacert", "--tlscert", "--tlskey"]), /^-(?:D|v|-debug|-tls|-tlsverify|-version)$/);
  const host = call.args.findIndex((arg) => /^(?:-H|--host)$/.test(only(arg) ?? ""));
  if (host >= 0) call.host(/^[a-z]+:\/\/([^/:]+)/.exec(only(call.args[host + 1]) ?? "")?.[1], { sends: true });
  const [first = "", second = ""] = call.name.endsWith("-compose") ? ["compose", ...given] : given;
  const verb = /^(?:container|image|volume|network|compose|buildx|builder|system|context|manifest|plugin|secret|config|stack|service|swarm|node|pod|machine)$/.test(first) ? second : first;
  if (/^(?:ps|images|image|logs|inspect|version|info|stats|top|port|diff|history|ls|list|events|df|search|config|show|tree)$/.test(verb)) return call.add({ kind: "read", path: { path: "/var/run/docker.sock", zone: "system", flags: [] } });
  call.add({ kind: "process", action: "container", target: verb });
  if (/^(?:prune|rm|rmi|down|kill|remove|reset)$/.test(verb)) {
    if (verb === "prune" || first === "volume" || hasOption(call, "-v", "--volumes", "-f", "--force", "-a", "--all", "--rmi")) call.add({ kind: "lose", what: "volume", target: given.join(" ") });
    return call.add({ kind: "remote", what: "container", target: verb });
  }
  if (/^(?:push|login|logout)$/.test(verb)) return call.host(undefined, { sends: true }), call.add({ kind: "remote", what: "publish", target: verb });
  if (/^(?:pull|build|buildx|up|create|run|start|restart|bake|load|import)$/.test(verb)) call.host(undefined);
  call.exec("program", `${call.name} ${verb}`);
  if (/^(?:run|create|exec|build|up|update|start)$/.test(verb)) containerOptions(call);
  if (/^(?:save|export|cp)$/.test(verb)) {
    for (const [index, arg] of call.args.entries()) {
      const attached = /^--output=(.*)$/.exec(only(arg) ?? "")?.[1];
      if (attached !== undefined) call.path(field([attached]), "write");
      else if (/^(?:-o|--output)$/.test(only(arg) ?? "") && call.args[index + 1] !== undefined) call.path(call.args[index + 1]!, "write");
    }
  }
  if (verb === "cp") {
    const places = plainWords(call.args, new Set()).slice(first === "cp" ? 1 : 2);
    places.forEach((place, at) => {
      if (!(only(place) ?? "").includes(":")) call.path(place, at === places.length - 1 ? "write" : "read");
    });
  }
}

/** Options that give a container the host: its namespaces, its devices, directories outside of the workspace, its secrets. */
function containerOptions(call: Call): void {
  for (const [index, arg] of call.args.entries()) {
    const text = only(arg) ?? "";
    const next = only(call.args[index + 1]) ?? "";
    const [name, value] = /^--[^=]+=/.test(text) ? [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)] : [text, next];
    if (/^--(?:privileged|cap-add|device|security-opt|device-cgroup-rule|runtime|cgroup-parent)$/.test(name)) call.add({ kind: "privilege", via: "the host's root through a container" });
    if (/^--(?:pid|net|network|ipc|userns|uts|cgroupns)$/.test(name) && value === "host") call.add({ kind: "privilege", via: "the host's namespaces through a container" });
    const bind = /^(?:-v|--volume)$/.test(name) ? value.split(":")[0] : /^-v./.test(text) ? text.slice(2).split(":")[0] : name === "--mount" ? /(?:^|,)(?:source|src)=([^,]*)/.exec(value)?.[1] : undefined;
    if (bind !== undefined && /^[/~.]/.test(bind)) mounted(bind, call);
    if (/^--(?:secret|ssh)$/.test(name)) {
      const source = /(?:^|,)(?:source|src)=([^,]*)/.exec(value)?.[1];
      if (source !== undefined) call.path(field([source]), "read");
    }
  }
}

/** A directory of the host inside a container, where root may change it. */
function mounted(path: string, call: Call): void {
  const { workspace, home } = call.context.facts;
  const absolute = path.replace(/^~(?=\/|$)/, home);
  call.path(field([absolute]), "read");
  if (/^\/(?:$|etc|root|proc|sys|dev|boot|usr|lib|var\/run\/docker|run\/docker|home\/?$)/.test(absolute) || absolute === home) call.add({ kind: "privilege", via: "the host's files through a container" });
  else if (!absolute.startsWith(".") && absolute !== workspace && !absolute.startsWith(`${workspace}/`) && !absolute.startsWith("/tmp")) call.path(field([absolute]), "write");
}

const CLUSTER_VALUES = new Set(["-n", "--namespace", "--context", "--kubeconfig", "--cluster", "--user", "-s", "--server", "--as", "--as-group", "--as-uid", "--cache-dir", "--token", "--request-timeout", "--tls-server-name", "--certificate-authority", "--client-key", "--client-certificate", "--kube-context", "--kube-apiserver", "--registry-config", "-v", "--password", "--username", "--profile", "--log-file", "--repository-config", "--repository-cache", "-f", "-l", "-o", "-c"]);

export function cluster(_args: Arguments, call: Call): void {
  // A screen in which anything may be done.
  if (/^(?:k9s|lens|kubectl-ui)$/.test(call.name) && !call.args.some((arg) => /^(?:version|info|help|--help|-h)$/.test(only(arg) ?? ""))) return call.host(undefined), call.add({ kind: "remote", what: "cluster", target: call.name });
  if (asks(call)) return;
  const given = words(call, ["-n", "--namespace", "--context", "--kubeconfig", "-f", "-o", "-l", "--selector", "--cluster", "--user", "-c", "--container", "-s", "--server", "--as", "--as-group", "--as-uid", "--cache-dir", "--token", "--request-timeout", "--tls-server-name", "--certificate-authority", "--client-key", "--client-certificate", "--kube-context", "--kube-apiserver", "--registry-config", "-v", "--password", "--username", "--profile", "--log-file", "--repository-config", "--repository-cache", "--field-selector", "--sort-by", "--since", "--tail", "--template", "--values", "--set", "--version"]);
  guarded(call, CLUSTER_VALUES, /^-(?:-all-namespaces|A|-insecure-skip-tls-verify|-debug|-match-server-version|-warnings-as-errors|-burst-limit|h|-help|-version|-client)$/);
  remote({ what: "cluster", look: /^(?:get|describe|logs|top|explain|api-resources|api-versions|cluster-info|version|auth can-i|config (?:view|get-contexts|current-context)|diff|rollout (?:status|history)|list|ls|status|history|show|search|env|events|wait|app (?:get|list|diff))\b/, lose: /\b(?:delete|drain|destroy|uninstall|reset|purge|prune|rollback)\b|--force|--prune/, local: /^(?:template|lint|kustomize|build|completion|dependency list|config (?:view|get-(?:contexts|clusters|users)|current-context))\b/ }, call, given);
  const line = given.join(" ");
  if (/\bsecrets?\b/.test(given.slice(1, 3).join(" ")) && /^(?:get|describe|edit|view)\b/.test(line)) call.add({ kind: "secret", path: undefined, variable: "cluster secrets" });
  if (/^create token\b|^config view\b.*/.test(line) && (hasOption(call, "--raw", "--flatten") || line.startsWith("create"))) call.add({ kind: "secret", path: undefined, variable: "cluster credentials" });
  if (/^(?:exec|run|debug|cp|port-forward|attach|proxy)\b/.test(given[0] ?? "")) call.exec("remote", `${call.name} ${given[0]}`);
  if (hasOption(call, "--post-renderer", "--enable-exec", "--enable-alpha-plugins", "--enable-helm", "--helm-command") || /^plugin (?:install|update)\b|^krew\b/.test(line)) call.exec("program", `${call.name} plug-in`);
  // A kubeconfig may name a program that hands out credentials; edits of it stay for later commands.
  if (hasOption(call, "--kubeconfig")) call.exec("program", "credentials of another kubeconfig");
  if (/^config (?:set|use|delete|rename|unset)/.test(line)) call.path(field([`${call.context.facts.home}/.kube/config`]), "write");
  for (const [index, arg] of call.args.entries()) if (/^(?:-f|--filename|--values)$/.test(only(arg) ?? "") && call.args[index + 1] !== undefined && !/^https?:/.test(only(call.args[index + 1]) ?? "")) call.path(call.args[index + 1]!, "read");
  if (given[0] === "cp") for (const word of given.slice(1)) if (!word.includes(":")) call.path(field([word]), word === given.at(-1) ? "write" : "read");
}

export function infrastructure(_args: Arguments, call: Call): void {
  if (asks(call)) return;
  // Both read the playbook and the inventory, which may be programs of the workspace, and connect to nothing.
  if ((call.name === "ansible-playbook" && hasOption(call, "--syntax-check", "--list-tasks", "--list-tags", "--list-hosts")) || call.name === "ansible-inventory") {
    reads(call.args, call);
    return call.exec("workspace", call.name);
  }
  const given = words(call, ["-var", "-var-file", "-i", "--inventory", "-e", "--stack", "-s", "-chdir"]);
  if (call.name === "terraform" || call.name === "tofu" || call.name === "terragrunt") {
    for (const arg of call.args) {
      const file = /^--?(out|var-file|state|state-out|backup|backend-config|chdir)=(.+)$/.exec(only(arg) ?? "");
      if (file !== null) call.path(field([file[2]!]), /^(?:out|state-out|backup)$/.test(file[1]!) ? "write" : "read");
    }
    if (/^(?:fmt)\b/.test(given[0] ?? "")) return call.path(field(["."]), hasOption(call, "-check") ? "read" : "write");
    if (/^(?:validate|show|output|graph|providers|state (?:list|show)|version|console|workspace (?:list|show))\b/.test(given.join(" "))) return call.exec("workspace", call.name);
    if (given[0] === "init" || given[0] === "get") return call.host(undefined), call.exec("package", `${call.name} providers`), call.path(field(["."]), "write");
    if (given[0] === "plan" || given[0] === "refresh") return call.host(undefined), call.exec("workspace", `${call.name} plan`);
  }
  remote({ what: "cloud", look: /^(?:preview|diff|list|ls|show|about|whoami|stack ls|stack output|synth|docs|inventory|status)\b/, lose: /\b(?:destroy|delete|rm|remove|terminate|taint|state rm|force-unlock|purge)\b|-destroy/, local: /^(?:validate|fmt|lint|version|synth)\b/ }, call, given);
  if (/^(?:cdk|cdktf|sam|pulumi)$/.test(call.name)) call.exec("workspace", `${call.name} program`);
  if (hasOption(call, "--show-secrets")) call.add({ kind: "secret", path: undefined, variable: `${call.name} secrets` });
  if (/^(?:ansible|ansible-playbook|salt|knife|chef|puppet)/.test(call.name)) call.exec("remote", call.name);
}

const CLOUD_VALUES = new Set(["--profile", "--region", "--output", "--query", "--project", "--format", "-g", "--resource-group", "-n", "--name", "-a", "--app", "--subscription", "--endpoint-url", "--filter", "--zone", "--account", "-o", "--color", "--cli-read-timeout", "--cli-connect-timeout", "--ca-bundle", "--configuration", "--impersonate-service-account", "--token", "-t", "--scope", "-s", "--team", "--cwd"]);
const CLOUD_LOOKS = /^(?:describe|list|get|show|ls|head|lookup|info|status|logs?|tail|whoami|version|versions|apps|ps|releases|search|batch-get|scan|query|wait|help|du|cat|read|view|inspect|history|check|validate|estimate|preview|filter|simulate|regions|sizes|images|docs|open|dashboard|stat|whois|ip|netcheck|metrics)(?:-[a-z0-9-]+)?$/;
const CLOUD_CHANGES = /^(?:create|update|delete|set|add|remove|rm|rb|mb|mv|cp|sync|deploy|apply|run|start|stop|restart|reboot|put|patch|import|export|enable|disable|attach|detach|modify|invoke|send|publish|submit|cancel|move|copy|terminate|destroy|purge|deregister|register|revoke|drop|wipe|reset|deprovision|grant|assume|execute|ssh|scp|exec|connect|login|logout|configure|init|scale|up|down|push|tag|untag|assign|associate|disassociate|rotate|restore|promote|upgrade|install|uninstall|link|config|secrets|encrypt|decrypt|generate|sign|test|launch|resize|release|allocate|authorize|replace|rename|write|pull|download|upload|serve|train|predict|download-file)(?:-[a-z0-9-]+)?$/;

/** The first word that is a verb decides; the arguments after it may be spelt like one. */
function verbOf(call: Call, given: readonly string[]): "look" | "change" {
  // aws SERVICE OPERATION …: only the operation is a verb.
  const words = call.name === "aws" ? given.slice(1, 2) : given;
  const verb = words.find((word) => CLOUD_LOOKS.test(word) || CLOUD_CHANGES.test(word));
  return verb !== undefined && CLOUD_LOOKS.test(verb) && !/^get-(?:login|session|federation|authorization)/.test(verb) ? "look" : "change";
}

const CLOUD_SECRETS = /(?:get-secret-value|batch-get-secret|secretsmanager get|secrets? (?:versions )?(?:access|download|get)|keyvault (?:secret|key|certificate) (?:show|download)|get-(?:session-|access-|federation-|authorization-)?token|get-login|print-(?:access|identity)-token|config:get|\bconfig$|config vars|env pull|env ls|ssm get-parameter|sts (?:assume-role|get-session-token)|kms decrypt|configure export|configure get|iam create-access-key|auth (?:token|print)|get-credentials|aks get-cred|keys list|list-keys|connection-string|storage account keys|service-accounts keys create|redis-cli|tokens? (?:create|list)|variables? get|get-password-data|credentials)/;

/** aws, gcloud, az and the platforms: what is there is looked at or changed; some words hand out credentials. */
export function cloud(_args: Arguments, call: Call): void {
  if (asks(call)) return;
  const given = words(call, ["--profile", "--region", "--output", "--query", "--project", "--format", "-g", "--resource-group", "-n", "--name", "-a", "--app", "--subscription", "--endpoint-url", "--filter", "--zone", "--account", "-o"]);
  const line = given.join(" ");
  if (CLOUD_SECRETS.test(line)) call.add({ kind: "secret", path: undefined, variable: `${call.name} ${line}` });
  else if (/^(?:configure list|config (?:list|get|get-value)|auth list|account (?:show|list))\b/.test(line)) return call.path(field([`${call.context.facts.home}/.config`]), "read");
  guarded(call, CLOUD_VALUES, /^-(?:-debug|-no-cli-pager|-no-paginate|-no-verify-ssl|-no-sign-request|-quiet|-verbose|q|v|-json|-no-color|y|-yes|h|-help|-version|-verbosity|-only-show-errors)$/);
  const looks = verbOf(call, given) === "look";
  call.host(undefined, { sends: !looks });
  if (!looks) call.add({ kind: "remote", what: "cloud", target: line });
  if (!looks && (/(?:^| )(?:delete|rm|rb|terminate|destroy|remove|purge|deregister|revoke|drop|wipe|reset|deprovision)(?:[- ]|$)/.test(line) || hasOption(call, "--delete", "--force"))) call.add({ kind: "lose", what: "resource", target: line });
  if (/(?:^| )(?:ssh|start-session|send-command|execute-command|exec|ssm connect)(?: |$)/.test(line)) call.exec("remote", `${call.name} ${line}`);
  if (/^(?:ngrok|cloudflared|localtunnel|lt|tailscale|bore|frpc|zrok|serveo|devtunnel)$/.test(call.name) && !looks) {
    call.host(undefined, { direction: "in" });
    call.add({ kind: "remote", what: "tunnel", target: call.name });
  }
  if (call.name === "aws" && given[0] === "configure" && given[1] === "set") call.path(field([`${call.context.facts.home}/.aws/config`]), "write");
  if (call.name === "aws" && /^s3 (?:cp|mv|sync)\b/.test(line)) for (const word of given.slice(2)) if (!word.startsWith("s3://")) call.path(field([word]), word === given.at(-1) ? "write" : "read");
  for (const arg of call.args) {
    const file = /^(?:file|fileb):\/\/(.+)$/.exec(only(arg) ?? "")?.[1];
    if (file !== undefined) call.path(field([file]), "read");
  }
}

const FORGE_LOOKS = /^(?:view|list|ls|status|diff|checks|watch|show|trace|get|search|prs|issues|repos|commits|code|field-list|item-list|files|verify|check|contributors|note-list)$/;

/** gh(1), glab: reading issues and pull requests asks the forge; everything else changes it. */
export function forge(_args: Arguments, call: Call): void {
  if (asks(call)) return;
  const given = words(call, ["-R", "--repo", "--jq", "-q", "--json", "-L", "--limit", "-s", "--state", "-l", "--label", "-t", "--template", "--title", "--body", "-b", "-B", "--base", "-H", "--head", "-X", "--method", "-f", "-F", "--field", "--raw-field", "--input", "-A", "--author", "-w", "--workflow", "--search", "-S"]);
  const line = given.join(" ");
  const call2 = `${given[0] ?? ""} ${given[1] ?? ""}`;
  if (/^auth (?:token)\b/.test(line) || hasOption(call, "--show-token") || (/^auth status\b/.test(line) && hasOption(call, "-t"))) return call.add({ kind: "secret", path: undefined, variable: "gh token" });
  if (/^auth status\b/.test(line)) return call.host(undefined);
  if (given[0] === "api") {
    const method = call.args.findIndex((arg) => /^(?:-X|--method)$/.test(only(arg) ?? ""));
    const verb = method >= 0 ? (only(call.args[method + 1]) ?? "?") : (/^(?:-X|--method=)(\w+)/.exec(call.args.map((a) => only(a) ?? "").find((t) => /^(?:-X\w|--method=)/.test(t)) ?? "")?.[1] ?? undefined);
    const writes = verb !== undefined ? verb.toUpperCase() !== "GET" : hasOption(call, "-f", "-F", "--field", "--raw-field", "--input") && (!/graphql/.test(line) || call.args.some((arg) => /mutation|query=@|\0/.test(only(arg) ?? "\0")));
    const body = call.args.findIndex((arg) => only(arg) === "--input");
    if (body >= 0 && call.args[body + 1] !== undefined) call.path(call.args[body + 1]!, "read");
    for (const arg of call.args) {
      const file = /^[\w.[\]]+=@(.+)$/.exec(only(arg) ?? "")?.[1];
      if (file !== undefined) call.path(field([file]), "read");
    }
    call.host("api.github.com", { sends: writes });
    if (writes) call.add({ kind: "remote", what: "api", target: line });
    if (verb?.toUpperCase() === "DELETE") call.add({ kind: "lose", what: "resource", target: line });
    return;
  }
  if (/^(?:pr|mr) checkout\b/.test(line)) return call.host("github.com"), call.path(field(["."]), "write");
  if (/^(?:repo|release|run|gist) (?:clone|download)\b/.test(line)) return call.host("github.com"), call.path(field(["."]), "write");
  if (call2 === "alias set" || call2 === "alias import") call.add({ kind: "persist", via: `${call.name} alias`, path: undefined });
  if (call2 === "config set" || call2 === "config get" || call2 === "config list" || call2 === "alias list" || call2 === "extension list") return call2 === "config set" ? call.path(field([`${call.context.facts.home}/.config/gh/config.yml`]), "write") : undefined;
  if (given[0] === "browse" || hasOption(call, "--web", "-w")) call.exec("program", "the browser");
  // What is uploaded is read first.
  if (/^(?:gist create|release (?:create|upload)|ssh-key add|gpg-key add)\b/.test(line)) for (const word of given.slice(2)) call.path(field([word]), "read");
  for (const [index, arg] of call.args.entries()) {
    const file = /^(?:-F|--body-file|--notes-file|--env-file|--input)$/.test(only(arg) ?? "") ? only(call.args[index + 1]) : undefined;
    if (file !== undefined && !file.includes("=")) call.path(field([file]), "read");
  }
  const looks = given[0] === "search" || given[0] === "status" || (given.length >= 2 && FORGE_LOOKS.test(given[1]!)) || /^(?:ci (?:view|status)|codespace (?:list|view|logs)|completion|help|version)\b/.test(line);
  call.host(undefined, { sends: !looks });
  if (/^(?:codespace|cs) (?:ssh|cp|code|jupyter)\b/.test(line)) call.exec("remote", line);
  if (!looks) call.add({ kind: "remote", what: "api", target: line });
  if (/\b(?:delete|archive|remove|unpublish)\b/.test(call2)) call.add({ kind: "lose", what: "resource", target: line });
  if (call.name === "act") call.exec("workspace", "act");
  if (call2 === "extension install") call.exec("package", line);
}

/** vetsh's own commands, seen from inside: looking is free, granting is never the agent's. */
export function vetsh(_args: Arguments, call: Call): void {
  const first = only(call.args[0]) ?? "";
  if (/^(?:check|explain|test|log|show|stats|report|--version|--help|help|doctor|replay)$/.test(first)) return call.path(field(["."]), "read");
  call.path(field([call.context.facts.vetsh[0] ?? "/"]), "write");
}
