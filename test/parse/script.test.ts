import { describe, expect, it } from "vitest";
import { parseScript } from "../../src/parse/index.ts";
import { commandLines } from "./render.ts";
import { ROWS } from "./rows.ts";

describe("text becomes the commands that bash would run", () => {
  it("has a table worth the name", () => expect(ROWS.length).toBeGreaterThanOrEqual(150));

  it.each(ROWS.map(([text, commands, opaque]) => ({ text, commands, opaque: opaque ?? [] })))("$text", ({ text, commands, opaque }) => {
    const script = parseScript(text, "bash");
    expect(commandLines(script)).toEqual(commands);
    expect([...new Set(script.opaque.map((note) => note.reason))]).toEqual([...new Set(opaque)]);
  });
});

describe("trees, whole", () => {
  it("keeps an assignment, a quoted word and redirections apart", () => {
    expect(parseScript('a=1 "x y" 2>&1 >f', "bash").body).toEqual([
      {
        background: false,
        span: { start: 0, end: 17 },
        command: {
          kind: "simple",
          span: { start: 0, end: 17 },
          assignments: [{ span: { start: 0, end: 3 }, name: "a", index: undefined, append: false, value: { kind: "word", span: { start: 2, end: 3 }, text: "1", parts: [{ kind: "literal", span: { start: 2, end: 3 }, value: "1", quoted: false }] } }],
          words: [{ kind: "word", span: { start: 4, end: 9 }, text: '"x y"', parts: [{ kind: "literal", span: { start: 5, end: 8 }, value: "x y", quoted: true }] }],
          redirections: [
            { kind: "duplicate", span: { start: 10, end: 14 }, fd: 2, operator: ">&", target: { kind: "word", span: { start: 13, end: 14 }, text: "1", parts: [{ kind: "literal", span: { start: 13, end: 14 }, value: "1", quoted: false }] } },
            { kind: "file", span: { start: 15, end: 17 }, fd: undefined, operator: ">", target: { kind: "word", span: { start: 16, end: 17 }, text: "f", parts: [{ kind: "literal", span: { start: 16, end: 17 }, value: "f", quoted: false }] } },
          ],
        },
      },
    ]);
  });

  it("says which variables arithmetic evaluates and assigns", () => {
    const [statement] = parseScript("((a[i] = b + $c, d++, 16#ff))", "bash").body;
    expect(statement?.command).toMatchObject({ kind: "arithmetic", expression: { variables: ["a", "i", "b", "d"], assigns: ["a", "d"], parts: [{ kind: "parameter", name: "c" }] } });
  });

  it("gives an escaped backtick script its own source", () => {
    const [statement] = parseScript("echo `echo \\`date\\``", "bash").body;
    expect(statement?.command).toMatchObject({ words: [{}, { parts: [{ kind: "command", script: { source: "echo `date`", body: [{ span: { start: 0, end: 11 } }] } }] }] });
  });

  it("strips tabs of an indented here-document", () => {
    const [statement] = parseScript("cat <<-'E'\n\ta\n\t\tb\n\tE\n", "bash").body;
    expect(statement?.command).toMatchObject({ redirections: [{ kind: "here-document", quoted: true, body: { parts: [{ kind: "literal", value: "a\nb\n" }] } }] });
  });
});
