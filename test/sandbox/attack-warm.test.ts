import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ATTACKS, READ_ONLY_ATTACKS, type Attack } from "./attacks.ts";
import { attempt } from "./attempt.ts";
import { insideWarm, PEOPLE, type Ask, type Box } from "./box.ts";

/** Every attack once more from a command that entered a sandbox which was there already: in the profiles that have warm ones. */
const PROFILES: readonly { readonly name: string; readonly ask: (box: Box) => Ask; readonly more: readonly Attack[] }[] = [
  { name: "workspace", ask: () => ({}), more: [] },
  { name: "read-only", ask: () => ({ claim: { sandbox: "read-only" } }), more: READ_ONLY_ATTACKS },
  { name: "workspace and a directory outside", ask: (box) => ({ claim: { sandbox: "custom", writable: [join(box.home, ".config/tool")] } }), more: [] },
];

describe.each(PEOPLE)("as $name", (person) => {
  describe.each(PROFILES)("$name", ({ ask, more }) => {
    test.each([...ATTACKS, ...more])("refused: $name", async (attack) => {
      expect(await attempt(attack, person, ask, (box, script, how) => insideWarm(box, script, how))).toBe(false);
    });
  });
});
