/**
 * A broker's worth of recording in a process of its own, to be killed: `writer.ts STATE COUNT`. Says `D ID` when a decision
 * is durable, `F ID` when an end is written, `E CODE` when recording is refused, `U ID` when it is accepted again.
 */
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { decided, EXITED, open, request } from "./sample.ts";

const [state = "", count = "0", mode = "once"] = process.argv.slice(2);
/** Standard output is a pipe whose reader may be slow: then it is full for a moment. */
const say = (line: string): void => {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EAGAIN")) throw cause;
    }
  }
};
const errors: string[] = [];
const recorder = await open(state, { segmentBytes: mode === "once" ? 20_000 : 4_000_000, onError: (message) => errors.push(message) });
let refused = false;

async function one(id: string): Promise<void> {
  const text = `echo ${id} ${"x".repeat(200)}`;
  const asked = request(id, text);
  const wasRefused = refused;
  const received = recorder.received(asked, { mode: "command", text, workspace: undefined, intent: undefined, agent: undefined, trace: recorder.traceFor(asked) });
  const durable = received.ok ? await recorder.decided(id, decided()) : received;
  if (!durable.ok) {
    recorder.finished(id, { kind: "refused", code: 126 });
    if (!refused) say(`E ${durable.code}`);
    refused = true;
    if (mode === "until-accepted") await sleep(5);
    return;
  }
  say(`D ${id}`);
  recorder.started(id, process.pid);
  if (recorder.finished(id, EXITED).ok) say(`F ${id}`);
  if (wasRefused && mode === "until-accepted") {
    say(`U ${id}`);
    await recorder.shutdown(1000);
    process.exit(0);
  }
}

for (let index = 0; index < Number(count); index += 4) await Promise.all([0, 1, 2, 3].map((lane) => one(`r${index + lane}`)));
await recorder.shutdown(1000);
say("end");
