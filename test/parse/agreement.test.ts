import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { parseScript } from "../../src/parse/index.ts";
import { commandLines } from "./render.ts";
import { HARMLESS } from "./guard-rows.ts";
import { ROWS } from "./rows.ts";
import { bashAccepts, inFolder, prettyPrinted, run } from "./shells.ts";
import { mvdanCommandWords, ourCommandWords } from "./second-opinion.ts";

/** Bash prints `coproc cat` as `coproc COPROC cat`, which is another command. */
const PRINTED_OTHERWISE = ["coproc cat"];
/** Where the other parser is wrong: escaped backticks, quotes in `"${x:-'…'}"`, slices, a comment that ends in a backslash. */
const SEEN_OTHERWISE = ["echo `echo \\`date\\``", "echo `echo \\`echo \\\\\\`id\\\\\\`\\``", "echo \"${x:-'$(pwd)'}\"", "echo ${x:$(id -u):2}", "ls # a\\\npwd"];

const TEXTS = [...ROWS.map(([text]) => text), ...HARMLESS.map((row) => row.text)];
const understood = (text: string): boolean => parseScript(text, "bash").opaque.length === 0;

describe("agreement with bash", () => {
  it("accepts exactly what bash accepts, except what it calls opaque", () => {
    // Bash reads extended patterns only after `shopt -s extglob`; reading them always shows more, never less.
    const extended = /[@+!?*]\(/;
    const wrong = TEXTS.filter((text) => understood(text) && !bashAccepts(text) && !extended.test(text));
    expect(wrong).toEqual([]);
  });

  it("says that it does not parse only when bash says so too", () => {
    const wrong = TEXTS.filter((text) => parseScript(text, "bash").opaque.some((note) => note.reason.startsWith("does not parse")) && bashAccepts(text));
    expect(wrong).toEqual([]);
  });

  it("finds the same commands in the script as bash prints it", () => {
    let compared = 0;
    const wrong: unknown[] = [];
    for (const text of TEXTS) {
      const pretty = understood(text) ? prettyPrinted(text) : undefined;
      if (pretty === undefined) continue;
      compared += 1;
      const [before, after] = [text, pretty].map((source) => commandLines(parseScript(source, "bash")).sort());
      if (JSON.stringify(before) !== JSON.stringify(after) && !PRINTED_OTHERWISE.includes(text)) wrong.push({ text, before, after });
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(180);
  });

  it("never runs what it prints", () =>
    inFolder((folder) => {
      expect(prettyPrinted(`echo x > ${folder}/made`)).toContain("made");
      expect(run("ls", [folder]).stdout).toBe("");
    }));
});

describe("agreement with a second parser", () => {
  it("names the same command words", () => {
    let compared = 0;
    const wrong: unknown[] = [];
    for (const text of TEXTS) {
      const theirs = understood(text) ? mvdanCommandWords(text) : undefined;
      if (theirs === undefined) continue;
      compared += 1;
      const ours = ourCommandWords(text);
      if (JSON.stringify(ours) !== JSON.stringify(theirs) && !SEEN_OTHERWISE.includes(text)) wrong.push({ text, ours, theirs });
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(180);
  });

  it("is really there", () => expect(createRequire(import.meta.url)("mvdan-sh")).toHaveProperty("syntax"));
});
