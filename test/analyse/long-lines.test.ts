import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { judge, words } from "./judge.ts";

/** As long as one word of an argument list may be on Linux, and so the text after `bash -c`. */
const LONG = 131_000;

describe("a long line means what a short one of its kind means", () => {
  test.each([
    ["words that are printed", `echo ${"a ".repeat(LONG / 2)}`, "echo a"],
    ["one word again and again", `rm ${"a ".repeat(LONG / 2)}`, "rm a"],
    ["a path again and again", `cat ${".env ".repeat(LONG / 5)}`, "cat .env"],
    ["one quoted word", `echo '${"x".repeat(LONG)}'`, "echo 'x'"],
    ["one word in double quotes", `echo "${"x y ".repeat(LONG / 4)}"`, 'echo "x"'],
    ["a here-document", `cat <<'E'\n${"a line of text\n".repeat(LONG / 15)}E`, "cat <<'E'\nx\nE"],
    ["a here-document that expands", `cat <<E\n${"a $HOME line\n".repeat(LONG / 13)}E`, "cat <<E\n$HOME\nE"],
    ["the same command", "ls a; ".repeat(LIMITS.effects - 10), "ls a"],
  ])("%s", (_name, long, short) => {
    expect(words(judge(long))).toEqual(words(judge(short)));
  });

  test.each([
    ["words", `echo ${"a ".repeat(LONG / 2)}`],
    ["a quoted word", `echo '${"x".repeat(LONG)}'`],
    ["a here-document", `cat <<'E'\n${"a line of text\n".repeat(LONG / 15)}E\n`],
    ["deletions", `rm ${"a ".repeat(LONG / 2)}`],
  ])("what stands behind %s is seen", (_name, before) => {
    expect(words(judge(`${before}\nsh -c 'git push -f origin main' > /etc/hosts`))).toEqual(expect.arrayContaining(["lose remote-ref", "write /etc/hosts"]));
  });

  test("a last word that is another one is seen", () => {
    expect(words(judge(`rm -r ${"a ".repeat(LONG / 2)} /etc`))).toEqual(["delete-tree /etc", "delete-tree a"]);
  });
});

describe("what exceeds a limit says so once", () => {
  const many = Array.from({ length: LIMITS.effects * 2 }, (_, at) => `f${at}`).join(" ");
  test.each(["rm", "touch", "cat"])("%s of more files than effects are kept", (program) => {
    const { effects } = judge(`${program} ${many}`);
    expect(effects).toHaveLength(LIMITS.effects + 1);
    expect(effects.at(-1)).toMatchObject({ kind: "opaque", reason: "more effects than the limit" });
  });

  test("a script that was replaced behind the limit is not read as what it was", () => {
    const { commands } = judge(`echo 'true x' > run.sh; touch ${many}; echo "$UNKNOWN" > run.sh; sh run.sh`);
    expect(commands.some((command) => command.words[0]?.[0] === "true")).toBe(false);
  });

  test.each(["$(", "("])("five thousand `%s` are opaque", (open) => {
    expect(judge(`${open.repeat(5_000)}true${")".repeat(5_000)}`).classes).toContain("opaque");
  });
});

describe("effects of one place are told apart by all that they say", () => {
  test.each([
    ["sudo rm a", ["delete a", "privilege"]],
    ["cp a a", ["read a", "write a"]],
    ["rm a; rm -r a", ["delete a", "delete-tree a"]],
    ["cat a a ./a", ["read a"]],
  ])("%s", (cmd, effects) => expect(words(judge(cmd))).toEqual(effects));
});
