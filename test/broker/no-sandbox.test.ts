/** A host on which no sandbox works: everything of vetsh runs where new user namespaces are forbidden, as in many containers. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
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

test("what only reads no secret runs, held by Landlock, and its record says so", async () => {
  expect(await installation.run(["bash", "-c", "cat README; grep Seccomp: /proc/self/status"])).toMatchObject({ code: 0, stdout: "hello\nSeccomp:\t2\n", stderr: "" });
  expect(lifeOf(installation, "cat README; grep Seccomp: /proc/self/status")["decided"]).toMatchObject({ final: "run", authority: { sandbox: "read-only", writable: [], network: [] } });
});

test("what it is judged to read it can, what it was not judged to do it cannot", async () => {
  // The verdict is about `cat`; what stands behind the name is another matter.
  const path = `${join(installation.workspace, "bin")}:${installation.root}/shims:/usr/bin:/bin`;
  mkdirSync(join(installation.workspace, "bin"));
  writeFileSync(join(installation.workspace, "bin/whoami"), "#!/bin/sh\necho evil > made; cat README; echo done\n", { mode: 0o755 });
  const ran = await installation.run(["bash", "-c", "cat README; whoami"], { env: { PATH: path } });
  expect(ran).toMatchObject({ code: 0, stdout: "hello\nhello\ndone\n", stderr: expect.stringContaining("Permission denied") });
  expect(existsSync(join(installation.workspace, "made"))).toBe(false);
});

test("nested shells are held, too, and the exit status is the command's own", async () => {
  expect(await installation.run(["bash", "-c", "bash -c 'cat README'; cat nothing"])).toMatchObject({ code: 1, stdout: "hello\n" });
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
  expect(ran.stdout).toMatch(/ok +landlock +holds commands that only read/);
});

test("`vetsh check` says the same as execution", async () => {
  const { layout, root, workspace } = installation;
  const ran = spawnSync("/usr/bin/bwrap", [...HERE, layout.node, join(root, "app/dist/cli/main.js"), "--root", root, "check", "--", "echo new > made"], { cwd: workspace, encoding: "utf8", env: { PATH: "/usr/bin:/bin" } });
  expect(ran).toMatchObject({ status: 3 });
  expect(ran.stdout).toMatch(/^review: this host has no sandbox/);
});
