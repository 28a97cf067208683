import { existsSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { expectOneEndEach, lines } from "../support/records.ts";
import { until } from "../support/waiting.ts";

/** Shims that give up early: these tests see them do it. */
const installation: Installation = await install({ startMs: 2_500 });

afterAll(() => installation.remove());

beforeEach(() => installation.startBroker());

test("the socket is a file of something else: no broker starts, nothing runs", async () => {
  await installation.stopBroker();
  const path = join(installation.root, "run/shim.sock");
  rmSync(path, { force: true });
  writeFileSync(path, "not a socket");
  expect((await installation.run(["bash", "-c", "echo unjudged"])).code).toBe(126);
  rmSync(path);
  await installation.startBroker();
  expect(await installation.run(["bash", "-c", "echo judged"])).toMatchObject({ code: 0, stdout: "judged\n" });
});

test("the socket answers nobody: a hanging broker is not waited for beyond the limit, and what it finds later runs nothing", async () => {
  const pid = (await installation.brokerPid()) ?? 0;
  process.kill(pid, "SIGSTOP");
  const ran = await installation.run(["bash", "-c", "echo too late > too-late"]).finally(() => process.kill(pid, "SIGCONT"));
  expect(ran).toMatchObject({ code: 126, stdout: "" });
  expect(await installation.run(["bash", "-c", "echo awake"])).toMatchObject({ code: 0 });
  expect(existsSync(join(installation.workspace, "too-late"))).toBe(false);
});

test("the socket has a crowd before it that nobody serves: shims are denied, nothing hangs", async () => {
  const pid = (await installation.brokerPid()) ?? 0;
  process.kill(pid, "SIGSTOP");
  const crowd = Array.from({ length: 60 }, () => connect(join(installation.root, "run/shim.sock")).on("error", () => undefined));
  try {
    const all = await Promise.all(Array.from({ length: 5 }, (_, index) => installation.run(["bash", "-c", `echo crowd ${index}`])));
    expect(all.map(({ code }) => code)).toEqual(all.map(() => 126));
  } finally {
    for (const socket of crowd) socket.destroy();
    process.kill(pid, "SIGCONT");
  }
  expect(await installation.run(["bash", "-c", "echo quiet"])).toMatchObject({ code: 0 });
});

test("every request that was received has exactly one end", async () => {
  await until(() => lines(installation, "finished").length >= lines(installation, "received").length, "all ends");
  await expectOneEndEach(installation);
});
