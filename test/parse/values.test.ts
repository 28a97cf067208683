import { describe, expect, it } from "vitest";
import type { Word, WordPart } from "../../src/model/index.ts";
import { parseScript, simpleCommands } from "../../src/parse/index.ts";
import { inFolder, run } from "./shells.ts";

/** Words without expansions of variables or commands: quotes, backslashes, ANSI-C quoting, braces, tildes. */
const WORDS: readonly string[] = [
  "a", "''", '""', "a''b", `'a b'"c d"`, "a\\ b", "\\a\\\\b", "'a\\b'", '"a\\b\\\\c\\"d\\$e\\`f"', '"\\a\\n"', "a\\$b", "\\'", "\"'\"", "'\"'",
  "$'a'", "$'\\n\\t\\\\\\''", "$'\\x41\\x4a\\102\\0101'", "$'\\u00e9\\U0001F600'", "$'a\\0b'c", "$'\\cA\\c?'", "$'\\e\\E\\a\\b\\f\\v\\r'", "$'\\q\\z'", "$'\\\"\\?'", "$'\\xc3\\xa9'", "$'\\1'2", "$'\\x4'g",
  "\"$'a'\"", "a$'b'c", "$", "a$", '"$"', '"a$"', "$%x", "#a", "a#b", "a\\#b", "\\#", "~", "~/x", "~/a\\ b", "a~", '"~"', "\\~", "'~'/x", "~'x'", "x=~", "x=~/a:~/b", "x=a:~", "x+=~/y", "-x=~", "1x=~", "x-y=~", "x=y=~", "x='a':~/b", "~/a:~/b",
  "{a,b}", "{a,b,}", "{,a}", "{,}", "{}", "{a}", "{a,b", "a,b}", "{a b}", "a{b,c}d", "{a,b}{c,d}", "{a,{b,c},d}", "{a,{b}}", "{{a,b}}", "{{a},b}", "{a,b}}", "{{a,b}", "a{b{c,d}e,f}g", "{a\\,b,c}", "{'a,b',c}", '{"a",b}', "{a,'b c'}", "\\{a,b}", "{a,b\\}", "{a,b\\},c}", "'{a,b}'", '"{a,b}"', "{a','b}", "{a..c}", "{c..a}", "{a..i..3}", "{A..D}", "{1..4}", "{4..1}", "{1..10..3}", "{10..1..3}", "{01..03}", "{1..010}", "{-2..2}", "{-02..2}", "{001..-1}", "{1..3..0}", "{1..3..-1}", "{3..1..2}", "{+1..3}", "{1..1}", "{a..a}", "{1..}", "{..1}", "{1...3}", "{1..3...1}", "{a..}", "{ab..c}", "{1..c}", "x{1..3}y{a,b}z", "{1,2}..3", "{a,b}..{c,d}", "{a..b,c}", "{1..2,x}", "{a,b}/~", "{~,x}", "{~,x}/y", "{~/a,b}", "x={a,b}", "x={~,b}", "--x={a,b}c", "{a,b}=~", "a{,.bak}", "{a,b}\\ c", "{\\ ,x}", "{a,$'b\\n'}", "{é,日}", "{😀,b}c", "😀{a,b}", "é{1..2}", "a{b,c}'{d,e}'", "{a,b},c", "{,{,x}}", "{a,b}{1..2}{,z}", "@{u}", "HEAD@{1}", "{a,b}~", "~{a,b}", "{x=~,y}",
  "日本", "a\\é", "\\😀", "'é'\"ü\"", "a=b", "a=", "=a", "==", "!", "!a", "a!b", "^a", "%", "%%1", "a:b", "--", "-", "+x", "a\\\nb", '"a\\\nb"', "'a\\\nb'", "a'\n'b", ":", ".", "[", "]", "a]", "a\\*b", "'*'", '"?"', "\\[a]",
];

/** All strings our parts stand for; undefined when one of them is opaque. */
function valuesOf(parts: readonly WordPart[], home: string): string[] | undefined {
  let values: string[] = [""];
  for (const part of parts) {
    const next = partValues(part, home);
    if (next === undefined) return undefined;
    values = values.flatMap((value) => next.map((text) => value + text));
  }
  return values;
}

function partValues(part: WordPart, home: string): string[] | undefined {
  if (part.kind === "literal") return [part.value];
  if (part.kind === "tilde") return part.user === "" ? [home] : [`~${part.user}`];
  if (part.kind !== "brace") return undefined;
  const all = part.alternatives.map((word: Word) => valuesOf(word.parts, home));
  return all.includes(undefined) ? undefined : all.flatMap((values) => values ?? []);
}

describe("a literal is what bash makes of it", () => {
  const inBash = (word: string): string[] => inFolder((cwd) => run("bash", ["--norc", "-c", `printf '%s\\0' first ${word}`], { cwd }).stdout.split("\0").slice(1, -1));

  it.each(WORDS)("%j", (word) => {
    const script = parseScript(`printf '%s\\0' first ${word}`, "bash");
    const expected = inBash(word);
    const words = simpleCommands(script)[0]?.words.slice(3) ?? [];
    const parts = words.map((item) => (item.kind === "word" ? valuesOf(item.parts, "/home/dev") : undefined));
    // Opaque is always right and stands in the list below; a wrong value never is.
    if (script.opaque.length > 0 || parts.includes(undefined)) return expect(OPAQUE).toContain(word);
    // Bash drops a word that is empty and has no quotes, as `{,a}` makes one.
    expect(parts.flatMap((values) => values ?? []).filter((value) => value !== "" || /['"]/.test(word))).toEqual(expected);
  });
});

/** Words whose value is not worked out: they must be opaque, never a guess. */
const OPAQUE: readonly string[] = ["{1..3...1}", "{1..c}", "x={~,b}", "~{a,b}", "a\\\nb"];

/** Bodies without expansions, between the delimiter and its closing line. */
const BODIES: readonly (readonly [delimiter: string, body: string])[] = [
  ["E", "a\n"], ["E", "it's \"x\"\n"], ["E", "a\\$b \\`c\\` \\\\ \\d \\\"e\n"], ["E", "a\\\nb\n"], ["E", "\ta\n\t\tb\n"], ["'E'", "a\\$b $(x) `y` \\\\ \\\n\tz\n"], ["\\E", "$x\n"], ["E\"\"", "$x\n"], ["-E", "\ta\n\t\tb\n c\n\n\td\n"], ["-E", "\ta\\\n\tb\n"], ["-'E'", "\ta\\\n\t$b\n"], ["-E", "\ta\\\\\n\tb\n"], ["E", ""], ["'E'", "x E\n E\nEE\n"], ["E", "é日😀\n"], ["E", "{a,b} ~ * ?\n"],
];

describe("a here-document's body is what bash makes of it", () => {
  it.each(BODIES)("<<%s %j", (delimiter, body) => {
    const text = `cat <<${delimiter}\n${body}${delimiter.startsWith("-") ? "\t" : ""}E\n`;
    const script = parseScript(text, "bash");
    expect(script.opaque).toEqual([]);
    const [redirection] = simpleCommands(script)[0]?.redirections ?? [];
    if (redirection?.kind !== "here-document") throw new Error("no here-document");
    expect(valuesOf(redirection.body.parts, "")).toEqual([run("bash", ["--norc", "-c", text]).stdout]);
  });
});
