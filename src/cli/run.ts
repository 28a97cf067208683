import { execFile } from "node:child_process";
import { createInterface } from "node:readline";
import { basename, join } from "node:path";
import type { Socket } from "node:net";
import { z } from "zod";
import { AgentStartError, canAsk, runInTerminal, startRecording, type AnswerHow, type QuestionChannel, type Recording } from "../terminal/index.ts";
import { escapeText, type Question, type RuleOffer } from "../model/index.ts";
import { Failure, refuseAgents, usageFailure, type Invoked } from "./command.ts";
import type { ControlRequest } from "../broker/index.ts";
import { dial, request, RULES_MS, startBroker, vouch } from "./control-client.ts";
import { loadPlaces } from "../config/index.ts";
import { notesAbout } from "../route/index.ts";
import { agentEnvironment, ENVIRONMENT, openRoute, routeWords, type Route } from "./routes.ts";
import { personName } from "../record/index.ts";

export const RUN_USAGE = `usage: vetsh run [--no-view] [--record FILE] -- AGENT [ARGUMENT…]

Runs an agent in this terminal so that the shells it starts are ours, and asks here when a command needs a yes.
On Linux the agent starts in a view of the file system of its own, in which the path of every real shell is ours. --no-view leaves that out: then only shells that
are found by SHELL and PATH are ours.
--record FILE: what this terminal shows, in asciicast v2, to a new file that only you can read. Secrets that are shown are in it: nothing is redacted. \`vetsh play FILE\` shows it again.
exit: the agent's
`;

/** Pause before a broker that went away is looked for again, in milliseconds. */
const AGAIN_MS = 1_000;

export async function run(invoked: Invoked): Promise<number> {
  const { wantsView, record, words: [command, ...rest] } = readOptions(invoked.args);
  if (command === undefined || command.startsWith("-")) throw usageFailure("no agent is named", "run");
  return inRoute(invoked, { agent: basename(command), wantsView }, (around) => {
    sayNotes(invoked, command, rest);
    return record === undefined ? runAgent(command, rest, around) : recorded(invoked, record, (recording) => runAgent(command, rest, around, recording));
  });
}

/** Options stand before the agent; whatever follows it is the agent's. */
function readOptions(given: readonly string[]): { readonly wantsView: boolean; readonly record: string | undefined; readonly words: readonly string[] } {
  let wantsView = true;
  let record: string | undefined;
  let at = 0;
  for (; given[at] === "--no-view" || given[at] === "--record"; at += 1) {
    if (given[at] === "--no-view") wantsView = false;
    else {
      record = given[++at];
      if (record === undefined || record === "" || record === "--") throw usageFailure("`--record` needs a file", "run");
    }
  }
  return { wantsView, record, words: given.slice(given[at] === "--" ? at + 1 : at) };
}

/** Records while `use` runs, and says so before and, where it is not whole, after. */
async function recorded({ terminal: { err } }: Invoked, path: string, use: (recording: Recording) => Promise<number>): Promise<number> {
  const shown = escapeText(path, { maxLength: 200 });
  if (!canAsk(process.env)) throw new Failure("there is no terminal here to record", "leave `--record` out, or run it in a terminal");
  const recording = startRecordingOr(path, shown);
  err.write(`vetsh: all that this terminal shows is recorded to \`${shown}\`, secrets included\n`);
  try {
    return await use(recording);
  } finally {
    const lost = recording.close();
    if (lost !== undefined) err.write(`vetsh: the recording \`${shown}\` is not whole: ${lost}\nhint: what is there can be played\n`);
  }
}

function startRecordingOr(path: string, shown: string): Recording {
  try {
    return startRecording(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`\`${shown}\` cannot be recorded to: ${code === "EEXIST" ? "it exists" : String(code ?? error)}`, "name a new file in a directory of yours");
  }
}

/** What is known of this agent that a person should know before it starts. */
export function sayNotes({ layout, terminal }: Invoked, command: string, args: readonly string[]): void {
  for (const { say, hint } of notesAbout(command, args, loadPlaces(layout).agents)) terminal.err.write(`vetsh: ${say}\nhint: ${hint}\n`);
}

/** What an agent is started in. */
export type Surrounded = { readonly root: string; readonly cwd: string; readonly env: Readonly<Record<string, string>>; readonly route: Route; readonly questions: QuestionChannel };

/** In: which agent. Out: what `use` gives, which is called when the broker knows of the route. Ends what it made. */
export async function inRoute<T>(invoked: Invoked, { agent, wantsView }: { readonly agent: string; readonly wantsView: boolean }, use: (around: Surrounded) => Promise<T>): Promise<T> {
  if (!invoked.installed) throw new Failure("vetsh is not installed here", "run `./install.sh`");
  const { root } = invoked.layout;
  startBroker(root);
  refuseAgents();
  await vouch(root);
  const route = wantsView ? await openRoute(invoked.layout) : { view: undefined, ways: [ENVIRONMENT, "no view: left out with --no-view"] };
  invoked.terminal.err.write(`vetsh: ${routeWords(route)}\n`);
  const { view, ways } = route;
  const questions = new BrokerQuestions(root, await dial(root), { view: view === undefined ? undefined : { keeper: view.keeper, covered: view.covered }, route: { agent, ways } });
  try {
    await questions.attached;
    return await use({ root, cwd: process.cwd(), env: agentEnvironment(root), route, questions });
  } finally {
    questions.close();
    view?.close();
  }
}

/** Out: the agent's exit code. */
export async function runAgent(command: string, args: readonly string[], { env, cwd, route: { view }, questions }: Surrounded, recording?: Recording): Promise<number> {
  try {
    return await runInTerminal({ command, args, env, cwd, questions, recording, within: view === undefined ? undefined : (file, argv) => view.command(file, argv, cwd) });
  } catch (error) {
    if (error instanceof AgentStartError) throw new Failure(error.message, "name a program that exists: vetsh run -- AGENT", error.exitCode);
    throw error;
  }
}

/** In: ROOT. Resolves when a broker runs, or could not be started: whoever dials it sees which. */
function startNext(root: string): Promise<void> {
  return new Promise((done) => void execFile(join(root, "libexec/vetsh-start"), { env: {} }, () => done()));
}

const span = z.object({ start: z.number(), end: z.number() });
const questionSchema = z.object({
  id: z.string(), command: z.string(), span: span.optional(), effects: z.array(z.string()), reason: z.string(), rule: z.string().optional(), instead: z.string().optional(),
  authority: z.string(), running: z.boolean().optional(), stake: z.array(z.string()).optional(), detail: z.array(z.string()).optional(), times: z.number().optional(), offers: z.array(z.enum(["session", "always"])).optional(), intent: z.object({ text: z.string(), source: z.enum(["env", "comment"]), trust: z.enum(["agent", "human"]) }).optional(), expiresAt: z.number(),
});

/** The broker's questions for this terminal. Connects again when the broker went away; until then there are none. */
class BrokerQuestions implements QuestionChannel {
  readonly #root: string;
  readonly #about: Pick<Extract<ControlRequest, { op: "attach" }>, "view" | "route">;
  readonly #open = new Map<string, Question>();
  readonly #attached = Promise.withResolvers<void>();
  #socket: Socket | undefined;
  #again: NodeJS.Timeout | undefined;
  #closed = false;
  #onQuestion: (question: Question) => void = () => undefined;
  #onWithdrawn: (id: string) => void = () => undefined;

  constructor(root: string, socket: Socket, about: Pick<Extract<ControlRequest, { op: "attach" }>, "view" | "route">) {
    this.#root = root;
    this.#about = about;
    this.#attach(socket);
  }

  /** Resolves when the broker knows of this agent: not before may it start. Rejects with Failure when the broker does not want it. */
  get attached(): Promise<void> {
    return this.#attached.promise;
  }

  onQuestion(callback: (question: Question) => void): void {
    this.#onQuestion = callback;
    for (const question of this.#open.values()) callback(question);
  }

  onWithdrawn(callback: (id: string) => void): void {
    this.#onWithdrawn = callback;
  }

  answer(id: string, answer: "yes" | "no", how: AnswerHow): void {
    this.#open.delete(id);
    this.#send({ op: "answer", id, answer, by: personName(), ...how });
  }

  /** Over a connection of its own: what is judged again for it may take a moment. */
  async rules(id: string): Promise<RuleOffer | string> {
    try {
      return (await request(this.#root, { op: "rules", id }, RULES_MS)).offer;
    } catch (error) {
      if (error instanceof Failure) return `${error.message}; ${error.hint}`;
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#again);
    this.#socket?.destroy();
  }

  #send(message: object): void {
    if (this.#socket?.writable === true) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#lost());
    // What reads lines passes errors of the socket on; the socket itself is seen to above.
    createInterface({ input: socket }).on("line", (line) => this.#take(line)).on("error", () => socket.destroy());
    this.#send({ op: "attach", pid: process.pid, asks: canAsk(process.env), ...this.#about });
  }

  #take(line: string): void {
    const message: unknown = JSON.parse(line);
    if (typeof message !== "object" || message === null) return;
    if ("ok" in message) {
      if (message.ok === true) this.#attached.resolve();
      else this.#attached.reject(new Failure("error" in message ? String(message.error) : "the broker refuses this agent", "see `vetsh doctor`"));
    }
    if ("withdrawn" in message && typeof message.withdrawn === "string") {
      this.#open.delete(message.withdrawn);
      this.#onWithdrawn(message.withdrawn);
    }
    if ("question" in message) {
      const { span, rule, instead, intent, ...rest } = questionSchema.parse(message.question);
      const question: Question = { ...rest, span, rule, instead, intent };
      this.#open.set(question.id, question);
      this.#onQuestion(question);
    }
  }

  #lost(): void {
    for (const id of this.#open.keys()) this.#onWithdrawn(id);
    this.#open.clear();
    if (this.#closed) return;
    this.#again = setTimeout(() => {
      // A shim in a view cannot start the next broker, so we do.
      startNext(this.#root).then(() => dial(this.#root)).then((socket) => (this.#closed ? socket.destroy() : this.#attach(socket)), () => this.#lost());
    }, AGAIN_MS);
    this.#again.unref();
  }
}
