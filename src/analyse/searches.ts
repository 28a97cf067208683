import type { Call } from "./call.ts";
import type { Arguments } from "./specs/arguments.ts";
import { isKnown, only } from "./value.ts";
import type { Context } from "./context.ts";

/** Names by which one looks for credentials. */
const WANTED = /secret|token|passw|passphrase|credential|private|api.?key|access.?key|_key\b|\bkey\b|\bauth|aws_|\bpat\b|dsn|pwd/i;

/** printenv(1): the variables it is asked for. */
export function variables(args: Arguments, call: Call): void {
  for (const name of args.operands) if (name.texts.some((text) => WANTED.test(text))) call.add({ kind: "secret", path: undefined, variable: only(name) ?? "?" });
}

/** Programs that pick lines of what comes in. */
const PICKS = /^(?:[efzg]?grep|rg|ag|ack|sed|gsed|g?awk|mawk|perl|look)$/;

/**
 * The whole environment printed is what the sandbox leaves of it; printed to be searched for credentials it is a try to get
 * them. In: an analysis that is complete. Adds: one `secret` effect for each such search.
 */
export function findSearches(context: Context): void {
  if (!context.effects.some((effect) => effect.kind === "secret" && effect.variable === "*")) return;
  for (const { words, span } of context.commands) {
    if (!words[0]?.some((name) => PICKS.test(name.slice(name.lastIndexOf("/") + 1)))) continue;
    const wanted = words.slice(1).find((texts) => texts?.some((text) => !isKnown(text) || WANTED.test(text)));
    if (wanted !== undefined) context.add({ kind: "secret", path: undefined, variable: wanted.find((text) => WANTED.test(text)) ?? "?" }, span, "search");
  }
}
