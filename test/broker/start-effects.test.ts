import { describe, expect, test } from "vitest";
import { startEffects } from "../../src/broker/start-effects.ts";
import { nothingKnown, type Dialect, type Facts } from "../../src/model/index.ts";
import { readInvocation } from "../../src/parse/index.ts";

const facts: Facts = { cwd: "/w", workspace: "/w", home: "/home/u", env: new Map(), vetsh: [], files: nothingKnown };
const reasons = (shell: Dialect, argv: readonly string[], inherited: Record<string, string>): readonly string[] =>
  startEffects(readInvocation(shell, [shell, ...argv], { tty: false }), new Map(Object.entries(inherited)), { ...facts, env: new Map(Object.entries(inherited)) }).map((effect) => (effect.kind === "opaque" ? effect.reason : effect.kind === "exec" ? `${effect.what}: ${effect.name}` : effect.kind));

describe("what a shell does first because of its environment", () => {
  test.each([
    ["bash", ["-c", "ls"], { "BASH_FUNC_ls%%": "() { :; }" }, "the environment defines the function `ls`"],
    ["bash", ["-c", "ls"], { "BASH_FUNC_ls()": "() { :; }" }, "the environment defines the function `ls`"],
    ["bash", ["-c", "ls"], { BASH_ENV: "/x" }, "the environment names a file that bash reads first (BASH_ENV)"],
    ["bash", ["-c", "ls"], { SHELLOPTS: "xtrace" }, "the environment sets options of bash (SHELLOPTS)"],
    ["bash", ["-c", "ls"], { BASHOPTS: "extdebug" }, "the environment sets options of bash (BASHOPTS)"],
    ["zsh", ["-c", "ls"], { ZDOTDIR: "/x" }, "the environment moves the start-up files of zsh (ZDOTDIR)"],
    ["zsh", ["-c", "ls"], { HOME: "/x" }, "workspace: start-up files of another home"],
    ["bash", ["-lc", "ls"], { HOME: "/x" }, "workspace: start-up files of another home"],
    ["bash", ["-c", "ls"], { HOME: "/x" }, "workspace: start-up files of another home"],
    ["dash", ["-i", "-c", "ls"], { ENV: "/x" }, "the environment names a file that the shell reads first (ENV)"],
  ] as const)("%s %j with %j", (shell, argv, inherited, reason) => {
    expect(reasons(shell, argv, inherited)).toEqual([reason]);
  });

  test.each([
    ["bash", ["-c", "ls"], { HOME: "/x", SHLVL: "1", ENV: "/x", ZDOTDIR: "/x", SHELLOPTS: "braceexpand:hashall:interactive-comments", BASHOPTS: "cmdhist:sourcepath" }],
    ["zsh", ["-c", "ls"], { HOME: "/home/u", BASH_ENV: "/x" }],
    ["bash", ["-lc", "ls"], { HOME: "/home/u", BASH_ENV: "" }],
    ["dash", ["-c", "ls"], { ENV: "/x" }],
    ["bash", ["--version"], { BASH_ENV: "/x" }],
  ] as const)("%s %j is not concerned by %j", (shell, argv, inherited) => {
    expect(reasons(shell, argv, inherited)).toEqual([]);
  });
});
