/** Records one command in a process whose environment wants it silent: `hostile.ts STATE URL`. */
import { open, recordOne, request } from "./sample.ts";

const [state = "", url = ""] = process.argv.slice(2);
const recorder = await open(state, { otlp: { url, headers: { "x-team": "shells" }, timeoutMs: 2000 } });
const traceparent = process.env["TRACEPARENT"] ?? "";
await recordOne(recorder, "a", "echo not silenced", undefined, { env: new Map([["TRACEPARENT", traceparent]]) });
const plain = request("b", "x");
process.stdout.write(`${recorder.traceFor(plain).traceparent}\n`);
await recorder.shutdown(5000);
