import { defineConfig } from "vitest/config";

/**
 * The tests start real shells, sandboxes, terminals and brokers: each file gets a process of its own, and the time limits
 * are there to end a hang, not to measure anything. Nothing is retried: a test that fails now and then is a failing test.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["node_modules/**", "dist/**"],
    globalSetup: ["test/support/app.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    expect: { poll: { timeout: 10_000 } },
    retry: 0,
    passWithNoTests: false,
    allowOnly: !process.env["CI"],
    isolate: true,
  },
});
