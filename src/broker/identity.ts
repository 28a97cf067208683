import { hash, randomUUID } from "node:crypto";
import type { Harness } from "../config/index.ts";

/** In: milliseconds since the epoch. Out: a UUID of version 7: later ones sort behind earlier ones. */
export function uuidV7(now: number): string {
  const time = now.toString(16).padStart(12, "0");
  // Of version 4, whose random bits the system's generator fetches for many at once; the variant is the same.
  const random = randomUUID();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}

/** In: the environment of a request, the agents that are known. Out: the one that seems to have started it. A claim: for the record, and for how long a question may hold the command. */
export function harnessOf(env: ReadonlyMap<string, string>, harnesses: readonly Harness[]): Harness | undefined {
  return harnesses.find(({ variables }) => variables.some((variable) => env.has(variable)));
}

/** In: a text. Out: its SHA-256 in hex. */
export function sha256(text: string): string {
  return hash("sha256", text, "hex");
}

/** Variables in which agents name their session, and the tool call that a shell is started for. Claims: for the record only. */
const SESSIONS: readonly string[] = ["CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID", "CODEX_SESSION_ID", "OPENCODE_SESSION_ID", "GEMINI_SESSION_ID"];
export const CALLS: readonly string[] = ["CODEX_TOOL_CALL_ID", "VETSH_CALL_ID"];
const IDENTIFIER = /^[\w.:-]{1,128}$/;

/** In: the environment of a request. Out: the agent's session and call, where it names them in plain characters. */
export function agentIdsOf(env: ReadonlyMap<string, string>): { readonly session: string | undefined; readonly call: string | undefined } {
  const first = (names: readonly string[]): string | undefined => names.map((name) => env.get(name)).find((value) => value !== undefined && IDENTIFIER.test(value));
  return { session: first(SESSIONS), call: first(CALLS) };
}
