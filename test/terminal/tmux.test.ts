/** The same promise on a terminal that is not xterm: tmux draws, and says what stands on its screen. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { EXAMPLE } from "./outer-terminal.ts";

const HOST = fileURLToPath(new URL("programs/host.ts", import.meta.url));
const FULL_SCREEN = fileURLToPath(new URL("programs/full-screen.sh", import.meta.url));
const hasTmux = spawnSync("tmux", ["-V"]).status === 0;

test.skipIf(!hasTmux).each([
  { what: "a full-screen program", script: `exec bash ${FULL_SCREEN}`, shows: "row 23" },
  { what: "a line that ends in the last column", script: `printf '%080d' 1; read -rsn1; printf x; read -rsn1`, shows: "0001" },
  { what: "the normal screen", script: `seq 100; printf '\\e[32mgreen \\e[1mbold'; read -rsn1`, shows: "bold" },
])("in tmux, a question over $what leaves cells, attributes and cursor as they were", async ({ script, shows }) => {
  const folder = mkdtempSync(join(tmpdir(), "vetsh-tmux-"));
  const answers: string[] = [];
  const connected = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    socket.on("data", (bytes) => answers.push(...bytes.toString().trim().split("\n")));
    connected.resolve(socket);
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "questions"), resolve));
  const tmux = (...args: readonly string[]): string => execFileSync("tmux", ["-S", join(folder, "tmux"), "-f", "/dev/null", ...args], { encoding: "utf8", env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: folder, LANG: "C.UTF-8", TERM: "xterm-256color" } });
  const screen = (): string => tmux("capture-pane", "-p", "-e") + tmux("display-message", "-p", "#{cursor_x},#{cursor_y} alternate=#{alternate_on} cursor=#{cursor_flag} keys=#{keypad_cursor_flag} insert=#{insert_flag} wrap=#{wrap_flag} mouse=#{mouse_button_flag} region=#{scroll_region_upper}-#{scroll_region_lower}");
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; await new Promise((resolve) => setTimeout(resolve, 50))) if (holds()) return;
    throw new Error(`${what} did not happen:\n${screen()}`);
  };
  try {
    tmux("new-session", "-d", "-x", "80", "-y", "24", process.execPath, HOST, join(folder, "questions"), "bash", "-c", script);
    await until(shows, () => tmux("capture-pane", "-p").includes(shows));
    let last = "";
    // The program has drawn when two looks show the same.
    await until("a still screen", () => last === (last = screen()));
    const before = screen();
    (await connected.promise).write(`${JSON.stringify({ question: EXAMPLE })}\n`);
    await until("a question that takes keys", () => tmux("capture-pane", "-p").includes("y yes, once"));
    tmux("send-keys", "y");
    await until("an answer", () => answers.includes('{"id":"q1","answer":"yes"}'));
    await until("the screen without the question", () => !tmux("capture-pane", "-p").includes("vetsh asks"));
    expect(screen()).toBe(before);
  } finally {
    spawnSync("tmux", ["-S", join(folder, "tmux"), "kill-server"]);
    (await Promise.race([connected.promise, Promise.resolve(undefined)]))?.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
