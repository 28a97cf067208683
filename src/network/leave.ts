import { isIP } from "node:net";
import { LIMITS } from "../model/index.ts";
import type { Protocol } from "./event.ts";
import { compileHosts, type HostList } from "./host-list.ts";
import { showTarget, type Target } from "./target.ts";

/** What a command asks for, before anything is looked up. */
export type Sought = {
  readonly target: Target;
  readonly protocol: Protocol;
  /** Of plain HTTP; "CONNECT" for whatever is not seen into. */
  readonly method: string;
  /** Its command was given this host. */
  readonly listed: boolean;
  /** False where nobody's yes could help: literal addresses, this machine's names. A rule may still allow or deny it. */
  readonly askable: boolean;
  /** How long its client may be kept waiting for somebody's answer, in milliseconds. */
  readonly holdMs: number;
};

/** `hosts`: what may be reached for it, as `compileHosts` reads it. */
export type Leave = { readonly kind: "allowed"; readonly hosts: readonly string[] } | { readonly kind: "refused"; readonly reason: string; readonly hint: string };

/** Decides about one thing that a command asks for, listed hosts included; may take as long as `holdMs`. Must not reject. */
export type Decider = (sought: Sought, signal: AbortSignal) => Promise<Leave>;

export type Permitted = { readonly kind: "permitted"; readonly hosts: HostList } | Extract<Leave, { kind: "refused" }>;

/**
 * In: what is asked for, what the command was given, who decides about the rest. Out: what may be reached for it, or why not.
 * INVARIANT: what is denied is never asked about, and a yes opens nothing but what it names.
 */
export async function leaveFor(sought: Omit<Sought, "listed" | "askable">, hosts: HostList, decide: Decider | undefined, signal: AbortSignal): Promise<Permitted> {
  const { target } = sought;
  const listed = hosts.permits(target);
  if (listed === "denied") return { kind: "refused", reason: `\`${showTarget(target)}\` is denied by a rule`, hint: "ask the person whose machine this is" };
  if (decide === undefined) return listed === "allowed" ? { kind: "permitted", hosts } : notListed(target);
  const leave = await decide({ ...sought, listed: listed === "allowed", askable: isIP(target.host) === 0 && !/(?:^|\.)localhost$/.test(target.host) }, signal);
  if (leave.kind === "refused") return leave;
  if (listed === "allowed") return { kind: "permitted", hosts };
  const opened = compileHosts(leave.hosts);
  return opened.permits(target) === "allowed" ? { kind: "permitted", hosts: opened } : notListed(target);
}

/** Out: the refusal of a host that a command was not given. */
export function notListed(target: Target): Extract<Leave, { kind: "refused" }> {
  return { kind: "refused", reason: `\`${showTarget(target)}\` is not among the hosts of this command`, hint: `name the host in the command line so that it can be judged, or a person adds a \`[[network]]\` rule with \`host = "${target.host}"\`` };
}

/**
 * Clients that give up earlier than we would hold them, told by the head of their request. Whoever imitates one is held for a
 * shorter time, and gains nothing. Node's `https` ends a tunnel that was not answered in 5 seconds.
 */
const HASTY: readonly { readonly client: string; readonly holdMs: number; readonly fits: (rawHeaders: readonly string[]) => boolean }[] = [
  { client: "node:https", holdMs: 4_000, fits: (raw) => raw.length === 4 && raw[0] === "proxy-connection" && raw[2] === "host" },
];

/** In: the raw headers of a request. Out: how long its client may be kept waiting, in milliseconds. */
export function holdFor(rawHeaders: readonly string[]): number {
  return HASTY.find(({ fits }) => fits(rawHeaders))?.holdMs ?? LIMITS.connectionHoldMs;
}
