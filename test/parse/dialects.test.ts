import { describe, expect, it } from "vitest";
import type { Dialect } from "../../src/model/index.ts";
import { parseScript } from "../../src/parse/index.ts";
import { commandLines } from "./render.ts";
import { run } from "./shells.ts";

const opaque = (text: string, dialect: Dialect): boolean => parseScript(text, dialect).opaque.length > 0;

/** Text that every one of these shells reads alike. */
const COMMON: readonly string[] = [
  "ls -la | wc -l", "a=1; echo $a ${a:-b} ${a%x} ${#a}", "if [ -f x ]; then cat x; fi", "for i in a b; do echo $i; done", "case $x in a|b) ls;; *) pwd;; esac",
  "f() { ls; }; f", "(cd d && ls) > out 2>&1", "cat <<E\n$(date)\nE", "cat <<'E'\n$(date)\nE", "echo $((1 + 2)) `date` $(date)", "ls *.c [ab]? ~/x", "! ls", "while read x; do echo $x; done < f", "x=$(ls); export x", "set -eu; ls", "ls >&2 2>&-", "ls & wait", "echo \"$x\" '$y' \\$z", "find . -exec ls {} +", "git show stash@{0}", "echo a=b --c=d", "echo \"lint: $?\" a$ $", "PATH=\"$PATH:/x\" ls", ". ./f", "test a = b",
];

describe("what all shells share is understood", () => {
  it.each(COMMON.flatMap((text) => (["bash", "sh", "dash", "zsh"] as const).map((dialect) => ({ dialect, text }))))("$dialect: $text", ({ dialect, text }) => {
    expect(parseScript(text, dialect).opaque).toEqual([]);
    expect(commandLines(parseScript(text, dialect))).toEqual(commandLines(parseScript(text, "bash")));
  });
});

/** Bash reads these; dash reads something else or nothing. */
const NOT_DASH: readonly string[] = [
  "[[ a > b ]]", "[[ -f x && y ]]", "((ls))", "((x > y))", "for ((;;)); do ls; done", "function f { ls; }", "select x in a; do ls; done", "coproc ls", "time ls", "ls |& wc", "ls &> f arg", "ls | wc &> f", "cat <<< x", "cat <(ls)", "ls > >(wc)", "a=(b c)", "a[0]=b", "a+=b", "declare -a a=(b)", "echo $'a'", "echo $\"a\"", "echo $[1+1]", "echo ${a/b/c}", "echo ${a:1}", "echo ${a^}", "echo ${!a}", "echo ${a[0]}", "echo ${a@Q}", "ls 10> f", "ls {fd}> f", "ls >& f", "case x in a) ls;& b) pwd;; esac", "echo @(a|b)", "echo ~+", "echo $10", "alias ls=pwd\nls",
];

describe("what dash reads otherwise is opaque there", () => {
  it.each(NOT_DASH)("%s", (text) => {
    expect(opaque(text, "dash")).toBe(true);
    expect(opaque(text, "sh")).toBe(true);
  });
  it("is understood in bash, translated strings apart", () => expect(NOT_DASH.filter((text) => opaque(text, "bash"))).toEqual(["echo $\"a\""]));
  it("runs two subshells for `((`, really", () => expect(run("dash", ["-c", "((echo ran))"]).stdout).toBe("ran\n"));
});

describe("dash's own readings", () => {
  it("puts `cmd &> f` into the background", () => {
    expect(run("dash", ["-c", "x=1; x=2 &> /dev/null; echo $x"]).stdout).toBe("1\n");
    expect(parseScript("cd d &> f; ls", "dash")).toMatchObject({
      opaque: [],
      body: [
        { background: true, command: { kind: "simple", words: [{ text: "cd" }, { text: "d" }], redirections: [] } },
        { background: false, command: { kind: "simple", words: [], redirections: [{ operator: ">", target: { text: "f" } }] } },
        { command: { words: [{ text: "ls" }] } },
      ],
    });
  });
  it("is not sure of it in a shell that is only called sh", () => expect(opaque("ls &> f", "sh")).toBe(true));
  it("expands no braces", () => {
    expect(run("dash", ["-c", "echo {a,b} x={~,b}"]).stdout).toBe("{a,b} x={~,b}\n");
    expect(commandLines(parseScript("echo {a,b}", "dash"))).toEqual(["echo {a,b}"]);
    expect(opaque("echo {a,b}", "sh")).toBe(true);
  });
  it("expands no tilde in an argument", () => {
    expect(run("dash", ["-c", "echo x=~/y"]).stdout).toBe("x=~/y\n");
    expect(commandLines(parseScript("echo x=~/y", "dash"))).toEqual(["echo x=~/y"]);
    expect(commandLines(parseScript("echo x=~/y", "bash"))).toEqual(["echo x=‹~›/y"]);
  });
});

/** Bash's grammar accepts most of these; zsh means something else. */
const NOT_ZSH: readonly string[] = [
  "ls *(e:'probe':)", "ls *(+probe)", "ls ?(x)", "echo a@(b)", "=ls x", "ls =ls", "repeat 3 ls", "noglob ls *", "nocorrect ls", "- ls", "ls >! f", "ls >>! f", "ls > !f", "alias -g G='| wc'\nls G", "alias ls=pwd", "echo ${(e)x}", "echo ${(f)x}", "echo ${~x}", "echo ${=x}", "echo ${^x}", "echo $~x", "echo \"$=x\"", "echo ${+x}", "echo $+x", "cat =(ls)", "{ ls } always { pwd }", "ls &| pwd", "for x in a b; ls", "if [[ -f x ]] { ls }", "foreach x (a b); ls; end", "echo $x:h", "echo $x[1]", "echo ${x:h}", "echo ${x:s/a/b/}", "echo ${x[1]}", "echo ${!x}", "echo ${x^^}", "echo ${x@Q}", "echo $#x", "echo $10", "echo \"$x[1]\"", "< f", "> f", "ls <1-9>", "ls <1-9>x", "coproc ls", "setopt extendedglob; ls", "emulate sh", "set -o extendedglob", "aliases[ls]=pwd", "READNULLCMD=pwd", "{1..$n}", "echo {1..$n}", "echo $'\\C-a'", "enable x", "autoload x", "x=(a b); echo $x[1]", "() { ls; }", "function { ls; }", "{ls}", "{ ls}; }", "echo a}", "echo }", "x=(ls -l); $x", "time ls; {pwd}",
];

describe("what zsh reads otherwise is opaque there", () => {
  it.each(NOT_ZSH)("%s", (text) => expect(opaque(text, "zsh")).toBe(true));
  it("runs a function for a qualifier, really", () => expect(run("zsh", ["-fc", "probe() { echo ran; reply=(); }; echo /etc/p*(+probe)"]).stdout).toContain("ran"));
  it("runs `{…}` as a group, really", () => expect(run("zsh", ["-fc", "{echo ran}"]).stdout).toBe("ran\n"));
  it("runs `repeat` as a loop, really", () => expect(run("zsh", ["-fc", "repeat 2 echo ran"]).stdout).toBe("ran\nran\n"));
});

describe("commands that change how later text is read", () => {
  it.each(["shopt -s expand_aliases", "shopt -s $x", "set -k", "set -o posix", "set +B", "set -eH"])("bash: %s", (text) => expect(opaque(`${text}\nls`, "bash")).toBe(true));
  it.each(["shopt -s extglob globstar", "set -euo pipefail", "set -- -k", "set -e; set +e", "alias ls=pwd"])("bash, harmless: %s", (text) => expect(opaque(`${text}\nls`, "bash")).toBe(false));
  it.each(["setopt pipefail errexit", "set -euo pipefail", "set -x"])("zsh, harmless: %s", (text) => expect(opaque(`${text}\nls`, "zsh")).toBe(false));
});
