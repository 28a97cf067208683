import { writeFileSync } from "node:fs";
import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";

/** What `scripts/test.mjs` prints last. `failed` also counts files that could not be loaded and errors outside of tests. */
export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number; readonly why: readonly string[] };

/** A vitest reporter that writes the counts of a run to the file named by VETSH_TEST_COUNTS. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env["VETSH_TEST_COUNTS"];
    if (file !== undefined) writeFileSync(file, JSON.stringify(count(modules, errors)));
  }
}

function count(modules: readonly TestModule[], errors: readonly SerializedError[]): Counts {
  const states = modules.flatMap((module) => [...module.children.allTests()].map((test: TestCase) => test.result().state));
  const number = (state: string): number => states.filter((each) => each === state).length;
  const unloaded = modules.filter((module) => module.errors().length > 0).map((module) => `${module.relativeModuleId} could not be loaded or set up`);
  const outside = errors.map((error) => `outside of a test: ${error.message}`);
  return {
    passed: number("passed"),
    // A test that never came to an end ("pending") did not pass.
    failed: number("failed") + number("pending") + unloaded.length + outside.length,
    skipped: number("skipped"),
    why: [...unloaded, ...outside],
  };
}
