import { constants } from "node:os";
import { LIMITS } from "../model/index.ts";

/** Whoever can be sent a signal: an agent in a pseudoterminal or a plain child. */
export type Signalled = { signal(signal: NodeJS.Signals, to: "agent" | "group"): void };

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"] as const;
const ENDING = new Set<NodeJS.Signals>(["SIGTERM", "SIGHUP"]);

/**
 * Passes on signals sent to us; after SIGTERM and SIGHUP an agent that does not end is killed, so that we do.
 * Out: what stops that.
 */
export function forwardSignals(agent: Signalled): () => void {
  let killer: NodeJS.Timeout | undefined;
  const handlers = FORWARDED.map((signal) => {
    const handler = (): void => {
      agent.signal(signal, signal === "SIGHUP" ? "group" : "agent");
      if (ENDING.has(signal)) killer ??= setTimeout(() => agent.signal("SIGKILL", "group"), LIMITS.agentEndMs);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return () => {
    clearTimeout(killer);
    for (const { signal, handler } of handlers) process.off(signal, handler);
  };
}

/** In: how a process ended. Out: the exit status a shell would give it: 128 + n for a signal. */
export function exitStatus(code: number | null, signal: number | NodeJS.Signals | null): number {
  const number = typeof signal === "string" ? constants.signals[signal] : (signal ?? 0);
  return number > 0 ? 128 + number : (code ?? 0);
}
