/** OpenCode, as it comes from npm, under `vetsh run`: the whole path, from a model's wish to a decoded span. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { ReceivedSpan } from "./otlp-receiver.ts";
import { openTerminal } from "../terminal/outer-terminal.ts";
import { agentEnvironment, COMMANDS, configureAgent } from "./scenario.ts";
import type { Mode, SessionResult } from "./scenario.ts";

const CHECKOUT = join(import.meta.dirname, "../..");
const SCENARIO = join(import.meta.dirname, "scenario.ts");
/** Ends a hang; a session takes 15 s on a machine with nothing else to do. */
const SESSION_MS = 300_000;
/** The one platform for which an agent is pinned: scripts/fetch-agents.sh. */
const pinned = process.platform === "linux" && process.arch === "x64";

let agent = "";
beforeAll(() => {
  if (!pinned) return;
  // Its messages say what is wrong when the registry cannot be reached.
  agent = join(execFileSync(join(CHECKOUT, "scripts/fetch-agents.sh"), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim(), "node_modules/opencode-linux-x64-baseline/bin/opencode");
}, 300_000);

test.runIf(pinned).each(["headless", "full-screen"] as const)("OpenCode, %s: one command runs, one is refused and told why, one runs after a human's y; all three are spans", { timeout: SESSION_MS + 10_000 }, (mode) => {
  const { results, question, screen, exitCode, spans, fileLeft } = runSession(mode);

  expect(results).toHaveLength(3);
  expect(results[0]).toBe("README\n\ndrafts:\nnotes.txt\n");
  expect(results[1]).toMatch(/nothing ran/);
  expect(results[1]).toMatch(/download/);
  expect(results[2]).not.toMatch(/vetsh/);
  expect(fileLeft).toBe(false);
  // A Ctrl-C that comes after the full-screen program gave its terminal back ends it as any program.
  expect(mode === "headless" ? [0] : [0, 130]).toContain(exitCode);

  expect(question).toContain(`run       ${COMMANDS.asked}`);
  expect(screen).not.toContain("vetsh asks");
  expect(screen).toContain("that is all");

  expect(about(spans, COMMANDS.allowed)).toMatchObject({ "vetsh.verdict": "allow", "vetsh.decision": "allow", "vetsh.decision.source": "rule", "process.exit.code": 0, "vetsh.outcome": "exited" });
  expect(about(spans, COMMANDS.denied)).toMatchObject({ "vetsh.verdict": "deny", "vetsh.decision": "deny", "vetsh.decision.source": "rule", "process.exit.code": 126, "vetsh.outcome": "refused" });
  expect(about(spans, COMMANDS.denied)["vetsh.rule.id"]).toContain("download-and-run");
  expect(about(spans, COMMANDS.asked)).toMatchObject({ "vetsh.verdict": "ask", "vetsh.decision": "allow", "vetsh.decision.source": "human", "process.exit.code": 0, "vetsh.outcome": "exited" });
  expect(about(spans, COMMANDS.asked)["vetsh.rule.id"]).not.toEqual([]);

  const children = childrenOf(spans, COMMANDS.asked);
  expect(children.find((span) => span.name === "await_approval")?.attributes).toMatchObject({ "vetsh.approval.outcome": "approved", "vetsh.approval.channel": "outer-terminal", "enduser.id": expect.stringMatching(/./) });
  expect(children.find((span) => span.name === "bash")?.attributes).toMatchObject({ "process.exit.code": 0 });
  expect(childrenOf(spans, COMMANDS.denied)).toEqual([]);
});

test.runIf(pinned)("OpenCode with nothing but SHELL set: the refusal names an id, a human approves it elsewhere, and the same command passes once", { timeout: SESSION_MS + 10_000 }, () => {
  const { results, exitCode, spans, fileLeft } = runSession("shell-only");
  expect(results).toHaveLength(4);
  expect(results[0]).toBe("README\n\ndrafts:\nnotes.txt\n");
  expect(results[1]).toMatch(/nothing ran[^]*download/);
  expect(results[2]).toMatch(/nothing ran[^]*needs a person's approval[^]*vetsh approve \w+/);
  expect(results[3]).not.toMatch(/vetsh/);
  expect({ fileLeft, exitCode }).toEqual({ fileLeft: false, exitCode: 0 });
  const asked = spans.filter((each) => each.attributes["vetsh.command.redacted"] === COMMANDS.asked).map((each) => each.attributes);
  expect(asked.map((each) => [each["vetsh.decision"], each["process.exit.code"]])).toEqual([["ask_timeout", 126], ["allow", 0]]);
  expect(asked[1]?.["vetsh.decision.source"]).not.toBe("rule");
});

test.runIf(pinned)("a question over OpenCode's own screen leaves every cell, the cursor and all modes as they were", { timeout: SESSION_MS }, async () => {
  const home = mkdtempSync(join(tmpdir(), "vetsh-agent-home-"));
  // Nobody listens there: its model is never asked.
  configureAgent(home, 9);
  const terminal = await openTerminal([...alone(), agent, "--model", "scripted/scripted"], { columns: 100, rows: 36, cwd: home, env: agentEnvironment(home, "/bin/bash"), onlyEnv: true, deadlineMs: SESSION_MS });
  try {
    await terminal.shows("Ask anything");
    const before = await terminal.still();
    expect(before).toMatchObject({ buffer: "alternate", mouse: ["ANY", "SGR"] });
    await terminal.ask();
    await terminal.ready();
    expect((await terminal.snapshot()).cells).not.toEqual(before.cells);
    terminal.type("y");
    await terminal.answered();
    expect(await terminal.still()).toEqual(before);
    terminal.type("\x03");
    await terminal.exited;
  } finally {
    await terminal.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** Out: what starts a program in a network of its own with loopback only, where that can be had (root, iproute2); else the agent's proxy settings must do. */
function alone(): readonly string[] {
  const prefix = ["unshare", "-n", "--", "sh", "-c", 'ip link set lo up && exec "$0" "$@"'];
  return spawnSync(prefix[0] ?? "", [...prefix.slice(1), "true"]).status === 0 ? prefix : [];
}

function runSession(mode: Mode): SessionResult {
  const folder = mkdtempSync(join(tmpdir(), "vetsh-session-"));
  try {
    const file = join(folder, "result.json");
    const [program = "", ...args] = [...alone(), process.execPath, SCENARIO, agent, mode, file];
    const run = spawnSync(program, args, { encoding: "utf8", timeout: SESSION_MS });
    if (run.status !== 0) throw new Error(`the session ended with ${run.status ?? run.signal}:\n${run.stdout}${run.stderr}`);
    return JSON.parse(readFileSync(file, "utf8")) as SessionResult;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function span(spans: readonly ReceivedSpan[], command: string): ReceivedSpan {
  const found = spans.filter((each) => each.attributes["vetsh.command.redacted"] === command);
  expect(found.map((each) => each.name), `spans of \`${command}\``).toEqual(["execute_tool shell"]);
  return found[0] as ReceivedSpan;
}

function about(spans: readonly ReceivedSpan[], command: string): ReceivedSpan["attributes"] {
  return span(spans, command).attributes;
}

function childrenOf(spans: readonly ReceivedSpan[], command: string): readonly ReceivedSpan[] {
  const { spanId, traceId } = span(spans, command);
  return spans.filter((each) => each.parentSpanId === spanId && each.traceId === traceId);
}
