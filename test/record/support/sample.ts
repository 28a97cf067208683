import type { Decision, Outcome, Request } from "../../../src/model/index.ts";
import { openRecorder, type DecidedContext, type Recorder, type RecorderOptions } from "../../../src/record/index.ts";

/** Values as the broker makes them, for records about nothing. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

export function request(id: string, text: string, more: Partial<Request> = {}): Request {
  return {
    id, receivedAt: NOW, shell: "bash", argv: ["bash", "-c", text], validUtf8: true, cwd: "/home/u/project", env: new Map(),
    pid: process.pid, ppid: process.ppid, uid: 1000, tty: { stdin: false, stdout: false, stderr: false, controlling: undefined }, ...more,
  };
}

export function decided(more: Partial<Decision> = {}): DecidedContext {
  return {
    decision: {
      final: "run", source: "rule", review: undefined, approval: undefined, reason: "reads only", instead: undefined, span: undefined,
      evaluation: {
        verdict: "allow", policy: "p".repeat(64), claim: { sandbox: "read-only", writable: [], network: [], secrets: [], privileged: false },
        matches: [{ id: "reads", tier: "built-in", file: "rules/read.toml", line: 7, verdict: "allow", reason: "reads", instead: undefined, effect: 0, hosts: [] }],
      },
      ...more,
    },
    classes: ["read-only"], planHash: undefined, overheadUs: 120,
    authority: { sandbox: "read-only", writable: [], network: [], missing: [] },
  };
}

export const EXITED: Outcome = { kind: "exited", code: 0, usage: { wallUs: 1500, userUs: 700, systemUs: 300, maxRssKb: 2048 } };

/** The whole life of one command. */
export async function recordOne(recorder: Recorder, id: string, text: string, outcome: Outcome = EXITED, more: Partial<Request> = {}): Promise<void> {
  const asked = request(id, text, more);
  const trace = recorder.traceFor(asked);
  const received = recorder.received(asked, { mode: "command", text, workspace: "/home/u/project", intent: undefined, agent: undefined, trace });
  const durable = await recorder.decided(id, decided());
  if (!received.ok || !durable.ok) throw new Error("not recorded");
  recorder.started(id, 4242);
  recorder.finished(id, outcome);
}

export type OpenOptions = Partial<Omit<RecorderOptions, "stateDir" | "settings">> & { readonly otlp?: RecorderOptions["settings"]["otlp"] } & Partial<Pick<RecorderOptions["settings"], "keep" | "whenFull">>;

/** A recorder for which every error is a failed test, unless it is listened to. */
export function open(stateDir: string, { otlp, keep, whenFull, ...more }: OpenOptions = {}): Promise<Recorder> {
  return openRecorder({ stateDir, settings: { version: "0.0.0", otlp, ...(keep === undefined ? {} : { keep }), ...(whenFull === undefined ? {} : { whenFull }) }, now: () => NOW, onError: (message) => { throw new Error(message); }, ...more });
}
