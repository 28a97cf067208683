import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ATTACKS, READ_ONLY_ATTACKS, type Attack } from "./attacks.ts";
import { attemptAll, inGroups } from "./attempt.ts";
import { insideWarm, PEOPLE, type Ask, type Box, type Person } from "./box.ts";

/** Every attack once more from a command that entered a sandbox which was there already: in the profiles that have warm ones. */
const PROFILES: readonly { readonly name: string; readonly ask: (box: Box) => Ask; readonly more: readonly Attack[]; readonly people: readonly Person[] }[] = [
  { name: "workspace", ask: () => ({}), more: [], people: PEOPLE },
  { name: "read-only", ask: () => ({ claim: { sandbox: "read-only" } }), more: READ_ONLY_ATTACKS, people: PEOPLE },
  { name: "workspace and a directory outside", ask: (box) => ({ claim: { sandbox: "custom", writable: [join(box.home, ".config/tool")] } }), more: [], people: PEOPLE },
];

describe.each(PROFILES)("$name", ({ ask, more, people }) => {
  describe.each(people)("as $name", (person) => {
    test.each(inGroups([...ATTACKS, ...more]))("refused: $name", async ({ group }) => {
      expect(await attemptAll(group, person, ask, (box, script, how) => insideWarm(box, script, how))).toEqual([]);
    });
  });
});
