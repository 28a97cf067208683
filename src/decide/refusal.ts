import { LIMITS, escapeText } from "../model/index.ts";
import type { Decision, Effect } from "../model/index.ts";
import { leadingMatch } from "./decide.ts";

/**
 * In: a decision to refuse, the source text its span points into (undefined when there is none), the effects it was
 * judged by. Out: what the agent reads on standard error, without a final newline. The first line stands alone, because
 * some harnesses show only the beginning and no exit status. Nothing in it lets the agent approve itself: `vetsh approve`
 * works for a human only. Every piece of the command is escaped.
 */
export function refusalMessage(decision: Decision, source: string | undefined, effects: readonly Effect[]): string {
  const id = decision.approval?.outcome === "pending" ? decision.approval.id : undefined;
  const lines = [`vetsh: refused, nothing ran: ${decision.reason}`];
  const evidence = evidenceOf(decision, source, effects);
  if (evidence !== undefined) lines.push(`because of: ${evidence}`);
  if (decision.review?.error !== undefined) lines.push(`note: the reviewer could not answer (${short(decision.review.error)})`);
  if (decision.instead !== undefined) lines.push(`safer way: ${decision.instead}`);
  lines.push(...hints(decision, id));
  return lines.join("\n");
}

function hints(decision: Decision, id: string | undefined): readonly string[] {
  const stop = "hint: do not retry it, and do not reach the same effect in another way";
  if (id !== undefined) {
    return [`approve: only a person can, in a terminal of their own: vetsh approve ${short(id)}`, `${stop}; go on with something else, or end your turn and ask for the approval, then run exactly the same command once more`];
  }
  if (decision.approval?.outcome === "denied") return [`${stop}; follow what the person said, or ask them`];
  if (decision.evaluation.verdict === "deny") return [`${stop}; ${decision.instead === undefined ? "if it is needed, tell the person why and let them do it" : "take the safer way, or tell the person why it does not do"}`];
  return [`${stop}; ${decision.instead === undefined ? "tell the person what you need it for" : "take the safer way, or tell the person what you need it for"}`];
}

function evidenceOf(decision: Decision, source: string | undefined, effects: readonly Effect[]): string | undefined {
  const match = leadingMatch(decision.evaluation.matches, decision.evaluation.verdict);
  const effect = match?.effect === undefined ? undefined : effects[match.effect];
  const piece = decision.span === undefined ? "" : (source?.slice(decision.span.start, decision.span.end) ?? "");
  const parts = [piece === "" ? "" : `\`${short(piece)}\``, effect === undefined ? "" : describeEffect(effect)].filter((part) => part !== "");
  return parts.length === 0 ? undefined : parts.join(", which would ");
}

const ACTIONS: Readonly<Record<string, readonly [string, string]>> = {
  signal: ["signal", "other processes"],
  look: ["look at", "other processes"],
  service: ["start, stop or change", "services of this machine"],
  container: ["start, stop or change", "containers"],
  session: ["act on", "another session of the person's"],
  message: ["write to", "other people's terminals"],
  ptrace: ["look into", "other processes"],
};

/** In: an effect. Out: what it does, as the rest of a sentence that begins "this would". */
export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case "read":
      return `read ${place(effect.path.path)}`;
    case "write":
      return `write ${place(effect.path.path)}`;
    case "delete":
      return `delete ${place(effect.path.path)}${effect.recursive ? " and everything below it" : ""}`;
    case "exec":
      // A name of several words is a description of what starts it, no name of a program.
      if (/\s/.test(effect.name)) return effect.what === "program" ? `start a program of the line's choice (${short(effect.name)})` : `run ${EXEC_WORDS[effect.what].replace(/,$/, "")} (${short(effect.name)})`;
      return `run ${EXEC_WORDS[effect.what]}${effect.name === "" ? "" : ` \`${short(effect.name)}\``}`;
    case "network":
      return effect.direction === "in" ? "accept connections" : `${effect.sends ? "send data to" : "talk to"} ${effect.loopback ? "this machine" : effect.host === undefined ? "a host that is not known" : `\`${short(effect.host)}\``}`;
    case "process":
      return processWords(effect);
    case "privilege":
      return `gain privilege (${short(effect.via)})`;
    case "persist":
      return `leave something that runs later (${short(effect.via)})`;
    case "secret":
      return `read secrets${effect.path?.path !== undefined ? ` in ${place(effect.path.path)}` : effect.variable === undefined ? "" : effect.variable === "*" ? " in the whole environment" : /\s/.test(effect.variable) ? ` (${short(effect.variable)})` : ` in \`$${short(effect.variable)}\``}`;
    case "lose":
      return `lose ${LOSS_WORDS[effect.what]}${effect.target === undefined ? "" : ` (\`${short(effect.target)}\`)`}`;
    case "remote":
      return `change something elsewhere (${short(effect.what)}${effect.target === undefined ? "" : ` \`${short(effect.target)}\``})`;
    case "opaque":
      return `do what cannot be known (${short(effect.reason)})`;
  }
}

function processWords({ action, target }: Extract<Effect, { kind: "process" }>): string {
  const [verb, whom] = ACTIONS[action] ?? [`change the ${short(action)} of`, "other processes"];
  if (target === undefined) return `${verb} ${whom}`;
  return action === "signal" || action === "look" ? `${verb} \`${short(target)}\`` : `${verb} ${whom} (\`${short(target)}\`)`;
}

const EXEC_WORDS: Readonly<Record<Extract<Effect, { kind: "exec" }>["what"], string>> = {
  workspace: "code of the workspace",
  help: "the help of a program that no spec describes,",
  inline: "code given in the line",
  package: "code of a package",
  download: "code from a download",
  stdin: "whatever comes in on standard input",
  program: "a program that no spec describes,",
  remote: "code on another machine",
};

const LOSS_WORDS: Readonly<Record<Extract<Effect, { kind: "lose" }>["what"], string>> = {
  uncommitted: "work that is not committed",
  untracked: "files that git does not know",
  commits: "commits",
  stash: "stashed work",
  "remote-ref": "commits that others may have",
  database: "rows or tables of a database",
  volume: "a volume",
  disk: "a disk",
  history: "the command history",
  log: "logs",
  resource: "a resource elsewhere",
  availability: "the machine's availability",
};

function place(path: string | undefined): string {
  return path === undefined ? "a path that is not known" : `\`${short(path)}\``;
}

function short(text: string): string {
  return escapeText(text, { maxLength: LIMITS.shownPiece });
}
