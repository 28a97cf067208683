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

/** What may stand behind `${x:-`, in each place where bash reads it by other rules. */
const OPERANDS: readonly string[] = ["a", "a b", "'a b'", '"a b"', "a\\}b", "a\\\\b", "a\\b", "'}'", "$'a\\tb'", "a'b'c", 'a"b"c', "\\'", '\\"', "~", "~/x", "a~", "*", "[a]", "a\\ b", "\\$x", "'\\$x'", "a:~", "a/b", "#", "", "é", "a\\\nb", "\"a'b\"", "'a\"b'", '"~"', "a=~", "\\~", "\"a\\'b\"", "\\`", "{", "${y:-q}", "${y:-'q'}", "\"${y:-'q'}\"", '${y:-"q"}'];
const PLACES: readonly (readonly [before: string, after: string])[] = [["printf '%s\\0' ${x:-", "}"], ["printf '%s\\0' \"${x:-", '}"'], ["v=${x:-", "}; printf '%s\\0' \"$v\""], ["v=\"${x:-", "}\"; printf '%s\\0' \"$v\""], ["IFS= read -r -d '' v <<E\n${x:-", "}\nE\nprintf '%s\\0' \"${v%?}\""], ["IFS= read -r -d '' v <<<${x:-", "}\nprintf '%s\\0' \"${v%?}\""]];

type Parameter = Extract<WordPart, { kind: "parameter" }>;

/** The first `${x…}` anywhere below a node. */
function parameterX(node: unknown): Parameter | undefined {
  if (typeof node !== "object" || node === null) return undefined;
  if ("kind" in node && node.kind === "parameter" && "name" in node && node.name === "x") return node as Parameter;
  for (const child of Object.values(node)) {
    const found = parameterX(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

function operandValue(parameter: Parameter): string | undefined {
  if (parameter.operation?.kind !== "default") return undefined;
  let value = "";
  for (const part of parameter.operation.operand.parts) {
    const text = part.kind === "parameter" ? operandValue(part) : part.kind === "glob" ? part.pattern : partValues(part, "/home/dev")?.[0];
    if (text === undefined) return undefined;
    value += text;
  }
  return value;
}

describe("the operand of a parameter is what bash makes of it, or opaque", () => {
  let compared = 0;
  it.each(PLACES)("%s…%s", (before, after) => {
    for (const text of OPERANDS.map((operand) => before + operand + after)) {
      const script = parseScript(text, "bash");
      const parameter = parameterX(script.body);
      const value = parameter === undefined || script.opaque.length > 0 ? undefined : operandValue(parameter);
      if (value === undefined) continue;
      compared += 1;
      expect([text, value]).toEqual([text, run("bash", ["--norc", "-f", "-c", `unset x y; IFS=; ${text}`]).stdout.split("\0")[0]]);
    }
  });
  it("is worked out where people write it", () => expect(compared).toBeGreaterThan(140));
});

describe("assignments", () => {
  const value = (text: string): readonly WordPart["kind"][] => {
    const [command] = simpleCommands(parseScript(text, "bash"));
    const word = command?.words.find((item) => item.kind === "assignment");
    const assigned = word?.kind === "assignment" ? word.assignment.value : command?.assignments[0]?.value;
    if (assigned === undefined) return [];
    return assigned.kind === "word" ? assigned.parts.map((part) => part.kind) : assigned.elements.flatMap((element) => element.parts.map((part) => part.kind));
  };
  it("expand no braces, unless they are arguments", () => {
    expect(run("bash", ["-c", "a={1,2}; declare b={1,2}; echo $a $b"]).stdout).toBe("{1,2} 2\n");
    expect(value("a={1,2}")).toEqual(["literal"]);
    expect(value("declare b={1,2}")).toEqual(["opaque"]);
  });
  it("expand braces in arrays, and tildes only at their start", () => {
    expect(run("bash", ["-c", 'a=({1,2} x=~ ~); echo "${a[@]}"']).stdout).toBe("1 2 x=~ /home/dev\n");
    expect(value("a=({1,2} x=~ ~)")).toEqual(["brace", "literal", "tilde"]);
  });
  it("with subscripts and tildes are not worked out", () => {
    expect(value("a=([1]=~/x)")).toEqual(["opaque"]);
  });
});
