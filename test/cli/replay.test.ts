/** What the journal says when it is judged again, and what it says about questions. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { STAND_INS } from "../support/rules.ts";

let installation: Installation;
let own = "";

beforeAll(async () => {
  installation = await install();
  own = join(installation.layout.config, "rules/stand-ins.toml");
  writeFileSync(own, STAND_INS);
  await installation.startBroker();
  for (const line of ["touch plain", "touch asked-one", "touch asked-one", "echo forbidden", "echo ghp_0123456789abcdefghijABCDEFGHIJ0123456789"]) await installation.run(["bash", "-c", line]);
  const { questions } = (await installation.control({ op: "questions" })) as { questions: { id: string }[] };
  await installation.control({ op: "answer", id: questions[0]?.id ?? "", answer: "yes", keep: "session" });
  await installation.run(["bash", "-c", "touch asked-one"]);
});

afterAll(() => installation.remove());

test("by the rules in force nothing is different, and what was redacted is not judged", async () => {
  expect(await installation.vetsh(["replay"])).toMatchObject({ code: 0, stderr: "", stdout: "5 judged again, 0 differently: 0 looser, 0 stricter; skipped: 1 redacted\n" });
});

test("by stricter rules of a file", async () => {
  const file = join(installation.workspace, "stricter.toml");
  writeFileSync(file, STAND_INS.slice(STAND_INS.indexOf("[[rule]]", 20), STAND_INS.lastIndexOf("[[rule]]")).replace("stand-in-ask", "plain-ask").replaceAll("asked", "plain"));
  const asked = await installation.vetsh(["replay", "--rules", file]);
  expect(asked).toMatchObject({ code: 1, stdout: " allow → ask       1×  touch plain  (plain-ask)\n5 judged again, 1 differently: 0 looser, 1 stricter; skipped: 1 redacted\n" });
  const json = (await installation.vetsh(["replay", "--json", "--rules", file])).stdout.trim().split("\n").map((line) => JSON.parse(line) as object);
  expect(json).toMatchObject([{ before: "allow", after: "ask", cmd: "touch plain", count: 1 }, { judged: 5, changed: 1, looser: 0, stricter: 1, skipped: { redacted: 1 } }]);
  rmSync(file);
});

test("without the rules that stopped them lines are looser, the widest step first", async () => {
  rmSync(own);
  const { stdout } = await installation.vetsh(["replay", "--since", "1h"]);
  expect(stdout).toBe("  deny → allow     1×  echo forbidden\n   ask → allow     3×  touch asked-one  (write-workspace)\n5 judged again, 4 differently: 4 looser, 0 stricter; skipped: 1 redacted\n");
  writeFileSync(own, STAND_INS);
});

test.each([[["replay", "--since", "soon"], /takes a number and a unit/], [["replay", "--rules", "/nothing/there"], /cannot be read: ENOENT/], [["stats", "--since", "0d"], /takes a number and a unit/]])("%j: what is wrong and what to do", async (args, message) => {
  expect(await installation.vetsh(args)).toMatchObject({ stdout: "", stderr: expect.stringMatching(message) as string });
});

test("a file that cannot be used is named with its line", async () => {
  const file = join(installation.workspace, "broken.toml");
  writeFileSync(file, '[[rule]]\nid = "x"\n');
  expect((await installation.vetsh(["replay", "--rules", file])).stderr).toMatch(/broken\.toml:1: .*\nhint: /);
  rmSync(file);
});

test("questions are counted, with who caused them and what a yes saved", async () => {
  const found = JSON.parse((await installation.vetsh(["stats", "--json"])).stdout) as object;
  expect(found).toMatchObject({
    commands: 6, questions: 2, answered: { yes: 0, no: 0, pending: 2 }, repeats: 1, byGrants: 1, perHundred: 33.3,
    rules: [{ id: "stand-in-ask", questions: 2, yes: 0 }],
  });
  expect((await installation.vetsh(["stats"])).stdout).toMatch(/^6 commands in \d hours? with work in them, 2 questions: /);
});
