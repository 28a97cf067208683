/** Fields that rules of both tables have. In: a TOML value. Out: what it says. All throw ConditionError with the fix. */
import { VERDICTS } from "../model/index.ts";
import type { Tier, Verdict } from "../model/index.ts";
import { ConditionError, strings } from "./condition.ts";

const ID = /^[a-z0-9]+(?:[-/.][a-z0-9]+)*$/;

/** A rule's name. */
export function readId(value: unknown): string {
  if (typeof value === "string" && value.length <= 100 && ID.test(value)) return value;
  throw new ConditionError("`id` is missing or not made of lower-case letters, digits and single hyphens", "write `id = \"what-it-is-about\"`");
}

/** `allow`, `review`, `ask` or `deny`. */
export function readDecision(value: unknown): Verdict {
  const found = VERDICTS.find((verdict) => verdict === value);
  if (found === undefined) throw new ConditionError("`decision` is missing or unknown", `one of: ${VERDICTS.join(", ")}`);
  return found;
}

/** Whether only managed policy lifts it. */
export function readFixed(value: unknown, tier: Tier): boolean {
  if (value === undefined) return false;
  if (typeof value !== "boolean") throw new ConditionError("`fixed` is not true or false", "write `fixed = true`");
  if (value && tier !== "built-in" && tier !== "managed") throw new ConditionError("`fixed` belongs to built-in and managed rules", "remove `fixed`");
  return value;
}

/** Words for people; `hint` says what to write. */
export function readText(value: unknown, key: string, hint: string): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new ConditionError(`\`${key}\` is missing or not text`, hint);
}

/** The examples of a rule, at least one of each kind. */
export function readExamples(value: unknown, key: "match" | "not_match"): readonly string[] {
  const list = value === undefined ? [] : Array.isArray(value) ? strings(value, key) : undefined;
  if (list === undefined) throw new ConditionError(`\`${key}\` is not a list of examples`, `write \`${key} = ["…"]\``);
  if (list.length === 0) throw new ConditionError(`the rule has no \`${key}\` example`, `add one that it ${key === "match" ? "matches" : "must not match"}; examples are checked whenever the rule is loaded`);
  return list;
}

/** In: a TOML value. Out: whether it is a table. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
