import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { personName } from "../../src/record/index.ts";
import { passing } from "../support/leftovers.ts";
import { visibleNode } from "../support/visible-node.ts";

test("who runs this has the name of the password database", () => {
  expect(personName()).toBe(userInfo().username);
});

test.runIf(process.getuid?.() === 0)("a user id that the password database does not know is a number", () => {
  const program = `${readFileSync("src/record/person.ts", "utf8")}\nconsole.log(personName());\n`;
  const place = passing(join(tmpdir(), "vetsh-person-"));
  chmodSync(place, 0o755);
  const ran = spawnSync(visibleNode(join(place, "bin")), ["--input-type=module-typescript", "-"], { input: program, encoding: "utf8", uid: 54321, gid: 54321, cwd: "/", env: {} });
  expect({ out: ran.stdout, status: ran.status }).toEqual({ out: "54321\n", status: 0 });
});
