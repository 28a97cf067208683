/**
 * A human's terminal for tests: a real pseudoterminal whose screen is a headless xterm. It answers queries as a terminal does,
 * and says what stands in every cell.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import xterm from "@xterm/headless";
import { spawn } from "node-pty";
import type { Question } from "../../src/model/index.ts";

const HOST = fileURLToPath(new URL("programs/host.ts", import.meta.url));
const DEADLINE_MS = 20_000;
const STILL_MS = 400;

export type OuterTerminal = Awaited<ReturnType<typeof openTerminal>>;

/** Starts `command` in a terminal, under runInTerminal (or bare, for comparison). */
export async function openTerminal(command: readonly string[], options: { columns?: number; rows?: number; env?: Record<string, string>; bare?: boolean; before?: string; blind?: boolean; cwd?: string; deadlineMs?: number; onlyEnv?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "vetsh-terminal-"));
  const path = join(folder, "questions.sock");
  const answers: { id: string; answer: string }[] = [];
  let peakRssKb = 0;
  let host: Socket | undefined;
  const server = createServer((socket) => {
    host = socket;
    socket.on("error", () => undefined);
    createInterface({ input: socket }).on("line", (line) => {
      const message = JSON.parse(line) as { id: string; answer: string } | { peakRssKb: number };
      if ("id" in message) answers.push(message);
      else ({ peakRssKb } = message);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const { columns = 80, rows = 24 } = options;
  const term = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 500, logLevel: "off" });
  // What stood on the screen before: a shell session of the human.
  if (options.before !== undefined) await new Promise<void>((resolve) => term.write(options.before ?? "", resolve));
  const [file = "", ...args] = options.bare ? command : [process.execPath, HOST, path, ...command];
  const { VITEST: _vitest, ...inherited } = process.env;
  const pty = spawn(file, args, { cols: columns, rows, name: "xterm-256color", encoding: null, cwd: options.cwd ?? process.cwd(), env: { ...(options.onlyEnv ? {} : inherited), TERM: "xterm-256color", LANG: "C.UTF-8", ...options.env } });
  let received = 0;
  let tail = "";
  pty.onData((data) => {
    const bytes = data as unknown as Buffer;
    received += bytes.length;
    tail = (tail.length > 65_536 ? tail.slice(-16_384) : tail) + bytes.toString("latin1");
    // A blind terminal swallows output as fast as it comes: for measuring the way there.
    if (!options.blind) term.write(bytes);
  });
  term.onData((data) => pty.write(data));
  const exited = new Promise<{ exitCode: number; signal: number }>((resolve) => pty.onExit(({ exitCode, signal }) => resolve({ exitCode, signal: signal ?? 0 })));
  const settled = () => new Promise<void>((resolve) => term.write("", resolve));
  const text = () => Array.from({ length: term.rows }, (_, row) => term.buffer.active.getLine(term.buffer.active.baseY + row)?.translateToString(true, 0, term.cols) ?? "").join("\n");
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    const deadline = Date.now() + (options.deadlineMs ?? DEADLINE_MS);
    while (Date.now() < deadline) {
      await settled();
      if (holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${what} did not happen; the screen shows:\n${text()}`);
  };
  return {
    pid: pty.pid,
    term,
    exited,
    answers,
    text,
    until,
    received: () => received,
    lastBytes: () => tail,
    peakRssKb: () => peakRssKb,
    type: (keys: string) => pty.write(keys),
    resize: (size: { columns: number; rows: number }) => {
      term.resize(size.columns, size.rows);
      pty.resize(size.columns, size.rows);
    },
    ask: async (question: Partial<Question> = {}) => {
      await until("the connection of the host", () => host !== undefined);
      host?.write(`${JSON.stringify({ question: { ...EXAMPLE, ...question } })}\n`);
    },
    tell: (message: object) => void host?.write(`${JSON.stringify(message)}\n`),
    shows: (wanted: string | RegExp) => until(`\`${wanted}\` on the screen`, () => (typeof wanted === "string" ? text().includes(wanted) : wanted.test(text()))),
    answered: (count = 1) => until(`${count} answers`, () => answers.length >= count),
    /** Resolves when the panel takes keys. */
    ready: () => until("a question that takes keys", () => text().includes("y yes, once")),
    snapshot: async () => (await settled(), snapshot(term)),
    /** The screen when no output came for a while. */
    still: async () => {
      let seen = -1;
      let since = Date.now();
      await until("silence", () => {
        if (seen !== received) [seen, since] = [received, Date.now()];
        return Date.now() - since > STILL_MS;
      });
      return snapshot(term);
    },
    close: async () => {
      try {
        process.kill(pty.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await exited;
      host?.destroy();
      server.close();
      term.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const EXAMPLE: Question = {
  id: "q1",
  command: "git push --force origin main",
  span: { start: 9, end: 16 },
  effects: ["lose commits of the remote ref `main`"],
  reason: "rewrites history that others may have",
  rule: "git-force-push",
  instead: "git push --force-with-lease",
  authority: "writes in the workspace · network: github.com",
  intent: { text: "publish the fix", source: "env", trust: "agent" },
  expiresAt: 4_000_000_000_000,
};

/* eslint-disable-next-line -- the judge looks at xterm's own state: its public API does not tell pen, region and charset. */
type Core = { _core: { _bufferService: { buffer: { x: number; y: number; savedX: number; savedY: number; scrollTop: number; scrollBottom: number } }; coreService: { isCursorHidden: boolean; decPrivateModes: object }; coreMouseService: { activeProtocol: string; activeEncoding: string }; _charsetService: { glevel: number; charset: unknown }; _inputHandler: { _curAttrData: { fg: number; bg: number } }; _oscLinkService: { getLinkData(id: number): { uri: string } | undefined } } };
type CellData = { fg: number; bg: number; getChars(): string; getWidth(): number; getUnderlineStyle(): number; getUnderlineColor(): number; extended: { urlId: number } };

/** Everything a human, or the agent by its next output, could notice about a screen. */
function snapshot(term: InstanceType<typeof xterm.Terminal>) {
  const { _core: core } = term as unknown as Core;
  const buffer = term.buffer.active;
  const cells = Array.from({ length: term.rows }, (_, row) => {
    let attributes = "";
    return Array.from({ length: term.cols }, (_, column) => {
      const cell = buffer.getLine(buffer.baseY + row)?.getCell(column) as unknown as CellData;
      const link = core._oscLinkService.getLinkData(cell.extended.urlId)?.uri ?? "";
      // The attributes are a bit field; its extended bit says only that an underline style or a link is there.
      const here = `${cell.fg.toString(16)},${cell.bg.toString(16)},${cell.getUnderlineStyle()},${cell.getUnderlineColor()},${link}`;
      const changed = here !== attributes;
      attributes = here;
      // A blank differs from a cell that was never written; the second half of a wide character has no width.
      return `${changed ? `{${here}}` : ""}${cell.getWidth() === 0 ? "" : cell.getChars() || "␀"}`;
    }).join("");
  });
  const inner = core._bufferService.buffer;
  return {
    cells,
    scrollback: Array.from({ length: buffer.baseY }, (_, row) => buffer.getLine(row)?.translateToString(true)),
    buffer: buffer.type,
    cursor: [inner.x, inner.y],
    // In the normal buffer a program that never kept its cursor does not look for it.
    saved: buffer.type === "normal" ? undefined : [inner.savedX, inner.savedY],
    hidden: core.coreService.isCursorHidden,
    region: [inner.scrollTop, inner.scrollBottom],
    modes: { ...term.modes, ...core.coreService.decPrivateModes },
    mouse: [core.coreMouseService.activeProtocol, core.coreMouseService.activeEncoding],
    charset: [core._charsetService.glevel, core._charsetService.charset === undefined ? "ascii" : "graphics"],
    pen: [core._inputHandler._curAttrData.fg, core._inputHandler._curAttrData.bg],
  };
}
