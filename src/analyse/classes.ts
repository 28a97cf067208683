import { CLASSES, type Effect, type EffectClass } from "../model/index.ts";

/** The words a user thinks in: the only place where effects are summed up. */
export function classesOf(effects: readonly Effect[]): readonly EffectClass[] {
  const found = new Set<EffectClass>();
  for (const effect of effects) for (const one of classOf(effect)) found.add(one);
  if (found.size === 0) found.add("read-only");
  return CLASSES.filter((name) => found.has(name));
}

function classOf(effect: Effect): readonly EffectClass[] {
  switch (effect.kind) {
    case "read":
      return [];
    case "write":
      return effect.path.zone === "null" ? [] : [effect.path.zone === "workspace" ? "write-workspace" : "write-outside"];
    case "delete": {
      const where: EffectClass = effect.path.zone === "workspace" ? "write-workspace" : "write-outside";
      const regenerable = effect.path.flags.includes("artefact") || effect.path.zone === "tmp";
      return regenerable || (!effect.recursive && !effect.path.flags.includes("glob") && effect.path.zone === "workspace") ? [where] : [where, "destructive"];
    }
    case "exec":
      return ["exec-code"];
    case "network":
      return ["network"];
    case "process":
      return effect.action === "look" ? [] : ["write-outside"];
    case "privilege":
      return ["privilege"];
    case "persist":
      return ["persist", "destructive"];
    case "secret":
      return ["secret"];
    case "lose":
      return ["destructive"];
    case "remote":
      return ["network"];
    case "opaque":
      return ["opaque"];
  }
}
