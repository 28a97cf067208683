import { resolve } from "node:path";
import { expect, test } from "vitest";
import { harnessOf } from "../../src/broker/identity.ts";
import { loadPlaces } from "../../src/config/index.ts";
import { LIMITS, type Layout } from "../../src/model/index.ts";

const { harnesses, registries, problems } = loadPlaces({ app: resolve(import.meta.dirname, "../..") } as Layout);

test("every agent is told by its own variables, and none is held longer than a question lives", () => {
  expect(problems).toEqual([]);
  expect(harnesses.length).toBeGreaterThan(5);
  expect(new Set(harnesses.flatMap(({ variables }) => variables)).size).toBe(harnesses.flatMap(({ variables }) => variables).length);
  for (const { holdMs } of harnesses) expect(holdMs).toBeLessThanOrEqual(LIMITS.pendingMs);
  expect(registries.length).toBeGreaterThan(3);
});

test.each([["cline", "CLINE_CONNECTOR_CLI_LAUNCH", 25_000], ["claude-code", "CLAUDECODE", 100_000]])("%s", (agent, variable, holdMs) => {
  expect(harnessOf(new Map([[variable, ""]]), harnesses)).toMatchObject({ agent, holdMs });
});

test("an agent that nobody knows", () => {
  expect(harnessOf(new Map([["HOME", "/home/dev"]]), harnesses)).toBeUndefined();
});
