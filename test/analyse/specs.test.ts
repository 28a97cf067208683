import { describe, expect, test } from "vitest";
import { compileSpecs, SpecError } from "../../src/analyse/index.ts";
import { ANALYSERS } from "../../src/analyse/languages/index.ts";
import { judge, specFiles, specs, words } from "./judge.ts";

describe("the spec files", () => {
  test("describe hundreds of programs, each naming its source", () => {
    expect(specs.programs.size).toBeGreaterThan(350);
    for (const { file, data } of specFiles) expect((data as { source?: string }).source, file).toMatch(/\w/);
  });

  test("name only analysers that exist", () => {
    const used = new Set<string>();
    for (const program of new Set(specs.programs.values())) for (const usage of [program.usage, ...program.subs.values()]) if (usage.analyser !== undefined) used.add(usage.analyser);
    expect(used.size).toBeGreaterThan(10);
    expect([...used].filter((name) => !ANALYSERS.has(name))).toEqual([]);
  });

  test("every program answers a plain call without throwing", () => {
    let looked = 0;
    for (const name of specs.programs.keys()) {
      expect(Array.isArray(words(judge(`${name} --zz-no-such-option a b`))), name).toBe(true);
      looked += 1;
    }
    expect(looked).toBe(specs.programs.size);
  });

  test("every option of every table is found under each of its spellings", () => {
    let looked = 0;
    for (const program of new Set(specs.programs.values())) {
      for (const usage of [program.usage, ...program.subs.values()]) {
        for (const [name, option] of usage.options.byName) {
          expect(option.names, program.id).toContain(name);
          looked += 1;
        }
      }
    }
    expect(looked).toBeGreaterThan(3000);
  });
});

describe("a spec that cannot be used is an error that names file and program", () => {
  const broken: readonly (readonly [string, unknown, RegExp])[] = [
    ["no family", { program: [] }, /x\.toml: file: `family`/],
    ["unknown key", { family: "x", program: [{ names: ["a"], optoins: [] }] }, /program \["a"\]: unknown key `optoins`/],
    ["unknown role", { family: "x", program: [{ names: ["a"], operands: ["reed*"] }] }, /unknown role `reed`/],
    ["unknown effect", { family: "x", program: [{ names: ["a"], effects: ["explode"] }] }, /unknown effect `explode`/],
    ["effect without its word", { family: "x", program: [{ names: ["a"], effects: ["write"] }] }, /needs a word/],
    ["described twice", { family: "x", program: [{ names: ["a"] }, { names: ["a"] }] }, /already described/],
    ["subcommand twice", { family: "x", program: [{ names: ["a"], sub: [{ names: ["b"] }, { names: ["b"] }] }] }, /`b` is described twice/],
    ["bad style", { family: "x", program: [{ names: ["a"], style: "dos" }] }, /`style` must be one of/],
    ["code without language", { family: "x", program: [{ names: ["a"], operands: ["code"] }] }, /needs a language/],
  ];
  test.each(broken)("%s", (_name, data, message) => {
    expect(() => compileSpecs([{ file: "x.toml", data }])).toThrow(SpecError);
    expect(() => compileSpecs([{ file: "x.toml", data }])).toThrow(message);
  });
});

describe("options are read as getopt_long(3) reads them", () => {
  const { programs } = compileSpecs([
    {
      file: "t.toml",
      data: {
        family: "t",
        program: [
          { names: ["g"], options: ["-a --all", "-o --output F:write", "-n --number N", "-c --color [W]", "--outer", "-NUM"], operands: ["read*"] },
          { names: ["p"], style: "posix", options: ["-v"], operands: ["command…"] },
          { names: ["w"], style: "go", options: ["-o F:write", "-race"], operands: ["read*"] },
        ],
      },
    },
  ]);
  const own = { ...specs, programs: new Map([...specs.programs, ...programs]) };
  test.each([
    ["g -ao out x", "write out"],
    ["g -oout x", "write out"],
    ["g --output=out x", "write out"],
    ["g --output out x", "write out"],
    ["g --outp out x", "write out"],
    ["g --out x", "opaque unmodelled"],
    ["g x -o out", "write out"],
    ["g -- -o out", ""],
    ["g -c -o out", "write out"],
    ["g -cred x", ""],
    ["g -5 x", ""],
    ["g -z x", "opaque unmodelled"],
    ["g -az x", "opaque unmodelled"],
    ["g -o", "opaque unmodelled"],
    ["g --all=yes", "opaque unmodelled"],
    ["p -v rm x", "delete x"],
    ["p rm -v x", "delete x"],
    ["p -z rm x", "delete x | opaque unmodelled"],
    ["w -o out x", "write out"],
    ["w --o=out x", "write out"],
    ["w -race x", ""],
    ["w -r x", "opaque unmodelled"],
  ])("%s", async (cmd, expected) => {
    const { analyseText } = await import("../../src/analyse/index.ts");
    const { facts } = await import("./judge.ts");
    const found = words(analyseText(cmd, "bash", facts, own)).filter((word) => !word.startsWith("read "));
    expect(found.join(" | ")).toBe(expected);
  });
});
