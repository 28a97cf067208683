import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, field, only } from "../value.ts";
import { guarded, perform, plainWords } from "./subcommand.ts";

/** Verbs of package managers that only look (apt(8), dnf(8), zypper(8), apk(8), snap(8), flatpak(1), port(1), pkg(8)). */
const LOOKS = /^(?:list|ls|show|search|se|info|if|depends|rdepends|policy|madison|changelog|why|why-not|repolist|provides|whatprovides|what-provides|wp|repoquery|check-update|lr|repos|locks|patches|installed|outdated|contents|connections|version|versions|help|remote-ls|remotes|ps|find|query|stats|audit|which|dot|deplist|leaves|notes|variants|deps|dependents|known|interfaces|changes|tasks|services|model|warnings|grouplist|updateinfo|moo|documentation|desc|cat|formulae|casks|config|doctor|home|uses|log|tap-info|commands|shellenv|--prefix|--cellar|--repository|--cache|--caskroom|--config|--env|missing)$/;
const VALUES = new Set(["-o", "-t", "-c", "-a", "--option", "--target-release", "--default-release", "--config-file", "--root", "-p", "--repository", "-X", "--arch", "--installroot", "--enablerepo", "--disablerepo", "--setopt", "-R", "--releasever", "--channel", "-r"]);
const FLAGS = /^-(?:[a-zA-Z0-9]+|-(?:yes|assume-?yes|assumeno|quiet|verbose|no-.*|only-.*|installed|upgradable|upgradeable|all.*|json|fix-.*|simulate|dry-run|download-only|force.*|allow-.*|reinstall|user|system|classic|help|version|non-interactive|debug|formula|cask|greedy|update-cache|virtual|best|skip-broken|cacheonly|refresh|available|manual-installed|autoremove|purge|print-uris|full|head|HEAD))$/;

/** Package managers of systems: asking is free; everything else is the administrator's, and runs what packages bring. */
export function systemPackages(_args: Arguments, call: Call): void {
  const words = call.args.map((arg) => only(arg) ?? HOLE);
  if (words.every((word) => /^(?:--version|--help|-h|-v|-V)$/.test(word))) return;
  switch (call.name) {
    case "dpkg":
      return dpkg(words, call);
    case "rpm":
      return rpm(words, call);
    case "pacman":
      return /^-(?:Q[a-z]*|F[lxq]*|S[silgpq]+|T|D?k)$|^--(?:query|deptest)$/.test(words[0] ?? "") && !words.some((word) => /^-S\w*y/.test(word)) ? perform("look", call, "pacman") : perform("administer", call, `pacman ${words[0]}`);
    case "nix":
    case "nix-env":
    case "nix-shell":
      return nix(words, call);
    case "brew":
      return brew(words, call);
    case "emerge":
      return words.some((word) => /^(?:-s|--search|-S|--searchdesc|-p|--pretend|--info|--list-sets|-\w*p\w*)$/.test(word)) ? perform("look", call, "emerge") : perform("administer", call, "emerge");
    default:
      return manager(words, call);
  }
}

function manager(words: readonly string[], call: Call): void {
  guarded(call, VALUES, FLAGS);
  const [verb = "", next = ""] = plainWords(call.args, VALUES).map((word) => only(word) ?? HOLE);
  if (verb === "history" || verb === "module" || verb === "group" || verb === "config-manager") return /^(?:|list|info|userinstalled|summary|provides)$/.test(next) ? perform("look", call, call.name) : perform("administer", call, `${call.name} ${verb} ${next}`);
  if (/^(?:-s|--simulate|--dry-run|--just-print|--no-act|--recon)$/.test(words.find((word) => /^(?:-s|--simulate|--dry-run|--just-print|--no-act|--recon)$/.test(word)) ?? "") && /^apt(?:-get|itude)?$/.test(call.name)) return perform("look", call, call.name);
  if (/^apt(?:-get)?$/.test(call.name) && (verb === "download" || verb === "source")) return perform(verb === "source" ? "install" : "query", call, `apt ${verb}`);
  if (verb === "run" && call.name === "flatpak") return call.exec("program", `flatpak run ${next}`);
  if (verb === "" || LOOKS.test(verb)) return perform("look", call, call.name);
  perform("administer", call, `${call.name} ${verb}`);
}

function dpkg(words: readonly string[], call: Call): void {
  const changes = words.some((word) => /^-[a-zA-Z]*[irPAa]|^--(?:install|unpack|configure|remove|purge|triggers-only|set-selections|clear-selections|add-architecture|remove-architecture|update-avail|merge-avail|clear-avail|record-avail|force)/.test(word));
  if (changes) return perform("administer", call, "dpkg");
  if (words.some((word) => /^(?:-x|-X|-R|-e|--extract|--vextract|--raw-extract|--control)$/.test(word))) return call.path(field([words.filter((word) => !word.startsWith("-"))[1] ?? "."]), "write");
  if (words.some((word) => /^-[lLsSpWICVc]|^--(?:list|listfiles|status|search|print|get-selections|audit|contents|info|verify|compare-versions|show|field)/.test(word))) return perform("look", call, "dpkg");
  perform("administer", call, "dpkg");
}

function rpm(words: readonly string[], call: Call): void {
  // Macros run commands: `%(…)`.
  if (words.some((word) => /^(?:--eval|-E|--define|-D|--pipe|--rcfile|--macros|--load)(?:=|$)/.test(word) || word.includes("%("))) call.exec("program", "rpm macros");
  const first = words.find((word) => word.startsWith("-")) ?? "";
  if (/^-(?:q|V|K)|^--(?:query|verify|checksig|showrc|querytags|eval)$|^-E$/.test(first)) return perform("look", call, "rpm");
  perform("administer", call, `rpm ${first}`);
}

function nix(words: readonly string[], call: Call): void {
  const at = words.findIndex((word) => /^(?:--run|--command|-c)$/.test(word));
  if (at >= 0 && call.name === "nix-shell" && call.args[at + 1] !== undefined) call.run.text(call.args[at + 1]!, call, { dialect: "sh", state: call.state.clone(), what: "nix-shell" });
  if (at >= 0 && call.name === "nix" && call.args[at + 1] !== undefined) call.run.argv(call.args.slice(at + 1), call);
  const [verb = "", next = ""] = words.filter((word) => !word.startsWith("-"));
  if (call.name === "nix-env") return words.some((word) => /^(?:-q\w*|--query)$/.test(word)) ? perform("look", call, "nix-env") : perform("install-global", call, "nix-env");
  if (call.name === "nix" && (/^(?:eval|path-info|why-depends|show-config|log|hash|help|repl|derivation|doctor|edit|config)$/.test(verb) || (verb === "flake" && /^(?:show|metadata|info|check)$/.test(next)) || (verb === "store" && /^(?:ls|cat|verify|diff-closures|ping)$/.test(next)))) return call.exec("workspace", `nix ${verb}`);
  if (call.name === "nix" && verb === "search") return perform("query", call, "nix search");
  if (call.name === "nix" && verb === "fmt") return perform("run", call, "nix fmt");
  if ((verb === "store" && /^(?:delete|gc|optimise|repair)$/.test(next)) || verb === "copy" || verb === "upgrade-nix") return perform("administer", call, `nix ${verb} ${next}`);
  perform("install-global", call, `${call.name} ${verb}`);
}

function brew(words: readonly string[], call: Call): void {
  const [verb = words[0] ?? "", next = ""] = words.filter((word) => !word.startsWith("-"));
  guarded(call, new Set(), FLAGS);
  if (verb === "services") {
    if (/^(?:|list|info)$/.test(next)) return;
    call.add({ kind: "process", action: "service", target: words.join(" ") });
    return /^(?:start|restart)$/.test(next) ? call.add({ kind: "persist", via: "brew services", path: undefined }) : undefined;
  }
  if (LOOKS.test(verb) || (verb === "" && words.length === 0)) return perform("look", call, "brew");
  perform("install-global", call, `brew ${verb}`);
}

const SHOWS = /^(?:show|list|ls|lst|get|monitor|help|status|dev|device|general|radio|connection|con|c|d|g|-s)$/;

/** ip(8), tc, iptables, nft, ufw, nmcli and their like: showing is free; the rest is the machine's network. */
export function networkConfiguration(_args: Arguments, call: Call): void {
  const words = call.args.map((arg) => only(arg) ?? HOLE);
  const plain = plainWords(call.args, new Set(["-n", "-netns", "-N", "-f", "-family", "-rc", "-loops", "-t", "--table", "-w"])).map((word) => only(word) ?? HOLE);
  const [first = "", second = ""] = /^ip6?tables/.test(call.name) ? words : plain;
  const privilege = (): void => call.add({ kind: "privilege", via: "network configuration" });
  if (call.args.length === 0 || words.every((word) => /^(?:-V|--version|-h|--help|help|-v)$/.test(word))) return call.name.startsWith("wg-quick") ? privilege() : undefined;
  if (words.some((word) => /^-(?:b|batch|force)$/.test(word))) return privilege();
  switch (call.name) {
    case "ip":
    case "bridge":
    case "tc": {
      if (first === "netns" && (second === "exec" || second === "e")) {
        const from = words.indexOf(second, words.indexOf("netns") + 1) + 2;
        if (from < call.args.length) call.run.argv(call.args.slice(from), call);
        return privilege();
      }
      return second === "" || SHOWS.test(second) ? undefined : privilege();
    }
    case "iptables":
    case "ip6tables":
    case "ebtables":
    case "arptables":
      return words.some((word) => /^(?:-[a-zA-Z]*[LS][a-zA-Z]*|--list|--list-rules)$/.test(word)) && !words.some((word) => /^-(?:[ADIRFZNXPE]$|-(?:append|delete|insert|replace|flush|zero|new-chain|delete-chain|policy|rename-chain|modprobe))/.test(word)) ? undefined : privilege();
    case "nft":
      return first === "list" || first === "describe" ? undefined : privilege();
    case "ufw":
      return /^(?:status|show|version|app)$/.test(first) && second !== "update" && second !== "default" ? undefined : privilege();
    case "firewall-cmd":
      return words.every((word) => /^--(?:state|list-.*|get-.*|info-.*|query-.*|zone.*|permanent)/.test(word)) ? undefined : privilege();
    case "nmcli":
      return second === "" || /^(?:show|status|list|general|hostname|permissions|logging)$/.test(second) || (first.startsWith("d") && second === "wifi" && /^(?:|list)$/.test(plain[2] ?? "")) ? undefined : privilege();
    case "route":
      return plain.length === 0 || first === "get" || first === "show" ? undefined : privilege();
    case "wg":
      return first === "show" || first === "showconf" || first === "pubkey" ? (words.includes("private-key") || first === "showconf" ? call.add({ kind: "secret", path: undefined, variable: "wireguard keys" }) : undefined) : privilege();
    case "brctl":
      return /^show/.test(first) ? undefined : privilege();
    case "ethtool":
      return words.some((word) => /^-(?:[A-Z]|s|p|E|f|-(?:change|set|reset|flash|features|config|pause|coalesce|offload|test|identify))/.test(word) && !/^-(?:S|T|P)$/.test(word)) ? privilege() : undefined;
    case "iw":
    case "iwconfig":
      return plain.length <= 1 || /^(?:list|info|link|scan|dev|phy|reg)$/.test(plain.at(-1) ?? "") ? undefined : privilege();
    default:
      return privilege();
  }
}
