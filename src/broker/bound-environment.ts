import { CALLS } from "./identity.ts";

/** Variables that a shell or an agent sets anew for each command, and that say nothing about what it does. */
const PASSING: ReadonlySet<string> = new Set(["_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "TRACEPARENT", "TRACESTATE", "BAGGAGE", ...CALLS]);

/**
 * In: the environment that a command inherits, and the words that its shell is started with. Out: the variables that an approval of it binds to, by name.
 * SECURITY: `rm -r "$DIR"`, `terraform destroy` and `make deploy` are other commands with other variables: an agent that was told yes for one set
 * of them could run them with another. What changes with each call is left out, unless the text itself names it.
 */
export function boundEnvironment(env: ReadonlyMap<string, string>, argv: readonly string[]): readonly (readonly [string, string])[] {
  const bound = [...env].filter(([name]) => !(PASSING.has(name) || name.startsWith("VETSH_")) || argv.some((word) => word.includes(`$${name}`) || word.includes(`{${name}`)));
  return bound.sort(([one], [other]) => (one < other ? -1 : 1));
}
