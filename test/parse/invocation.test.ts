import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Dialect, Invocation } from "../../src/model/index.ts";
import { readInvocation } from "../../src/parse/index.ts";
import { inFolder, run } from "./shells.ts";

const noTty = { tty: false };
const read = (shell: Dialect, ...args: string[]): Invocation => readInvocation(shell, [shell, ...args], noTty);

/** Arguments with three placeholders: S a script, F a script file, R an empty file. The same rows go to the real shells. */
type Row = readonly [shells: readonly Dialect[], args: readonly string[], mode: Invocation["mode"], parameters?: readonly string[]];
const ALL: readonly Dialect[] = ["bash", "dash", "zsh", "sh"];
const ROWS: readonly Row[] = [
  [ALL, ["-c", "S"], "command"],
  [ALL, ["-c", "S", "n", "a", "b c"], "command", ["n", "a", "b c"]],
  [ALL, ["-lc", "S"], "command"],
  [ALL, ["-cl", "S"], "command"],
  [ALL, ["-c", "-l", "S", "n"], "command", ["n"]],
  [ALL, ["-l", "-c", "S"], "command"],
  [ALL, ["-ec", "S"], "command"],
  [ALL, ["-e", "-u", "-c", "S"], "command"],
  [ALL, ["-c", "-e", "--", "S", "--", "-x"], "command", ["--", "-x"]],
  [ALL, ["-c", "--", "S"], "command"],
  [ALL, ["+c", "S"], "command"],
  [ALL, ["-o", "errexit", "-c", "S"], "command"],
  [ALL, ["-c", "-o", "errexit", "S"], "command"],
  [ALL, ["-co", "errexit", "S", "n"], "command", ["n"]],
  [ALL, ["-eo", "nounset", "-c", "S"], "command"],
  [ALL, ["+o", "nounset", "-c", "S"], "command"],
  [ALL, ["+e", "-c", "S"], "command"],
  [ALL, ["-c", "S", "-c", "other"], "command", ["-c", "other"]],
  [ALL, ["F"], "file"],
  [ALL, ["F", "a", "-c", "b"], "file"],
  [ALL, ["-e", "F", "a"], "file"],
  [ALL, ["--", "F", "-c"], "file"],
  [ALL, ["-", "F", "a"], "file"],
  [ALL, [], "stdin"],
  [ALL, ["-s"], "stdin"],
  [ALL, ["-s", "a", "b"], "stdin"],
  [ALL, ["-"], "stdin"],
  [ALL, ["--"], "stdin"],
  [ALL, ["-es", "a"], "stdin"],
  [["bash"], ["--norc", "-c", "S"], "command"],
  [["bash"], ["-norc", "-c", "S"], "command"],
  [["bash"], ["--noprofile", "--norc", "-ec", "S"], "command"],
  [["bash"], ["--login", "-c", "S"], "command"],
  [["bash"], ["-login", "-c", "S"], "command"],
  [["bash"], ["--posix", "-c", "S"], "command"],
  [["bash"], ["--rcfile", "R", "-c", "S"], "command"],
  [["bash"], ["-rcfile", "R", "F"], "file"],
  [["bash"], ["--init-file", "R", "-c", "S", "n"], "command", ["n"]],
  [["bash"], ["--restricted", "-c", "S"], "command"],
  [["bash"], ["-O", "nullglob", "-c", "S"], "command"],
  [["bash"], ["+O", "nullglob", "-c", "S"], "command"],
  [["bash"], ["-cO", "nullglob", "S"], "command"],
  [["bash"], ["-oO", "errexit", "nullglob", "-c", "S"], "command"],
  [["bash"], ["-c", "-s", "S"], "command"],
  [["bash"], ["-euo", "pipefail", "-c", "S"], "command"],
  [["zsh"], ["-oerrexit", "-c", "S"], "command"],
  [["zsh"], ["--no-rcs", "-c", "S"], "command"],
  [["zsh"], ["-fc", "S", "n"], "command", ["n"]],
  [["zsh"], ["-f", "F"], "file"],
];
const CASES = ROWS.flatMap(([shells, args, mode, parameters]) => shells.map((shell) => ({ shell, args, mode, parameters, name: `${shell} ${args.join(" ")}` })));

const SCRIPT = `printf '%s\\n' script "$0" "$@"`;

describe("options say what a shell would execute, and the real shell agrees", () => {
  it.each(CASES)("$name", ({ shell, args, mode, parameters }) =>
    inFolder((cwd) => {
      writeFileSync(join(cwd, "F"), SCRIPT.replace("script", "file"));
      writeFileSync(join(cwd, "R"), "");
      const real = args.map((arg) => (arg === "S" ? SCRIPT : arg));
      const invocation = read(shell, ...real);
      expect(invocation.mode).toBe(mode);
      const ran = run(shell, real, { cwd, stdin: SCRIPT.replace("script", "stdin") });
      if (invocation.mode !== "command" && invocation.mode !== "file" && invocation.mode !== "stdin") throw new Error("a row without something to run");
      if (parameters !== undefined) expect(invocation.parameters).toEqual(parameters);
      const word = { command: "script", file: "file", stdin: "stdin" }[invocation.mode];
      expect(ran.stdout.split("\n").slice(0, -1)).toEqual([word, ...invocation.parameters]);
      if (invocation.mode === "command") expect(invocation.text).toBe(SCRIPT);
    }),
  );
});

describe("what is not known is opaque", () => {
  const rows: readonly (readonly [Dialect, ...string[]])[] = [
    ["bash", "--unknown", "-c", "x"], ["bash", "-z", "-c", "x"], ["bash", "-c"], ["bash", "-c", "-l"], ["bash", "-l", "--norc", "-c", "x"], ["bash", "-c", "--norc", "x"], ["bash", "--rcfile=R", "-c", "x"], ["bash", "--rcfile"], ["bash", "-o"], ["bash", "-O"],
    ["bash", "-o", "keyword", "-c", "x"], ["bash", "-k", "-c", "x"], ["bash", "+B", "-c", "x"], ["bash", "-H", "-c", "x"], ["bash", "-O", "expand_aliases", "-c", "x"], ["bash", "-o", "posix2", "-c", "x"], ["bash", "--debugger", "-c", "x"], ["bash", "-dump-strings", "-c", "x"], ["bash", "-D", "-c", "x"], ["bash", "-eécx", "x"],
    ["dash", "--login", "-c", "x"], ["dash", "-o", "pipefail", "-c", "x"], ["dash", "-c"], ["dash", "-sc", "x"], ["dash", "-f", "-c", "x"], ["dash", "-o"],
    ["sh", "--login", "-c", "x"], ["sh", "-o", "pipefail", "-c", "x"], ["sh", "-s", "-c", "x"],
    ["zsh", "-y", "-c", "x"], ["zsh", "-o", "shwordsplit", "-c", "x"], ["zsh", "-b", "-c", "x"], ["zsh", "--emulate", "sh", "-c", "x"], ["zsh", "-c"], ["zsh", "-sc", "x"], ["zsh", "-o"], ["zsh", "--extended-glob", "-c", "x"], ["zsh", "-e ", "F"],
  ];
  it.each(rows.map(([shell, ...args]) => ({ shell, args, name: args.join(" ") })))("$shell $name", ({ shell, args }) => {
    const invocation = read(shell, ...args);
    expect(invocation.mode).toBe("opaque");
    expect(invocation).toHaveProperty("reason", expect.stringMatching(/\S/));
  });

  it("knows nothing without a name", () => expect(readInvocation("bash", [], noTty).mode).toBe("opaque"));
  it("does not read a zsh under another name", () => expect(readInvocation("zsh", ["sh", "-c", "x"], noTty).mode).toBe("opaque"));
});

describe("start-up", () => {
  const startup = (invocation: Invocation) => ("startup" in invocation ? invocation.startup : undefined);
  const plain = { login: false, interactive: false, posix: false, rcfile: undefined };

  it("is plain for -c", () => expect(startup(read("bash", "-c", "x"))).toEqual(plain));
  it("is login for -l, --login and a name with a dash", () => {
    for (const args of [["-lc", "x"], ["--login", "-c", "x"]]) expect(startup(read("bash", ...args))).toEqual({ ...plain, login: true });
    for (const shell of ["bash", "zsh"] as const) expect(startup(readInvocation(shell, [`-${shell}`, "-c", "x"], noTty))).toEqual({ ...plain, login: true });
  });
  it("is interactive for -i", () => expect(startup(read("bash", "-i", "-c", "x"))).toEqual({ ...plain, interactive: true }));
  it("names the file that is read first", () => expect(startup(read("bash", "--rcfile", "R", "-i"))).toEqual({ ...plain, interactive: true, rcfile: "R" }));
  it("is POSIX for sh, dash, --posix and a bash called sh", () => {
    for (const invocation of [read("sh", "-c", "x"), read("dash", "-c", "x"), read("bash", "--posix", "-c", "x"), read("bash", "-o", "posix", "-c", "x"), readInvocation("bash", ["sh", "-c", "x"], noTty)]) expect(startup(invocation)).toEqual({ ...plain, posix: true });
  });
});

describe("a terminal decides between a script and a session", () => {
  it.each(ALL)("%s", (shell) => {
    expect(readInvocation(shell, [shell], { tty: true }).mode).toBe("interactive");
    expect(readInvocation(shell, [shell, "-c", "x"], { tty: true }).mode).toBe("command");
    expect(readInvocation(shell, [shell, "f"], { tty: true }).mode).toBe("file");
    expect(readInvocation(shell, [shell, "-i"], noTty).mode).toBe("interactive");
  });
});

describe("printing and nothing else", () => {
  const rows: readonly (readonly [Dialect, ...string[]])[] = [["bash", "--version"], ["bash", "--help"], ["bash", "--norc", "--version", "-c"], ["zsh", "--version"], ["zsh", "--help"], ["sh", "--version"]];
  it.each(rows.map(([shell, ...args]) => ({ shell, args, name: args.join(" ") })))("$shell $name", ({ shell, args }) => expect(read(shell, ...args).mode).toBe("print"));
  it("is not what a parameter says", () => expect(read("bash", "-c", "x", "--version").mode).toBe("command"));
});
