import { describe, expect, it } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { parseScript, simpleCommands } from "../../src/parse/index.ts";

/** Text made to be deep, long or odd: it must come back as a script, opaque where it is beyond a limit. */
const DEEP = 5_000;
const nest = (open: string, inner: string, close: string): string => open.repeat(DEEP) + inner + close.repeat(DEEP);

describe("depth ends in opaque", () => {
  const rows = [
    ["$(", nest("$(", "ls", ")")], ["(", nest("(", "ls", ")")], ["{", nest("{ ", "ls;", "}")], ["${", nest("${x:-", "y", "}")], ["if", nest("if ", "ls", "; then ls; fi")], ["case", nest("case x in x) ", "ls", ";; esac")], ["while", nest("while ", "ls", "; do ls; done")],
    ["arithmetic", `echo $((${nest("(", "1", ")")}))`], ["terms", `echo $((${"1+".repeat(DEEP)}1))`], ["ternaries", `((${"a?b:".repeat(DEEP)}c))`], ["test", `[[ ${nest("( ", "a", " )")} ]]`], ["braces", `echo ${nest("{a,", "b", "}")}`],
    ["double quotes", nest('"$(echo ', "ls", ')"')], ["process", nest("cat <(", "ls", ")")], ["here-documents", `${"cat <<E\n$(".repeat(DEEP)}ls`], ["functions", nest("f() { ", "ls;", "}")], ["backticks", "`".repeat(DEEP + 1)], ["unclosed", "$(".repeat(DEEP)], ["quotes", "'\"".repeat(DEEP)],
  ] as const;
  it.each(rows)("%s", (_name, text) => {
    const script = parseScript(text, "bash");
    const words = simpleCommands(script).flatMap((command) => command.words);
    expect(script.opaque.length > 0 || words.some((word) => word.kind === "word" && word.parts.some((part) => part.kind === "opaque"))).toBe(true);
  });
  it("shows the command in a pattern, however deep", () => {
    const script = parseScript(`echo ${nest("@(", "$(ls)", ")")}`, "bash");
    expect(simpleCommands(script).map((command) => command.words[0]?.text)).toEqual(["echo", "ls"]);
  });
  it("allows what people write", () => {
    const text = `${"$(echo ".repeat(12)}ls${")".repeat(12)}`;
    expect(parseScript(text, "bash").opaque).toEqual([]);
  });
});

describe("length", () => {
  it("refuses at once what is beyond the limit", () => {
    const text = "x".repeat(50 * 1024 * 1024);
    const script = parseScript(text, "bash");
    expect(script.body).toEqual([]);
    expect(script.opaque).toEqual([{ reason: expect.stringContaining("longer than"), span: { start: 0, end: text.length } }]);
  });
  it.each([["words", "a ".repeat(65_500)], ["statements", "ls;".repeat(43_000)], ["one word", `echo ${"x".repeat(131_000)}`], ["quotes", `echo '${"x".repeat(131_000)}'`], ["pipeline", `${"ls|".repeat(20_000)}wc`], ["conjunction", `${"ls&&".repeat(20_000)}wc`], ["here-document", `cat <<'E'\n${"x\n".repeat(65_000)}E\n`], ["comments", `${"# x\n".repeat(30_000)}ls`], ["parameters", `echo ${'"$x"'.repeat(20_000)}`]])("reads %s of 131 kB", (_name, text) => {
    expect(parseScript(text, "bash").opaque).toEqual([]);
  });
  it.each([["here-documents on a line", "cat <<'E' ".repeat(100_000)], ["braces", `echo ${`${"{".repeat(2_000)}} `.repeat(400)}`], ["continuations", `a${"\\\n".repeat(400_000)}b`]])("does not get lost in %s", (_name, text) => {
    const script = parseScript(text, "bash");
    const words = simpleCommands(script).flatMap((command) => command.words);
    expect(script.opaque.length > 0 || words.some((word) => word.kind === "word" && word.parts.some((part) => part.kind === "opaque"))).toBe(true);
  });
  it("bounds the alternatives of braces", () => {
    const word = (text: string) => simpleCommands(parseScript(`echo ${text}`, "bash"))[0]?.words[1];
    expect(word(`{1..${LIMITS.braceAlternatives}}`)).toMatchObject({ parts: [{ kind: "brace", alternatives: { length: LIMITS.braceAlternatives } }] });
    for (const text of [`{1..${LIMITS.braceAlternatives + 1}}`, "{1..99999999999999999999}", `{${"a,".repeat(LIMITS.braceAlternatives)}a}`, `${"{".repeat(50)}a,b${",c}".repeat(50)}`]) expect(word(text)).toMatchObject({ parts: [{ kind: "opaque" }] });
  });
});

describe("odd characters", () => {
  it.each([["NUL", "ls \0 x"], ["carriage return", "ls\r\npwd\r\n"], ["lone high surrogate", "ls \ud83d"], ["lone low surrogate", "ls '\ude00'"]])("%s is opaque", (_name, text) => expect(parseScript(text, "bash").opaque).not.toEqual([]));
  it.each([["emoji", "echo 😀 '😀' \\😀"], ["combining", "echo e\u0301"], ["no-break space is not a blank", "echo\u00a0a"], ["line separator is not a newline", "echo a\u2028b"], ["form feed is not a blank", "echo a\fb"], ["byte order mark", "\ufefflls"], ["right-to-left override", "echo \u202eabc"]])("%s is text", (_name, text) => expect(parseScript(text, "bash").opaque).toEqual([]));
});

describe("notes", () => {
  it("are bounded and never empty", () => {
    const { opaque } = parseScript("a=$\"x\";".repeat(1_000), "bash");
    expect(opaque.length).toBe(LIMITS.opaqueNotes);
  });
});
