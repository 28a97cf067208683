import fc from "fast-check";
import { expect, test } from "vitest";
import { parseScript, simpleCommands } from "../../src/parse/index.ts";

/** Only what is read as bash takes the short way: another shell's reading of a word that all of them read alike goes the long one. */
function bothWays(text: string): readonly unknown[] {
  return (["bash", "zsh"] as const).map((dialect) => {
    const script = parseScript(text, dialect);
    return { body: script.body, notes: script.opaque };
  });
}

test.each(["a", "src/a.ts", "-rf", "--x=y", "'a b'", "''", "'$(x)'", "'`'", "'{a,b}'", "'~'", '"a b"', '"', '"a"', '"\'"', "a'b'", "'a''b'", "'a'b", "x=y", "a,b", "@", "%", "+", ":", "1"])("%s has one tree, whichever way it is read", (word) => {
  for (const text of [`echo ${word}`, `x=${word}`, `cat < ${word}`, `for i in ${word}; do ls; done`, `cat <<< ${word}`, `[[ ${word} == ${word} ]]`, `a=(${word} b)`]) {
    const [short, long] = bothWays(text);
    if ((long as { notes: readonly unknown[] }).notes.length === 0) expect(short, text).toEqual(long);
  }
});

test("words put together at random", () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "b/", ".", "-", "'", '"', " ", "x=", ",", "é", "😀", ":", "1", "|", "\n", ";"), { maxLength: 12 }), (pieces) => {
      const [short, long] = bothWays(`echo ${pieces.join("")}`);
      if ((long as { notes: readonly unknown[] }).notes.length > 0) return;
      compared += 1;
      expect(short).toEqual(long);
    }),
    { numRuns: 2000, seed: 11 },
  );
  expect(compared).toBeGreaterThan(500);
});

test("an opener in a word of the short way is not lost", () => {
  for (const text of ["echo '$(rm x)'", 'echo "a$(rm x)b"', "echo a`rm x`", "echo $(rm x)", "echo '\"$(rm x)'"]) {
    const names = simpleCommands(parseScript(text, "bash")).map((command) => command.words[0]?.text);
    expect(names, text).toEqual(text.startsWith("echo '") ? ["echo"] : ["echo", "rm"]);
  }
});
