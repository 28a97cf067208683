import type { Handover } from "../config/index.ts";
import { isWithin } from "../model/index.ts";
import { findPlanted, type Plan, type Survey } from "../sandbox/index.ts";
import { NOWHERE } from "./directories.ts";
import { Handovers, namedInTmp } from "./handover.ts";
import type { Judgement } from "./pipeline.ts";

/** What a command leaves that somebody should know of. */
export type Left = {
  /** Protected names that were not there before, or links that were exchanged: nothing could be mounted on them. */
  readonly planted: readonly string[];
  /** Those of them that were nothing before; the others are links that lead elsewhere now. */
  readonly fresh: readonly string[];
  /** Where that was. */
  readonly workspace: string;
  /** Files in /tmp that the agent does not see, because one of the user's own has that name. */
  readonly kept: readonly string[];
};

/** What is still to be done when a command has ended. `settle`: whether whoever started it relies on that. */
export type Aftermath = { readonly settle: boolean; readonly finish: () => Left };

const NOTHING: Left = { planted: [], fresh: [], workspace: "/", kept: [] };

/** Brings what a sandboxed command needs from around it, and takes back what it leaves. Only for the outermost command of a sandbox. */
export class Surroundings {
  readonly #data: { readonly handovers: readonly Handover[] };
  readonly #handovers = new Handovers();

  constructor(data: { readonly handovers: readonly Handover[] }) {
    this.#data = data;
  }

  /** In: a judged command, right before it starts; its plan, what existed when that was made, its own /tmp. Out: what is to be done after it. */
  prepare({ subject, facts, evaluation, analysis }: Judgement, plan: Plan, survey: Survey, sessionTmp: string): Aftermath {
    // What Landlock holds sees the host's own /tmp.
    const confined = plan.prefix.length > 0;
    if (!confined || sessionTmp === NOWHERE) return { settle: false, finish: () => NOTHING };
    const tmps = { host: "/tmp", session: sessionTmp };
    // What the line names relative to its directory is named, too.
    const resolved = [...analysis.effects.flatMap((effect) => ("path" in effect ? [effect.path?.path ?? ""] : [])), ...analysis.scripts.map(({ path }) => path)].filter((path) => path.startsWith("/tmp/"));
    const shown = [facts.workspace, facts.cwd, ...survey.kept, ...plan.authority.writable].filter((path) => path !== "/tmp");
    const named = namedInTmp([...subject.argv, ...resolved], this.#data.handovers, shown);
    const found = this.#handovers.bringIn(named, tmps);
    const writes = plan.authority.sandbox !== "read-only";
    return {
      settle: writes && named.some(({ goes }) => goes),
      finish: () => {
        if (!writes) return NOTHING;
        const claimed = (path: string): boolean => evaluation.claim.writable.some((one) => isWithin(path, one));
        const planted = findPlanted(survey).filter((path) => !claimed(path));
        const absent = new Set(survey.watched.filter(({ link }) => link === undefined).map(({ path }) => path));
        return { kept: this.#handovers.bringOut(named, found, tmps), planted, fresh: planted.filter((path) => absent.has(path)), workspace: survey.workspace };
      },
    };
  }
}
