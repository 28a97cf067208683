/**
 * network: the way out of a sandbox, filtered. In: a socket to listen on, the hosts one command may reach, a resolver.
 * Out: a proxy on that socket (HTTP CONNECT, absolute-form HTTP, SOCKS5) and one event for each thing that was tried.
 * What holds: a gate belongs to one command and gives nothing but its hosts; names are looked up here, the addresses are
 * checked, and exactly those are dialled; addresses of this machine and of private networks only when they were named;
 * what is not understood is refused; when the command ends, `close` ends every connection, and each event was told.
 */
export { openGate, serveGate, type Gate, type GateOptions } from "./gate.ts";
export { compileHosts, type HostList } from "./host-list.ts";
export type { NetworkEvent, Protocol } from "./event.ts";
export type { Decider, Leave, Sought } from "./leave.ts";
export { systemResolver, type Resolver } from "./dial.ts";
export { join as joinSockets } from "./tunnel.ts";
