import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";

let installation: Installation;
beforeAll(async () => { installation = await install(); });
afterAll(() => installation.remove());

const explained = async (line: string, ...flags: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> => {
  const { code, stdout } = await installation.vetsh(["explain", ...flags, "--workspace", "/w", "--cwd", "/w", line]);
  return { code, text: stdout };
};

describe("explain", () => {
  test("shows resolved words, each effect under its source, who spoke, and the verdict", async () => {
    const { code, text } = await explained("X=rm; cd sub && $X -r src && cat a");
    expect(code).toBe(4);
    expect(text).toContain("  rm -r src\n");
    expect(text).toContain(["  X=rm; cd sub && $X -r src && cat a", "                  ^^^^^^^^^", "    may delete `/w/sub/src` and everything below it  [coreutils/rm]"].join("\n"));
    expect(text).toMatch(/\nverdict: ask\n/);
    expect(text).toMatch(/\(rule delete-tree, built-in, .*deletes\.toml:\d+\)/);
    expect(text).toMatch(/\nauthority: sandbox workspace; writable \/w \/tmp; network none\n/);
    expect(text).toMatch(/what would make it pass:\n/);
  });

  test("marks the right line of several", async () => {
    const { text } = await explained("echo one\nrm -r src\necho two");
    expect(text).toContain("  rm -r src\n  ^^^^^^^^^\n");
  });

  test("tells the rule that decides about an effect, and names the others that say as much", async () => {
    const { text } = await explained("rm -rf ~");
    expect(text).toMatch(/deny by wipe, also erase-history, /);
    const [reason, also, ...rest] = /verdict: deny\n([^]*?)\nauthority/.exec(text)?.[1]?.split("\n") ?? [];
    expect([reason, also]).toEqual([expect.stringContaining("(rule wipe, "), expect.stringMatching(/^ {2}also by erase-history, /)]);
    expect(rest).toEqual([]);
  });

  test("an allowed line needs no way to pass", async () => {
    const { code, text } = await explained("git status --short");
    expect(code).toBe(0);
    expect(text).toContain("verdict: allow\n");
    expect(text).not.toContain("what would make it pass");
  });

  test("what is not known is shown as such", async () => {
    const { text } = await explained('"$TOOL" --flag');
    expect(text).toContain("  ? --flag\n");
    expect(text).toContain("the command word is not known");
  });

  test("text of the line cannot draw on the terminal", async () => {
    const { text } = await explained("echo \u001b[2Jx\u202e");
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });

  test("--json carries the same, for programs", async () => {
    const { code, text } = await explained("rm -r src", "--json");
    expect(code).toBe(4);
    expect(JSON.parse(text)).toMatchObject({ version: 1, decision: "ask", commands: [{ words: [["rm"], ["-r"], ["src"]], depth: 0 }], matches: [{ id: "delete-tree", verdict: "ask" }], claim: { sandbox: "workspace" } });
  });

  test.each([[[]], [["a", "b"]]])("%j is a mistake", async (args) => {
    expect((await installation.vetsh(["explain", ...args])).code).toBe(2);
  });
});
