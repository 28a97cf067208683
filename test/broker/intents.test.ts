import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readRecords } from "../../src/record/index.ts";
import { install, type Installation } from "../support/install.ts";
import { lines } from "../support/records.ts";
import { until } from "../support/waiting.ts";

let installation: Installation;
beforeAll(async () => { installation = await install({ home: "own" }); });
afterAll(() => installation.remove());

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
const recordOf = (text: string): unknown => [...readRecords(join(installation.root, "state"))].find(({ cmd }) => cmd === text);

/** A transcript of an agent, in the home of whoever installed. */
function transcript(file: string, ...values: readonly unknown[]): string {
  const path = join(installation.layout.home, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, values.map((value) => line(value)).join(""));
  return path;
}

test("what the agent wrote before the command is in its record, the prompt as a digest alone, and the comment no longer counts", async () => {
  const text = "# why: a comment\necho from claude";
  transcript(`.claude/projects/${installation.workspace.replace(/[^A-Za-z0-9]/g, "-")}/s-1.jsonl`,
    { type: "user", message: { role: "user", content: "please look, my password=hunter2Zq9" } },
    { type: "assistant", message: { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "Bash", input: { command: text, description: "say where it comes from, token=hunter2Zq9" } }] } });
  await installation.run(["bash", "-c", text], { env: { CLAUDECODE: "1", CLAUDE_CODE_SESSION_ID: "s-1" } });
  await until(() => lines(installation, "intent").length === 1, "the intent is recorded");
  expect(recordOf(text)).toMatchObject({ agent: "claude-code", session: "s-1", call: "toolu_1", intent: expect.stringMatching(/^say where it comes from, token=\[redacted:/), intent_source: "transcript", intent_trust: "agent", prompt: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(JSON.stringify(installation.journal())).not.toContain("hunter2Zq9");
});

test("what it writes only when the command has ended is attached then", async () => {
  const path = transcript(".gemini/tmp/shop/chats/session-1.jsonl", { sessionId: "s", projectHash: "p" }, { id: "1", type: "user", content: [{ text: "look" }] });
  const before = lines(installation, "intent").length;
  await installation.run(["bash", "-c", "echo from gemini"], { env: { GEMINI_CLI: "1" } });
  // The shim ends with its command; its report is on its way.
  await until(() => recordOf("echo from gemini") !== undefined, "the end is recorded");
  expect(recordOf("echo from gemini")).toMatchObject({ agent: "gemini-cli", intent: null, intent_source: null });
  appendFileSync(path, line({ id: "2", type: "gemini", content: "I look.", toolCalls: [{ id: "g-1", name: "run_shell_command", args: { command: "echo from gemini", description: "see whether it answers" } }] }));
  await until(() => lines(installation, "intent").length === before + 1, "the intent is recorded");
  expect(recordOf("echo from gemini")).toMatchObject({ intent: "see whether it answers", intent_source: "transcript", call: "g-1" });
});

test("doctor says which agents' transcripts are understood, and which are not", async () => {
  transcript(".codex/sessions/2026/11/21/rollout-x-s-9.jsonl", { v: 9 }, { v: 9 });
  const { stdout } = await installation.vetsh(["doctor"]);
  expect(stdout).toMatch(/^ok {3}intent +transcripts of claude-code are understood$/m);
  expect(stdout).toMatch(/^ok {3}intent \(less\) +transcripts of codex are not understood \(`.*rollout-x-s-9\.jsonl`\)\n +hint: /m);
});
