import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { judge } from "./judge.ts";
import { covers, recordedRuns } from "./recorded.ts";

/**
 * What a shell remembers from one command to the next, beside bash: random scripts of assignments, parameters, arrays,
 * functions and branches. `alpha` is a function that writes its words to a descriptor of its own; nothing else has an effect.
 */
const scratch = mkdtempSync(join(tmpdir(), "vetsh-flow-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** mulberry32: the same scripts in every run. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function script(seed: number): string {
  const next = chance(seed);
  const pick = (from: readonly string[]): string => from[next(from.length)]!;
  const value = (): string => pick(["a", "b", "c", "'p q'", "$x", "$y", '"$1"', "${x}z", "${y:-d}", "$(echo $x)", "${A[0]}", "${A[1]}", '"${x#a}"', '"${@:2}"']);
  const plain: readonly (() => string)[] = [
    () => `x=${value()}`, () => `y=${value()}`, () => `x+=${value()}`, () => `set -- ${value()} ${value()} ${value()}`, () => "shift", () => `A=(${value()} ${value()})`, () => `A+=(${value()})`, () => `A[${next(3)}]=${value()}`,
    () => `unset ${pick(["x", "y", "-f f", "'A[0]'"])}`, () => `read x y <<< ${value()}`, () => pick(["local x=L", "declare x=D", "local y", "declare -g x=G", "export x", "typeset y=T"]), () => pick(["return", "break", "continue", "false", "break 2"]),
    () => `alpha ${pick(["$x", '"$x"', "$y", '"$@"', "$1", '"${A[@]}"', "${A[1]}", "$x$y"])}`, () => pick(["f", "f a b", "g $x", "f $y", "x=T f q", "y=T g"]), () => `eval '${pick(["x=E", "y=$x", "alpha $x", "f", "set -- E"])}'`,
  ];
  const short = (): string => pick(["true", "false", `x=${value()}`, `y=${value()}`, "f", "g b", "alpha $x", '[ "$x" = a ]', "shift", "return", "{ x=B; false; }", "exit"]);
  const nested: readonly ((depth: number) => string)[] = [
    (d) => `if ${pick(["true", "false", '[ "$x" = a ]', "[ $# -gt 1 ]"])}; then ${several(d)}; else ${several(d)}; fi`, (d) => `if [ -n "$y" ]; then ${several(d)}; fi`, (d) => `for x in ${value()} ${value()}; do ${several(d)}; done`, (d) => `for y; do ${several(d)}; done`,
    (d) => `n=0; while [ $((n+=1)) -lt 4 ]; do ${several(d)}; done`, (d) => `case ${value()} in a) ${several(d)} ;; b|c*) ${several(d)} ;& *z) ${several(d)} ;;& *) ${several(d)} ;; esac`, (d) => `( ${several(d)} )`, (d) => `{ ${several(d)}; }`, (d) => `f() { ${several(d)}; }`, (d) => `g() { ${several(d)}; }`,
    () => `${short()} && ${short()}`, () => `${short()} || ${short()}`, () => `${short()} && ${short()} || ${short()}`, () => `! ${short()}`, (d) => `{ ${several(d)}; } | cat`, () => `bash -c 'alpha "$@" $x' _ ${value()}`,
  ];
  const command = (depth: number): string => (depth > 0 && next(2) === 0 ? nested[next(nested.length)]!(depth - 1) : plain[next(plain.length)]!());
  const several = (depth: number): string => Array.from({ length: 1 + next(3) }, () => command(depth)).join("; ");
  return `x=a; y=b; A=(c d); set -- p1 p2; ${Array.from({ length: 3 + next(5) }, () => command(2)).join("\n")}\nalpha end "$x" "$y" "$@" "\${A[@]}"`;
}

function really(text: string): readonly (readonly string[])[] {
  const recorder = "alpha() { { printf '%s\\0' alpha \"$@\"; printf '\\n\\0'; } >&3; }; export -f alpha\n";
  const { output } = spawnSync("/bin/bash", ["-c", recorder + text, "bash"], { cwd: scratch, env: { PATH: "/usr/bin:/bin", HOME: "/h" }, timeout: 10_000, stdio: ["ignore", "ignore", "ignore", "pipe"] });
  return recordedRuns(String(output[3] ?? ""));
}

describe("every command that bash runs is found, with the words that it gets", () => {
  test.each([1, 2, 3, 4])("scripts of seed %i", (seed) => {
    let compared = 0;
    for (let i = 0; i < 25; i += 1) {
      const text = script(seed * 1000 + i);
      const { commands, effects } = judge(text, { facts: { home: "/h", cwd: scratch, workspace: scratch } });
      // What is named as not understood is not allowed either way.
      if (effects.some((effect) => effect.kind === "opaque")) continue;
      expect(really(text).filter((argv) => !commands.some((found) => covers(found, argv))), text).toEqual([]);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(15);
  }, 60_000);
});
