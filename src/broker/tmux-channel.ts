import { spawn } from "node:child_process";
import { LIMITS, type Question } from "../model/index.ts";
import type { Channel, HumanAnswer, Origin } from "./approvals.ts";
import type { TerminalChannel } from "./terminal-channel.ts";

/**
 * Asks in a popup of tmux, over the pane in which a human typed `eval "$(vetsh env)"`. The popup runs `vetsh ask ID`, which answers through
 * the human's socket. Where the pane's agent draws on its whole screen, a popup has its keys for itself.
 * SECURITY: socket and pane are those that the human's own command named; an agent's environment names none. No shell is started by it.
 */
export class TmuxChannel implements Channel {
  readonly name = "tmux" as const;
  readonly unless = ["outer-terminal"] as const;
  readonly #terminals: Pick<TerminalChannel, "tmuxOf">;
  readonly #command: readonly string[];
  readonly #log: (message: string) => void;

  /** `command`: program and arguments of `vetsh ask`, without the id. */
  constructor(terminals: Pick<TerminalChannel, "tmuxOf">, command: readonly string[], log: (message: string) => void) {
    this.#terminals = terminals;
    this.#command = command;
    this.#log = log;
  }

  present(question: Question, origin: Origin, signal: AbortSignal): Promise<HumanAnswer | undefined> | undefined {
    const pane = origin.onTerminal ? this.#terminals.tmuxOf(origin) : undefined;
    if (pane === undefined) return undefined;
    return new Promise((resolve) => {
      // The answer comes through the human's socket; here it is only known that the popup is gone.
      const popup = spawn("tmux", ["-S", pane.socket, "display-popup", "-E", "-t", pane.pane, "-w", "90%", "-h", "80%", ...this.#command, question.id], { stdio: "ignore", env: { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8" } });
      const ended = (): void => {
        clearTimeout(giveUp);
        resolve(undefined);
      };
      const giveUp = setTimeout(ended, LIMITS.pendingMs).unref();
      popup.once("error", (error) => { this.#log(`no popup: ${error.message}`); ended(); });
      // Somebody who closed it without an answer has not answered.
      popup.once("exit", ended);
      signal.addEventListener("abort", ended, { once: true });
      if (signal.aborted) ended();
    });
  }
}
