/** The gate of a shell without a shell: what counts as bending it, what is complete, and what its connection may say. */
import { describe, expect, test } from "vitest";
import { tampering } from "../../src/broker/gate-tampering.ts";
import { encodeGateAnswer, GateReader } from "../../src/broker/gate-wire.ts";
import { LIMITS } from "../../src/model/index.ts";
import { isComplete } from "../../src/parse/index.ts";
import { judge } from "../analyse/judge.ts";

const bends = (line: string): boolean => tampering(line, judge(line).commands, "bash") !== undefined;

describe("bending the gate", () => {
  test.each([
    "trap - DEBUG", "trap '' DEBUG", "trap 'x' SIGDEBUG EXIT", "trap debug", "builtin trap - DEBUG", "command trap - DEBUG", "\\trap - DEBUG", "t=trap d=DEBUG; $t - $d", "trap - $unknown", "trap '$x' USR1", "trap \"$x\" INT", "trap 'rm $x' RETURN EXIT", "trap $x CHLD", "eval 'tr'ap' - DEB'UG",
    "shopt -u extdebug", "shopt -us extdebug", "shopt -u $x", "set +T", "set -H", "set +o functrace", "set +o emacs", "set +eo vi", "set +o $x", "shopt -uo emacs", "unset FUNCNAME", "unset x BASH_COMMAND", "printf -v PROMPT_COMMAND x", "set -o posix", "bind '\"\\C-m\": accept-line'", "bind -r '\\C-m'", "bind -f rc", "bind -x '\"a\": b'", "bind 'set x y'", "bind $x",
    "enable -n trap", "enable -f ./x.so y", "enable -d y", "alias ls='rm x'", "alias $x", "complete -C x y", "complete -F x y", "PROMPT_COMMAND=x", "PROMPT_COMMAND+=(x)", "unset PROMPT_COMMAND", "read PROMPT_COMMAND", "declare PROMPT_COMMAND=x",
    "exec /bin/bash", "/bin/bash", "/bin/bash -i", "/bin/bash --norc -i", "exec -a x /usr/bin/zsh", "env FOO=1 /bin/sh", "/bin/bash $x", "busybox=1; /bin/busybox",
    "builtin() { :; }", "function read { :; }", "x; printf () { :; }", "if true; then trap() { :; }; fi", "__vetsh_command() { :; }", "unset -f __vetsh_line", "echo __vetsh_ask", "exec 61>&-", "exec < other", "exec 0<other", "exec <&3", "exec 0>&3", "exec 0<>other", "exec <<< 'rm x'", "exec < <(cat other)", "builtin exec < x", "eval 'exec < other'", "x='exec < other'; eval \"$x\"", "true; exec > log < other", "cat <&61", "echo > /proc/$$/fd/61",
  ])("`%s`", (line) => {
    expect(bends(line)).toBe(true);
  });

  test.each([
    "trap 'rm -f x' EXIT", "trap 'rm -f \"$x\"' EXIT", "trap 'rm -f \"$x\"' 0", "trap '' INT", "trap 'echo interrupted' INT", "set +o", "set +o history", "trap - INT", "trap -p", "trap", "shopt -s globstar", "shopt", "set -e", "set -euo pipefail", "set -o vi", "set -- a b", "set -x; ls", "bind -P", "bind -l", "alias", "alias ls", "unalias ls", "unset x", "enable",
    "echo DEBUG", "git log --grep PROMPT_COMMAND", "grep -r bind src", "bash -c 'ls'", "/bin/bash script.sh", "/bin/sh -c 'echo x'", "ls /bin/bash", "reader() { :; }", "echo 61 > x", "seq 61", "complete -p", "exec 3> x", "exec > log 2>&1", "exec 3< other", "exec 3<&0", "exec 10< other", "exec {fd}< other", "exec > >(cat)", "cat < other; exec 2> log", "PS1='$ '",
  ])("not `%s`", (line) => {
    expect(bends(line)).toBe(false);
  });
});

test.each([
  ["ls", true], ["for i in 1 2; do", false], ["for i in 1; do echo; done", true], ["if true", false], ["echo 'a", false], ["echo \"a", false], ["a |", false], ["a &&", false], ["a \\", false], ["a \\\\", true], ["echo $(ls", false], ["f() {", false],
  ["case x in", false], ["cat <<E", false], ["cat <<E\nx", false], ["cat <<E\nx\nE", true], ["cat <<-'E F'\n\tx\n\tE F", true], ["cat <<<x", true], ["echo '<<E'", true], ["echo $((1<<2))", true], ["ls )", true], ["fi", true], ["", true], ["# it's", true],
] as const)("complete: `%s`: %s", (text, complete) => {
  expect(isComplete(text)).toBe(complete);
});

describe("what a gate says", () => {
  const fields = (...all: readonly string[]): Buffer => Buffer.from([String(all.length), ...all].map((field) => `${field}\0`).join(""));

  test("arrives in any pieces", () => {
    const bytes = Buffer.concat([fields("vetsh-gate-1", "7", "L", "/w\n", "ls $x", "v:x", "a b", "a:ll", "ls -l", "f", "f () { :; }\n"), fields("vetsh-gate-1", "8", "P", "126", "bash\n")]);
    for (const size of [1, 7, bytes.length]) {
      const reader = new GateReader();
      const messages = [];
      for (let at = 0; at < bytes.length; at += size) messages.push(...reader.push(bytes.subarray(at, at + size)));
      expect(messages).toEqual([
        { kind: "line", nonce: "7", cwd: "/w", text: "ls $x", state: { variables: new Map([["x", "a b"]]), aliases: new Map([["ll", "ls -l"]]), functions: ["f () { :; }\n"] } },
        { kind: "prompt", nonce: "8", status: 126, settings: "bash\n" },
      ]);
    }
  });

  test.each([
    ["no number", Buffer.from("ls\0")], ["too many fields", Buffer.from(`${LIMITS.gateFields + 1}\0`)], ["another form", fields("vetsh-gate-2", "1", "L", "/", "ls")], ["another letter", fields("vetsh-gate-1", "1", "X", "/", "ls")],
    ["an unknown pair", fields("vetsh-gate-1", "1", "L", "/", "ls", "x:y", "z")], ["no text", Buffer.from([0x35, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0])], ["a shifted question", Buffer.concat([Buffer.from("6\x00vetsh-gate-1\x001\x00C\x00/\0ls\0"), fields("vetsh-gate-1", "2", "L", "/", "x"), fields("vetsh-gate-1", "3", "L", "/", "x")])],
  ])("is not believed with %s", (_what, bytes) => {
    expect(() => new GateReader().push(bytes)).toThrow();
  });

  test("is not believed with a number of the question that is no number", () => {
    expect(() => new GateReader().push(fields("vetsh-gate-1", "7".repeat(LIMITS.gateNonce + 1), "P", "0", ""))).toThrow();
  });

  test("is answered so that nothing of the message can look like an answer", () => {
    expect(encodeGateAnswer("7", { verdict: "refuse", message: "no\x008 a" }).toString()).toBe("7 r no8 a\0");
    expect(encodeGateAnswer("7", { verdict: "accept", message: undefined }).toString()).toBe("7 a\0");
  });
});
