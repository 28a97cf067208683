import type { Target } from "./target.ts";

export type Protocol = "connect" | "http" | "socks5";

/** One thing that a command tried, told when it is over. */
export type NetworkEvent = {
  readonly protocol: Protocol | undefined;
  /** As it was asked for, in its canonical spelling; undefined when what was asked could not be read. */
  readonly target: Target | undefined;
  /** "failed": it was allowed and could not be reached, or the client was at fault. */
  readonly outcome: "allowed" | "refused" | "failed";
  /** Why it was refused or failed. Safe to show. */
  readonly reason: string | undefined;
  /** Bytes from the command to the host, and back, as they went over the wire. */
  readonly sent: number;
  readonly received: number;
};
