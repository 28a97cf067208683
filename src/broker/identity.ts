import { randomBytes } from "node:crypto";

/** In: milliseconds since the epoch. Out: a UUID of version 7: later ones sort behind earlier ones. */
export function uuidV7(now: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
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
