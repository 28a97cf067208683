import type { Claim, DecisionSource } from "../model/index.ts";
import type { Place, Plan } from "./place.ts";

/** The host name under which a claim means this machine (as `policy` writes it). */
const LOOPBACK = "localhost";

/** Where `vetsh-init --bridge` listens inside (also in shims/limits.h). */
const BRIDGE = "http://127.0.0.1:3128";

export type Reach = { readonly authority: Plan["authority"]["network"]; readonly proxy: Plan["proxy"]; readonly notes: readonly string[] };

/**
 * In: a claim, who decided, where the command runs. Out: what it can reach. Pure.
 * Nothing, or this machine alone → its own loopback. Hosts → those, through a proxy of its own. This machine, said by a person, or
 * any host, said by a person or by a rule → the host's network, which cannot be had in part. Any host, said by a
 * reviewer → a proxy that lets nothing through and says how to ask.
 */
export function reachOf(claim: Claim, source: DecisionSource, place: Pick<Place, "proxySocket" | "wasStopped">): Reach {
  const byHuman = source === "human" || source === "grant";
  if (claim.network === "any") {
    if (byHuman || source === "rule" || place.proxySocket === "open") return { authority: "any", proxy: undefined, notes: ["the network is open as a whole: which hosts it needs is not known"] };
    return { authority: [], proxy: { socket: place.proxySocket, hosts: [] }, notes: ["which hosts it needs is not known, and only a person can open the network as a whole"] };
  }
  const loopback = claim.network.includes(LOOPBACK);
  const hosts = claim.network.filter((name) => name !== LOOPBACK);
  if (loopback && byHuman) return { authority: "any", proxy: undefined, notes: ["this machine's own ports cannot be had without the whole network"] };
  const own = loopback ? ["loopback is the sandbox's own: servers outside of it are not reachable"] : [];
  if (hosts.length === 0) {
    if (!place.wasStopped || place.proxySocket === "open") return { authority: [], proxy: undefined, notes: own };
    return { authority: [], proxy: { socket: place.proxySocket, hosts: [] }, notes: [...own, "it was stopped again and again at hosts that nobody claimed for it: now each is asked about"] };
  }
  if (place.proxySocket === "open") return { authority: "any", proxy: undefined, notes: ["the network is open as a whole: settings filter no hosts"] };
  return { authority: hosts, proxy: { socket: place.proxySocket, hosts }, notes: own };
}

/** Out: variables that lead programs to the bridge. Both cases: curl reads only the small ones, others only the large. */
export function proxyEnvironment({ root, environment, sshConfig }: Pick<Place, "root" | "environment" | "sshConfig">): readonly string[] {
  // ssh knows no proxy but a command of its own. Where its configuration cannot say so, git can; what the user set for git stays.
  const ssh = sshConfig !== undefined || environment.has("GIT_SSH_COMMAND") || environment.has("GIT_SSH") ? [] : [`GIT_SSH_COMMAND=ssh -o ControlMaster=no -o ControlPath=none -o 'ProxyCommand=${root}/libexec/vetsh-init --connect %h %p'`];
  return [...proxyVariables(BRIDGE), ...ssh];
}

/** In: where a proxy listens. Out: variables that lead programs to it. */
export function proxyVariables(url: string): readonly string[] {
  const local = "localhost,.localhost,127.0.0.1,0.0.0.0,::1";
  return [...["http_proxy", "https_proxy", "all_proxy"].flatMap((name) => [`${name}=${url}`, `${name.toUpperCase()}=${url}`]), `no_proxy=${local}`, `NO_PROXY=${local}`, "NODE_USE_ENV_PROXY=1"];
}
