import type { Gate } from "../network/index.ts";
import type { Plan } from "../sandbox/index.ts";
import type { DeskParts, RunningLine } from "./connection-desk.ts";
import type { ConnectionRecord } from "./connection-record.ts";
import type { ExecutionParts } from "./execution.ts";

/**
 * In: a command, where its connections are recorded, and the proxy that its plan needs. Out: the open gate, or undefined when it needs none. Whoever calls closes it
 * when the command has ended. Rejects when it cannot listen: then the command must not start.
 */
export async function openWayOut(line: Omit<RunningLine, "given">, record: ConnectionRecord, proxy: Plan["proxy"], parts: DeskParts & Pick<ExecutionParts, "resolve">): Promise<Gate | undefined> {
  if (proxy === undefined) return undefined;
  // Loaded by the first command that needs it: most need none, and the broker is to be there at once.
  const [{ openGate, systemResolver }, { deskFor }] = await Promise.all([import("../network/index.ts"), import("./connection-desk.ts")]);
  return openGate({ path: proxy.socket, allow: proxy.hosts, resolve: parts.resolve ?? systemResolver, onEvent: (event) => record.add(event), decide: deskFor({ ...line, given: proxy.hosts }, parts) });
}
