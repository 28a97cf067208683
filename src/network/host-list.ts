import { isIP } from "node:net";
import { Ranges } from "./address.ts";
import { canonicalHost, type Target } from "./target.ts";

/** One entry: a name, all names below one (`*.`), or an address; at one port or at each. */
type Entry = { readonly host: string; readonly below: boolean; readonly port: number | undefined };

/** What one command may reach. */
export type HostList = {
  /** In: a target in canonical spelling. Out: whether it may be reached; a denied one never, whatever allows it. */
  permits(target: Target): "allowed" | "denied" | "unlisted";
  /** In: an address that a name stands for, or a literal one. Out: whether it was named, by itself or by a range. */
  names(address: string): boolean;
};

/**
 * In: entries (`api.example.org`, `*.example.org` for names below and not itself, `host:8443`, `10.1.2.3`, `[fd00::1]:443`,
 * `10.0.0.0/8` for addresses in a range). Out: the list. An entry that is none of these matches nothing: it fails closed.
 * Addresses and ranges also say which special addresses a listed name may stand for.
 */
export function compileHosts(allow: readonly string[], deny: readonly string[] = []): HostList {
  const ranges = new Ranges();
  const allowed = allow.flatMap((text) => readEntry(text, ranges));
  const deniedRanges = new Ranges();
  const denied = deny.flatMap((text) => readEntry(text, deniedRanges));
  const literal = (list: Ranges, { host }: Target): boolean => isIP(host) !== 0 && list.has(host);
  return {
    permits: (target) => {
      if (denied.some((entry) => fits(entry, target)) || literal(deniedRanges, target)) return "denied";
      return allowed.some((entry) => fits(entry, target)) || literal(ranges, target) ? "allowed" : "unlisted";
    },
    names: (address) => ranges.has(address) && !deniedRanges.has(address),
  };
}

/** An address without a port, or a range, goes to `ranges`; everything else is an entry. */
function readEntry(text: string, ranges: Ranges): readonly Entry[] {
  const found = /^(\*\.)?(\[[^\]]+\]|[^:[\]]+|[0-9a-f:.]+(?:\/\d+)?)(?::(\d{1,5}))?$/i.exec(text);
  if (found === null) return [];
  const [, star, written = "", port] = found;
  if (ranges.add(text.replace(/^\[(.*)\]$/, "$1"))) return [];
  const host = canonicalHost(written);
  if (host === undefined || (star !== undefined && isIP(host) !== 0)) return [];
  // An address with a port: reachable there, and named for no other port.
  return [{ host, below: star !== undefined, port: port === undefined ? undefined : Number(port) }];
}

function fits(entry: Entry, target: Target): boolean {
  if (entry.port !== undefined && entry.port !== target.port) return false;
  if (!entry.below) return entry.host === target.host;
  return isIP(target.host) === 0 && target.host.endsWith(`.${entry.host}`);
}
