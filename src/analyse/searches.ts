import type { SimpleCommand } from "../model/index.ts";
import type { State } from "./state.ts";
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

/** Names of variables that hold a credential. */
const HOLDS = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY)(?:_|$)/i;

export function holdsCredential(name: string): boolean {
  return HOLDS.test(name);
}

/** `echo $DEPLOY_TOKEN`: an inherited variable is shown. Its length, and whether it is set, say nothing. */
export function shown(command: SimpleCommand, name: string | undefined, state: State, context: Context): void {
  if (name !== "echo" && name !== "printf" && name !== "print") return;
  for (let at = 0; at < command.words.length; at += 1) {
    const word = command.words[at]!;
    if (word.kind !== "word" || (word.parts.length === 1 && word.parts[0]!.kind === "literal")) continue;
    for (const part of word.parts) {
      if (part.kind !== "parameter" || part.length || !HOLDS.test(part.name) || state.variables.has(part.name)) continue;
      if (part.operation?.kind === "default" && part.operation.operator.endsWith("+")) continue;
      context.add({ kind: "secret", path: undefined, variable: part.name }, part.span, `shell/${name}`);
    }
  }
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
