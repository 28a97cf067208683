import { KEEPS } from "../model/index.ts";
import type { Keeper } from "./approvals.ts";
import type { RuleDesk } from "./rule-desk.ts";
import type { Rulebooks } from "./rulebook.ts";
import type { SessionGrants } from "./session-grants.ts";

/** In: where grants are kept, what settings hold. Out: who keeps a yes beyond one run. A workspace brings no settings: those of user and managed policy count. */
export function keeperOf(grants: SessionGrants, rulebooks: Rulebooks, rules: Pick<RuleDesk, "knows">): Keeper {
  return {
    channels: () => rulebooks.base().loaded.settings.approvals.channels,
    offers: ({ session, planHash }) => {
      const { widest } = rulebooks.base().loaded.settings.approvals;
      const may = (keep: "session" | "always"): boolean => KEEPS.indexOf(keep) <= KEEPS.indexOf(widest);
      return [...(session !== undefined && may("session") ? (["session"] as const) : []), ...(may("always") && rules.knows(planHash) ? (["always"] as const) : [])];
    },
    keep: ({ planHash, session, command, cwd }, by, channel) => {
      if (session === undefined) return;
      grants.add({ planHash, session, command, cwd, by }, channel, rulebooks.base().loaded.settings.approvals.sessionMs);
    },
  };
}
