import { createInterface } from "node:readline";
import { userInfo } from "node:os";
import type { Socket } from "node:net";
import { z } from "zod";
import { AgentStartError, canAsk, runInTerminal, type AnswerHow, type QuestionChannel } from "../terminal/index.ts";
import type { Question } from "../model/index.ts";
import { Failure, refuseAgents, usageFailure, type Invoked } from "./command.ts";
import { dial, startBroker, vouch } from "./control-client.ts";

export const RUN_USAGE = `usage: vetsh run -- AGENT [ARGUMENT…]

Runs an agent in this terminal so that the shells it starts are ours, and asks here when a command needs a yes.
exit: the agent's
`;

/** Pause before a broker that went away is looked for again, in milliseconds. */
const AGAIN_MS = 1_000;

export async function run(invoked: Invoked): Promise<number> {
  const args = invoked.args[0] === "--" ? invoked.args.slice(1) : invoked.args;
  const [command, ...rest] = args;
  if (command === undefined || command.startsWith("-")) throw usageFailure("no agent is named", "run");
  if (!invoked.installed) throw new Failure("vetsh is not installed here", "run `./install.sh`");
  const { root } = invoked.layout;
  startBroker(root);
  refuseAgents();
  await vouch(root);
  const questions = new BrokerQuestions(root, await dial(root));
  try {
    return await runInTerminal({ command, args: rest, env: agentEnvironment(root), cwd: process.cwd(), questions });
  } catch (error) {
    if (error instanceof AgentStartError) throw new Failure(error.message, "name a program that exists: vetsh run -- AGENT", error.exitCode);
    throw error;
  } finally {
    questions.close();
  }
}

/** The human's own environment, with our shells in front. */
function agentEnvironment(root: string): Record<string, string> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const shell = /\/(zsh|sh|dash)$/.exec(inherited["SHELL"] ?? "")?.[1] ?? "bash";
  return { ...inherited, SHELL: `${root}/shims/${shell}`, PATH: `${root}/shims:${inherited["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"}` };
}

const span = z.object({ start: z.number(), end: z.number() });
const questionSchema = z.object({
  id: z.string(), command: z.string(), span: span.optional(), effects: z.array(z.string()), reason: z.string(), rule: z.string().optional(), instead: z.string().optional(),
  authority: z.string(), running: z.boolean().optional(), stake: z.array(z.string()).optional(), detail: z.array(z.string()).optional(), times: z.number().optional(), offers: z.array(z.enum(["session", "always"])).optional(), intent: z.object({ text: z.string(), source: z.enum(["env", "comment"]), trust: z.enum(["agent", "human"]) }).optional(), expiresAt: z.number(),
});

/** The broker's questions for this terminal. Connects again when the broker went away; until then there are none. */
class BrokerQuestions implements QuestionChannel {
  readonly #root: string;
  readonly #open = new Map<string, Question>();
  #socket: Socket | undefined;
  #again: NodeJS.Timeout | undefined;
  #closed = false;
  #onQuestion: (question: Question) => void = () => undefined;
  #onWithdrawn: (id: string) => void = () => undefined;

  constructor(root: string, socket: Socket) {
    this.#root = root;
    this.#attach(socket);
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
    this.#send({ op: "answer", id, answer, by: userInfo().username, ...how });
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
    this.#send({ op: "attach", pid: process.pid, asks: canAsk(process.env) });
  }

  #take(line: string): void {
    const message: unknown = JSON.parse(line);
    if (typeof message !== "object" || message === null) return;
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
      // A shim starts the next broker; we only look for it.
      dial(this.#root).then((socket) => (this.#closed ? socket.destroy() : this.#attach(socket)), () => this.#lost());
    }, AGAIN_MS);
    this.#again.unref();
  }
}
