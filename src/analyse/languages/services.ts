import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { field, only } from "../value.ts";
import { hasOption, plainWords } from "./subcommand.ts";

/** Remote services are looked at or changed; a few words lose what cannot be made again. */
type Verbs = { readonly look: RegExp; readonly lose: RegExp; readonly what: string; readonly local?: RegExp };

function words(call: Call, values: readonly string[] = []): readonly string[] {
  return plainWords(call.args, new Set(values)).map((f) => only(f) ?? "");
}

function asks(call: Call): boolean {
  return call.args.every((arg) => /^(?:--version|--help|-h|-v|-V|version|help)$/.test(only(arg) ?? ""));
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
  const given = words(call, ["-H", "--host", "-c", "--context", "--config", "-f", "--file", "-p", "--project-name", "--log-level", "-l", "--profile", "--env-file"]);
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
  if (hasOption(call, "--privileged", "--pid=host", "--cap-add", "--device", "--security-opt", "--userns=host", "--ipc=host") || call.args.some((arg) => /^(?:-v|--volume=?|--mount)?=?(?:type=bind,.*source=)?\/(?:[,:]|etc|root|var\/run\/docker|proc|sys|$)/.test(only(arg) ?? "") && /:/.test(only(arg) ?? ""))) call.add({ kind: "privilege", via: "the host's root through a container" });
  if (verb === "cp") for (const word of given.slice(1)) if (!word.includes(":")) call.path(field([word]), "write");
}

export function cluster(_args: Arguments, call: Call): void {
  const given = words(call, ["-n", "--namespace", "--context", "--kubeconfig", "-f", "-o", "-l", "--selector", "--cluster", "--user", "-c", "--container"]);
  remote({ what: "cluster", look: /^(?:get|describe|logs|top|explain|api-resources|api-versions|cluster-info|version|auth can-i|config (?:view|get-contexts|current-context)|diff|rollout (?:status|history)|list|ls|status|history|show|search|env|events|wait|app (?:get|list|diff))\b/, lose: /\b(?:delete|drain|destroy|uninstall|reset|purge|prune|rollback)\b|--force|--prune/, local: /^(?:template|lint|kustomize|build|completion|dependency list|config (?:view|get-contexts|current-context))\b/ }, call, given);
  if (/^(?:get|describe) (?:secrets?)\b/.test(given.join(" "))) call.add({ kind: "secret", path: undefined, variable: "cluster secrets" });
  if (/^(?:exec|run|debug|cp|port-forward|attach|proxy)\b/.test(given[0] ?? "")) call.exec("remote", `${call.name} ${given[0]}`);
}

export function infrastructure(_args: Arguments, call: Call): void {
  const given = words(call, ["-var", "-var-file", "-i", "--inventory", "-e", "--stack", "-s", "-chdir"]);
  if (call.name === "terraform" || call.name === "tofu" || call.name === "terragrunt") {
    if (/^(?:fmt)\b/.test(given[0] ?? "")) return call.path(field(["."]), hasOption(call, "-check") ? "read" : "write");
    if (/^(?:validate|show|output|graph|providers|state (?:list|show)|version|console|workspace (?:list|show))\b/.test(given.join(" "))) return call.exec("workspace", call.name);
    if (given[0] === "init" || given[0] === "get") return call.host(undefined), call.exec("package", `${call.name} providers`), call.path(field(["."]), "write");
    if (given[0] === "plan" || given[0] === "refresh") return call.host(undefined), call.exec("workspace", `${call.name} plan`);
  }
  remote({ what: "cloud", look: /^(?:preview|diff|list|ls|show|about|whoami|stack ls|stack output|synth|docs|inventory|status)\b/, lose: /\b(?:destroy|delete|rm|remove|terminate|taint|state rm|force-unlock|purge)\b|-destroy/, local: /^(?:validate|fmt|lint|version|synth)\b/ }, call, given);
  if (/^(?:ansible|ansible-playbook|salt|knife|chef|puppet)/.test(call.name)) call.exec("remote", call.name);
}

export function cloud(_args: Arguments, call: Call): void {
  const given = words(call, ["--profile", "--region", "--output", "--query", "--project", "--format", "-g", "--resource-group", "-n", "--name", "-a", "--app", "--subscription"]);
  const line = given.join(" ");
  if (/^(?:configure (?:list|get)|config (?:list|get)|auth list|account (?:show|list))\b/.test(line)) return call.path(field([`${call.context.facts.home}/.config`]), "read");
  remote({ what: "cloud", look: /(?:^| )(?:describe|list|get|show|ls|head|lookup|info|status|logs|tail|whoami|version|apps|ps|releases|search|batch-get|scan|query|wait|help|download|du|cat|pull|run --help)(?:[- ]|$)/, lose: /(?:^| )(?:delete|rm|rb|terminate|destroy|remove|purge|deregister|revoke|drop|wipe|reset|deprovision)(?:[- ]|$)|--force|--delete\b/ }, call, given);
  if (/(?:get-secret-value|secretsmanager|secrets? (?:versions )?access|keyvault secret show|get-(?:session-)?token|print-access-token|config:get|ssm get-parameter|sts (?:assume-role|get-session-token)|kms decrypt|configure export|iam create-access-key)/.test(line)) call.add({ kind: "secret", path: undefined, variable: `${call.name} ${line}` });
  if (/^(?:ngrok|cloudflared|localtunnel|lt|tailscale)$/.test(call.name)) {
    call.host(undefined, { direction: "in" });
    call.add({ kind: "remote", what: "tunnel", target: call.name });
  }
  if (call.name === "aws" && /^s3 (?:cp|mv|sync)\b/.test(line)) for (const word of given.slice(2)) if (!word.startsWith("s3://")) call.path(field([word]), word === given.at(-1) ? "write" : "read");
}

/** gh(1), glab: reading issues and pull requests asks the forge; everything else changes it. */
export function forge(_args: Arguments, call: Call): void {
  const given = words(call, ["-R", "--repo", "--jq", "-q", "--json", "-L", "--limit", "-s", "--state", "-l", "--label", "-t", "--template", "--title", "--body", "-b", "-B", "--base", "-H", "--head", "-X", "--method", "-f", "-F", "--field", "--raw-field", "--input", "-A", "--author", "-w", "--workflow", "--search", "-S"]);
  const line = given.join(" ");
  const call2 = `${given[0] ?? ""} ${given[1] ?? ""}`;
  if (/^auth (?:status)\b/.test(line)) return call.host(undefined);
  if (/^auth (?:token)\b/.test(line) || hasOption(call, "--show-token")) return call.add({ kind: "secret", path: undefined, variable: "gh token" });
  if (given[0] === "api") {
    const method = call.args.findIndex((arg) => /^(?:-X|--method)$/.test(only(arg) ?? ""));
    const verb = method >= 0 ? (only(call.args[method + 1]) ?? "?") : (/^(?:-X|--method=)(\w+)/.exec(call.args.map((a) => only(a) ?? "").find((t) => /^(?:-X\w|--method=)/.test(t)) ?? "")?.[1] ?? undefined);
    const writes = verb !== undefined ? verb.toUpperCase() !== "GET" : hasOption(call, "-f", "-F", "--field", "--raw-field", "--input") && !/graphql/.test(line);
    call.host("api.github.com", { sends: writes });
    if (writes) call.add({ kind: "remote", what: "api", target: line });
    if (verb?.toUpperCase() === "DELETE") call.add({ kind: "lose", what: "resource", target: line });
    return;
  }
  if (/^(?:pr|mr) checkout\b/.test(line)) return call.host("github.com"), call.path(field(["."]), "write");
  if (/^(?:repo|release|run|gist) (?:clone|download)\b/.test(line)) return call.host("github.com"), call.path(field(["."]), "write");
  remote({ what: "api", look: /^(?:pr|issue|run|release|repo|workflow|gist|label|cache|ruleset|project|search|status|browse|mr|ci|variable|secret|org|milestone|user|extension)(?: (?:view|list|ls|status|diff|checks|watch|show|trace|get|search|prs|issues|repos|commits|code|field-list|item-list|files))?(?: |$)(?!create|edit|delete|close|merge|comment|reopen|ready|review|lock|transfer|fork|rename|archive|sync|set|enable|disable|rerun|cancel|upload|install|upgrade|add|develop|pin)/, lose: /\b(?:delete|archive|remove|unpublish)\b/ }, call, given);
  if (call.name === "act") call.exec("workspace", "act");
  if (call2 === "extension install") call.exec("package", line);
}

/** vetsh's own commands, seen from inside: looking is free, granting is never the agent's. */
export function vetsh(_args: Arguments, call: Call): void {
  const first = only(call.args[0]) ?? "";
  if (/^(?:check|explain|test|log|show|stats|report|--version|--help|help|doctor|replay)$/.test(first)) return call.path(field(["."]), "read");
  call.path(field([call.context.facts.vetsh[0] ?? "/"]), "write");
}
