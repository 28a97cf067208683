import { decide, type Ports } from "../decide/index.ts";
import type { Harness } from "../config/index.ts";
import { findIntent } from "../intent/index.ts";
import type { Claim, Decision, Intent, Request } from "../model/index.ts";
import type { Recorder } from "../record/index.ts";
import type { Plan } from "../sandbox/index.ts";
import type { Surveyor } from "./facts.ts";
import type { RequestFrame } from "./frames.ts";
import type { GatePorts, Piece } from "./gate-session.ts";
import { agentIdsOf, harnessOf, uuidV7 } from "./identity.ts";
import { decideNested, isWithin, type RunningCommand } from "./nested.ts";
import { judge, type HostPower, type Judgement } from "./pipeline.ts";
import type { InForce } from "./rulebook.ts";
import type { UndoDesk } from "./undo-desk.ts";

/** The shell whose lines these are, and what it was given. */
export type GatedShell = {
  readonly request: Request;
  readonly frame: RequestFrame;
  readonly workspace: string;
  readonly claim: Claim;
  readonly authority: Plan["authority"];
  /** TRACEPARENT of the shell: its lines are children of it. */
  readonly traceparent: string;
  /** Undefined when people are asked about its lines; else what is around it decides, as for any shell inside a command. */
  readonly around: { readonly command: RunningCommand | undefined } | undefined;
  readonly inForce: () => InForce;
  readonly power: HostPower;
  /** Who is asked about one of its lines. */
  readonly ports: (request: Request, intent: Intent | undefined, inForce: InForce) => Ports;
};

export type GateParts = { readonly recorder: Recorder; readonly surveyor: Surveyor; readonly undo: UndoDesk; readonly harnesses: readonly Harness[]; readonly now: () => number; readonly log: (message: string) => void };

/** In: a gated shell. Out: how its lines go through the pipeline that commands go through. */
export function gatePorts(shell: GatedShell, parts: GateParts): GatePorts {
  const requests = new Map<string, { readonly request: Request; readonly intent: Intent | undefined }>();
  const env = new Map(shell.frame.env).set("TRACEPARENT", shell.traceparent);
  return {
    judge: (piece) => judgePiece(uuidV7(parts.now()), piece, shell, parts),
    receive: (judged, piece) => {
      const request: Request = { ...shell.request, id: judged.requestId, receivedAt: parts.now(), argv: judged.subject.argv, cwd: piece.cwd, env };
      const intent = findIntent(request, piece.text);
      const written = parts.recorder.received(request, { mode: "line", text: piece.text, workspace: shell.workspace, intent, agent: harnessOf(request.env, parts.harnesses)?.agent, ...agentIdsOf(request.env), trace: parts.recorder.traceFor(request) });
      if (!written.ok) throw new Error(`the line could not be recorded: ${written.message}`);
      requests.set(request.id, { request, intent });
    },
    decide: async (judged, gone) => {
      if (judged.evaluation.verdict !== "deny" && !isWithin(judged.evaluation.claim, shell.claim)) return tooMuch(judged);
      if (shell.around !== undefined) return decideNested(judged.evaluation, shell.around.command, false);
      const { request, intent } = requests.get(judged.requestId) ?? { request: { ...shell.request, id: judged.requestId }, intent: undefined };
      return (await decide(judged, shell.ports(request, intent, shell.inForce()), gone)).decision;
    },
    decided: async (judged, decision) => {
      const nothing = { record: undefined, refuse: undefined };
      const { record, refuse } = decision.final === "run" ? await parts.undo.before(judged, shell.authority, shell.inForce(), false, (_ms, work) => work()) : nothing;
      const counts: Decision = refuse === undefined ? decision : { ...decision, final: "refuse", reason: refuse };
      const recorded = await parts.recorder.decided(judged.requestId, {
        decision: counts, classes: judged.analysis.classes, planHash: judged.planHash, overheadUs: undefined,
        authority: counts.final === "run" ? { ...shell.authority, missing: [] } : undefined, undo: record,
      });
      if (!recorded.ok) throw new Error(`the decision about a line could not be recorded: ${recorded.message}`);
      return counts;
    },
    finished: (id, outcome) => {
      requests.delete(id);
      parts.undo.ended(id);
      const written = parts.recorder.finished(id, outcome);
      if (!written.ok) parts.log(`not recorded: ${written.message}`);
    },
  };
}

function judgePiece(id: string, piece: Piece, shell: GatedShell, parts: GateParts): Judgement {
  const inForce = shell.inForce();
  const facts = { ...parts.surveyor.factsFor({ cwd: piece.cwd, env: shell.frame.env, workspace: shell.workspace, files: "real" }), shell: piece.state };
  const unreadable = piece.cwd.startsWith("/") ? undefined : "the working directory is not known";
  return judge({ id, shell: shell.frame.shell, argv: [shell.frame.shell, "-c", piece.text], tty: { stdin: false }, inherited: new Map(), unreadable, prior: piece.prior }, facts, inForce, shell.power);
}

/** The shell is in one sandbox with everything that is typed into it: no yes gives a line of it more. */
function tooMuch(judged: Judgement): Decision {
  return {
    final: "refuse", source: "rule", evaluation: judged.evaluation, review: undefined, approval: undefined, span: undefined,
    reason: "it needs more than the sandbox of this shell gives", instead: "run it outside of this shell, as a command of its own: bash -c '…'",
  };
}
