import { afterAll, beforeAll, expect, test } from "vitest";
import { crowd, holdings } from "../support/crowd.ts";
import { install, type Installation } from "../support/install.ts";
import { expectOneEndEach, lines } from "../support/records.ts";
import { until } from "../shims/start-shim.ts";

let vetsh: Installation;
beforeAll(async () => {
  vetsh = await install();
  await vetsh.startBroker();
}, 60_000);
afterAll(() => vetsh.remove());

test("a hundred commands at once in eight claims: no mix-up of authority, and nothing is left over", async () => {
  const broker = (await vetsh.brokerPid()) ?? 0;
  // The first round makes what stays: sandboxes, and what the broker opens once.
  expect((await crowd(vetsh, 0.5)).wrong).toEqual([]);
  await until("all have ended", () => holdings(vetsh, broker).strangers === 0);
  const before = holdings(vetsh, broker);
  const report = await crowd(vetsh, 3);
  expect(report.wrong).toEqual([]);
  expect(report.commands).toBeGreaterThanOrEqual(100);
  expect([...report.rooms.values()]).toEqual(Array.from({ length: 8 }, () => 1));
  await until("all have ended", () => holdings(vetsh, broker).strangers === 0 && holdings(vetsh, broker).files <= before.files);
  expect(holdings(vetsh, broker)).toMatchObject({ rooms: 8, sockets: 0, mounts: before.mounts });
}, 120_000);

test("brokers killed in between: what runs finishes or is refused, nothing has more than its claim, and each request has one end", async () => {
  const report = await crowd(vetsh, 4, { killAfter: 60 });
  expect(report.wrong).toEqual([]);
  expect(report.killed).toBeGreaterThan(0);
  expect(report.commands).toBeGreaterThan(report.refused);
  await vetsh.startBroker();
  const broker = (await vetsh.brokerPid()) ?? 0;
  // An earlier broker's requests are given their end once nobody is left who could tell it.
  await until("all have an end", () => lines(vetsh, "finished").length >= lines(vetsh, "received").length);
  expect(lines(vetsh, "received").length).toBeGreaterThanOrEqual(report.commands - report.refused);
  await expectOneEndEach(vetsh);
  await until("what killed brokers made is gone", () => holdings(vetsh, broker).strangers === 0 && holdings(vetsh, broker).rooms <= 8);
}, 120_000);
