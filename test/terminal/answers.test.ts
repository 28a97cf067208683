import { afterEach, expect, test } from "vitest";
import { openTerminal } from "./outer-terminal.ts";
import type { OuterTerminal } from "./outer-terminal.ts";

const open: OuterTerminal[] = [];
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});
/** An agent that writes down every byte it gets, one number each. */
const listener = async (setup = ""): Promise<OuterTerminal> => {
  const terminal = await openTerminal(["bash", "-c", `stty raw -echo; printf '${setup}ready '; while LC_ALL=C IFS= read -r -d '' -n1 key; do printf '<%d>' "'$key"; done`]);
  open.push(terminal);
  await terminal.shows("ready");
  return terminal;
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("keys that were on their way when the question came go to the agent and answer nothing", async () => {
  const terminal = await listener();
  await terminal.ask();
  await terminal.shows("vetsh asks");
  terminal.type("y");
  await terminal.ready();
  expect(terminal.answers).toEqual([]);
  terminal.type("n");
  await terminal.answered();
  expect(terminal.answers).toEqual([{ id: "q1", answer: "no" }]);
  await terminal.shows("<121>");
  expect(terminal.text()).not.toContain("<110>");
});

test("somebody who goes on typing never answers, however long it takes", async () => {
  const terminal = await listener();
  await terminal.ask();
  await terminal.shows("vetsh asks");
  for (const key of "why yes, yes yes") {
    terminal.type(key);
    await pause(60);
  }
  expect(terminal.answers).toEqual([]);
  await terminal.ready();
  terminal.type("y");
  await terminal.answered();
});

test.each([
  ["a word that begins with y, typed fast", ["y", "e", "s", "\r"]],
  ["a line in one piece", ["y\r"]],
  ["a bracketed paste", ["\x1b[200~y\x1b[201~"]],
  ["a bracketed paste in pieces", ["\x1b[200~", "y", "\x1b[201~"]],
  ["y inside an answer of the terminal that came in pieces", ["\x1b]l", "y", "\x1b\\"]],
  ["a key sequence cut in two", ["\x1b[", "y"]],
  ["a key with a modifier", ["\x1by"]],
  ["Return", ["\r"]],
  ["mouse movement", ["\x1b[<35;121;110M"]],
  ["a key in kitty's encoding", ["\x1b[121u"]],
])("%s is no answer", async (_what, pieces) => {
  const terminal = await listener();
  await terminal.ask();
  await terminal.ready();
  for (const piece of pieces) {
    terminal.type(piece);
    await pause(20);
  }
  await pause(400);
  expect(terminal.answers).toEqual([]);
  expect(terminal.text()).toContain("vetsh asks");
});

test("an answer of the terminal to the agent's own question reaches the agent", async () => {
  const terminal = await listener();
  await terminal.ask();
  await terminal.ready();
  terminal.type("\x1b[3;4R");
  await pause(100);
  terminal.type("y");
  await terminal.answered();
  await terminal.shows("<27><91><51><59><52><82>");
  expect(terminal.answers).toEqual([{ id: "q1", answer: "yes" }]);
});

test("during a question a paste is bracketed even when the agent did not ask for it, and not afterwards", async () => {
  const terminal = await listener();
  await terminal.ask();
  await terminal.ready();
  await terminal.until("bracketed paste", () => terminal.term.modes.bracketedPasteMode);
  terminal.type("y");
  await terminal.answered();
  await terminal.until("no bracketed paste", () => !terminal.term.modes.bracketedPasteMode);
});

test("a question in the middle of an escape sequence of the agent breaks neither", async () => {
  const terminal = await openTerminal(["bash", "-c", `printf 'ready \\e[1;3'; read -rsn1; printf '1mred\\e[0m'; read -rsn1`]);
  open.push(terminal);
  await terminal.shows("ready");
  await terminal.ask();
  await terminal.ready();
  terminal.type("y");
  await terminal.answered();
  terminal.type("k");
  await terminal.shows("ready red");
  const cell = terminal.term.buffer.active.getLine(0)?.getCell(6);
  expect([cell?.getChars(), cell?.isBold() !== 0, cell?.getFgColor()]).toEqual(["r", true, 1]);
});

test("keyboard protocols of the agent are off while a question takes keys, and on again afterwards", async () => {
  const terminal = await listener("\\e[>1u\\e[>4;2m\\e[?9001h\\e[?1003h\\e[?1004h");
  await terminal.ask();
  await terminal.ready();
  const sent = (): string => terminal.lastBytes();
  for (const off of ["\x1b[>0u", "\x1b[>4;0m", "\x1b[?9001l", "\x1b[?1003l", "\x1b[?1004l"]) expect(sent()).toContain(off);
  const before = sent().length;
  terminal.type("y");
  await terminal.answered();
  await terminal.until("the agent's modes", () => sent().slice(before).includes("\x1b[?1003h"));
  for (const on of ["\x1b[<1u", "\x1b[>4;2m", "\x1b[?9001h", "\x1b[?1003h", "\x1b[?1004h"]) expect(sent().slice(before)).toContain(on);
});

test("s answers for the session only when that is offered", async () => {
  const terminal = await listener();
  await terminal.ask();
  await terminal.ready();
  terminal.type("s");
  await terminal.shows("(pause first)");
  await terminal.shows(/explain +│/);
  terminal.type("n");
  await terminal.answered();
  await terminal.ask({ id: "q2", offers: ["session"] });
  await terminal.ready();
  terminal.type("s");
  await terminal.answered(2);
  expect(terminal.answers).toEqual([{ id: "q1", answer: "no" }, { id: "q2", answer: "yes", keep: "session" }]);
});

test("a no can carry what the agent is to be told; escape goes back to the question", async () => {
  const terminal = await listener();
  await terminal.ask();
  await terminal.ready();
  terminal.type("t");
  await terminal.shows("no, because: ▏");
  terminal.type("y");
  await terminal.shows("no, because: y▏");
  terminal.type("\x1b");
  await terminal.ready();
  expect(terminal.answers).toEqual([]);
  terminal.type("t");
  await terminal.shows("no, because: ▏");
  for (const piece of ["use the", "\x1b[A", " staging", "\x7f\x7f", "ng hóst"]) terminal.type(piece);
  await terminal.shows("use the staging hóst▏");
  terminal.type("\r");
  await terminal.answered();
  expect(terminal.answers).toEqual([{ id: "q1", answer: "no", message: "use the staging hóst" }]);
  // Nothing of it reached the agent.
  expect(terminal.text()).not.toContain("<115>");
});

test("explaining shows more and gives the screen back when it goes", async () => {
  const terminal = await listener();
  const before = await terminal.snapshot();
  await terminal.ask({ detail: Array.from({ length: 8 }, (_, index) => `cause ${index}`) });
  await terminal.ready();
  terminal.type("e");
  await terminal.shows("cause 7");
  terminal.type("e");
  await terminal.until("the short question", () => !terminal.text().includes("cause 7"));
  await terminal.shows("ready");
  terminal.type("n");
  await terminal.answered();
  await terminal.until("the screen without the question", () => !terminal.text().includes("vetsh asks"));
  expect(await terminal.snapshot()).toEqual(before);
});

test("always shows the rules letter by letter, and what else they would let through; w writes the chosen one", async () => {
  const terminal = await listener();
  await terminal.ask({ offers: ["session", "always"] });
  await terminal.ready();
  terminal.type("a");
  await terminal.shows('id = "q1-line"');
  await terminal.shows("no other command of the last month would have passed by it");
  await terminal.shows("place: it deletes a tree");
  terminal.type("y");
  await terminal.shows(/w write it and run/);
  expect(terminal.answers).toEqual([]);
  await pause(800);
  terminal.type("2");
  await terminal.shows('id = "q1-options"');
  await terminal.shows("rm -r \\x1b[2Jnew");
  terminal.type("b");
  await terminal.ready();
  terminal.type("a");
  await terminal.shows('id = "q1-line"');
  terminal.type("w");
  await terminal.answered();
  expect(terminal.answers).toEqual([{ id: "q1", answer: "yes", keep: "always", width: "line", toml: '[[rule]]\nid = "q1-line"\n' }]);
});
