import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DIALECTS, LIMITS, type Script } from "../../src/model/index.ts";
import { parseScript, readInvocation, simpleCommands } from "../../src/parse/index.ts";
import { HARMLESS, HIDING } from "./guard-rows.ts";
import { ROWS } from "./rows.ts";
import { inFolder } from "./shells.ts";

const SEEDS = [...ROWS.map(([text]) => text), ...HIDING.map((row) => row.text), ...HARMLESS.map((row) => row.text)].filter((text) => text.length < 500);
const PIECES = ["'", '"', "`", "\\", "\\\n", "$(", ")", "(", "{", "}", "$", "#", " ", "\n", ";", "&", "|", "<", ">", "<<E\n", "\nE\n", "[", "]", "=", "-", "!", "$'", "\r", "\0", "${", "x", "[[", "((", "))", "\t", "@(", "*", ",", "..", "~", "\ud800", "é", "😀", "do", "esac", "fi", "&>", ">&-", "=(", "$\""];

/** A seed with pieces put in, cut out and repeated at random places. */
const mutated = fc.tuple(fc.constantFrom(...SEEDS), fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(4), piece: fc.constantFrom("", ...PIECES) }), { maxLength: 5 })).map(([seed, edits]) =>
  edits.reduce((text, { at, cut, piece }) => {
    const place = Math.floor(at * text.length);
    return text.slice(0, place) + piece + text.slice(place + cut);
  }, seed),
);
const anyText = fc.oneof(mutated, fc.string({ unit: "binary", maxLength: 60 }), fc.array(fc.constantFrom(...PIECES, "ls", "a"), { maxLength: 40 }).map((pieces) => pieces.join("")));

/** Calls `check` for every object with a span, with the source that the span indexes; gives the number of them. */
function eachSpan(node: unknown, source: string, check: (span: { start: number; end: number }, source: string) => void): number {
  if (typeof node !== "object" || node === null) return 0;
  const own = "body" in node && "source" in node && typeof node.source === "string" ? node.source : source;
  let count = 0;
  if ("span" in node) {
    check(node.span as { start: number; end: number }, own);
    count += 1;
  }
  for (const child of Array.isArray(node) ? node : Object.values(node)) count += eachSpan(child, own, check);
  return count;
}

function depthOf(node: unknown): number {
  if (typeof node !== "object" || node === null) return 0;
  return 1 + Math.max(0, ...Object.values(node).map(depthOf));
}

describe("whatever the text", () => {
  it("comes back as a script, with spans inside its source and notes within their limit", () => {
    let spans = 0;
    fc.assert(
      fc.property(anyText, fc.constantFrom(...DIALECTS), (text, dialect) => {
        const script: Script = parseScript(text, dialect);
        expect(script.source).toBe(text);
        spans += eachSpan(script, text, (span, source) => {
          expect(span.start).toBeGreaterThanOrEqual(0);
          expect(span.end).toBeGreaterThanOrEqual(span.start);
          expect(span.end).toBeLessThanOrEqual(source.length);
        });
        expect(script.opaque.length).toBeLessThanOrEqual(LIMITS.opaqueNotes);
        expect(depthOf(script)).toBeLessThan(LIMITS.treeDepth * 12);
        for (const command of simpleCommands(script)) expect(command.kind).toBe("simple");
      }),
      { numRuns: 3_000, seed: 1 },
    );
    expect(spans).toBeGreaterThan(10_000);
  });

  it("is read the same way twice", () => {
    fc.assert(fc.property(anyText, (text) => {
        expect(parseScript(text, "bash")).toEqual(parseScript(text, "bash"));
      }), { numRuns: 300, seed: 2 });
  });

  it("keeps its nested notes at the top", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const script = parseScript(text, "bash");
        const nested = new Set<string>();
        const collect = (node: unknown): void => {
          if (typeof node !== "object" || node === null) return;
          if ("opaque" in node && Array.isArray(node.opaque)) for (const note of node.opaque) nested.add((note as { reason: string }).reason);
          for (const child of Object.values(node)) collect(child);
        };
        collect(script.body);
        const top = new Set(script.opaque.map((note) => note.reason));
        if (script.opaque.length < LIMITS.opaqueNotes) for (const reason of nested) expect(top).toContain(reason);
      }),
      { numRuns: 1_000, seed: 3 },
    );
  });

  it("argv comes back as an invocation", () => {
    const word = fc.oneof(fc.constantFrom("-c", "-lc", "-o", "+o", "errexit", "--", "-", "+", "--norc", "--rcfile", "-s", "-i", "x", "", "-O", "--version", "-eo", "-\ud800"), fc.string({ maxLength: 6 }));
    fc.assert(
      fc.property(fc.constantFrom(...DIALECTS), fc.array(word, { maxLength: 6 }), fc.boolean(), (shell, words, tty) => {
        const invocation = readInvocation(shell, [shell, ...words], { tty });
        expect(invocation.dialect).toBe(shell);
        if (invocation.mode === "command") expect(words).toContain(invocation.text);
      }),
      { numRuns: 2_000, seed: 4 },
    );
  });
});

/** Places in which bash expands what stands at `@`, and places in which it does not. */
const LIVE = [
  "echo @", 'echo "@"', "a=@", "a[@]=1", "a=(x @)", "declare a=(@)", "echo ${x:-@}", 'echo "${x:-@}"', "echo ${x#@}", "echo $((1+@))", "((1+@))", "[[ -n @ ]]", "[[ a == @ ]]", "case @ in *) :;; esac", "case a in @) :;; a) :;; esac", "for i in @; do :; done", "echo <(echo @)", "echo $(echo @)", ": > /dev/null <<< @", "cat <<E\n@\nE", "cat <<-E\n\t@\n\tE", "if : @; then :; fi", "( : @ )", "{ : @; }", ": | : @", ": && : @", "! : @", "x=@ :", "f() { : @; }; f", "echo [@]", "echo a{@,b}", "echo x\"y\"@'z'", "echo ${a[@]}", ": 2> @", "echo ${x:+y}${x:-@}", ": # c\n: @", "time : @", "echo \\\\@", "echo ~@", "echo ${x:-'@'}\"@\"",
];
const INERT = ["echo '@'", "cat <<'E'\n@\nE", ": # @", "echo a '@' \"$x\"", "cat <<\\E\n@\nE\n:"];
const PROBES = ["$(probe N)", "`probe N`", "$( probe N )", "$( (probe N) )", "$(probe N;)", "$(\nprobe N\n)"];

/** Text of nested places with a probe in the innermost, and whether bash must run it. */
const placed = fc.tuple(fc.array(fc.constantFrom(...LIVE), { maxLength: 2 }), fc.constantFrom(...LIVE, ...INERT), fc.constantFrom(...PROBES)).map(([outer, inner, probe]) => {
  const innermost = inner.replaceAll("@", () => probe.replace("N", "1"));
  return outer.reduceRight((text, place) => place.replaceAll("@", () => `$(${text}\n)`), innermost);
});

const shows = (script: Script): boolean => simpleCommands(script).some((command) => command.words[0]?.text === "probe");

describe("a substitution in any place", () => {
  it("is shown or flagged when it is live", () => {
    let shown = 0;
    fc.assert(
      fc.property(fc.constantFrom(...LIVE), fc.constantFrom(...LIVE), fc.constantFrom(...PROBES), (outer, inner, probe) => {
        const text = outer.replaceAll("@", () => `$(${inner.replaceAll("@", () => probe)}\n)`);
        const script = parseScript(text, "bash");
        if (shows(script)) shown += 1;
        expect(shows(script) || script.opaque.length > 0).toBe(true);
      }),
      { numRuns: 3_000, seed: 5 },
    );
    expect(shown).toBeGreaterThan(2_000);
  });

  it("is shown or flagged when bash really runs it", () =>
    inFolder((folder) => {
      const [log, definitions] = [join(folder, "log"), join(folder, "definitions")];
      writeFileSync(definitions, `probe() { builtin echo "$1" >> ${log}; }\ncat() { while builtin read -r line; do :; done; }\n`);
      let ran = 0;
      fc.assert(
        fc.property(placed, (text) => {
          const script = parseScript(text, "bash");
          rmSync(log, { force: true });
          // Nothing but builtins can run: there is no PATH.
          spawnSync("/bin/bash", ["--norc", "-c", text], { cwd: folder, env: { PATH: "/nonexistent", BASH_ENV: definitions, HOME: folder }, input: "", timeout: 5_000 });
          if (!existsSync(log) || readFileSync(log, "utf8") === "") return;
          ran += 1;
          expect(shows(script) || script.opaque.length > 0).toBe(true);
        }),
        { numRuns: 300, seed: 6 },
      );
      expect(ran).toBeGreaterThan(150);
    }));
});
