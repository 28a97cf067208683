/** Agents as they come from npm, under `vetsh run`: whatever way each finds its shell, every command is judged, held and recorded, and no shell goes past us. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { AGENTS, COMMANDS, type AgentSession } from "./session.ts";

const CHECKOUT = join(import.meta.dirname, "../..");
/** Ends a hang; a session takes 3 to 10 s on a machine with nothing else to do. */
const SESSION_MS = 200_000;
const pinned = process.platform === "linux" && process.arch === "x64";

const SANDBOXED = "codex in its own sandbox";
let directory = "";
beforeAll(() => {
  if (!pinned) return;
  directory = execFileSync(join(CHECKOUT, "scripts/fetch-agents.sh"), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}, 300_000);

test.runIf(pinned).each(Object.keys(AGENTS).filter((name) => name !== SANDBOXED))("%s: allowed, refused, nested and background commands", { timeout: SESSION_MS + 10_000 }, (name) => {
  const { isolated, session: { results, output, exitCode, decided, unseen } } = run(name);
  expect(results, output).toHaveLength(Object.keys(COMMANDS).length);
  const [allowed, denied, nested, background, seen] = results;
  expect(allowed).toMatch(/README(?:\n|\\n)held by read-only/);
  expect(denied).toMatch(/refused, nothing ran[^]*rule download-and-run/);
  expect(nested).toMatch(/nested in read-only/);
  expect(background).toMatch(/left/);
  expect(seen).toMatch(/(?:^|\n|\\n|: )1(?:\n|\\n|$)/);
  expect(exitCode, output).toBe(0);
  expect(output).toMatch(/shells of this agent are ours by their paths/);
  for (const [which, line] of Object.entries(COMMANDS)) expect(decided[line], line).toBe(which === "denied" ? "refuse" : "run");
  // The one is the test's own. Looking needs namespaces that only root can make.
  expect(unseen).toEqual(isolated ? [": this is the test's own"] : undefined);
});

test.runIf(pinned)("an agent's own sandbox, in which no socket can be opened: nothing runs, and the agent is told why", { timeout: SESSION_MS + 10_000 }, () => {
  const { isolated, session: { results, output, decided, unseen } } = run(SANDBOXED);
  expect(results, output).toHaveLength(Object.keys(COMMANDS).length);
  for (const result of results) expect(result).toMatch(/cannot connect to [^]*nothing ran; a sandbox of another program around this shell forbids sockets[^]*switch the agent's own sandbox off/);
  for (const line of Object.values(COMMANDS)) expect(decided[line]).toBeUndefined();
  expect(unseen).toEqual(isolated ? [": this is the test's own"] : undefined);
});

function run(name: string): { readonly isolated: boolean; readonly session: AgentSession } {
  const folder = mkdtempSync(join(tmpdir(), "vetsh-session-"));
  try {
    const file = join(folder, "result.json");
    const alone = ["unshare", "-n", "-m", "--", "/bin/sh", "-c", 'ip link set lo up && exec "$0" "$@"'];
    const isolated = spawnSync(alone[0] ?? "", [...alone.slice(1), "true"]).status === 0;
    const [program = "", ...args] = [...(isolated ? alone : []), process.execPath, join(import.meta.dirname, "session.ts"), name, directory, file, ...(isolated ? ["watched"] : [])];
    const ended = spawnSync(program, args, { encoding: "utf8", timeout: SESSION_MS });
    if (ended.status !== 0) throw new Error(`the session ended with ${ended.status ?? ended.signal}:\n${ended.stdout}${ended.stderr}`);
    return { isolated, session: JSON.parse(readFileSync(file, "utf8")) as AgentSession };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
