import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { openTerminal } from "./outer-terminal.ts";
import type { OuterTerminal } from "./outer-terminal.ts";

const FULL_SCREEN = fileURLToPath(new URL("programs/full-screen.sh", import.meta.url));
const HOST = fileURLToPath(new URL("programs/host.ts", import.meta.url));
const open: OuterTerminal[] = [];
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});
const start = async (...args: Parameters<typeof openTerminal>): Promise<OuterTerminal> => {
  const terminal = await openTerminal(...args);
  open.push(terminal);
  return terminal;
};

test.each([
  { what: "success", script: "exit 0", code: 0 },
  { what: "a failure", script: "exit 37", code: 37 },
  { what: "SIGTERM", script: "kill -TERM $$", code: 143 },
  { what: "SIGKILL", script: "kill -KILL $$", code: 137 },
])("the exit code is the agent's: $what", async ({ script, code }) => {
  const terminal = await start(["bash", "-c", script]);
  expect(await terminal.exited).toEqual({ exitCode: code, signal: 0 });
});

test.each([
  { command: "no-such-agent-here", code: 127, message: "`no-such-agent-here` was not found" },
  { command: "/etc/passwd", code: 126, message: "`/etc/passwd` is not an executable file" },
  { command: "no\x1b[2Jagent", code: 127, message: "`no\\x1b[2Jagent` was not found" },
])("a command that cannot be started is told: $message", async ({ command, code, message }) => {
  const terminal = await start([command]);
  expect((await terminal.exited).exitCode).toBe(code);
  await terminal.shows(message);
});

test("the agent has a terminal of the right size, and is told of a new one", async () => {
  const terminal = await start(["bash", "-c", `trap 'stty size' WINCH; tty -s && stty size; while ! read -t 0.1 -n1; do :; done`], { columns: 91, rows: 17 });
  await terminal.shows("17 91");
  terminal.resize({ columns: 70, rows: 20 });
  await terminal.shows("20 70");
});

test("control keys are the agent's: Ctrl-C interrupts it, Ctrl-Z and Ctrl-\\ arrive", async () => {
  const terminal = await start(["bash", "-c", `trap 'echo got-int' INT; trap 'echo got-tstp' TSTP; trap 'echo got-quit; exit 5' QUIT; echo ready; while :; do sleep 0.05; done`]);
  await terminal.shows("ready");
  terminal.type("\x03");
  await terminal.shows("got-int");
  terminal.type("\x1a");
  await terminal.shows("got-tstp");
  terminal.type("\x1c");
  await terminal.shows("got-quit");
  expect((await terminal.exited).exitCode).toBe(5);
});

test("every byte passes unchanged in both directions", async () => {
  const terminal = await start(["bash", "-c", `stty raw -echo; printf ready; head -c 768 | od -An -v -tx1 | tr -d ' \\n'; printf '\\n.'; sleep 0.2`], { columns: 200 });
  await terminal.shows("ready");
  // Not a valid encoding of anything, and everything a line discipline would have eaten. Sent as latin1 it is one byte each.
  const bytes = Buffer.from(Array.from({ length: 768 }, (_, index) => index % 256));
  terminal.type(bytes as unknown as string);
  await terminal.exited;
  expect(terminal.lastBytes()).toContain(`${bytes.toString("hex")}\n.`);
});

test("100 MB of output arrive whole, without memory growing with it", { timeout: 180_000 }, async () => {
  const lines = 1_250_000;
  // 80 bytes a line.
  const script = `stty raw; yes ${"x".repeat(78)}$'\\r' | head -n ${lines}; printf 'the end'`;
  const rate = async (bare: boolean): Promise<OuterTerminal> => {
    const terminal = await start(["bash", "-c", script], { blind: true, bare });
    const began = Date.now();
    expect((await terminal.exited).exitCode).toBe(0);
    console.log(`100 MB ${bare ? "through a bare terminal" : "through the outer terminal"}: ${(terminal.received() / 1000 / (Date.now() - began)).toFixed(0)} MB/s`);
    return terminal;
  };
  const [bare, hosted] = [await rate(true), await rate(false)];
  expect(bare.received()).toBe(lines * 80 + "the end".length);
  // Ours and the leaving sequence at the end.
  expect(hosted.received()).toBe(lines * 80 + "the end\x1b[0m".length);
  expect(hosted.lastBytes().endsWith("xx\r\nthe end\x1b[0m")).toBe(true);
  expect(hosted.peakRssKb()).toBeLessThan(300 * 1024);
});

test("coloured output, too, arrives whole and the screen is the last of it", { timeout: 60_000 }, async () => {
  const terminal = await start(["bash", "-c", `for ((i = 0; i < 40000; i++)); do printf '\\e[3%dmline %d\\e[0m\\r\\n' $((i % 8)) $i; done; read -n1`]);
  await terminal.shows("line 39999");
  await terminal.ask();
  await terminal.ready();
  terminal.type("y");
  await terminal.answered();
  await terminal.shows("line 39999");
});

test("keys come to an agent that reads slowly", async () => {
  const terminal = await start(["bash", "-c", `stty raw -echo; printf ready; sleep 1; head -c 300000 | cksum; printf end`]);
  await terminal.shows("ready");
  const keys = "0123456789".repeat(30_000);
  terminal.type(keys);
  await terminal.exited;
  const [sum = ""] = execFileSync("cksum", { input: keys, encoding: "utf8" }).split(" ");
  expect(terminal.lastBytes()).toContain(`${sum} 300000`);
});

test.each(["SIGKILL of the agent", "SIGTERM to us", "SIGHUP to us", "a crash of ours"])("the terminal is put back after %s", async (what) => {
  const terminal = await start(["bash", FULL_SCREEN]);
  await terminal.until("the last mode", () => terminal.text().includes("z"));
  const agent = child(terminal.pid);
  await terminal.ask();
  await terminal.ready();
  if (what === "SIGKILL of the agent") process.kill(agent, "SIGKILL");
  if (what === "SIGTERM to us") process.kill(terminal.pid, "SIGTERM");
  if (what === "SIGHUP to us") process.kill(terminal.pid, "SIGHUP");
  if (what === "a crash of ours") terminal.tell({ crash: true });
  const { exitCode } = await terminal.exited;
  expect(exitCode).toBe({ "SIGKILL of the agent": 137, "SIGTERM to us": 143, "SIGHUP to us": 129, "a crash of ours": 1 }[what]);
  expect(terminal.answers).toEqual([]);
  const { buffer, hidden, modes, mouse, charset } = await terminal.snapshot();
  expect({ buffer, hidden, mouse: mouse[0], charset }).toEqual({ buffer: "normal", hidden: false, mouse: "NONE", charset: [0, "ascii"] });
  expect(modes).toMatchObject({ applicationCursorKeysMode: false, applicationKeypadMode: false, bracketedPasteMode: false, sendFocusMode: false, wraparoundMode: true, originMode: false });
});

test("the line discipline of the human's terminal is as before", async () => {
  const script = `before=$(stty -g); "$0" "$1" "$2" true; [[ $before == $(stty -g) ]] && echo same; "$0" "$1" "$2" bash -c 'kill -KILL $$'; [[ $before == $(stty -g) ]] && echo same-again`;
  const terminal = await start(["bash", "-c", script, process.execPath, HOST, "/nowhere"], { bare: true });
  await terminal.exited;
  await terminal.shows(/same\n[^]*same-again/);
});

test("without a terminal the agent has our own stdio and its exit code is ours", () => {
  const run = spawnSync(process.execPath, [HOST, "/nowhere", "bash", "-c", "cat; echo error >&2; test -t 0 || exit 9"], { input: "from stdin\n" });
  expect({ status: run.status, stdout: String(run.stdout) }).toEqual({ status: 9, stdout: "from stdin\n" });
  expect(String(run.stderr)).toContain("error");
});

/** The agent: the only child of the host. */
function child(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
}
