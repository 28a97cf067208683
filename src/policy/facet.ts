import { EXEC_KINDS, LOSS_KINDS, OPAQUE_SEVERITIES, ZONES } from "../model/index.ts";
import type { Effect, EffectKind } from "../model/index.ts";
import type { Condition } from "./rule.ts";

/**
 * What most conditions ask first of an effect: the zone of its path, whose code it runs, what it loses, how little is known.
 * Rules are put under it when they are compiled, so that an effect is shown to few of them.
 * INVARIANT: only a shorter way to the same findings: `meets` asks again.
 */

/** In: a kind of effect. Out: every facet that an effect of that kind can have; none for kinds without. */
export function facetsOf(kind: EffectKind): readonly string[] {
  switch (kind) {
    case "read":
    case "write":
    case "delete":
      return ZONES;
    case "exec":
      return EXEC_KINDS;
    case "lose":
      return LOSS_KINDS;
    case "opaque":
      return OPAQUE_SEVERITIES;
    case "network":
    case "process":
    case "privilege":
    case "persist":
    case "secret":
    case "remote":
      return [];
  }
}

/** In: an effect. Out: its facet; undefined for kinds without. */
export function facetOf(effect: Effect): string | undefined {
  switch (effect.kind) {
    case "read":
    case "write":
    case "delete":
      return effect.path.zone;
    case "exec":
    case "lose":
      return effect.what;
    case "opaque":
      return effect.severity;
    case "network":
    case "process":
    case "privilege":
    case "persist":
    case "secret":
    case "remote":
      return undefined;
  }
}

/** In: a condition that can concern the kind, one of its facets. Out: false only when no effect with that facet meets it. */
export function mayMeetFacet(condition: Condition, kind: EffectKind, facet: string): boolean {
  switch (kind) {
    case "read":
    case "write":
    case "delete":
      return condition.zone?.some((zone) => zone === facet) ?? true;
    case "exec":
    case "lose":
      return condition.what?.some((glob) => glob.test(facet)) ?? true;
    case "opaque":
      return condition.severity?.some((severity) => severity === facet) ?? true;
    case "network":
    case "process":
    case "privilege":
    case "persist":
    case "secret":
    case "remote":
      return true;
  }
}
