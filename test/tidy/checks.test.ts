import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

/** Runs one tool of node_modules under the Node that runs this. */
function run(...argv: readonly string[]): { readonly status: number | null; readonly output: string } {
  const result = spawnSync(process.execPath, argv, { encoding: "utf8", env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
  return { status: result.status, output: `${result.stdout}${result.stderr}` };
}

test("sources compile", { timeout: 120_000 }, () => {
  const listed = run("node_modules/typescript/bin/tsc", "--noEmit", "--listFilesOnly", "-p", ".");
  expect(listed.output.split("\n").filter((line) => line.includes("/src/")).length).toBeGreaterThan(100);
  const result = run("node_modules/typescript/bin/tsc", "--noEmit", "-p", ".");
  expect(result).toEqual({ status: 0, output: "" });
});

test("tests, benchmarks and scripts compile", { timeout: 120_000 }, () => {
  const result = run("node_modules/typescript/bin/tsc", "-p", "test/tsconfig.json");
  expect(result).toEqual({ status: 0, output: "" });
});

test("the linter finds nothing", { timeout: 120_000 }, () => {
  const result = run("node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings", "src", "test", "scripts", "bench");
  const files = Number(/on (\d+) files/.exec(result.output)?.[1] ?? 0);
  expect({ status: result.status, output: result.status === 0 ? "" : result.output }).toEqual({ status: 0, output: "" });
  expect(files === 0 ? result.output : files).toBeGreaterThan(150);
});
