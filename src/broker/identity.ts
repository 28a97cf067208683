import { hash, randomUUID } from "node:crypto";

/** In: milliseconds since the epoch. Out: a UUID of version 7: later ones sort behind earlier ones. */
export function uuidV7(now: number): string {
  const time = now.toString(16).padStart(12, "0");
  // Of version 4, whose random bits the system's generator fetches for many at once; the variant is the same.
  const random = randomUUID();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}

/** Variables that agents set for their shells, and whose they are. A claim: for the record only. */
const AGENTS: readonly (readonly [variable: string, agent: string])[] = [
  ["CLAUDECODE", "claude-code"], ["CODEX_SESSION_ID", "codex"], ["CODEX_CI", "codex"], ["OPENCODE", "opencode"], ["GEMINI_CLI", "gemini-cli"],
  ["QWEN_CODE", "qwen-code"], ["PI_CODING_AGENT", "pi"], ["CLINE_CONNECTOR_CLI_LAUNCH", "cline"],
];

/** In: the environment of a request. Out: the name of the agent that seems to have started it. */
export function agentOf(env: ReadonlyMap<string, string>): string | undefined {
  return AGENTS.find(([variable]) => env.has(variable))?.[1];
}

/** In: a text. Out: its SHA-256 in hex. */
export function sha256(text: string): string {
  return hash("sha256", text, "hex");
}
