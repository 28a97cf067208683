import { expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import type { Request } from "../../src/model/index.ts";
import { findIntent } from "../../src/intent/index.ts";

function request(env: Readonly<Record<string, string>> = {}): Request {
  return {
    id: "1", receivedAt: 0, shell: "bash", argv: ["bash"], validUtf8: true, cwd: "/", env: new Map(Object.entries(env)), pid: 1, ppid: 1, uid: 1,
    tty: { stdin: false, stdout: false, stderr: false, controlling: undefined },
  };
}
const comment = (text: string) => ({ text, source: "comment", trust: "agent" });

test.each([
  ["# why: run the tests\nnpm test", "run the tests"],
  ["#why: run the tests\nnpm test", "run the tests"],
  ["#\tWhy:run the tests", "run the tests"],
  ["\n  # why: later line\nls", "later line"],
  ["#!/bin/bash\n# why: a script\nls", "a script"],
  ["# why: a\r\nls", "a"],
  ["# why: one # two", "one # two"],
])("a leading comment says why: %j", (text, said) => {
  expect(findIntent(request(), text)).toEqual(comment(said));
});

test.each([
  [""], ["ls"], ["ls # why: too late"], ["ls\n# why: too late"], ["# why:\nls"], ["# why:   \nls"], ["# because: x"], ["echo '# why: quoted'"], ["# a note\n# why: second"], ["why: x"],
])("no intent in %j", (text) => {
  expect(findIntent(request(), text)).toBeUndefined();
});

test("the environment comes first, an empty variable does not count", () => {
  expect(findIntent(request({ VETSH_INTENT: " fix the build " }), "# why: x\nls")).toEqual({ text: "fix the build", source: "env", trust: "agent" });
  expect(findIntent(request({ VETSH_INTENT: " \n" }), "# why: x\nls")).toEqual(comment("x"));
});

test("what is said is escaped, on one line, and bounded", () => {
  expect(findIntent(request({ VETSH_INTENT: "a\u001b[2Jb\nc\u202e" }), "")?.text).toBe("a\\x1b[2Jb\\nc\\u{202e}");
  const long = findIntent(request({ VETSH_INTENT: "x".repeat(100_000) }), "")?.text ?? "";
  expect(long).toMatch(/^x+… \[\d+ more\]$/);
  expect(long.length).toBeLessThanOrEqual(LIMITS.intentLength);
  expect(findIntent(request(), `${" ".repeat(LIMITS.intentSearch)}# why: far away`)).toBeUndefined();
});
