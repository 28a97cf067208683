import { describe, expect, test } from "vitest";
import { readToml } from "../../src/config/index.ts";

describe("lines of rules", () => {
  test.each<readonly [string, string, readonly number[]]>([
    ["none", "a = 1\n", []],
    ["one at the top", "[[rule]]\nid = 'a'\n", [1]],
    ["after comments and blank lines", "# [[rule]]\n\n  [[rule]] # first\nid = 'a'\n[[ rule ]]\nid = 'b'\n", [3, 5]],
    ["quoted name", '[["rule"]]\nid = "a"\n', [1]],
    ["not in a multi-line string", '[[rule]]\nreason = """\n[[rule]]\n"""\n[[rule]]\nid = "b"\n', [1, 5]],
    ["not in a literal multi-line string", "[[rule]]\nreason = '''\n[[rule]]''''\n[[rule]]\nid = 'b'\n", [1, 4]],
    ["not in an array", "[[rule]]\ncommand = [\n[['a']],\n]\n[[rule]]\nid = 'b'\n", [1, 5]],
    ["not other lists", "[[rules]]\na = 1\n[[rule]]\nid = 'b'\n[[rule.x]]\ny = 1\n", [3]],
    ["brackets and hashes in strings", '[[rule]]\nid = "a]#["\nx = \'#[\'\n[[rule]]\nid = "b"\n', [1, 4]],
    ["escaped quotes", '[[rule]]\nid = "a\\""\n[[rule]]\nid = "b"\n', [1, 3]],
    ["CRLF", "[[rule]]\r\nid = 'a'\r\n[[rule]]\r\nid = 'b'\r\n", [1, 3]],
    ["no final line feed", "[[rule]]\nid = 'a'\n[[rule]]", [1, 3]],
    ["comments in arrays", "[[rule]]\nmatch = [ # it's\n 'x', # ]\n]\n[[rule]]\nid='b'", [1, 5]],
    ["inline tables over lines", "[[rule]]\nwhen = {\n a = [1],\n}\n[[rule]]\nid='b'", [1, 5]],
  ])("%s", (_what, text, lines) => {
    const toml = readToml(text);
    expect(toml).toMatchObject({ ok: true });
    expect(toml.ok && toml.ruleLines).toEqual(lines);
  });

  test("as many as the parser sees, in every rules file of the product", async () => {
    const { readdirSync, readFileSync } = await import("node:fs");
    const directory = new URL("../../rules/policy/", import.meta.url);
    let seen = 0;
    for (const file of readdirSync(directory)) {
      const text = readFileSync(new URL(file, directory), "utf8");
      const toml = readToml(text);
      if (!toml.ok) throw new Error(`${file}:${toml.line}: ${toml.message}`);
      const data = toml.data as { readonly [table in "rule" | "network"]?: readonly { readonly id: string }[] };
      const lines = text.split("\n");
      // The line after each header found holds the id of the rule that the parser numbers so.
      for (const [found, tables] of [[toml.ruleLines, data.rule ?? []], [toml.networkLines, data.network ?? []]] as const) {
        expect(found.map((line) => lines[line])).toEqual(tables.map(({ id }) => `id = "${id}"`));
        seen += tables.length;
      }
    }
    expect(seen).toBeGreaterThan(40);
  });
});

test("lines of settings", () => {
  const toml = readToml("pin = ['x']\n[reviewer]\nenabled = true\n\nmodel = 'm' # [otlp]\n[otlp]\nendpoint = 'x'\n");
  expect(toml.ok && Object.fromEntries(toml.keyLines)).toEqual({ pin: 1, reviewer: 2, "reviewer.enabled": 3, "reviewer.model": 5, otlp: 6, "otlp.endpoint": 7 });
});

describe("both shapes of the parser's errors", () => {
  test.each<readonly [string, string, number, number]>([
    ["grammar", "a = 1\nb = \n", 2, 5],
    ["grammar, in a table", "[x]\ny = 1\n[[rule]]\nid=\"x\" y=1", 4, 8],
    ["a key set twice", "a = 1\na = 2\n", 2, 1],
    ["a table defined twice", "[x]\n[y]\n[x]\n", 3, 1],
    ["an open string", 'a = "\n', 1, 6],
    ["an open table", "a = {\n", 2, 1],
  ])("%s", (_what, text, line, column) => {
    const toml = readToml(text);
    expect(toml).toMatchObject({ ok: false, line, column });
    expect(!toml.ok && toml.message.length).toBeLessThan(120);
  });

  test("too deep is an error, not a crash", () => {
    expect(readToml(`a = ${"[".repeat(5000)}${"]".repeat(5000)}`)).toMatchObject({ ok: false });
  });
});
