import { join } from "node:path";
import { decide, refusalMessage, spendPermit, type Ports, type Ruling } from "../decide/index.ts";
import { findIntent } from "../intent/index.ts";
import { escapeText, LIMITS, type Decision, type Intent, type Layout, type Request } from "../model/index.ts";
import type { ReceivedContext, Recorder, Trace } from "../record/index.ts";
import type { Gate, Resolver } from "../network/index.ts";
import type { HostProbe, Rooms } from "../sandbox/index.ts";
import type { Approvals } from "./approvals.ts";
import type { ConnectionQuestions } from "./connection-questions.ts";
import type { Places } from "./directories.ts";
import type { Surveyor } from "./facts.ts";
import { ConnectionRecord } from "./connection-record.ts";
import type { BrokerFrame, RequestFrame } from "./frames.ts";
import type { Harness } from "../config/index.ts";
import { agentIdsOf, harnessOf, uuidV7 } from "./identity.ts";
import { typedByHuman, type Launches } from "./launches.ts";
import { originOf, type Origin, type RunningCommands } from "./nested.ts";
import { sourceOf, vet, type Ending, type HostPower, type Judgement, type Subject } from "./pipeline.ts";
import type { Caches } from "./caches.ts";
import { gatePorts } from "./gate-lines.ts";
import { GateSession } from "./gate-session.ts";
import { gateOf, type Gated, type Gates } from "./gates.ts";
import type { Intents } from "./intents.ts";
import { putStandIns, takeBack, type StandIn } from "./stand-ins.ts";
import { placing, planFor, type Placement } from "./placement.ts";
import type { Aftermath, Surroundings } from "./surroundings.ts";
import { openWayOut } from "./way-out.ts";
import { asSystemProgram } from "./system-program.ts";
import { questionOf } from "./question.ts";
import type { PortWatch } from "./port-watch.ts";
import type { RuleDesk } from "./rule-desk.ts";
import type { QuestionStore } from "./question-store.ts";
import type { SessionGrants } from "./session-grants.ts";
import type { Session } from "./sessions.ts";
import type { ReviewPorts } from "./review-port.ts";
import type { InForce, Rulebooks } from "./rulebook.ts";
import type { Reception, Visit } from "./shim-connection.ts";
import { asTyped, runningCommand, settle, withoutOwnSandbox, type Start } from "./start.ts";
import type { Stops } from "./stops.ts";
import type { Safeguard, UndoDesk } from "./undo-desk.ts";
import { OpenVisit } from "./visit.ts";
import { moveAside, placeOf } from "./quarantine.ts";
import { shellFor, type View, type Views } from "./views.ts";
import type { VouchedEnvironment } from "./vouched.ts";
import { enterRoom, expectGuest, leaveRoom, type Guest } from "./warm.ts";

/** Everything that execution needs; made once by the composition root. */
export type ExecutionParts = {
  readonly layout: Layout;
  readonly places: Places;
  readonly rulebooks: Rulebooks;
  readonly surveyor: Surveyor;
  readonly recorder: Recorder;
  readonly approvals: Approvals;
  readonly questions: QuestionStore;
  readonly sessionGrants: SessionGrants;
  readonly ruleDesk: RuleDesk;
  /** Whose command a pid outside of every sandbox is. */
  readonly sessionOf: (pid: number) => Session | undefined;
  readonly connectionQuestions: ConnectionQuestions;
  readonly reviews: ReviewPorts;
  readonly running: RunningCommands;
  readonly gates: Gates;
  readonly rooms: Rooms;
  readonly portWatch: Pick<PortWatch, "stirred">;
  readonly launches: Launches;
  readonly stops: Stops;
  readonly views: Views;
  readonly vouched: VouchedEnvironment;
  readonly surroundings: Surroundings;
  readonly undo: UndoDesk;
  readonly caches: Caches;
  readonly intents: Intents;
  readonly harnesses: readonly Harness[];
  readonly probe: () => Promise<HostProbe>;
  /** How hosts are looked up for commands; undefined: the machine's own way. */
  readonly resolve: Resolver | undefined;
  readonly now: () => number;
  readonly log: (message: string) => void;
};

/** What a shim exits with when nothing ran. */
const REFUSED = 126;

/** One request while it is being decided. */
type Case = {
  readonly request: Request;
  readonly frame: RequestFrame;
  readonly origin: Origin;
  readonly trace: Trace;
  readonly say: (frame: BrokerFrame) => void;
  readonly gone: AbortSignal;
  readonly visit: OpenVisit;
  /** Milliseconds of our own work, waiting for reviewer and human left out. */
  readonly clock: { readonly started: number; waited: number };
  /** Why it runs, as far as anybody said so. */
  intent: Intent | undefined;
  token: string | undefined;
  /** Its way out, while it runs. */
  gate: Gate | undefined;
  /** Files made for it to be written to. */
  standIns: readonly StandIn[];
  /** What is to be done when it has ended. */
  aftermath: Aftermath | undefined;
  /** The view of the file system in which its shim lives; undefined: ours. */
  view: View | undefined;
  /** Its place in a warm sandbox. */
  guest: Guest | undefined;
  /** Ends what `Launches` knows of it, when it is a human's start of an agent. */
  launch: (() => void) | undefined;
  /** Whether its record was opened. */
  received: boolean;
};

/** Judges requests and answers them. `socket`: whether they come from the host or from inside a sandbox. */
export function createReception(socket: "outer" | "inner", parts: ExecutionParts): Reception {
  return {
    arrive: (frame, say, gone) => arrive(socket, parts, frame, say, gone),
    late: (id, end) => {
      const known = parts.recorder.late(id, end);
      if (!known.ok) parts.log(`a late report for \`${escapeText(id, { maxLength: 64 })}\` was not taken: ${known.message}`);
    },
    gate: (token) => parts.gates.serve(token),
    malformed: (reason) => {
      // A connection that says nothing is how `vetsh-start` and the doctor look whether somebody listens.
      if (reason !== "the connection ended") parts.log(`a connection was closed, nothing ran: ${escapeText(reason, { maxLength: 400 })}`);
    },
  };
}

function arrive(socket: "outer" | "inner", parts: ExecutionParts, frame: RequestFrame, say: (frame: BrokerFrame) => void, gone: AbortSignal): Visit {
  const origin = originOf(socket, frame.env.get("VETSH_PERMIT"), parts.running);
  const request = toRequest(frame, origin, parts.now());
  const visit = new OpenVisit({
    started: (pid) => {
      if (one.guest !== undefined) one.guest.child = pid;
      reported(parts, parts.recorder.started(request.id, pid));
    },
    ended: (outcome) => {
      if (one.token !== undefined) {
        parts.gates.close(one.token, outcome);
        parts.running.remove(one.token);
      }
      one.launch?.();
      leaveRoom(one.guest, outcome);
      if (one.guest !== undefined) parts.portWatch.stirred();
      parts.stops.end(request.id);
      // Before the end is recorded: what it did in the network belongs to it.
      one.gate?.close();
      putInOrder(one, parts);
      parts.undo.ended(request.id);
      reported(parts, parts.recorder.finished(request.id, outcome));
      parts.intents.ended(request.id);
      // An agent's session is over: what it did is signed.
      if (one.launch !== undefined) parts.recorder.checkpoint();
    },
  });
  const one: Case = { request, frame, origin, view: undefined, trace: parts.recorder.traceFor(request), say, gone, visit, clock: { started: performance.now(), waited: 0 }, intent: undefined, token: undefined, gate: undefined, standIns: [], aftermath: undefined, guest: undefined, launch: undefined, received: false };
  // INVARIANT: whatever goes wrong on the way to an answer is a refusal of this request, and of no other.
  void answer(one, parts).catch((error: unknown) => refuseBroken(one, parts, error));
  return visit;
}

/** After a command: files go where they belong, and what it planted is recorded. A fault of ours here changes nothing about its end. */
function putInOrder(one: Case, parts: ExecutionParts): void {
  try {
    takeBack(one.standIns);
    const left = one.aftermath?.finish();
    if (left === undefined) return;
    if (left.planted.length > 0) {
      const moved = parts.rulebooks.base().loaded.settings.sandbox.planted === "move" ? moveAside({ state: parts.places.state, id: one.request.id }, left.workspace, left.fresh) : [];
      const aside = placeOf(moved);
      reported(parts, parts.recorder.planted(one.request.id, left.planted, aside));
      parts.log(`${one.request.id}: it made files that configure or run something later: ${left.planted.slice(0, LIMITS.recordedWords).map((path) => `\`${escapeText(path, { maxLength: LIMITS.shownPiece })}\``).join(", ")}; look at them before you run or open anything there${aside === undefined ? "" : `; ${moved.length} of them moved to ${aside}`}`);
    }
    for (const name of left.kept) parts.log(`${one.request.id}: \`/tmp/${escapeText(name, { maxLength: LIMITS.shownPiece })}\` stays in the sandbox's own /tmp: a file that vetsh did not make has that name`);
  } catch (error) {
    parts.log(`${one.request.id}: what it left was not put in order: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

/** The end of a request that we failed at. Also when its record cannot be written: then the log has it. */
function refuseBroken(one: Case, parts: ExecutionParts, error: unknown): void {
  parts.log(`${one.request.id}: internal error, nothing ran: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  one.say({ type: "deny", status: REFUSED, message: "vetsh: refused, nothing ran: internal error\nhint: the broker's log says more; tell the person, `vetsh doctor` shows where it is" });
  try {
    if (!one.received) receive(one, parts, { mode: "opaque", text: undefined, workspace: undefined, intent: undefined });
  } catch (again) {
    parts.log(`${one.request.id}: ${again instanceof Error ? again.message : String(again)}`);
  }
  one.visit.refused(REFUSED);
}

/** Opens the record. Throws when it cannot be written: what is not recorded does not run. */
function receive(one: Case, parts: ExecutionParts, context: Omit<ReceivedContext, "agent" | "trace">): void {
  one.received = true;
  const written = parts.recorder.received(one.request, { ...context, agent: harnessOf(one.request.env, parts.harnesses)?.agent, ...agentIdsOf(one.request.env), trace: one.trace });
  if (!written.ok) throw new Error(`the request could not be recorded: ${written.message}`);
}

function toRequest(frame: RequestFrame, origin: Origin, receivedAt: number): Request {
  const { shell, argv, cwd, env, ppid, uid, tty } = frame;
  // Inside a sandbox pids count from one: for us the command around it is the process to look for.
  const pid = origin.kind === "nested" ? (origin.around?.pid ?? frame.pid) : frame.pid;
  return { id: uuidV7(receivedAt), receivedAt, shell, argv, validUtf8: frame.unreadable === undefined, cwd, env, pid, ppid, uid, tty };
}

async function answer(one: Case, parts: ExecutionParts): Promise<void> {
  const { request, frame } = one;
  if (one.origin.kind === "outer" || one.origin.around?.confined === false) one.view = await parts.views.of(frame.pid);
  const facts = parts.surveyor.factsFor({ cwd: frame.cwd, env: frame.env, workspace: undefined, files: "real" });
  const inForce = parts.rulebooks.forWorkspace(facts.workspace);
  const host = await parts.probe();
  const { placement, power } = placing(inForce.loaded.settings, { layout: parts.layout, places: parts.places, host, caches: parts.caches, stops: parts.stops, view: one.view });
  if (power.sandboxed && one.origin.kind === "outer") expectGuest(parts.rooms, facts, placement);
  const inherited = parts.vouched.doubtful(frame.env, inForce.specs);
  const subject: Subject = { id: request.id, shell: frame.shell, argv: argvToJudge(one, parts), tty: frame.tty, inherited, unreadable: frame.unreadable, gates: mayBeGated(one.origin, frame) };
  await vet(subject, facts, inForce, power, execution(one, parts, inForce, placement, power));
}

/** What a person typed to start an agent stays what it is: it is recognised as a script. */
function argvToJudge({ origin, frame }: Case, { launches }: ExecutionParts): readonly string[] {
  return origin.kind === "outer" && !launches.isOne(frame.ppid) ? (asSystemProgram(frame.argv) ?? frame.argv) : frame.argv;
}

/** What a line that was judged as a whole pipes into a shell was judged with it; a shell to type into is gated wherever it starts. */
function mayBeGated(origin: Origin, frame: RequestFrame): boolean {
  return frame.tty.stdin || origin.kind === "outer" || origin.around?.gated === true;
}

/** The gate of a shell whose lines are judged one by one; undefined for all others. */
function openGate(one: Case, parts: ExecutionParts & { readonly power: HostPower }, judged: Judgement, decision: Decision, start: Start): Gated | undefined {
  const gated = one.launch !== undefined || judged.subject.gates === false ? undefined : gateOf(judged.invocation, judged.subject.argv);
  if (gated === undefined || one.token === undefined) return undefined;
  const asks = one.origin.kind === "outer" || one.origin.around?.gated === true;
  const ports = gatePorts({
    request: one.request, frame: one.frame, workspace: judged.facts.workspace, claim: one.origin.kind === "nested" && one.origin.around !== undefined ? one.origin.around.claim : decision.evaluation.claim,
    authority: start.plan.authority, traceparent: one.trace.traceparent, around: asks ? undefined : { command: one.origin.kind === "nested" ? one.origin.around : undefined },
    inForce: () => parts.rulebooks.forWorkspace(judged.facts.workspace),
    power: parts.power,
    ports: (request, intent, inForce) => portsFor({ ...one, request, intent, origin: { kind: "outer" }, say: () => undefined, clock: { started: performance.now(), waited: 0 } }, parts, inForce, parts.power),
  }, parts);
  parts.gates.open(one.token, new GateSession(ports));
  return gated;
}

/** The last steps of the pipeline, for real. */
function execution(one: Case, parts: ExecutionParts, inForce: InForce, placement: Placement, power: HostPower): Ending<Start, void> {
  return {
    receive: ({ invocation, facts }) => {
      if (one.origin.kind === "outer" && invocation.mode === "file" && parts.launches.isOne(one.frame.ppid)) one.launch = parts.launches.begin(one.frame.pid);
      one.intent = findIntent(one.request, sourceOf({ invocation, facts }) ?? "");
      if (one.origin.kind === "outer" && invocation.mode === "command") parts.intents.seek(one.request, harnessOf(one.request.env, parts.harnesses)?.agent, invocation.text);
      receive(one, parts, { mode: invocation.mode, text: invocation.mode === "command" ? invocation.text : undefined, workspace: facts.workspace, intent: one.intent });
    },
    decide: async (judged) => decide(judged, portsFor(one, parts, inForce, power), one.gone),
    plan: async (judged, permit) => {
      if (one.origin.kind === "nested") return { plan: withoutOwnSandbox(one.origin), nested: true };
      const spent = spendPermit(permit);
      if (one.launch !== undefined) return { plan: asTyped(), nested: false };
      const byHuman = spent.source === "human" || spent.source === "grant";
      one.standIns = byHuman ? putStandIns(judged.effects, spent.claim.writable, parts.layout, judged.facts.workspace) : [];
      const placed = await planFor(judged, spent, one.frame.tty, placement, "host");
      return { plan: placed.plan, nested: false, placed };
    },
    record: (judged, ruling, start) => conclude(one, { ...parts, inForce, placement, power }, judged, ruling, start),
  };
}

/** Nobody is asked for a command inside another one: what that was given decides. */
function portsFor(one: Case, parts: ExecutionParts, inForce: InForce, power: HostPower): Ports {
  const session = (): Session | undefined => parts.sessionOf(one.request.pid);
  const grants = parts.sessionGrants.with(parts.questions.grants(), session);
  if (one.origin.kind === "nested") return { grants: { ...grants, spend: () => undefined } };
  if (one.launch !== undefined) return { grants, approve: typedByHuman };
  const { settings } = inForce.loaded;
  const review = parts.reviews.portFor(settings.reviewer);
  // What a person set counts; else what the agent is known to wait for.
  const holdMs = settings.approvals.holdMs ?? harnessOf(one.request.env, parts.harnesses)?.holdMs ?? LIMITS.askMs;
  return {
    grants,
    review: review === undefined ? undefined : (proposal, signal) => waiting(one, settings.reviewer.timeoutMs + holdMs + LIMITS.waitMarginMs, "", () => review(proposal as Judgement, signal)),
    approve: (proposal, _review, signal) => {
      const judged = proposal as Judgement;
      parts.ruleDesk.remember(judged, power);
      const asked = { question: questionOf(judged, one.intent, parts.undo.words(judged, inForce)), planHash: judged.planHash, cwd: judged.facts.cwd, origin: { pid: one.request.pid, onTerminal: settings.approvals.terminal }, session: session() };
      return waiting(one, holdMs + LIMITS.waitMarginMs, "", () => parts.approvals.ask(asked, holdMs, signal));
    },
  };
}

async function waiting<T>(one: Case, ms: number, note: string, work: () => Promise<T>): Promise<T> {
  one.say({ type: "wait", ms, note });
  const began = performance.now();
  try {
    return await work();
  } finally {
    one.clock.waited += performance.now() - began;
  }
}

/** Records what was decided, and only then answers. INVARIANT: RUN goes out after the recorder said so (`decided`), to a shim that is still there. */
async function conclude(one: Case, parts: ExecutionParts & { readonly inForce: InForce; readonly placement: Placement; readonly power: HostPower }, judged: Judgement, ruling: Ruling, planned: Start | undefined): Promise<void> {
  const { decision, start, undo } = await withSnapshot(settle(one.origin, judged, ruling, planned), one, parts, judged);
  one.guest = enterRoom(parts, start?.plan, judged, parts.placement);
  const overheadUs = Math.round((performance.now() - one.clock.started - one.clock.waited) * 1000);
  const recorded = await parts.recorder.decided(one.request.id, {
    decision, classes: judged.analysis.classes, planHash: judged.planHash, overheadUs,
    authority: start === undefined ? undefined : { ...start.plan.authority, missing: start.plan.missing }, undo,
  });
  if (!recorded.ok) throw new Error(`the decision could not be recorded: ${recorded.message}`);
  if (start === undefined) {
    one.visit.refused(REFUSED);
    one.say({ type: "deny", status: REFUSED, message: refusalMessage(decision, sourceOf(judged), judged.effects) });
    return;
  }
  const connections = new ConnectionRecord(one.request.id, one.say, parts);
  one.gate = await openWayOut({ id: one.request.id, judged, inForce: parts.inForce, pid: one.request.pid }, connections, start.plan.proxy, parts);
  const stay = await one.guest?.stay;
  if (!one.visit.running()) {
    one.visit.refused(REFUSED);
    return;
  }
  if (stay !== undefined) {
    parts.stops.begin(one.request.id, judged.planHash, connections);
    parts.portWatch.stirred();
  }
  // An agent is not what its commands are nested in: it gets no token.
  if (one.launch === undefined) one.token = parts.running.add(runningCommand(one.request, one.origin, decision, start));
  const gated = openGate(one, parts, judged, decision, start);
  if (gated !== undefined && one.token !== undefined) parts.running.gate(one.token);
  const how = startOf(gated, start.plan.prefix, shellFor(parts.layout, one.frame.shell, start.plan.prefix.length === 0 ? one.view : undefined), parts.layout.root);
  if (start.placed !== undefined) one.aftermath = parts.surroundings.prepare(judged, start.plan, start.placed.survey, start.placed.sessionTmp);
  one.say({
    type: "run", id: one.request.id, closeFds: start.plan.closeFds, settle: one.standIns.length > 0 || one.aftermath?.settle === true, prefix: how.prefix, shell: how.shell, unset: start.plan.unset,
    set: [...start.plan.set, `TRACEPARENT=${one.trace.traceparent}`, ...(one.token === undefined ? [] : [`VETSH_PERMIT=${one.token}`]), ...how.set],
    room: stay?.entry,
  });
}

/** A gated shell is started by vetsh-gate, which becomes it. */
function startOf(gated: Gated | undefined, prefix: readonly string[], shell: string, root: string): { readonly prefix: readonly string[]; readonly shell: string; readonly set: readonly string[] } {
  if (gated === undefined) return { prefix, shell, set: [] };
  const gate = join(root, "libexec/vetsh-gate");
  return { prefix: prefix.length === 0 ? prefix : [...prefix.slice(0, -1), gate], shell: gate, set: [`VETSH_GATE=${gated.kind} ${shell}`, `VETSH_GATE_READS=${gated.reads}`] };
}

/** Before something may be lost, it is kept. An agent's own start is not a command of its. */
async function withSnapshot(settled: ReturnType<typeof settle>, one: Case, parts: ExecutionParts & { readonly inForce: InForce }, judged: Judgement): Promise<ReturnType<typeof settle> & { readonly undo: Safeguard["record"] }> {
  const { decision, start } = settled;
  if (start === undefined || one.launch !== undefined) return { ...settled, undo: undefined };
  const { record, refuse } = await parts.undo.before(judged, start.plan.authority, parts.inForce, start.nested, (ms, work) => waiting(one, ms + LIMITS.waitMarginMs, "", work));
  return refuse === undefined ? { ...settled, undo: record } : { decision: { ...decision, final: "refuse", reason: refuse }, start: undefined, undo: record };
}

function reported(parts: ExecutionParts, result: { readonly ok: boolean; readonly message?: string }): void {
  if (!result.ok) parts.log(`not recorded: ${result.message ?? ""}`);
}
