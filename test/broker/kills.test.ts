import { afterAll, beforeAll, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { killAgainAndAgain } from "../support/kills.ts";

let installation: Installation;
beforeAll(async () => {
  installation = await install();
  await installation.startBroker();
});
afterAll(() => installation.remove());

test("a broker that is killed at twenty random points loses nothing that a shim was told, and each request ends once", async () => {
  const report = await killAgainAndAgain(installation, 20, Math.random);
  expect(report).toMatchObject({ kills: 20, lost: [], twice: [], endless: [], odd: [], verified: { ok: true, tornTail: 0 } });
  expect(report.acknowledged).toBeGreaterThan(20);
}, 180_000);
