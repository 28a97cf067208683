import { BlockList, isIPv4, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";

/** What an address is, beside an ordinary one of the internet. */
export type Special = "loopback" | "link-local" | "metadata" | "private" | "reserved" | "own";

type Range = readonly [address: string, bits: number];

/** SECURITY: cloud machines hand out credentials there, to whoever asks from the machine itself. */
const METADATA: readonly Range[] = [["169.254.169.254", 32], ["169.254.170.2", 32], ["168.63.129.16", 32], ["100.100.100.200", 32], ["192.0.0.192", 32], ["fd00:ec2::254", 128]];
const LOOPBACK: readonly Range[] = [["127.0.0.0", 8], ["0.0.0.0", 8], ["::1", 128], ["::", 128]];
const LINK_LOCAL: readonly Range[] = [["169.254.0.0", 16], ["fe80::", 10]];
const PRIVATE: readonly Range[] = [["10.0.0.0", 8], ["172.16.0.0", 12], ["192.168.0.0", 16], ["100.64.0.0", 10], ["fc00::", 7], ["fec0::", 10]];
const RESERVED: readonly Range[] = [
  ["192.0.0.0", 24], ["192.0.2.0", 24], ["192.88.99.0", 24], ["198.18.0.0", 15], ["198.51.100.0", 24], ["203.0.113.0", 24], ["224.0.0.0", 4], ["240.0.0.0", 4],
  // Teredo, ORCHID, documentation, 6to4: addresses that stand for others.
  ["2001::", 23], ["2001:db8::", 32], ["2002::", 16], ["3fff::", 20],
];
/** All other addresses of IPv6 are no unicast ones of the internet. */
const GLOBAL_SIX = block([["2000::", 3]]);

const KINDS: readonly (readonly [Special, BlockList])[] = [["metadata", block(METADATA)], ["loopback", block(LOOPBACK)], ["link-local", block(LINK_LOCAL)], ["private", block(PRIVATE)], ["reserved", block(RESERVED)]];

/** In: an address. Out: what is special about it, or undefined for an ordinary one. Reads this machine's interfaces. */
export function specialOf(address: string): Special | undefined {
  const inner = unmapped(address);
  const family = isIPv4(inner) ? "ipv4" : "ipv6";
  const kind = KINDS.find(([, list]) => list.check(inner, family))?.[0];
  if (kind !== undefined) return kind;
  if (family === "ipv6" && !GLOBAL_SIX.check(inner, family)) return "reserved";
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some((one) => one.address === inner) === true) ? "own" : undefined;
}

/** Ranges that somebody named, as `10.0.0.0/8` or one address. */
export class Ranges {
  readonly #list = new BlockList();

  /** Out: false when the text is neither an address nor a range. */
  add(text: string): boolean {
    const [address = "", bits, ...rest] = text.split("/");
    const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
    const most = family === "ipv4" ? 32 : 128;
    const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === undefined || rest.length > 0 || length < 0 || length > most) return false;
    this.#list.addSubnet(address, length, family);
    return true;
  }

  has(address: string): boolean {
    const inner = unmapped(address);
    return this.#list.check(inner, isIPv4(inner) ? "ipv4" : "ipv6");
  }
}

/** IPv4 inside IPv6 (`::ffff:127.0.0.1`, `64:ff9b::7f00:1`) is the address that is reached. */
function unmapped(address: string): string {
  if (!isIPv6(address)) return address;
  const full = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const found = /^(?:::ffff:|64:ff9b::|::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(full);
  if (found === null) return full;
  const value = Number.parseInt(found[1] ?? "", 16) * 65_536 + Number.parseInt(found[2] ?? "", 16);
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
}

function block(ranges: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of ranges) list.addSubnet(address, bits, isIPv4(address) ? "ipv4" : "ipv6");
  return list;
}
