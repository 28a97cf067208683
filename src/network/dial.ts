import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { escapeText, LIMITS } from "../model/index.ts";
import { specialOf, type Special } from "./address.ts";
import type { HostList } from "./host-list.ts";
import { makeInlet, type Inlet } from "./inlet.ts";
import { notListed, type Sought } from "./leave.ts";
import { showTarget, type Target } from "./target.ts";

/** In: a name. Out: its addresses, best first. Rejects when there are none. */
export type Resolver = (host: string) => Promise<readonly string[]>;

/** The machine's own way: its hosts file and name servers. */
export const systemResolver: Resolver = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/** `refused`: by the list or by what the address is; `failed`: allowed, and not reached. `hint` is what a person can do. */
export type Reached =
  | { readonly kind: "connected"; readonly socket: Socket; readonly inlet: Inlet | undefined }
  | { readonly kind: "refused"; readonly reason: string; readonly hint: string }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * In: where a command wants to go, what it may reach. Out: a connected socket, or why there is none. Never rejects.
 * SECURITY: the name is looked up once, its addresses are checked, and one of exactly these is dialled: an answer that
 * changes between check and use (rebinding) has no use to change.
 */
export async function reach({ target, method }: Pick<Sought, "target" | "method">, hosts: HostList, resolve: Resolver, signal: AbortSignal): Promise<Reached> {
  if (hosts.permits(target) !== "allowed") return notListed(target);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(LIMITS.networkConnectMs)]);
  const found = await addressesOf(target, resolve, deadline);
  if (typeof found === "string") return { kind: "failed", reason: found };
  const judged = found.map((address) => ({ address, special: isIP(address) === 0 ? ("reserved" as const) : specialUnlessNamed(address, target, hosts) }));
  const usable = judged.filter(({ special }) => special === undefined);
  const [first] = judged;
  if (usable.length === 0 && first?.special !== undefined) return notOrdinary(target, first.address, first.special);
  let problem = "it has no address";
  for (const { address } of usable) {
    // Messages of plain HTTP are read; what goes through a tunnel is not.
    const inlet = method === "CONNECT" ? makeInlet() : undefined;
    const socket = await dial(address, target.port, inlet, deadline);
    if (typeof socket !== "string") return { kind: "connected", socket, inlet };
    problem = socket;
  }
  return { kind: "failed", reason: `cannot connect to \`${showTarget(target)}\`: ${problem}` };
}

function specialUnlessNamed(address: string, target: Target, hosts: HostList): Special | undefined {
  // A literal address got here because it is on the list itself.
  return address === target.host || hosts.names(address) ? undefined : specialOf(address);
}

function notOrdinary(target: Target, address: string, special: Special): Reached {
  const what = special === "own" ? "this machine's own" : special;
  return { kind: "refused", reason: `\`${showTarget(target)}\` stands for \`${escapeText(address, { maxLength: 60 })}\`, a ${what} address`, hint: `if that is meant, a person adds a \`[[network]]\` rule with \`host = "${target.host}"\` and \`addresses = ["${escapeText(address, { maxLength: 60 })}"]\`` };
}

async function addressesOf({ host }: Target, resolve: Resolver, deadline: AbortSignal): Promise<readonly string[] | string> {
  if (isIP(host) !== 0) return [host];
  try {
    const found = await Promise.race([resolve(host), aborted(deadline)]);
    return found.length === 0 ? `\`${host}\` has no address` : found.slice(0, LIMITS.networkAddresses);
  } catch (error) {
    return `\`${host}\` cannot be looked up: ${escapeText(error instanceof Error ? error.message : String(error), { maxLength: LIMITS.shownPiece })}`;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(new Error("no answer in time"));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

/** Out: a connected socket, paused when there is an inlet, or what went wrong. */
function dial(address: string, port: number, inlet: Inlet | undefined, deadline: AbortSignal): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, autoSelectFamily: false, noDelay: true, ...(inlet === undefined ? {} : { onread: inlet.onread }) });
    if (inlet !== undefined) socket.pause();
    const settle = (result: Socket | string): void => {
      deadline.removeEventListener("abort", late);
      socket.removeAllListeners("error").removeAllListeners("connect");
      // What goes wrong from here on is seen as the end of the connection.
      socket.on("error", () => socket.destroy());
      if (typeof result === "string") socket.destroy();
      resolve(result);
    };
    const late = (): void => settle("no answer in time");
    socket.once("connect", () => settle(socket));
    socket.once("error", (error) => settle(escapeText(error.message, { maxLength: LIMITS.shownPiece })));
    if (deadline.aborted) late();
    else deadline.addEventListener("abort", late, { once: true });
  });
}
