import { closeSync, constants, openSync, writeSync } from "node:fs";
import { userInfo } from "node:os";
import { ReadStream } from "node:tty";
import { LIMITS, type Question } from "../model/index.ts";
import type { Channel, HumanAnswer, Origin } from "./approvals.ts";
import { lineage, processFacts, terminalNumber } from "./process-tree.ts";

/** A terminal that a human gave us by typing `eval "$(vetsh env)"` in it. */
export type RegisteredTerminal = { readonly device: string; readonly leader: number; readonly start: string };

const MOST_TERMINALS = 16;

/**
 * Asks on the terminal in which the agent runs, if its human registered it. The broker opens the device and reads the key
 * itself. SECURITY: a shim never carries an answer, and an agent's environment cannot name a terminal: only those that are
 * registered and still belong to the same session are used.
 * Weaker than `vetsh run`: a full-screen agent on that terminal competes for the keys.
 */
export class TerminalChannel implements Channel {
  readonly name = "terminal" as const;
  readonly #terminals = new Map<string, RegisteredTerminal>();
  readonly #busy = new Set<string>();

  /** In: device and session leader, as the human's command said. Out: why it is not taken, or undefined when it is. */
  register(device: string, leader: number): string | undefined {
    const number = terminalNumber(device);
    if (number === undefined) return "it is not a terminal of this user";
    const facts = processFacts(leader);
    if (facts === undefined || facts.session !== leader || facts.terminal !== number) return "that process does not lead a session on it";
    if (this.#terminals.size >= MOST_TERMINALS) this.#terminals.delete(this.#terminals.keys().next().value ?? "");
    this.#terminals.set(device, { device, leader, start: facts.start });
    return undefined;
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

/** Shows the question and reads one y or n in raw mode; what is typed before LIMITS.questionGuardMs of silence is not an answer. */
async function askOn(device: string, question: Question, signal: AbortSignal): Promise<HumanAnswer | undefined> {
  // Loaded when the first question is asked: it is of no use to a command that needs no human.
  const { renderQuestion } = await import("../terminal/index.ts");
  const output = openSync(device, constants.O_WRONLY | constants.O_NOCTTY);
  const input = new ReadStream(openSync(device, constants.O_RDONLY | constants.O_NOCTTY));
  try {
    input.setRawMode(true);
    // SECURITY: the lines are escaped by `renderQuestion`; nothing else of the command is written.
    writeSync(output, `\r\n${renderQuestion(question, { columns: 80, rows: 24 }).join("\r\n")}\r\n`);
    const answer = await readAnswer(input, signal);
    writeSync(output, `${answer === undefined ? "(withdrawn)" : answer.answer}\r\n`);
    return answer;
  } finally {
    input.setRawMode(false);
    input.destroy();
    closeSync(output);
  }
}

function readAnswer(input: ReadStream, signal: AbortSignal): Promise<HumanAnswer | undefined> {
  return new Promise((resolve) => {
    let quietSince = performance.now();
    const settle = (answer: HumanAnswer | undefined): void => {
      input.off("data", take);
      resolve(answer);
    };
    // SECURITY: keys typed for something else must not approve: an answer is a single key after silence.
    const take = (bytes: Buffer): void => {
      const quiet = performance.now() - quietSince;
      quietSince = performance.now();
      const key = bytes.toString("latin1");
      if (quiet < LIMITS.questionGuardMs || key.length !== 1) return;
      if (key === "y" || key === "Y") settle({ answer: "yes", by: userInfo().username, message: undefined });
      if (key === "n" || key === "N" || key === "\u0003" || key === "\u001b") settle({ answer: "no", by: userInfo().username, message: undefined });
    };
    input.on("data", take);
    input.once("error", () => settle(undefined));
    input.once("close", () => settle(undefined));
    signal.addEventListener("abort", () => settle(undefined), { once: true });
    if (signal.aborted) settle(undefined);
  });
}
