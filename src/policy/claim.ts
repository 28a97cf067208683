import type { Analysis, Claim, Effect, PathTarget, RuleMatch } from "../model/index.ts";
import { fixedPart } from "./glob.ts";

/**
 * The host under which a claim lists this machine. SECURITY: listed only for lines whose programs are all known (`curl
 * localhost:3000`). A line that runs code of its own gets the private loopback of its sandbox, where its own servers answer:
 * the host's loopback cannot be had without the whole network, so listing this one would open that to the code.
 */
export const LOOPBACK = "localhost";

/** An address or a range of addresses, as `hosts` of a rule spells it. */
const ADDRESS = /^(?:\d+\.\d+\.\d+\.\d+|\[?[0-9a-f]*:[0-9a-f:.]*\]?)(?:\/\d+)?$/i;

const NO_HOSTS: readonly string[] = [];

type Growing = { workspace: boolean; privileged: boolean; readonly knownPrograms: boolean; anyHost: boolean; readonly writable: Set<string>; readonly hosts: Set<string>; readonly secrets: Set<string> };

/**
 * In: an analysis and the rules that matched. Out: the authority its effects need, no more; the sandbox holds the command
 * to it. Nothing written or run → read-only; the workspace, /tmp, somebody's code, or jobs and servers of the session → workspace; paths elsewhere, or
 * protected ones, → custom with exactly those. What is not known claims nothing beyond the workspace: it fails closed.
 */
export function claimOf(analysis: Analysis, matches: readonly RuleMatch[]): Claim {
  const claim: Growing = { workspace: false, privileged: false, knownPrograms: analysis.effects.every((effect) => effect.kind !== "exec" && effect.kind !== "opaque"), anyHost: false, writable: new Set(), hosts: new Set(), secrets: new Set() };
  const opening = matches.filter((match) => match.verdict === "allow" && match.hosts.length > 0);
  const opened = opening.length === 0 ? undefined : Map.groupBy(opening, ({ effect }) => effect);
  for (const [index, effect] of analysis.effects.entries()) add(claim, effect, opened?.get(index)?.flatMap(({ hosts }) => hosts) ?? NO_HOSTS);
  return {
    sandbox: claim.writable.size > 0 ? "custom" : claim.workspace ? "workspace" : "read-only",
    writable: [...claim.writable],
    network: claim.anyHost ? "any" : [...claim.hosts],
    secrets: [...claim.secrets],
    privileged: claim.privileged,
  };
}

function add(claim: Growing, effect: Effect, opened: readonly string[]): void {
  switch (effect.kind) {
    case "read":
      // Its directory is hidden for what lies beside it.
      if (effect.path.flags.includes("public") && effect.path.path !== undefined && !effect.path.flags.includes("glob")) claim.secrets.add(effect.path.path);
      return;
    case "write":
    case "delete":
      return addPath(claim, effect.path);
    case "persist":
      if (effect.path !== undefined) addPath(claim, effect.path);
      return;
    case "secret":
      if (effect.path?.path !== undefined) claim.secrets.add(fixedPart(effect.path.path));
      // All of the environment is what the sandbox leaves of it.
      if (effect.variable !== undefined && effect.variable !== "*") claim.secrets.add(`$${effect.variable}`);
      return;
    case "network":
      return addNetwork(claim, effect, opened);
    case "privilege":
      claim.privileged = true;
      return;
    case "process":
      // What earlier commands left running is in the sandbox of the workspace, and signals reach what their own sandbox holds;
      // services, containers and sessions live outside of each.
      if (effect.action === "signal" || effect.action === "look") claim.workspace = true;
      else claim.privileged = true;
      return;
    case "exec":
      // `remote` code runs elsewhere and needs only the network effect beside it.
      // Help is printed where nothing can be written.
      if (effect.what !== "remote" && effect.what !== "help") claim.workspace = true;
      return;
    case "lose":
      if (effect.what === "disk" || effect.what === "log") claim.privileged = true;
      else claim.workspace = true;
      return;
    case "opaque":
      claim.workspace = true;
      return;
    case "remote":
      return;
  }
}

function addPath(claim: Growing, target: PathTarget): void {
  switch (target.zone) {
    case "null":
      return;
    case "device":
      claim.privileged = true;
      return;
    case "workspace":
      claim.workspace = true;
      // "workspace" excludes its protected paths; when writing one was judged, it is claimed by name.
      if (target.flags.includes("protected") && target.path !== undefined) claim.writable.add(fixedPart(target.path));
      return;
    case "tmp":
    case "unknown":
      claim.workspace = true;
      return;
    case "home":
    case "system":
    case "vetsh":
      if (target.path === undefined) claim.workspace = true;
      else claim.writable.add(fixedPart(target.path));
      return;
  }
}

function addNetwork(claim: Growing, effect: Effect & { kind: "network" }, opened: readonly string[]): void {
  if (effect.loopback) {
    // The servers of this session listen in the sandbox of the workspace.
    claim.workspace = true;
    // Who listens does so on the sandbox's own loopback.
    if (claim.knownPrograms && effect.direction === "out") claim.hosts.add(LOOPBACK);
    return;
  }
  if (effect.direction === "in") claim.anyHost = true;
  else if (effect.host !== undefined) {
    // SECURITY: an entry with a star stands for many names; one that a line says is none of ours to widen.
    if (!effect.host.includes("*")) claim.hosts.add(effect.host);
    // Addresses that a rule names beside it are those the host may stand for.
    for (const host of opened) if (ADDRESS.test(host)) claim.hosts.add(host);
  } else if (opened.length > 0) for (const host of opened) claim.hosts.add(host);
  else claim.anyHost = true;
}
