import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { journalDirectory, verifyJournals } from "../../src/record/index.ts";
import { install, type Installation } from "../support/install.ts";
import { lines, received } from "../support/records.ts";

let installation: Installation;
beforeAll(async () => { installation = await install(); });
afterAll(() => installation.remove());

/** A limit of the kernel on the size of files stands for the disk: writes of the broker fail with EFBIG. */
async function withoutRoom<T>(work: () => Promise<T>): Promise<T> {
  const pid = String(await installation.brokerPid());
  expect(spawnSync("prlimit", ["--pid", pid, "--fsize=1:unlimited"]).status).toBe(0);
  try {
    return await work();
  } finally {
    spawnSync("prlimit", ["--pid", pid, "--fsize=unlimited:unlimited"]);
  }
}

const echo = (word: string): ReturnType<Installation["run"]> => installation.run(["bash", "-c", `echo ${word}`]);

test.each([["refuse"], ["run"]] as const)("when the disk is full, `journal.when_full = \"%s\"` holds, and afterwards the record is whole", async (setting) => {
  await installation.stopBroker();
  installation.configure(`[journal]\nwhen_full = "${setting}"\n`);
  expect(await echo(`before-${setting}`)).toMatchObject({ code: 0 });
  const ran = await withoutRoom(() => echo(`during-${setting}`));
  if (setting === "refuse") expect(ran).toMatchObject({ code: 126, stdout: "", stderr: expect.stringMatching(/^vetsh: refused, nothing ran/) });
  else expect(ran).toMatchObject({ code: 0, stdout: "during-run\n" });
  expect(await echo(`after-${setting}`)).toMatchObject({ code: 0 });
  await installation.stopBroker();
  expect(received(installation, `echo during-${setting}`)).toBeUndefined();
  expect(received(installation, `echo after-${setting}`)).toBeDefined();
  expect(lines(installation, "unrecorded")).toMatchObject(setting === "refuse" ? [] : [{ code: "EFBIG", count: 1, requests: [{ what: "request", sha256: createHash("sha256").update("echo during-run").digest("hex") }] }]);
  expect(verifyJournals(journalDirectory(join(installation.root, "state")))).toMatchObject({ ok: true });
});
