import { randomUUID } from "node:crypto";
import { leadingMatch } from "../decide/index.ts";
import type { Claim, Decision, DecisionSource, Evaluation } from "../model/index.ts";

/** A command of ours that runs now: what it was given, for shells that it starts. */
export type RunningCommand = {
  readonly id: string;
  /** pid of the outermost shim, as the host knows it. */
  readonly pid: number;
  readonly claim: Claim;
  readonly source: DecisionSource;
  /** False when a human let it run without a sandbox. */
  readonly confined: boolean;
  /** Its lines are judged one by one, and people are asked about them. */
  readonly gated?: boolean;
};

/**
 * Commands that run now, by the token in their environment (VETSH_PERMIT).
 * SECURITY: a token alone gives nothing. A nested request skips a sandbox of its own only when it comes in through the
 * socket that is mounted inside sandboxes (then it is confined whatever it says), or names a command that a human let run
 * without a sandbox. A token that leaks to another sandbox changes the record's parent, not what that sandbox can do.
 * It is valid only while its command runs.
 */
export class RunningCommands {
  readonly #byToken = new Map<string, RunningCommand>();

  /** Out: the token for the command's environment. */
  add(command: RunningCommand): string {
    const token = randomUUID().replaceAll("-", "");
    this.#byToken.set(token, command);
    return token;
  }

  /** Lines of this shell are judged one by one: shells that they start may be gated, too. */
  gate(token: string): void {
    const command = this.#byToken.get(token);
    if (command !== undefined) this.#byToken.set(token, { ...command, gated: true });
  }

  remove(token: string): void {
    this.#byToken.delete(token);
  }

  find(token: string | undefined): RunningCommand | undefined {
    return token === undefined ? undefined : this.#byToken.get(token);
  }

  get size(): number {
    return this.#byToken.size;
  }
}

/** Where a request comes from: the host's side, or the inside of a sandbox (with the command around it, if that is known). */
export type Origin = { readonly kind: "outer" } | { readonly kind: "nested"; readonly around: RunningCommand | undefined };

/** In: which socket, the token it carries. Out: where the request comes from. */
export function originOf(socket: "outer" | "inner", token: string | undefined, running: RunningCommands): Origin {
  const around = running.find(token);
  if (socket === "inner") return { kind: "nested", around };
  return around !== undefined && !around.confined ? { kind: "nested", around } : { kind: "outer" };
}

/**
 * Decides about a shell inside a running command. It gets no sandbox of its own: the one around it holds it.
 * INVARIANT: deny rules hold; beyond what the command around it was given, text that needs an `ask` is refused (its sandbox would
 * stop it anyway; the reason says so), and nobody is asked while a command runs. `script`: the shell was started with a file, which
 * is how programs are written (version managers, wrappers, build tools): what one of its branches might need does not keep the rest from
 * running inside a sandbox that gives nothing more.
 */
export function decideNested(evaluation: Evaluation, around: RunningCommand | undefined, script: boolean): Decision {
  const match = leadingMatch(evaluation.matches, evaluation.verdict);
  const because = match === undefined ? "no rule objects" : match.reason;
  const decided = (final: Decision["final"], reason: string): Decision => ({
    final, reason, source: final === "run" ? (around?.source ?? "rule") : "rule", evaluation, review: undefined, approval: undefined, instead: match?.instead, span: undefined,
  });
  if (script && evaluation.verdict !== "deny" && around?.confined !== false) return decided("run", `a script, held by the sandbox around it: ${because}`);
  switch (evaluation.verdict) {
    case "deny":
      return decided("refuse", because);
    case "allow":
      return decided("run", because);
    case "review":
      return around === undefined ? decided("refuse", `${because}; the command around it is not known`) : decided("run", `held by the sandbox of the command around it: ${because}`);
    case "ask":
      return around !== undefined && isWithin(evaluation.claim, around.claim)
        ? decided("run", `within what the command around it was given: ${because}`)
        : decided("refuse", `needs more than the command around it was given: ${because}; run it as a command of its own`);
  }
}

const ORDER: readonly Claim["sandbox"][] = ["read-only", "workspace", "custom", "none"];

/** In: two claims. Out: whether the first asks for nothing that the second does not hold. */
export function isWithin(inner: Claim, outer: Claim): boolean {
  if (inner.privileged && !outer.privileged) return false;
  if (outer.privileged) return true;
  if (ORDER.indexOf(inner.sandbox) > ORDER.indexOf(outer.sandbox)) return false;
  const covers = (has: readonly string[], path: string): boolean => has.some((one) => path === one || path.startsWith(`${one}/`));
  if (outer.sandbox !== "none" && !inner.writable.every((path) => covers(outer.writable, path))) return false;
  if (!inner.secrets.every((secret) => outer.secrets.includes(secret))) return false;
  if (outer.network === "any") return true;
  const hosts = outer.network;
  return inner.network !== "any" && inner.network.every((host) => hosts.includes(host));
}
