import { existsSync } from "node:fs";
import { escapeText } from "../model/index.ts";
import { Failure, usageFailure, type Invoked } from "./command.ts";
import { request, startBroker } from "./control-client.ts";

export const BROKER_USAGE = `usage: vetsh broker start|stop|status|reload

The broker judges commands. Shims start it when they need it.
exit: status: 0 runs, 1 does not
`;

/** How long a stopping broker may take, in milliseconds, and how often we look. */
const STOP_MS = 10_000;
const LOOK_MS = 20;

export async function broker(invoked: Invoked): Promise<number> {
  const [verb, ...rest] = invoked.args;
  if (rest.length > 0) throw usageFailure("one word is needed", "broker");
  const { root } = invoked.layout;
  const { out } = invoked.terminal;
  switch (verb) {
    case "start":
      startBroker(root);
      out.write(`running, pid ${(await request(root, { op: "status" })).status.pid}\n`);
      return 0;
    case "stop":
      await stop(root);
      out.write("stopped\n");
      return 0;
    case "reload": {
      const { problems } = await request(root, { op: "reload" });
      for (const problem of problems) out.write(`${escapeText(problem, { maxLength: 2_000 })}\n`);
      out.write(problems.length === 0 ? "loaded\n" : "what held before stays in force\n");
      return problems.length === 0 ? 0 : 1;
    }
    case "status": {
      const { status } = await request(root, { op: "status" });
      out.write(`running, pid ${status.pid}, since ${new Date(status.startedAt).toISOString()}\n`);
      out.write(`requests ${status.requests}, running ${status.running}, sandbox ${status.sandboxed ? "works" : "none"}\npolicy ${status.policy}\n`);
      for (const problem of status.problems) out.write(`problem: ${escapeText(problem, { maxLength: 2_000 })}\n`);
      return 0;
    }
    case undefined:
    default:
      throw usageFailure(verb === undefined ? "one of start, stop, status, reload is needed" : `there is no \`${escapeText(verb, { maxLength: 40 })}\``, "broker");
  }
}

/** Returns when the process is gone. */
async function stop(root: string): Promise<void> {
  const { status } = await request(root, { op: "status" });
  await request(root, { op: "stop" });
  for (const until = performance.now() + STOP_MS; existsSync(`/proc/${status.pid}`); ) {
    if (performance.now() > until) throw new Failure(`the broker (pid ${status.pid}) does not stop`, `see its log, or end it: kill ${status.pid}`);
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}
