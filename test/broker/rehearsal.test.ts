import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { InForce } from "../../src/broker/index.ts";
import { startRehearsal } from "../../src/broker/rehearsal.ts";
import { Rulebooks } from "../../src/broker/rulebook.ts";
import { LIMITS } from "../../src/model/index.ts";
import { until } from "../support/waiting.ts";

let base: string;
let inForce: InForce;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "vetsh-rehearsal-"));
  const shells = { bash: "/b", sh: "/b", zsh: "/b", dash: "/b" };
  inForce = new Rulebooks({ version: 1, root: base, home: base, config: join(base, "config"), managed: join(base, "managed"), node: "/n", app: resolve(import.meta.dirname, "../.."), shells }, Date.now, () => undefined).base();
});

afterAll(() => rmSync(base, { recursive: true }));

/** A rehearsal that counts its lines. */
function counted(isBusy: () => boolean): { lines: number; readonly stop: () => void; readonly done: Promise<void> } {
  const seen = { lines: 0 };
  return Object.assign(seen, startRehearsal(() => { seen.lines += 1; return inForce; }, isBusy));
}

test("begins when it is quiet, waits while a request is open, ends by itself", async () => {
  let busy = true;
  const seen = counted(() => busy);
  await sleep(LIMITS.rehearsalAfterMs * 1.5);
  expect(seen.lines).toBe(0);
  busy = false;
  await until(() => seen.lines > 0, "the first line");
  await seen.done;
  const ended = seen.lines;
  await sleep(200);
  expect(seen.lines).toBe(ended);
});

test("is stopped for good", async () => {
  const seen = counted(() => false);
  await until(() => seen.lines > 0, "the first line");
  seen.stop();
  await seen.done;
  const stopped = seen.lines;
  await sleep(200);
  expect(seen.lines).toBe(stopped);
});
