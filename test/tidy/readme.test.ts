import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, stopBroker } from "../../bench/installation.ts";
import type { Layout } from "../../src/model/index.ts";
import { sources } from "./sources.ts";
import { APP } from "../support/app.ts";

/** A block that a reader could type: `$ command` lines, each with the output that follows it. */
type Example = { readonly file: string; readonly line: number; readonly command: string; readonly output: string };

const documents = sources(".", /\.md$/);
const examples = documents.flatMap((file) => [...file.text.matchAll(/^```sh test\n([\s\S]*?)^```$/gm)].flatMap((block) => readBlock(file.path, file.text.slice(0, block.index).split("\n").length, block[1] ?? "")));

function readBlock(file: string, line: number, block: string): readonly Example[] {
  const parts = block.split(/^\$ /m);
  if ((parts[0] ?? "") !== "") throw new Error(`${file}:${line}: an example begins with \`$ \``);
  return parts.slice(1).map((part) => {
    const [command = "", ...output] = part.split("\n");
    return { file, line, command, output: output.join("\n").trimEnd() };
  });
}

describe("examples in documents", () => {
  let scratch = "";
  let layout: Layout;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), "vetsh-readme-"));
    layout = install(scratch, "root", "");
    mkdirSync(join(scratch, "project", ".git"), { recursive: true });
  }, 120_000);
  afterAll(async () => {
    await stopBroker(layout);
    rmSync(scratch, { recursive: true, force: true });
  });

  test("there are some", () => {
    expect(examples.length).toBeGreaterThan(3);
  });

  test.each(examples.map((example) => [`${example.file}:${example.line}: ${example.command}`, example] as const))("%s", (_, { command, output }) => {
    // The reader's own shell is a plain one: it calls vetsh, and `bash` is the shim, as `vetsh env` would have it.
    const vetsh = `vetsh() { ${layout.node} ${layout.app}/dist/cli/main.js "$@"; }\nPATH=${layout.root}/shims:/usr/bin:/bin\n`;
    const result = spawnSync("/usr/bin/bash", ["-c", `${vetsh}${command}`], { cwd: join(scratch, "project"), encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: { PATH: "/usr/bin:/bin", HOME: layout.home, LANG: "C.UTF-8" } });
    const printed = `${result.stdout}${result.stderr}`.trimEnd();
    if (output.includes("…")) {
      // `…` stands for what differs from run to run.
      const pattern = output.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[^\n]*");
      expect(printed).toMatch(new RegExp(`^${pattern}$`));
    } else expect(printed).toBe(output);
  });
});

const PROGRAM = join(APP, "dist/cli/main.js");

test("the rules shown in documents hold", () => {
  const shown = documents.flatMap((file) => [...file.text.matchAll(/^```toml\n([\s\S]*?)^```$/gm)].map((block) => ({ path: file.path, toml: block[1] ?? "" })).filter(({ toml }) => /^match = /m.test(toml)));
  expect(shown.map(({ path }) => path)).toContain("README.md");
  const scratch = mkdtempSync(join(tmpdir(), "vetsh-shown-"));
  try {
    for (const [at, { path, toml }] of shown.entries()) {
      const file = join(scratch, `${at}.toml`);
      // Settings stand in another file than rules; a block may show both.
      writeFileSync(file, toml.slice(toml.search(/^\[\[(?:rule|network)\]\]/m)));
      const ran = spawnSync(process.execPath, [PROGRAM, "test", file], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
      expect({ path, said: ran.stderr, status: ran.status }).toEqual({ path, said: "", status: 0 });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test("every subcommand is in the README", () => {
  const help = spawnSync(process.execPath, [PROGRAM, "--help"], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  const names = [...help.stdout.matchAll(/^  ([a-z]+) {2,}/gm)].map((found) => found[1] ?? "").filter((name) => name !== "help");
  expect(names.length).toBeGreaterThan(8);
  const readme = readFileSync("README.md", "utf8");
  expect(names.filter((name) => !new RegExp(`\\b(?:vetsh )?${name}\\b`).test(readme))).toEqual([]);
  expect(names.filter((name) => !readme.includes(`vetsh ${name}`) && !readme.includes(`\`${name} ID\``))).toEqual([]);
});

test("links between documents lead somewhere", () => {
  let looked = 0;
  const broken = documents.flatMap((file) =>
    [...file.text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].flatMap((link) => {
      looked += 1;
      const target = normalize(join(dirname(file.path), link[1] ?? ""));
      return existsSync(target) ? [] : [`${file.path}: ${link[1]}`];
    }),
  );
  expect(looked).toBeGreaterThan(5);
  expect(broken).toEqual([]);
});

test("files and tests that documents name exist", () => {
  let looked = 0;
  const missing = documents
    .filter((file) => file.path !== "CHANGELOG.md")
    .flatMap((file) =>
      [...readFileSync(file.path, "utf8").matchAll(/`((?:src|test|rules|shims|scripts|bench|docs)\/[a-z0-9./-]+\.(?:ts|c|h|toml|md|sh|mjs))`/g)].flatMap((found) => {
        looked += 1;
        return existsSync(found[1] ?? "") ? [] : [`${file.path}: ${found[1]}`];
      }),
    );
  expect(looked).toBeGreaterThan(10);
  expect(missing).toEqual([]);
});
