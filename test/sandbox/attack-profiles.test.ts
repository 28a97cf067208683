import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ATTACKS, READ_ONLY_ATTACKS, type Attack } from "./attacks.ts";
import { attempt } from "./attempt.ts";
import { inside, PEOPLE, type Ask, type Box } from "./box.ts";

/** The profiles beside plain `workspace`, which `attack.test.ts` tries, with what else each must refuse. That the attacks work where nothing stops them is shown there, too. */
const PROFILES: readonly { readonly name: string; readonly ask: (box: Box) => Ask; readonly more: readonly Attack[] }[] = [
  { name: "read-only", ask: () => ({ claim: { sandbox: "read-only" } }), more: READ_ONLY_ATTACKS },
  { name: "workspace and a directory outside", ask: (box) => ({ claim: { sandbox: "custom", writable: [join(box.home, ".config/tool")] } }), more: [] },
  { name: "workspace and a host", ask: () => ({ claim: { network: ["allowed.example"] } }), more: [] },
  { name: "read-only and a host", ask: () => ({ claim: { sandbox: "read-only", network: ["allowed.example"] } }), more: READ_ONLY_ATTACKS },
];

describe.each(PEOPLE)("as $name", (person) => {
  describe.each(PROFILES)("$name", ({ ask, more }) => {
    test.each([...ATTACKS, ...more])("refused: $name", async (attack) => {
      expect(await attempt(attack, person, ask, inside)).toBe(false);
    });
  });
});
