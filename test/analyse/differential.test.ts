import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judge } from "./judge.ts";
import { covers, recordedRuns } from "./recorded.ts";

/**
 * The commands we find are those bash runs. Scripts are put together from spellings of words and ways to run a command;
 * `alpha` and `beta` exist only as recorders of their argv in a throw-away folder, so running them is harmless.
 */
const WORDS = [
  "plain", "'single quoted'", '"double quoted"', "mi''xed", "back\\ slash", "$'ansi\\tc\\x41'", "${V}", '"$V"', "$V", "pre$V", '"$V"post', "${U:-default}", '"${U:-a b}"', "${V:+set}", "${V#v}", "${V%ue}", "${V/al/AL}", "${V^^}", "${V:1:3}", "${#V}",
  "$(echo sub)", "`echo back`", '"$(echo "two words")"', "$(printf %s x y)", "$((1 + 2))", "{one,two}", "a{1..3}b", "{x,y}{1,2}", '"$@"', "$1", '"$*"', '"${A[@]}"', "${A[1]}", "~", "--opt=$V", "a=b", "$W", '"$W"', "x\\\ny", "''", "\\$V", '"\\$V"', "$(echo $(echo deep))", "${V}${V}",
];
const WAYS: readonly ((word: string) => string)[] = [
  (w) => `alpha ${w}`,
  (w) => `true && alpha ${w}; beta`,
  (w) => `false || alpha ${w}`,
  (w) => `if true; then alpha ${w}; else beta; fi`,
  (w) => `for i in ${w} last; do alpha "$i"; done`,
  (w) => `for i in ${w}; do alpha $i; done`,
  (w) => `n=0; while [ $n -lt 1 ]; do alpha ${w}; n=1; done`,
  (w) => `case value in v*) alpha ${w} ;; *) beta ;; esac`,
  (w) => `f() { alpha "$@"; }; f ${w}`,
  (w) => `(alpha ${w}) | cat`,
  (w) => `{ alpha ${w}; } > /dev/null`,
  (w) => `X=${w === '"$@"' || w === '"${A[@]}"' || w.includes("{") && !w.includes("${") ? "plain" : w}; alpha "$X"`,
  (w) => `set -- ${w}; alpha "$@"`,
  (w) => `B=(${w}); alpha "\${B[@]}"`,
  (w) => `echo ${w} | while read -r line; do alpha got; done`,
  (w) => `cat <<E >/dev/null\n$(alpha heredoc)\nE\nalpha ${w}`,
  (w) => `Y=z env Z=1 alpha ${w}`,
  (w) => `command alpha ${w} && ! beta`,
];
const WHOLE = [
  "eval 'alpha one'", "eval alpha '$V'", "bash -c 'alpha \"$1\"' x inner", "sh -c 'alpha posix'", "bash -lc 'alpha login'", "echo 'alpha piped' | bash", "bash <<< 'alpha herestring'", "bash <<'E'\nalpha heredoc\nE", "env -i PATH=\"$PATH\" alpha clean", "timeout 5 alpha timed", "nice alpha niced",
  "nohup alpha hup 2>/dev/null", "echo a b | xargs alpha", "echo a b | xargs -n1 alpha", "echo a | xargs -I{} alpha x{}y", "trap 'alpha trapped' EXIT", "alpha $(beta sub)", "alpha <(beta proc) >/dev/null", "x() { beta inner; }; x; alpha", "exec alpha replaced", "! alpha negated", "time alpha timed 2>/dev/null",
  "V=alpha; $V run", "V='alpha one two'; $V", "${U-alpha} fallback", "a\\\nlpha continued", "alpha; # beta comment", "alpha 'a;beta'", "alpha \"a\nbeta\"", "alpha & wait", "alpha || beta", "until alpha; do beta; break; done", "select x in a; do alpha; break; done < /dev/null", "[[ a == a ]] && alpha",
  "(( 1 )) && alpha", "if ! true; then beta; elif true; then alpha; fi", "alpha >/dev/null 2>&1", "2>/dev/null alpha first", "{ alpha; beta; }", "( cd / && alpha )", "cd / ; alpha", "IFS=,; V=a,b; alpha $V", "shopt -s nullglob; alpha", "declare -a C=(x y); alpha ${C[0]}", "printf -v P %s alpha; $P done", "coproc beta; alpha; wait", "alpha ${V/$(beta in)/x}",
  "case x in (x) alpha ;;& (*) beta ;; esac", "case x in x) alpha ;& y) beta ;; esac", "function g { alpha g; }; g", "g() ( alpha sub ); g", "alpha {a,b}{1,2}", "echo $(( $(alpha >/dev/null; echo 1) + 1 ))", "readonly R=alpha; $R", "local_() { local L=alpha; $L; }; local_", "r() { [ $1 -gt 0 ] && { alpha $1; r 0; }; }; r 1", "set -e; alpha; beta",
];

const scratch = mkdtempSync(join(tmpdir(), "vetsh-differential-"));
const log = join(scratch, "log");
const PROLOGUE = "V=value; W='w1 w2'; A=(first 'second elem'); set -- pos1 'pos 2'\n";

beforeAll(() => {
  mkdirSync(join(scratch, "bin"));
  for (const name of ["alpha", "beta"]) {
    const file = join(scratch, "bin", name);
    writeFileSync(file, `#!/bin/bash\nprintf '%s\\0' ${name} "$@" $'\\n' >> ${log}/$$\ncat > /dev/null < /dev/null\n`);
    chmodSync(file, 0o755);
  }
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs one script of the tables and says with which argv alpha and beta were started. */
function really(script: string): readonly (readonly string[])[] {
  // A file for each process: recorders that run at the same time do not write into each other's lines.
  rmSync(log, { recursive: true, force: true });
  mkdirSync(log);
  spawnSync("/bin/bash", ["-c", script, "bash"], { cwd: scratch, env: { PATH: `${join(scratch, "bin")}:/usr/bin:/bin`, HOME: "/h" }, timeout: 10_000, stdio: ["ignore", "ignore", "ignore"] });
  return readdirSync(log).flatMap((name) => recordedRuns(readFileSync(join(log, name), "utf8")));
}

/** Commands that ran and were neither found nor named as not known (a command word that is not known is an opaque effect). */
function missing(script: string): readonly (readonly string[])[] {
  const { commands, effects } = judge(script, { facts: { home: "/h", cwd: scratch, workspace: scratch } });
  if (effects.some((effect) => effect.kind === "opaque" && effect.by === "shell/command")) return [];
  return really(script).filter((argv) => !commands.some((command) => covers(command, argv)));
}

describe("no command that bash runs is missing", () => {
  test.each(WAYS.map((way, index): [number, (word: string) => string] => [index, way]))("way %i of running a command, with every spelling of a word", (_index, way) => {
    let ran = 0;
    for (const word of WORDS) {
      const script = PROLOGUE + way(word);
      const lost = missing(script);
      expect(lost, way(word)).toEqual([]);
      ran += 1;
    }
    expect(ran).toBe(WORDS.length);
  }, 60_000);

  test.each(WHOLE)("%s", (script) => {
    expect(missing(PROLOGUE + script)).toEqual([]);
  });

  test("the tables make more than 400 scripts, and bash runs something in nearly all of them", () => {
    expect(WAYS.length * WORDS.length + WHOLE.length).toBeGreaterThan(400);
    expect(really(`${PROLOGUE}alpha "$W" '' $W`)).toEqual([["alpha", "w1 w2", "", "w1", "w2"]]);
  });
});

describe("words whose value is known are exactly bash's", () => {
  test.each(WORDS)("%s", (word) => {
    const script = `${PROLOGUE}alpha ${word}`;
    const [argv] = really(script);
    const found = judge(script, { facts: { home: "/h", cwd: scratch, workspace: scratch } }).commands.find((command) => command.words[0]?.[0] === "alpha");
    expect(argv, word).toBeDefined();
    // Numbers and variables that may be inherited are not followed to their value.
    if (["${#V}", "$((1 + 2))", "${U:-default}", '"${U:-a b}"'].includes(word)) return;
    expect(found?.words.map((values) => (values?.length === 1 ? values[0] : values)), word).toEqual(argv);
  });
});
