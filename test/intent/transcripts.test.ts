import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { inspectTranscripts, lookUp, type Asked } from "../../src/intent/index.ts";

const homes: string[] = [];
afterAll(() => { for (const home of homes) rmSync(home, { recursive: true, force: true }); });

/** A home with one transcript. */
function homeWith(file: string, lines: readonly unknown[]): string {
  const home = mkdtempSync(join(tmpdir(), "vetsh-intent-"));
  homes.push(home);
  mkdirSync(dirname(join(home, file)), { recursive: true });
  writeFileSync(join(home, file), lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
  return home;
}

const CWD = "/home/anna/shop.web";
const ask = (agent: string, text: string, more: Partial<Asked> = {}): Asked => ({ agent, session: "s-1", call: undefined, cwd: CWD, text, ...more });

/** What each agent writes around two calls, the first described as "list what is there". */
const CLAUDE = [
  { type: "summary", summary: "x" },
  { type: "user", sessionId: "s-1", message: { role: "user", content: "please tidy the shop" } },
  { type: "assistant", message: { role: "assistant", content: [{ type: "text", text: "I look around first." }, { type: "tool_use", id: "toolu_1", name: "Bash", input: { command: "ls 'a b'", description: "list what is there" } }] } },
  { type: "user", message: { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "a" }] } },
  { type: "assistant", message: { role: "assistant", content: [{ type: "text", text: "Now the tests." }] } },
  { type: "assistant", message: { role: "assistant", content: [{ type: "tool_use", id: "toolu_2", name: "Bash", input: { command: "npm test" } }] } },
];
const CODEX = [
  { timestamp: "t", type: "session_meta", payload: { id: "s-1" } },
  { timestamp: "t", type: "response_item", payload: { type: "message", role: "user", content: [{ type: "input_text", text: "<environment_context>\n</environment_context>" }] } },
  { timestamp: "t", type: "response_item", payload: { type: "message", role: "user", content: [{ type: "input_text", text: "please tidy the shop" }] } },
  { timestamp: "t", type: "response_item", payload: { type: "message", role: "assistant", content: [{ type: "output_text", text: "I look around first." }] } },
  { timestamp: "t", type: "response_item", payload: { type: "function_call", name: "exec_command", arguments: JSON.stringify({ cmd: "ls 'a b'", justification: "list what is there" }), call_id: "call_1" } },
  { timestamp: "t", type: "event_msg", payload: { type: "token_count" } },
  { timestamp: "t", type: "response_item", payload: { type: "message", role: "assistant", content: [{ type: "output_text", text: "Now the tests." }] } },
  { timestamp: "t", type: "response_item", payload: { type: "function_call", name: "shell", arguments: JSON.stringify({ command: ["bash", "-lc", "npm test"] }), call_id: "call_2" } },
];
const GEMINI = [
  { sessionId: "s", projectHash: "p", startTime: "t" },
  { id: "1", timestamp: "t", type: "user", content: [{ text: "please tidy the shop" }] },
  { $set: { lastUpdated: "t" } },
  { id: "2", timestamp: "t", type: "gemini", content: "I look around first.", toolCalls: [{ id: "g-1", name: "run_shell_command", args: { command: "ls 'a b'", description: "list what is there" }, status: "success" }] },
  { id: "3", timestamp: "t", type: "gemini", content: "Now the tests.", toolCalls: [{ id: "g-2", name: "run_shell_command", args: { command: "npm test" }, status: "success" }] },
];
const AGENTS = [
  { agent: "claude-code", file: ".claude/projects/-home-anna-shop-web/s-1.jsonl", lines: CLAUDE, calls: ["toolu_1", "toolu_2"], envelope: (line: string) => `shopt -u extglob 2>/dev/null || true && eval '${line.replaceAll("'", `'"'"'`)}' < /dev/null && pwd -P >| /tmp/claude-1-cwd` },
  { agent: "codex", file: ".codex/sessions/2026/11/21/rollout-2026-11-21T10-00-00-s-1.jsonl", lines: CODEX, calls: ["call_1", "call_2"], envelope: (line: string) => line },
  { agent: "gemini-cli", file: ".gemini/tmp/shop/chats/session-2026-11-21T10-00-ab12cd34.jsonl", lines: GEMINI, calls: ["g-1", "g-2"], envelope: (line: string) => `shopt -u promptvars nullglob\n(\n  trap 'x' EXIT\n${line}\n)\n__code=$?\nexit $__code` },
];

test.each(AGENTS)("$agent: the call that carries exactly this command, its description or the words before it, and what the person asked", ({ agent, file, lines, calls, envelope }) => {
  const home = homeWith(file, lines);
  expect(lookUp(home, ask(agent, envelope("ls 'a b'")))).toEqual({ kind: "found", found: { text: "list what is there", call: calls[0], prompt: "please tidy the shop", file: join(home, file) } });
  expect(lookUp(home, ask(agent, envelope("npm test")))).toEqual({ kind: "found", found: { text: "Now the tests.", call: calls[1], prompt: "please tidy the shop", file: join(home, file) } });
  expect(lookUp(home, ask(agent, "npm test"), new Set([`${join(home, file)} ${calls[1] ?? ""}`]))).toEqual({ kind: "none" });
  expect(lookUp(home, ask(agent, "npm test", { call: calls[0] }))).toEqual({ kind: "none" });
  expect(lookUp(home, ask(agent, "npm test # more"))).toEqual({ kind: "none" });
  expect(lookUp(home, ask(agent, ""))).toEqual({ kind: "none" });
  expect(inspectTranscripts(home)).toEqual([{ agent, file: join(home, file), known: true }]);
});

test("of two calls with the same command the last comes first, and then the other", () => {
  const [agent] = AGENTS;
  if (agent === undefined) throw new Error("no agent");
  const again = { type: "assistant", message: { role: "assistant", content: [{ type: "tool_use", id: "toolu_3", name: "Bash", input: { command: "npm test", description: "once more" } }] } };
  const home = homeWith(agent.file, [...CLAUDE, again]);
  const first = lookUp(home, ask("claude-code", "npm test"));
  expect(first).toMatchObject({ found: { call: "toolu_3", text: "once more" } });
  expect(lookUp(home, ask("claude-code", "npm test"), new Set([`${join(home, agent.file)} toolu_3`]))).toMatchObject({ found: { call: "toolu_2" } });
});

test("a session is found wherever the agent was started, another one is not", () => {
  const home = homeWith(".claude/projects/-somewhere-else/s-1.jsonl", CLAUDE);
  expect(lookUp(home, ask("claude-code", "npm test")).kind).toBe("found");
  expect(lookUp(home, ask("claude-code", "npm test", { session: "s-2" })).kind).toBe("none");
  expect(lookUp(home, ask("claude-code", "npm test", { session: undefined })).kind).toBe("none");
  expect(lookUp(home, ask("opencode", "npm test")).kind).toBe("none");
});

test("of several files the one that was written last counts", () => {
  const home = homeWith(".gemini/tmp/a/chats/session-1.jsonl", GEMINI);
  const older = join(home, ".gemini/tmp/b/chats/session-0.jsonl");
  mkdirSync(dirname(older), { recursive: true });
  writeFileSync(older, `${JSON.stringify({ id: "9", type: "gemini", content: "old", toolCalls: [{ id: "x", name: "run_shell_command", args: { command: "npm test" } }] })}\n`);
  utimesSync(older, 1, 1);
  expect(lookUp(home, ask("gemini-cli", "npm test"))).toMatchObject({ found: { call: "g-2" } });
});

test.each(AGENTS)("$agent: half a line, other JSON, and what it will write some day are passed over", ({ agent, file, lines }) => {
  const home = homeWith(file, ['{"type":"assist', "\u0000\u0001", "[]", "null", "7", '"x"', { type: "user" }, { type: "response_item", payload: { type: "message", content: 7 } }, { id: 1, type: "gemini", toolCalls: { a: 1 } }, ...lines, { type: "a-new-kind", payload: {}, id: "n" }]);
  appendFileSync(join(home, file), '{"type":"assistant","message":{"content":[{"type":"tool_u');
  expect(lookUp(home, ask(agent, "npm test"))).toMatchObject({ kind: "found", found: { text: "Now the tests." } });
});

test.each(AGENTS)("$agent: a format that is not known is said to be", ({ agent, file }) => {
  const home = homeWith(file, [{ v: 9, entry: { tool: "Bash", cmd: "npm test" } }, { v: 9 }]);
  expect(lookUp(home, ask(agent, "npm test"))).toEqual({ kind: "unknown", file: join(home, file) });
  expect(inspectTranscripts(home)).toEqual([{ agent, file: join(home, file), known: false }]);
  writeFileSync(join(home, file), "");
  expect(lookUp(home, ask(agent, "npm test"))).toEqual({ kind: "none" });
});

test("a link, a pipe or a directory in its place is not opened", () => {
  const [claude] = AGENTS;
  const file = claude?.file ?? "";
  const home = homeWith("elsewhere.jsonl", CLAUDE);
  mkdirSync(dirname(join(home, file)), { recursive: true });
  symlinkSync(join(home, "elsewhere.jsonl"), join(home, file));
  expect(lookUp(home, ask("claude-code", "npm test"))).toEqual({ kind: "none" });
  rmSync(join(home, file));
  execFileSync("mkfifo", [join(home, file)]);
  expect(lookUp(home, ask("claude-code", "npm test"))).toEqual({ kind: "none" });
  rmSync(join(home, file));
  mkdirSync(join(home, file));
  expect(lookUp(home, ask("claude-code", "npm test"))).toEqual({ kind: "none" });
  rmSync(join(home, file), { recursive: true });
  symlinkSync("s-1.jsonl", join(home, file));
  expect(lookUp(home, ask("claude-code", "npm test"))).toEqual({ kind: "none" });
  expect(inspectTranscripts(home)).toEqual([]);
  expect(lookUp(home, ask("claude-code", "npm test", { cwd: `/${"x".repeat(5_000)}` }))).toEqual({ kind: "none" });
});

test("a line that nests deeper than any agent writes is not read: brackets in text are none", () => {
  const file = ".claude/projects/-home-anna-shop-web/s-1.jsonl";
  const call = (id: string, more: object): unknown => ({ type: "assistant", message: { role: "assistant", content: [{ type: "tool_use", id, name: "Bash", input: { command: `run ${id}`, description: id } }] }, ...more });
  const deep = JSON.parse(`${"[".repeat(LIMITS.transcriptDepth)}${"]".repeat(LIMITS.transcriptDepth)}`) as unknown;
  const home = homeWith(file, [call("text", { note: `${"[".repeat(1_000)}\\"${"{".repeat(1_000)}` }), call("deep", { deep })]);
  expect(lookUp(home, ask("claude-code", "run deep"))).toEqual({ kind: "none" });
  expect(lookUp(home, ask("claude-code", "run text"))).toMatchObject({ kind: "found", found: { call: "text" } });
});

test("only the end of a large transcript is read, and what it says is made safe and short", () => {
  const file = ".claude/projects/-home-anna-shop-web/s-1.jsonl";
  const filler = { type: "assistant", message: { role: "assistant", content: [{ type: "text", text: "x".repeat(10_000) }] } };
  const call = (id: string, description: string): unknown => ({ type: "assistant", message: { role: "assistant", content: [{ type: "tool_use", id, name: "Bash", input: { command: `run ${id}`, description } }] } });
  const home = homeWith(file, [call("early", "long ago"), ...Array.from({ length: 70 }, () => filler), call("late", `\u001b[31m${"y".repeat(2_000)}`)]);
  expect(lookUp(home, ask("claude-code", "run early")).kind).toBe("none");
  const late = lookUp(home, ask("claude-code", "run late"));
  if (late.kind !== "found") throw new Error("not found");
  expect(late.found.text).toMatch(/^\\x1b\[31myyy/);
  expect(late.found.text.length).toBeLessThanOrEqual(LIMITS.intentLength);
});
