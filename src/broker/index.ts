/**
 * broker: the resident half of vetsh and its composition root. In: ROOT. Out: two sockets that are served until `close`:
 * shims ask on `shim.sock` (and, from inside sandboxes, on `inner.sock`), the human's programs on `control.sock`.
 * What holds: one broker per installation; nothing is read from any environment; RUN goes out only after the request is on
 * disk and the decision is recorded; every request ends in exactly one finished record; whatever throws refuses its own request and no other.
 * `pipeline.ts` is the path of a request; `check` uses it too, through `judge` and `vet`.
 */
import { realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Resolver } from "../network/index.ts";
import { openRecorder, type Recorder } from "../record/index.ts";
import { probe, Rooms, type HostProbe } from "../sandbox/index.ts";
import { escapeText, LIMITS, type Layout, type RuleWidth } from "../model/index.ts";
import { Approvals } from "./approvals.ts";
import { AttachedChannel } from "./attached-channel.ts";
import { BypassWatch } from "./bypass-watch.ts";
import { ConnectionQuestions } from "./connection-questions.ts";
import { serveControl, type ControlDesk } from "./control-connection.ts";
import { claimDirectories, makeNowhere, placesOf, removeLeftSockets, type Places } from "./directories.ts";
import { createReception, type ExecutionParts } from "./execution.ts";
import { Surveyor } from "./facts.ts";
import { Intents } from "./intents.ts";
import { readLayout } from "./layout.ts";
import { Gates } from "./gates.ts";
import { Launches } from "./launches.ts";
import { RunningCommands } from "./nested.ts";
import { Ports } from "./ports.ts";
import { PortWatch } from "./port-watch.ts";
import { QuestionStore } from "./question-store.ts";
import { lazyReviews } from "./review-port.ts";
import { keeperOf } from "./keeper.ts";
import { SessionGrants } from "./session-grants.ts";
import { sessionOf } from "./sessions.ts";
import { RuleDesk } from "./rule-desk.ts";
import { startRehearsal } from "./rehearsal.ts";
import { Rulebooks } from "./rulebook.ts";
import { serveShim } from "./shim-connection.ts";
import { listen, type Listening } from "./sockets.ts";
import { Stops } from "./stops.ts";
import { loadPlaces } from "../config/index.ts";
import { Caches } from "./caches.ts";
import { Surroundings } from "./surroundings.ts";
import { hookOf, recordSettings } from "./telemetry.ts";
import { NotificationChannel } from "./notification-channel.ts";
import { TmuxChannel } from "./tmux-channel.ts";
import { WebhookChannel } from "./webhook-channel.ts";
import { TerminalChannel } from "./terminal-channel.ts";
import { ARTEFACTS } from "../analyse/index.ts";
import { Undo } from "../undo/index.ts";
import { UndoDesk } from "./undo-desk.ts";
import { Views } from "./views.ts";
import { VouchedEnvironment } from "./vouched.ts";

export type BrokerOptions = {
  /** One line for the log; the broker adds nothing. */
  readonly log: (message: string) => void;
  /** `vetsh broker stop` was asked for. */
  readonly onStop: () => void;
  /** How hosts are looked up for commands; the machine's own way when not given. */
  readonly resolve?: Resolver;
};

export type Broker = {
  /** Reads the configuration again. */
  reload(): void;
  /** Stops accepting, waits up to LIMITS.stopMs for the ends of commands, closes the journal. What still runs reports late. */
  close(): Promise<void>;
};

type Counts = { requests: number; open: number };

/**
 * In: ROOT of an installation; the caller holds its start lock. Out: resolves when both sockets answer.
 * Throws StartError for a broken installation, JournalInUse when another process writes the journal.
 */
export async function startBroker(root: string, options: BrokerOptions): Promise<Broker> {
  const layout = readLayout(root);
  const places = placesOf(root);
  claimDirectories(places);
  removeLeftSockets(places);
  // The canary runs while everything else loads and the first requests arrive; they wait for it.
  void probe({ scratch: places.state, bash: layout.shells.bash, init: join(layout.root, "libexec/vetsh-init") });
  const startedAt = Date.now();
  const rulebooks = new Rulebooks(layout, Date.now, options.log);
  const recorder = await openRecorder({ stateDir: places.state, settings: recordSettings(rulebooks.base().loaded.settings, options.log), now: Date.now, onError: options.log });
  const nowhere = makeNowhere(root);
  const parts = compose(layout, places, rulebooks, recorder, options, nowhere);
  const counts: Counts = { requests: 0, open: 0 };
  const listening = await openSockets(places, parts, counts, options, startedAt);
  const lookout = watchSockets(listening, options);
  const rehearsal = startRehearsal(() => rulebooks.base(), () => counts.open > 0);
  void parts.probe();
  return {
    reload: () => void rulebooks.reload(),
    close: async () => {
      clearInterval(lookout);
      rehearsal.stop();
      await Promise.all(listening.map((one) => one.close()));
      await settled(counts, LIMITS.stopMs);
      parts.portWatch.close();
      parts.bypasses.close();
      parts.ports.close();
      parts.rooms.close();
      parts.undo.close();
      parts.intents.close();
      await recorder.shutdown(LIMITS.stopMs);
      rmSync(nowhere, { recursive: true, force: true });
    },
  };
}

type Composed = ExecutionParts & { readonly attached: AttachedChannel; readonly terminals: TerminalChannel; readonly ports: Ports; readonly portWatch: PortWatch; readonly bypasses: BypassWatch; readonly lastProbe: () => HostProbe | undefined };

function compose(layout: Layout, places: Places, rulebooks: Rulebooks, recorder: Recorder, options: BrokerOptions, nowhere: string): Composed {
  const questions = new QuestionStore(places.questions, Date.now, options.log);
  const attached = new AttachedChannel();
  const terminals = new TerminalChannel();
  const stops = new Stops({ resolve: () => Promise.reject(new Error("nothing is looked up for commands without a way out")), log: options.log });
  const rooms = new Rooms(options.log, (door, inside) => stops.keepDoor(door, inside));
  const views = new Views();
  const ports = new Ports({ rooms, recorder, log: options.log });
  const shells = new Set(Object.values(layout.shells).map((path) => realpathSync(path)));
  let last: HostProbe | undefined;
  const data = loadPlaces(layout);
  for (const problem of data.problems) options.log(`${problem}; nothing of that file is in force; hint: install vetsh again`);
  const isHumans = (pid: number): boolean => attached.has(pid) || terminals.leads(pid);
  const sessionGrants = new SessionGrants(places.grants, Date.now, recorder, options.log);
  const surveyor = new Surveyor(layout, nowhere, Date.now, data.handovers);
  const popups = new TmuxChannel(terminals, [layout.node, join(layout.app, "dist/cli/main.js"), "--root", layout.root, "ask"], options.log);
  const webhook = new WebhookChannel(() => hookOf(rulebooks.base().loaded.settings), options.log);
  const notification = new NotificationChannel("/usr/bin/notify-send", `/run/user/${process.getuid?.() ?? 0}/bus`, options.log);
  const ruleDesk = new RuleDesk({ layout, state: places.state, rulebooks, surveyor, recorder, registries: data.registries, now: Date.now });
  return {
    layout, places, rulebooks, recorder, questions, attached, terminals, sessionGrants, ruleDesk,
    sessionOf: (pid) => sessionOf(pid, isHumans),
    surveyor,
    approvals: new Approvals(questions, [attached, popups, terminals, webhook, notification], Date.now, keeperOf(sessionGrants, rulebooks, ruleDesk)),
    connectionQuestions: new ConnectionQuestions(questions, Date.now),
    reviews: lazyReviews(options.log),
    running: new RunningCommands(), gates: new Gates(options.log),
    stops,
    views,
    rooms,
    ports,
    bypasses: new BypassWatch({ layout, views, record: (bypass) => recorder.bypass(bypass), log: options.log }),
    portWatch: new PortWatch({ rooms, ports, wanted: () => rulebooks.base().loaded.settings.ports.publish, log: options.log }),
    launches: new Launches(isHumans, (program) => shells.has(program) || views.isRealShell(program)),
    vouched: new VouchedEnvironment(places.vouched, options.log),
    surroundings: new Surroundings(data),
    undo: new UndoDesk(new Undo(places.undo, { node: process.execPath, program: join(layout.app, "dist/undo/keeper.js"), artefacts: ARTEFACTS }, options.log), rulebooks, recorder, options.log),
    harnesses: data.harnesses,
    intents: new Intents({ home: layout.home, recorder, log: options.log }),
    caches: new Caches(data.caches, places.state, layout.home, options.log),
    probe: async () => {
      // What works is not tried again.
      if (last?.sandboxed === true) return last;
      last = await probe({ scratch: places.state, bash: layout.shells.bash, init: join(layout.root, "libexec/vetsh-init") });
      if (last.sandboxed && last.bwrap !== undefined && rulebooks.base().loaded.settings.sandbox.use !== "never") rooms.standBy({ bwrap: last.bwrap, init: join(layout.root, "libexec/vetsh-init") });
      return last;
    },
    lastProbe: () => last,
    resolve: options.resolve,
    now: Date.now,
    log: options.log,
  };
}

async function openSockets(places: Places, parts: Composed, counts: Counts, options: BrokerOptions, startedAt: number): Promise<readonly Listening[]> {
  const onError = (error: Error): void => options.log(`a connection failed: ${error.message}`);
  const budget = { held: 0 };
  const shims = (socket: "outer" | "inner", path: string): Promise<Listening> => {
    const reception = counted(createReception(socket, parts), counts);
    return listen(path, { most: LIMITS.shimConnections, backlog: 4_096, onConnection: (connection) => serveShim(connection, reception, budget), onError });
  };
  const control = controlDesk(parts, counts, options, startedAt);
  return [
    await listen(places.controlSocket, { most: LIMITS.controlConnections, backlog: 64, onConnection: (connection) => serveControl(connection, control), onError }),
    await shims("inner", places.innerSocket),
    // Last: a shim that finds this socket finds a broker that is ready.
    await shims("outer", places.shimSocket),
  ];
}

/**
 * A broker whose socket was removed or replaced can be found by nobody, and holds the lock that keeps another from starting:
 * every shim would be denied until somebody ends it. So it stops, and the next shim starts one.
 */
function watchSockets(listening: readonly Listening[], options: BrokerOptions): NodeJS.Timeout {
  const lookout = setInterval(() => {
    if (listening.every((one) => one.isReachable())) return;
    clearInterval(lookout);
    options.log("a socket was removed or replaced: nobody can find this broker");
    options.onStop();
  }, LIMITS.socketCheckMs);
  return lookout.unref();
}

/** Counts requests that have not ended, for `status` and for a quiet stop. */
function counted(reception: ReturnType<typeof createReception>, counts: Counts): ReturnType<typeof createReception> {
  return {
    ...reception,
    arrive: (frame, say, gone) => {
      counts.requests += 1;
      counts.open += 1;
      gone.addEventListener("abort", () => { counts.open -= 1; }, { once: true });
      return reception.arrive(frame, say, gone);
    },
  };
}

function controlDesk(parts: Composed, counts: Counts, options: BrokerOptions, startedAt: number): ControlDesk {
  return {
    status: () => ({
      pid: process.pid, root: parts.layout.root, startedAt, requests: counts.requests, running: parts.running.size,
      sandboxed: parts.lastProbe()?.sandboxed ?? false, policy: parts.rulebooks.base().loaded.policy, problems: parts.rulebooks.problems(),
    }),
    stop: options.onStop,
    reload: () => parts.rulebooks.reload(),
    questions: () => parts.approvals.list(),
    answer: (id, answer, from) => {
      if (from === "attached" && parts.attached.answer(id, answer)) return { effect: "answered", kept: answer.keep ?? "once" };
      return parts.approvals.answer(id, answer);
    },
    rules: async (id) => {
      const plan = parts.approvals.planOf(id);
      const told = plan === undefined ? ({ ok: false, why: "no such question is open" } as const) : await parts.ruleDesk.offer(plan);
      return told.ok ? told.offer : told.why;
    },
    writeRules: (id, width, toml, by) => writeRules(parts, id, width, toml, by),
    grants: () => ({ grants: parts.sessionGrants.list(), rules: parts.ruleDesk.written() }),
    revoke: (id, by) => revoke(parts, id, by),
    attach: (program, { view, route }) => {
      const forget = view === undefined ? undefined : parts.views.add(view.keeper, view.covered);
      if (route !== undefined) noted(parts, parts.recorder.attached({ pid: program.pid, ...route }));
      const detach = parts.attached.attach(program);
      return () => { detach(); forget?.(); };
    },
    vouch: (digests) => parts.vouched.add(digests),
    snapshots: () => parts.undo.list(),
    lookUndo: (id, all) => parts.undo.look(id, all),
    undo: (id, all, digest, by) => parts.undo.undo(id, all, digest, by),
    ports: parts.ports,
    question: (id) => parts.approvals.question(id),
    registerTerminal: (device, leader, tmux) => parts.terminals.register(device, leader, tmux),
  };
}

function noted({ log }: Composed, result: { readonly ok: boolean; readonly message?: string }): void {
  if (!result.ok) log(`not recorded: ${result.message ?? ""}`);
}

/** A grant of a session, or a rule that an "always" wrote. */
function revoke({ sessionGrants, ruleDesk, recorder, log }: Composed, id: string, by: string): boolean | string {
  if (sessionGrants.revoke(id, by)) return true;
  try {
    const problem = ruleDesk.takeBack(id);
    if (problem === undefined) recorder.revoked({ id, by });
    return problem === "unknown" ? false : (problem ?? true);
  } catch (error) {
    log(`the rule ${escapeText(id, { maxLength: 100 })} was not taken back: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return error instanceof Error ? error.message : String(error);
  }
}

async function writeRules({ approvals, ruleDesk, rulebooks, log }: Composed, id: string, width: RuleWidth["name"], toml: string, by: string): Promise<string | undefined> {
  const plan = approvals.planOf(id);
  if (plan === undefined) return "no such question is open";
  if (rulebooks.base().loaded.settings.approvals.widest !== "always") return "settings allow no rules to be written by an answer";
  try {
    const problem = await ruleDesk.write(plan, width, toml, by, "control");
    if (problem !== undefined) log(`no rule was written for ${id}: ${escapeText(problem, { maxLength: LIMITS.shownReason })}`);
    return problem;
  } catch (error) {
    log(`no rule was written for ${id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return error instanceof Error ? error.message : String(error);
  }
}

/** Resolves when no request is open, or after `ms`. */
async function settled(counts: Counts, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (counts.open > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
}

export { readLayout } from "./layout.ts";
export { StartError } from "./start-error.ts";
export { NOWHERE, placesOf, type Places } from "./directories.ts";
export { controlRequest, type BrokerStatus, type ControlAnswers, type ControlError, type ControlRequest, type Pushed } from "./control-protocol.ts";
export { Surveyor } from "./facts.ts";
export { startRehearsal } from "./rehearsal.ts";
export { judge, sourceOf, vet, type Ending, type Judgement, type Rulebook, type Subject } from "./pipeline.ts";
export { placing, planFor, type Placement } from "./placement.ts";
export { stakeOfLine } from "./undo-desk.ts";
export { digestOf } from "./vouched.ts";
export { judgeAgain, type Again, type RecordedLine, type Skipped } from "./replay.ts";
export { Rulebooks, type InForce } from "./rulebook.ts";
