import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ATTACKS, READ_ONLY_ATTACKS, type Attack } from "./attacks.ts";
import { attemptAll, inGroups } from "./attempt.ts";
import { inside, PEOPLE, type Ask, type Box, type Person } from "./box.ts";

/** The profiles beside plain `workspace`, which `attack.test.ts` tries, with what else each must refuse. That the attacks work where nothing stops them is shown there, too. */
const PROFILES: readonly { readonly name: string; readonly ask: (box: Box) => Ask; readonly more: readonly Attack[]; readonly people: readonly Person[] }[] = [
  { name: "read-only", ask: () => ({ claim: { sandbox: "read-only" } }), more: READ_ONLY_ATTACKS, people: PEOPLE },
  { name: "workspace and a directory outside", ask: (box) => ({ claim: { sandbox: "custom", writable: [join(box.home, ".config/tool")] } }), more: [], people: PEOPLE },
  { name: "workspace and a host", ask: () => ({ claim: { network: ["allowed.example"] } }), more: [], people: PEOPLE },
  { name: "read-only and a host", ask: () => ({ claim: { sandbox: "read-only", network: ["allowed.example"] } }), more: READ_ONLY_ATTACKS, people: PEOPLE },
];

describe.each(PROFILES)("$name", ({ ask, more, people }) => {
  describe.each(people)("as $name", (person) => {
    test.each(inGroups([...ATTACKS, ...more]))("refused: $name", async ({ group }) => {
      expect(await attemptAll(group, person, ask, inside)).toEqual([]);
    });
  });
});
