/** A host on which no sandbox works: everything of vetsh runs where new user namespaces are forbidden, as in many containers. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { lifeOf } from "../support/records.ts";

const HERE = ["--dev-bind", "/", "/", "--unshare-user", "--disable-userns", "--"];
let installation: Installation;
beforeAll(async () => {
  installation = await install();
  execFileSync("/usr/bin/bwrap", [...HERE, join(installation.root, "libexec/vetsh-start")]);
});
afterAll(() => installation.remove());

test("what only reads no secret runs, and its record says that nothing held it", async () => {
  expect(await installation.run(["bash", "-c", "cat README"])).toMatchObject({ code: 0, stdout: "hello\n" });
  expect(lifeOf(installation, "cat README")["decided"]).toMatchObject({ final: "run", authority: { sandbox: "none" } });
});

test.each(["echo new > made", "node -e 1", "make", "cat README | sort > made"])("%s leaned on the sandbox: it is not run because nothing holds it", async (line) => {
  const ran = await installation.run(["bash", "-c", line]);
  expect(ran).toMatchObject({ code: 126, stdout: "" });
  expect(ran.stderr).toContain("no sandbox");
  expect(existsSync(join(installation.workspace, "made"))).toBe(false);
  const { verdict, rules } = lifeOf(installation, line)["decided"] as unknown as { verdict: string; rules: { id: string }[] };
  expect(verdict).toBe("review");
  expect(rules.map(({ id }) => id)).toContain("no-sandbox");
});

test("the doctor says what is missing and what to do, and does not call it well", () => {
  const { layout, root, workspace } = installation;
  const ran = spawnSync("/usr/bin/bwrap", [...HERE, layout.node, join(root, "app/dist/cli/main.js"), "--root", root, "doctor"], { cwd: workspace, encoding: "utf8", env: { PATH: "/usr/bin:/bin" } });
  expect(ran.status).toBe(1);
  expect(ran.stdout).toMatch(/sandbox .*namespaces/);
  expect(ran.stdout).toMatch(/hint: switch the other sandbox off/);
});

test("`vetsh check` says the same as execution", async () => {
  const { layout, root, workspace } = installation;
  const ran = spawnSync("/usr/bin/bwrap", [...HERE, layout.node, join(root, "app/dist/cli/main.js"), "--root", root, "check", "--", "echo new > made"], { cwd: workspace, encoding: "utf8", env: { PATH: "/usr/bin:/bin" } });
  expect(ran).toMatchObject({ status: 3 });
  expect(ran.stdout).toMatch(/^review: this host has no sandbox/);
});
