/** Root's run of the undo tests once more in short, as an ordinary user: what is kept and brought back belongs to them. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { giveTo, install, type Installation } from "../support/install.ts";
import { PEOPLE } from "../sandbox/box.ts";

const RULE = `[[rule]]
id = "allow-deletes"
when = { effect = "delete", zone = "workspace" }
decision = "allow"
overrides = ["delete-tree", "delete-pattern"]
reason = "stands in for a yes"
match = ["rm -rf src"]
not_match = ["rm -rf ~/src"]
`;

const person = PEOPLE.at(-1) ?? { uid: 0, gid: 0 };

describe.runIf(process.getuid?.() === 0)("as an ordinary user", () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await install({ home: "own", as: person });
    writeFileSync(join(installation.layout.config, "rules/deletes.toml"), RULE);
    mkdirSync(join(installation.workspace, "src/deep"), { recursive: true });
    writeFileSync(join(installation.workspace, "src/a"), "mine\n", { mode: 0o640 });
    writeFileSync(join(installation.workspace, "src/deep/theirs"), "closed\n", { mode: 0o600 });
    giveTo(person, join(installation.workspace, "src"));
    giveTo(person, installation.layout.config);
    await installation.startBroker();
  });
  afterAll(() => installation.remove());

  test("what a line deletes comes back with mode and owner", async () => {
    const path = join(installation.workspace, "src/a");
    expect(await installation.run(["bash", "-c", "rm -rf src"])).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(path)).toBe(false);
    expect(await installation.vetsh(["undo", "--yes"])).toMatchObject({ code: 0 });
    expect(readFileSync(path, "utf8")).toBe("mine\n");
    expect(statSync(path)).toMatchObject({ uid: person.uid, gid: person.gid, mode: 0o100640 });
    expect(statSync(join(installation.workspace, "src/deep/theirs"))).toMatchObject({ uid: person.uid, mode: 0o100600 });
  });

  test("what belongs to somebody else is refused by the system, and nothing is lost", async () => {
    const path = join(installation.workspace, "roots");
    mkdirSync(path, { mode: 0o755 });
    writeFileSync(join(path, "file"), "root's\n");
    expect((await installation.run(["bash", "-c", "rm -rf roots"])).code).not.toBe(0);
    expect(readFileSync(join(path, "file"), "utf8")).toBe("root's\n");
  });
});
