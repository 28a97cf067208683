import { existsSync, linkSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findPlanted, survey } from "../../src/sandbox/index.ts";
import { attempt, attemptAll } from "./attempt.ts";
import { ATTACKS, READ_ONLY_ATTACKS, connectTo } from "./attacks.ts";
import { bare, hostProbe, inside, listenIn, makeBox, PEOPLE, removeBox, type Box } from "./box.ts";

test("the host can sandbox at all", async () => {
  expect(await hostProbe()).toMatchObject({ sandboxed: true, gaps: [] });
  expect(ATTACKS.length).toBeGreaterThanOrEqual(40);
});

describe.each(PEOPLE)("as $name", (person) => {
  test.each(ATTACKS)("refused: $name", async (attack) => {
    expect(await attempt(attack, person, () => ({}), inside)).toBe(false);
  });

  test.each(READ_ONLY_ATTACKS)("refused when read-only: $name", async (attack) => {
    expect(await attempt(attack, person, () => ({ claim: { sandbox: "read-only" } }), inside)).toBe(false);
  });

  test.each([...ATTACKS, ...READ_ONLY_ATTACKS].filter((attack) => attack.bare !== "no"))("works without a sandbox: $name", async (attack) => {
    const worked = await attempt(attack, person, () => ({}), bare);
    if (attack.bare === "machine" && !worked) return;
    expect(worked).toBe(true);
  });

  test("attacks that are made in one go are told apart", async () => {
    const some = ATTACKS.filter(({ name }) => ["a new file outside", "secrets in the environment", "gaining privileges by set-user-id"].includes(name));
    expect(await attemptAll(some, person, () => ({}), bare)).toEqual(some.map(({ name }) => name));
    expect(some).toHaveLength(3);
  });

  test("a sandboxed command that signals its own group reaches nobody outside", async () => {
    const box = makeBox(person);
    try {
      // The outer shell is in the group that started bubblewrap; it must live to say so.
      const run = await inside(box, "kill -TERM 0; sleep 1; echo alive");
      expect(run.signal).toBeNull();
    } finally {
      removeBox(box);
    }
  });
});

/** What is known not to hold. Each row fails when it begins to hold. */
describe("known gaps", () => {
  const person = PEOPLE[0]!;
  const withBox = async (use: (box: Box) => Promise<void>): Promise<void> => {
    const box = makeBox(person);
    try {
      await use(box);
    } finally {
      removeBox(box);
    }
  };

  test.fails("a unix socket in an ordinary directory of the home is refused (only the network namespace and the masks stop sockets)", () => withBox(async (box) => {
    const server = await listenIn(box, "home/.config/tool/service.sock");
    try {
      expect((await inside(box, connectTo("$ENV{H}/.config/tool/service.sock"))).out).not.toContain("TOOK");
    } finally {
      server.close();
    }
  }));

  // PTRACE_SEIZE, which stops nobody. Process 1 is bubblewrap's own, started before the system call filter.
  test("process 1, which has no system call filter, cannot be traced", () => withBox(async (box) => {
    expect((await inside(box, `perl -e 'print "TOOK" if syscall(101, 0x4206, 1, 0, 0) == 0'`)).out).not.toContain("TOOK");
  }));

  (process.getuid?.() === 0 ? test.fails : test)("modes of devices belong to nobody inside (root owns the host's own)", () => withBox(async (box) => {
    // The mode that it has already.
    expect((await inside(box, "chmod 666 /dev/null && echo TOOK")).out).not.toContain("TOOK");
  }));

  test.fails("a protected name that does not exist cannot be made (there is nothing to mount on)", () => withBox(async (box) => {
    rmSync(join(box.workspace, ".vscode"), { recursive: true });
    await inside(box, "mkdir .vscode; echo evil > .vscode/tasks.json");
    expect(existsSync(join(box.workspace, ".vscode/tasks.json"))).toBe(false);
  }));

  test.fails("a .git/commondir cannot be planted (git would read hooks and configuration elsewhere)", () => withBox(async (box) => {
    await inside(box, "echo ../evil > .git/commondir");
    expect(existsSync(join(box.workspace, ".git/commondir"))).toBe(false);
  }));

  test.fails("a second name of a protected file, made before, does not write through", () => withBox(async (box) => {
    linkSync(join(box.workspace, ".git/config"), join(box.workspace, "second"));
    await inside(box, "echo '# evil' >> second");
    expect(readFileSync(join(box.workspace, ".git/config"), "utf8")).not.toContain("evil");
  }));

  test.fails("a protected directory that is a link cannot be exchanged", () => withBox(async (box) => {
    renameSync(join(box.workspace, ".husky"), join(box.workspace, "husky"));
    symlinkSync("husky", join(box.workspace, ".husky"));
    await inside(box, "rm .husky; mkdir .husky; echo evil > .husky/pre-commit");
    expect(existsSync(join(box.workspace, ".husky/pre-commit")) && readFileSync(join(box.workspace, ".husky/pre-commit"), "utf8")).not.toContain("evil");
  }));

  test("what could not be kept from happening is found afterwards", () => withBox(async (box) => {
    rmSync(join(box.workspace, ".vscode"), { recursive: true });
    renameSync(join(box.workspace, ".husky"), join(box.workspace, "husky"));
    symlinkSync("husky", join(box.workspace, ".husky"));
    const before = survey({ workspace: box.workspace, cwd: box.workspace, home: box.home, guarded: [], writable: [], secrets: [] });
    expect(findPlanted(before)).toEqual([]);
    await inside(box, "mkdir .vscode; echo evil > .vscode/tasks.json; echo ../evil > .git/commondir; rm .husky; mkdir .husky");
    expect([...findPlanted(before)].sort()).toEqual([".git/commondir", ".husky", ".vscode"].map((name) => join(box.workspace, name)));
    expect(before.notes.some((note) => note.includes(".husky"))).toBe(true);
  }));
});
