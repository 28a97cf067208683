import { isIP, isIPv4, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";

/** A host in its one canonical spelling (lower case, ASCII, no trailing dot; addresses as the kernel would print them), and a port. */
export type Target = { readonly host: string; readonly port: number };

const NAME = /^[a-z0-9_](?:[a-z0-9_-]*)(?:\.[a-z0-9_-]+)*$/;
/** SECURITY: `domainToASCII` reads a whole URL's host and stops at `/`, drops line feeds, decodes `%2e`: none of that gets there. */
const NOT_IN_NAMES = /[\x00-\x20\x7f!"#$%&'()*+,/:;<=>?@[\\\]^`{|}~]/;
const LONGEST_NAME = 253;

/**
 * In: `host`, `host:port`, `[v6]` or `[v6]:port`, and the port when none is said (undefined: one must be said). Out: the
 * target, or undefined for anything else: user names, paths, blanks, ports out of range.
 */
export function readAuthority(text: string, otherwise: number | undefined): Target | undefined {
  const found = /^(\[[^[\]]+\]|[^[\]:@/\\?#\s]+)(?::(\d{1,5}))?$/.exec(text);
  const host = canonicalHost(found?.[1] ?? "");
  const port = found?.[2] === undefined ? otherwise : Number(found[2]);
  return host === undefined || port === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/**
 * In: a name or address as a client spelt it. Out: its canonical spelling, or undefined when it is none.
 * SECURITY: resolvers take `0x7f.1`, `2130706433` and `127.1` for 127.0.0.1: whatever ends in a number is an address, or nothing.
 */
export function canonicalHost(text: string): string | undefined {
  if (text.startsWith("[")) return canonicalSix(text.slice(1, -1));
  if (isIPv6(text)) return canonicalSix(text);
  if (NOT_IN_NAMES.test(text)) return undefined;
  const ascii = domainToASCII(text).toLowerCase().replace(/\.$/, "");
  if (ascii === "" || ascii.length > LONGEST_NAME) return undefined;
  if (/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(ascii)) {
    const address = hostnameOf(ascii);
    return address !== undefined && isIPv4(address) ? address : undefined;
  }
  return NAME.test(ascii) ? ascii : undefined;
}

/** Out: `host:port`, with brackets where they are needed. */
export function showTarget({ host, port }: Target): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Zones (`fe80::1%eth0`) are refused: they name an interface of ours. */
function canonicalSix(text: string): string | undefined {
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return hostnameOf(`[${text}]`)?.slice(1, -1);
}

function hostnameOf(host: string): string | undefined {
  return URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`).hostname : undefined;
}
