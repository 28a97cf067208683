import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { files, judge, words } from "./judge.ts";

describe("limits end in opaque, never in a throw or in silence", () => {
  test.each([
    ["deep substitution", `echo ${"$(echo ".repeat(5000)}x${")".repeat(5000)}`],
    ["deep groups", `${"{ ".repeat(5000)}true;${" }".repeat(5000)}`],
    ["deep sh -c", (() => { let s = "rm x"; for (let i = 0; i < LIMITS.nestedScripts + 2; i += 1) s = `sh -c ${JSON.stringify(s)}`; return s; })()],
    ["recursion", "f() { f; }; f"],
    ["mutual recursion", "f() { g; }; g() { f; }; f"],
    ["many commands", "true;".repeat(LIMITS.interpretedCommands + 10)],
    ["many effects", Array.from({ length: LIMITS.effects + 10 }, (_, i) => `rm f${i}`).join(";")],
    ["NUL", "rm\0 x"],
    ["our own mark", "echo \x01"],
    ["escape sequence", "echo \x1b[2K"],
    ["longer than the limit", "x".repeat(LIMITS.sourceLength + 1)],
    ["unterminated quote", "echo 'x"],
    ["lone surrogate in the command word", "\ud800 x"],
  ])("%s", (_name, cmd) => {
    expect(judge(cmd).effects.length).toBeLessThanOrEqual(LIMITS.effects + 2);
    const analysis = judge(cmd);
    expect(analysis.effects.some((effect) => effect.kind === "opaque" || effect.kind === "exec"), JSON.stringify(analysis.effects.slice(0, 3))).toBe(true);
  });

  test("a set of strings that grows becomes unknown", () => {
    const cmd = `x={0..9}; for a in 0 1 2 3 4 5 6 7 8 9; do for b in 0 1 2 3 4 5 6 7 8 9; do rm "f$a$b"; done; done`;
    expect(words(judge(cmd))).toContain("delete ?");
  });

  test("a loop that appends ends as unknown", () => {
    expect(words(judge('x=a; while true; do x="$x/b"; done; rm "$x"'))).toContain("delete ?");
  });
});

describe("whatever the text, an analysis comes back within its limits", () => {
  const pieces = ["rm", "-rf", "/", "$x", "${x:-y}", "$(", ")", "`", "'", '"', "{a,b}", "|", "&&", ";", "\n", "<<E", "E", ">", "f", "if", "then", "fi", "for", "in", "do", "done", "case", "esac", "x=1", "$((x))", "eval", "bash -c", "[[", "]]", "~", "*", "\\", "(", ")", "find . -exec", "{}", "\\;", "xargs", "awk '{print}'", "sed s/a/b/e", "git", "\u202e", "\0"];
  test("random shell-like text", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 14 }), (parts) => {
        const analysis = judge(parts.join(" "));
        return analysis.effects.length <= LIMITS.effects + 1 && analysis.classes.length > 0;
      }),
      { numRuns: 3000, seed: 7 },
    );
  });
  test("adding a command never takes an effect away", () => {
    const plain = ["ls", "rm a", "git push", "npm test", "curl http://x.example", "echo x > f", "sudo true"];
    fc.assert(
      fc.property(fc.constantFrom(...plain), fc.constantFrom(...plain), (a, b) => {
        const both = new Set(wordsOf(`${a}; ${b}`));
        return wordsOf(a).every((word) => both.has(word)) && wordsOf(b).every((word) => both.has(word));
      }),
      { numRuns: 100, seed: 7 },
    );
  });
});

function wordsOf(cmd: string): readonly string[] {
  return words(judge(cmd));
}

describe("scripts of the workspace are read through the port", () => {
  const port = files({ "/w/deploy.sh": "#!/bin/bash\ngit push -f origin main\n", "/w/lib.sh": "clean() { rm -rf \"$1\"; }\n", "/w/loop.sh": "./loop.sh\n", "/w/tool": "#!/usr/bin/env python3\nprint(1)\n" });
  test.each([
    ["./deploy.sh", "lose remote-ref"],
    ["bash deploy.sh", "lose remote-ref"],
    [". ./lib.sh; clean /", "delete-tree /"],
    ["./loop.sh", "exec workspace"],
    ["./tool", "exec workspace"],
  ])("%s", (cmd, effect) => {
    const analysis = judge(cmd, { facts: { files: port } });
    expect(words(analysis)).toContain(effect);
  });
  test("what was read is named with its hash", () => {
    expect(judge("./deploy.sh", { facts: { files: port } }).scripts).toEqual([{ path: "/w/deploy.sh", sha256: "test" }]);
  });
  test("a link that leads out of the workspace is where it leads", () => {
    const linked = files({}, { "/w/out": "/etc" });
    expect(words(judge("rm -r out/x", { facts: { files: linked } }))).toContain("delete-tree /etc/x");
    expect(words(judge("cd out && rm x", { facts: { files: linked } }))).toContain("delete /etc/x");
  });
});
