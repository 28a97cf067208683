import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { openTerminal } from "./outer-terminal.ts";
import type { OuterTerminal } from "./outer-terminal.ts";

const FULL_SCREEN = fileURLToPath(new URL("programs/full-screen.sh", import.meta.url));
const open: OuterTerminal[] = [];
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});
const start = async (...args: Parameters<typeof openTerminal>): Promise<OuterTerminal> => {
  const terminal = await openTerminal(...args);
  open.push(terminal);
  return terminal;
};
const LAST_ROW = /row 23/;

test.each(["y", "n", "\x03"])("a question over a full-screen program, answered with %j, leaves everything as it was", async (key) => {
  const terminal = await start(["bash", FULL_SCREEN]);
  await terminal.shows(LAST_ROW);
  await terminal.until("the last mode", () => terminal.text().includes("z"));
  const before = await terminal.snapshot();
  expect(before).toMatchObject({ buffer: "alternate", hidden: true, mouse: ["DRAG", "SGR"], region: [3, 21], cursor: [80, 22] });
  await terminal.ask();
  await terminal.ready();
  expect(terminal.text()).toContain("git push --force origin main");
  expect((await terminal.snapshot()).cells).not.toEqual(before.cells);
  terminal.type(key);
  await terminal.answered();
  expect(terminal.answers).toEqual([{ id: "q1", answer: key === "y" ? "yes" : "no" }]);
  await terminal.until("the screen as before", () => !terminal.text().includes("vetsh asks"));
  expect(await terminal.snapshot()).toEqual(before);
});

/** Programs that fill a screen, what shows that they have, and how they end. Those that draw by the clock are told to wait. */
const PROGRAMS: readonly { readonly name: string; readonly args: (file: string) => readonly string[]; readonly shows: string; readonly quit: string }[] = [
  { name: "vim", args: (file) => ["-u", "NONE", "-N", "--cmd", "set nocompatible laststatus=2 number hlsearch mouse=a", "+syntax on", "+/line 1", file], shows: "int line_10", quit: ":q!\r" },
  { name: "less", args: (file) => ["-N", file], shows: "int line_10", quit: "q" },
  { name: "top", args: () => ["-d", "3600"], shows: "COMMAND", quit: "q" },
  { name: "htop", args: () => ["--delay=100"], shows: "F10", quit: "q" },
  { name: "nano", args: (file) => ["--linenumbers", "--mouse", file], shows: "int line_10", quit: "\x18" },
  { name: "watch", args: (file) => ["--color", "--interval=3600", "cat", file], shows: "int line_10", quit: "\x03" },
];
const there = (name: string): boolean => (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, name)));

test("full-screen programs to try are installed", () => {
  expect(PROGRAMS.filter(({ name }) => there(name))).not.toEqual([]);
});

test.each(PROGRAMS.filter(({ name }) => there(name)))("a question over $name leaves every cell and the cursor as they were", async ({ name, args, shows, quit }) => {
  const folder = mkdtempSync(join(tmpdir(), "vetsh-screen-"));
  try {
    const file = join(folder, "text.c");
    writeFileSync(file, Array.from({ length: 100 }, (_, line) => `int line_${line} = ${line}; /* line ${line} */`).join("\n"));
    const terminal = await start([name, ...args(file)], { env: { HOME: folder } });
    await terminal.shows(shows);
    await terminal.still();
    // htop draws anew every ten seconds, unless it is told not to.
    if (name === "htop") terminal.type("Z");
    const before = await terminal.still();
    expect(before.buffer).toBe(name === "top" ? "normal" : "alternate");
    await terminal.ask();
    await terminal.ready();
    expect(terminal.text()).toContain("vetsh asks");
    terminal.type("y");
    await terminal.answered();
    expect(await terminal.still()).toEqual(before);
    terminal.type(quit);
    await terminal.exited;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a question over the normal screen keeps what stood there before, the scrollback, the cursor, and the agent's saved cursor", async () => {
  const before = Array.from({ length: 30 }, (_, line) => `earlier ${line}\r\n`).join("");
  const terminal = await start(["bash", "-c", `printf 'one\\e[32m\\e7 two\\e[1;31m three'; read -rsn1; printf 'X\\e8Y'; read -rsn1`], { before });
  await terminal.shows("three");
  const asked = await terminal.snapshot();
  await terminal.ask();
  await terminal.ready();
  terminal.type("n");
  await terminal.answered();
  expect(await terminal.snapshot()).toEqual(asked);
  terminal.type("k");
  await terminal.shows("oneYtwo threeX");
});

test("output during a question is held, and comes after it", async () => {
  const terminal = await start(["bash", "-c", `read -rsn1; printf 'and \\e[31mmore'; read -rsn1`]);
  await terminal.ask();
  await terminal.shows("vetsh asks");
  terminal.type("k");
  await terminal.ready();
  expect(terminal.text()).not.toContain("and more");
  terminal.type("y");
  await terminal.shows("and more");
  expect(terminal.answers).toEqual([{ id: "q1", answer: "yes" }]);
});

test("resizing during a question redraws it, and afterwards the screen is what the program drew for the new size", async () => {
  const terminal = await start(["bash", FULL_SCREEN]);
  await terminal.until("the last mode", () => terminal.text().includes("z"));
  await terminal.ask();
  await terminal.ready();
  terminal.resize({ columns: 60, rows: 16 });
  await terminal.shows(/^╰─{58}╯$/m);
  terminal.type("y");
  await terminal.answered();
  await terminal.until("the last row at the new size", () => /^row 15 +z$/m.test(terminal.text()));
  const { cells } = await terminal.still();
  const bare = await start(["bash", FULL_SCREEN], { bare: true, columns: 60, rows: 16 });
  await bare.until("the last mode", () => bare.text().includes("z"));
  expect(cells).toEqual((await bare.still()).cells);
});

test("a withdrawn or expired question disappears without an answer, and the next one follows", async () => {
  const terminal = await start(["bash", FULL_SCREEN]);
  await terminal.until("the last mode", () => terminal.text().includes("z"));
  const before = await terminal.snapshot();
  await terminal.ask({ id: "a", command: "first command" });
  await terminal.ask({ id: "b", command: "second command" });
  await terminal.shows("first command");
  terminal.tell({ withdraw: "a" });
  await terminal.shows("second command");
  await terminal.ready();
  terminal.type("n");
  await terminal.answered();
  await terminal.ask({ id: "c", command: "third command", expiresAt: Date.now() + 1000 });
  await terminal.shows("third command");
  await terminal.until("the screen as before", () => !terminal.text().includes("vetsh asks"));
  expect(terminal.answers).toEqual([{ id: "b", answer: "no" }]);
  expect(await terminal.snapshot()).toEqual(before);
});
