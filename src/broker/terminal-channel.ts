import { closeSync, constants, openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { escapeText, LIMITS, type Question } from "../model/index.ts";
import type { Channel, HumanAnswer, Origin } from "./approvals.ts";
import { lineage, processFacts, terminalNumber } from "./process-tree.ts";
import { personName } from "../record/index.ts";

/** A terminal that a human gave us by typing `eval "$(vetsh env)"` in it. */
export type RegisteredTerminal = { readonly device: string; readonly leader: number; readonly start: string; /** The pane of tmux that it is. */ readonly tmux: TmuxPane | undefined };

export type TmuxPane = { readonly socket: string; readonly pane: string };

const MOST_TERMINALS = 16;

/**
 * Asks on the terminal in which the agent runs, if its human registered it. The broker opens the device and reads the key
 * itself. SECURITY: a shim never carries an answer, and an agent's environment cannot name a terminal: only those that are
 * registered and still belong to the same session are used.
 * Weaker than `vetsh run`: a full-screen agent on that terminal competes for the keys.
 */
export class TerminalChannel implements Channel {
  readonly name = "terminal" as const;
  readonly unless = ["tmux"] as const;
  readonly #terminals = new Map<string, RegisteredTerminal>();
  readonly #busy = new Set<string>();

  /** In: device and session leader, as the human's command said. Out: why it is not taken, or undefined when it is. */
  register(device: string, leader: number, tmux?: TmuxPane): string | undefined {
    const number = terminalNumber(device);
    if (number === undefined) return "it is not a terminal of this user";
    const facts = processFacts(leader);
    if (facts === undefined || facts.session !== leader || facts.terminal !== number) return "that process does not lead a session on it";
    if (this.#terminals.size >= MOST_TERMINALS) this.#terminals.delete(this.#terminals.keys().next().value ?? "");
    this.#terminals.set(device, { device, leader, start: facts.start, tmux });
    return undefined;
  }

  /** The pane of tmux in which the request, or a process above it, runs. */
  tmuxOf(origin: Origin): TmuxPane | undefined {
    return this.#terminalOf(origin)?.tmux;
  }

  /** In: a process. Out: whether it is the shell in which a terminal was registered. */
  leads(pid: number): boolean {
    const known = [...this.#terminals.values()].find(({ leader }) => leader === pid);
    return known !== undefined && processFacts(pid)?.start === known.start;
  }

  present(question: Question, origin: Origin, signal: AbortSignal): Promise<HumanAnswer | undefined> | undefined {
    const terminal = origin.onTerminal ? this.#terminalOf(origin) : undefined;
    if (terminal === undefined || this.#busy.has(terminal.device)) return undefined;
    this.#busy.add(terminal.device);
    return askOn(terminal.device, question, signal).finally(() => this.#busy.delete(terminal.device));
  }

  /** The registered terminal in whose session the request or a process above it runs. */
  #terminalOf(origin: Origin): RegisteredTerminal | undefined {
    const above = lineage(origin.pid);
    for (const [device, terminal] of this.#terminals) {
      const leader = processFacts(terminal.leader);
      const number = terminalNumber(device);
      if (leader === undefined || leader.start !== terminal.start || leader.terminal !== number) {
        this.#terminals.delete(device);
        continue;
      }
      if (above.some((one) => one.pid === terminal.leader || one.session === terminal.leader)) return terminal;
    }
    return undefined;
  }
}

/** Shows the question and reads its answer in raw mode; what is typed before LIMITS.questionGuardMs of silence is not one. */
async function askOn(device: string, question: Question, signal: AbortSignal): Promise<HumanAnswer | undefined> {
  // Loaded when the first question is asked: it is of no use to a command that needs no human.
  const { createLineReader, renderQuestion } = await import("../terminal/index.ts");
  const output = openSync(device, constants.O_WRONLY | constants.O_NOCTTY);
  const input = new ReadStream(openSync(device, constants.O_RDONLY | constants.O_NOCTTY));
  // Rules are looked at where there is a screen for them.
  const asked = { ...question, offers: question.offers?.filter((offer) => offer !== "always") };
  const size = { columns: 80, rows: 24 };
  // SECURITY: the lines are escaped by `renderQuestion`; nothing else of the command is written.
  const show = (state: Parameters<typeof renderQuestion>[2]): number => writeSync(output, `\r\n${renderQuestion(asked, size, state).join("\r\n")}\r\n`);
  try {
    input.setRawMode(true);
    show("ready");
    const answer = await readAnswer(input, asked, { explain: () => show({ kind: "explained", step: "ready" }), say: (text) => writeSync(output, text), lineReader: createLineReader }, signal);
    writeSync(output, `${answer === undefined ? "(withdrawn)" : answer.answer}\r\n`);
    return answer;
  } finally {
    input.setRawMode(false);
    input.destroy();
    closeSync(output);
  }
}

type Desk = { readonly explain: () => void; readonly say: (text: string) => void; readonly lineReader: () => (bytes: Buffer) => { readonly text: string | undefined; readonly over: boolean } };

function readAnswer(input: ReadStream, { offers }: Question, desk: Desk, signal: AbortSignal): Promise<HumanAnswer | undefined> {
  return new Promise((resolve) => {
    let quietSince = performance.now();
    let telling: ReturnType<Desk["lineReader"]> | undefined;
    const settle = (answer: HumanAnswer | undefined): void => {
      input.off("data", take);
      resolve(answer);
    };
    const by = personName();
    const no = (message: string | undefined): void => settle({ answer: "no", by, message });
    const keys = new Map<string, () => void>([
      ["y", () => settle({ answer: "yes", by, message: undefined })],
      ["n", () => no(undefined)], ["\u0003", () => no(undefined)], ["\u001b", () => no(undefined)],
      ["e", desk.explain],
      ["t", () => { telling = desk.lineReader(); desk.say("no, because: "); }],
      ...(offers?.includes("session") === true ? [["s", () => settle({ answer: "yes", by, message: undefined, keep: "session" })] as const] : []),
    ]);
    // SECURITY: keys typed for something else must not approve: an answer is a single key after silence.
    const take = (bytes: Buffer): void => {
      if (telling !== undefined) return tell(telling(bytes));
      const quiet = performance.now() - quietSince;
      quietSince = performance.now();
      const key = bytes.toString("latin1");
      if (quiet >= LIMITS.questionGuardMs && key.length === 1) keys.get(key.toLowerCase())?.();
    };
    const tell = ({ text, over }: { readonly text: string | undefined; readonly over: boolean }): void => {
      if (!over) return desk.say(`\r\u001b[Kno, because: ${escapeText(text ?? "", { maxLength: 60 })}`);
      telling = undefined;
      desk.say("\r\n");
      if (text !== undefined && text !== "") no(text);
      else desk.say("not answered yet: y, n, or t again\r\n");
    };
    input.on("data", take);
    input.once("error", () => settle(undefined));
    input.once("close", () => settle(undefined));
    signal.addEventListener("abort", () => settle(undefined), { once: true });
    if (signal.aborted) settle(undefined);
  });
}
