import xterm from "@xterm/headless";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Question } from "../../src/model/index.ts";
import { renderQuestion } from "../../src/terminal/index.ts";
import { textWidth } from "../../src/terminal/width.ts";
import { EXAMPLE } from "./outer-terminal.ts";

const ours = /\x1b\[[\d;]*m/g;
const plain = (lines: readonly string[]): string => lines.join("\n").replace(ours, "");
const shown = (question: Partial<Question>, size = { columns: 80, rows: 24 }): string => plain(renderQuestion({ ...EXAMPLE, ...question }, size));

test("a question says what, what it would do, why it was stopped, what it may use, what the agent claims, and a safer way", () => {
  expect(shown({})).toBe(
    [
      "╭─ vetsh asks ─────────────────────────────────────────────────────────────────╮",
      "│ run       git push --force origin main                                       │",
      "│ it would  lose commits of the remote ref `main`                              │",
      "│ why asked rewrites history that others may have (rule git-force-push)        │",
      "│ may use   writes in the workspace · network: github.com                      │",
      "│ claimed   the agent says (nobody checked it): publish the fix                │",
      "│ safer     git push --force-with-lease                                        │",
      "│ y yes, once  n no  t no, because…  e explain                                 │",
      "╰──────────────────────────────────────────────────────────────────────────────╯",
    ].join("\n"),
  );
});

test("a question about a connection says that the command runs", () => {
  expect(shown({ running: true })).toContain("│ runs      git push --force origin main");
});

test("what would be lost stands out, wider answers appear when they are offered, and explaining adds detail", () => {
  const question = { stake: ["14 files, 2.3 MB, 3 of them not in git: /w/src"], offers: ["session", "always"] as const, times: 3, detail: ["`rm -rf src` (coreutils/rm): delete /w/src"] };
  expect(shown(question)).toContain("│ at stake  14 files, 2.3 MB, 3 of them not in git: /w/src");
  expect(shown(question)).toContain("│ asked     3 times so far");
  expect(shown(question)).toContain("│ y yes, once  s session  a always…  n no  t no, because…  e explain           │");
  expect(shown(question)).not.toContain("coreutils/rm");
  expect(plain(renderQuestion({ ...EXAMPLE, ...question }, { columns: 80, rows: 24 }, { kind: "explained", step: "ready" }))).toContain("│ in full   `rm -rf src` (coreutils/rm): delete /w/src");
});

test("letters of another script among Latin ones are spelt out, words of one script are not", () => {
  expect(shown({ command: "curl https://g\u0456thub.com/x", span: undefined })).toContain("https://g\\u{456}thub.com/x");
  expect(shown({ command: "echo \u043f\u0440\u0438\u0432\u0435\u0442 caf\u00e9", span: undefined })).toContain("echo \u043f\u0440\u0438\u0432\u0435\u0442 caf\u00e9");
});

test("the risky piece is marked, and nothing else", () => {
  const line = renderQuestion(EXAMPLE, { columns: 80, rows: 24 })[1] ?? "";
  expect(/\x1b\[0;1;7;31m([^\x1b]*)/.exec(line)?.[1]).toBe("--force");
});

describe("text of the command cannot leave its place", () => {
  test.each([
    ["clears the screen", "ls \x1b[2J\x1b[Hvetsh allows", "\\x1b[2J\\x1b[H"],
    ["C1 controls", "ls \x9b2J", "\\x9b2J"],
    ["overwrites its line", "rm -rf x\rls       ", "\\rls"],
    ["forges lines of ours", "ls\n│ may use   nothing at all", "\\n│ may use"],
    ["reorders (Trojan Source)", "rm \u202e\u2066x\u2069", "\\u{202e}\\u{2066}"],
    ["hides words", "cat se\u200bcret \u{e0041}", "\\u{200b}cret \\u{e0041}"],
    ["sets the title", "echo \x1b]0;y\x07", "\\x1b]0;y\\x07"],
    ["piles up marks", `ls a${"\u0338".repeat(3)}`, "a\u0338\\u{338}\\u{338}"],
  ])("%s", (_what, command, escaped) => {
    for (const question of [{ command, span: { start: 0, end: command.length } }, { reason: command }, { effects: [command] }, { instead: command }, { authority: command }, { intent: { text: command, source: "env", trust: "agent" } as const }]) {
      expect(shown(question).replace(/ *│\n│ {11}/g, "")).toContain(escaped);
    }
  });

  test("whatever the text and the size: only our own sequences, lines of one width, command and keys there, the terminal agrees", async () => {
    const text = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ unit: "grapheme", maxLength: 100 }), fc.constant("漢字 ".repeat(60)));
    await fc.assert(
      fc.asyncProperty(text, text, fc.nat(300), fc.nat(300), fc.integer({ min: 20, max: 120 }), fc.integer({ min: 4, max: 40 }), async (command, other, start, length, columns, rows) => {
        const lines = renderQuestion({ ...EXAMPLE, command: `run-me ${command}`, span: { start, end: start + length }, effects: [other, other], reason: other }, { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        const flat = lines.map((line) => line.replace(ours, ""));
        expect(flat.join("")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(new Set(flat.map(textWidth))).toEqual(new Set([columns]));
        expect(flat.at(-2)).toContain("y yes, once");
        expect(flat.join("")).toMatch(/run/);
        const term = new xterm.Terminal({ cols: columns, rows: rows + 1, allowProposedApi: true });
        await new Promise<void>((resolve) => term.write(`\x1b[?7l${lines.join("\r\n")}`, resolve));
        const edges = lines.map((_, row) => term.buffer.active.getLine(row)?.getCell(0)?.getChars());
        term.dispose();
        expect(edges.every((edge) => "╭│╰".includes(edge ?? " "))).toBe(true);
      }),
      { numRuns: 60, seed: 20 },
    );
  });
});

test("on a small screen the lighter parts give way, and what is hidden is counted", () => {
  const command = `cd build && rm -rf ${"a-long-name ".repeat(30)}`;
  const lines = shown({ command, span: { start: 12, end: 18 } }, { columns: 40, rows: 8 }).split("\n");
  expect(lines).toHaveLength(8);
  expect(lines[1]).toMatch(/run {7}cd build && rm -rf/);
  expect(lines.join("\n")).toMatch(/… \+\d+ lines/);
  expect(lines.at(-2)).toContain("y yes, once");
});

test("a risky piece far inside a long command stays in sight", () => {
  const before = "echo one; ".repeat(200);
  expect(shown({ command: `${before}rm -rf src`, span: { start: before.length, end: before.length + 6 } }, { columns: 60, rows: 12 })).toContain("rm -rf");
});
