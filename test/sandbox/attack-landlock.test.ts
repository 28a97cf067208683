import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { probeReading } from "../../src/sandbox/index.ts";
import { ATTACKS, READ_ONLY_ATTACKS } from "./attacks.ts";
import { attemptAll, inGroups } from "./attempt.ts";
import { insideReading, makeBox, PEOPLE, removeBox } from "./box.ts";

/** What Landlock does not hide: names, and what may be seen of other processes. Nothing of it can be opened or reached. */
const SEEN: readonly string[] = ["sockets of the machine's services", "block devices of the host", "a route to anywhere", "any file of /proc/sys"];

describe.each(PEOPLE)("as $name", (person) => {
  test("this kernel holds what only reads", async () => {
    const box = makeBox(PEOPLE[0]!);
    try {
      expect(await probeReading({ scratch: box.base, bash: "/bin/bash", init: join(box.root, "libexec/vetsh-init") })).toBeUndefined();
    } finally {
      removeBox(box);
    }
  });

  test.each(inGroups([...ATTACKS, ...READ_ONLY_ATTACKS].filter(({ name }) => !SEEN.includes(name))))("refused by Landlock: $name", async ({ group }) => {
    expect(await attemptAll(group, person, () => ({}), insideReading)).toEqual([]);
  });

  test("ordinary reading is not in the way of it", async () => {
    const box = makeBox(person);
    try {
      const script = "cat README.md; git log --format=%s; git status --short -uno; ls $H | wc -l; grep -rc hello README.md | sort; x=$(cat <<< here); echo $x; echo said > /dev/stderr; echo gone > /dev/null; bash -c 'echo nested'; python3 -c 'print(1 + 1)'; cat $H/.config/tool/settings";
      expect(await insideReading(box, script)).toMatchObject({ code: 0, out: "hello\nfirst\n1\n1\nhere\nnested\n2\nordinary\n" });
    } finally {
      removeBox(box);
    }
  });
});
