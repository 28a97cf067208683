import { LIMITS } from "../model/index.ts";
import type { Gate, NetworkEvent } from "../network/index.ts";
import type { Plan } from "../sandbox/index.ts";
import type { DeskParts, RunningLine } from "./connection-desk.ts";
import type { ExecutionParts } from "./execution.ts";

/**
 * In: a command and the proxy that its plan needs. Out: the open gate, or undefined when it needs none. Whoever calls closes it
 * when the command has ended. Rejects when it cannot listen: then the command must not start.
 */
export async function openWayOut(line: Omit<RunningLine, "given">, proxy: Plan["proxy"], parts: DeskParts & Pick<ExecutionParts, "resolve">): Promise<Gate | undefined> {
  if (proxy === undefined) return undefined;
  // Loaded by the first command that needs it: most need none, and the broker is to be there at once.
  const [{ openGate, systemResolver }, { deskFor }] = await Promise.all([import("../network/index.ts"), import("./connection-desk.ts")]);
  const { id } = line;
  let told = 0;
  const onEvent = ({ protocol, target, outcome, reason, sent, received }: NetworkEvent): void => {
    told += 1;
    if (told === LIMITS.recordedConnections + 1) parts.log(`${id}: more connections than are recorded one by one`);
    if (told > LIMITS.recordedConnections) return;
    const recorded = parts.recorder.connection(id, { protocol, host: target?.host, port: target?.port, outcome, reason, sent, received });
    if (!recorded.ok) parts.log(`not recorded: ${recorded.message}`);
  };
  return openGate({ path: proxy.socket, allow: proxy.hosts, resolve: parts.resolve ?? systemResolver, onEvent, decide: deskFor({ ...line, given: proxy.hosts }, parts) });
}
