import type { Ruling } from "../decide/index.ts";
import { leadingMatch, refusalMessage } from "../decide/index.ts";
import { LIMITS, stricter, type Decision, type Outcome, type RuleMatch, type ShellState, type Verdict } from "../model/index.ts";
import { isComplete } from "../parse/index.ts";
import { tampering } from "./gate-tampering.ts";
import type { GateAnswer, GateMessage } from "./gate-wire.ts";
import type { Judgement } from "./pipeline.ts";

/** A piece of text that a gated shell is about to run. `prior`: what it was fed before, and ran. */
export type Piece = { readonly text: string; readonly cwd: string; readonly state: ShellState; readonly prior: string };

/** What a session needs of the broker; the same pipeline as for a command. */
export type GatePorts = {
  readonly judge: (piece: Piece) => Judgement;
  /** Asks whoever has to be asked; refuses what the shell's sandbox does not give. */
  readonly decide: (judged: Judgement, gone: AbortSignal) => Promise<Ruling["decision"]>;
  /** Writes down a piece that is judged, as a command inside the shell. Throws when it cannot: then it does not run. */
  readonly receive: (judged: Judgement, piece: Piece) => void;
  /** Writes down what was decided, and keeps what may be lost. Out: the decision that counts. */
  readonly decided: (judged: Judgement, decision: Decision) => Promise<Decision>;
  readonly finished: (id: string, outcome: Outcome) => void;
};

const ACCEPT: GateAnswer = { verdict: "accept", message: undefined };
const MORE: GateAnswer = { verdict: "more", message: undefined };
const SILENT: GateAnswer = { verdict: "refuse", message: undefined };
const NO_STATE: ShellState = { variables: new Map(), aliases: new Map(), functions: [] };
const REFUSED = 126;

/** A line that was accepted and has not ended. */
type Running = { readonly id: string; readonly text: string; readonly judged: Judgement; readonly decision: Decision; readonly began: number; begun: boolean; /** It has a command that reads what is typed. */ reads: boolean };

/**
 * One gated shell. Everything that counts is remembered here and not in the shell, where a line could change it.
 * INVARIANT: `accept` is only said of text that was judged and, as a line, recorded before.
 */
export class GateSession {
  readonly #ports: GatePorts;
  #running: Running | undefined;
  /** A command of the running line was refused: nothing more of that line runs. */
  #refusing = false;
  #broken: string | undefined;
  #prior = "";

  constructor(ports: GatePorts) {
    this.#ports = ports;
  }

  async hear(message: GateMessage, gone: AbortSignal): Promise<GateAnswer> {
    if (this.#broken !== undefined) return { verdict: "refuse", message: `vetsh: ${this.#broken}; nothing runs in this shell any more\nhint: end it, and start another one` };
    switch (message.kind) {
      case "prompt":
        return this.#prompt(message.status, message.settings);
      case "line":
        return this.#line(message, gone);
      case "command":
        return this.#command(message, gone);
      case "fed":
        return this.#fed(message, gone);
    }
  }

  /** The shell has ended, and with it the line that ran. */
  end(outcome: Outcome): void {
    this.#finish(outcome);
    this.#broken = "the shell has ended";
  }

  #finish(outcome: Outcome): void {
    if (this.#running !== undefined) this.#ports.finished(this.#running.id, outcome);
    this.#running = undefined;
    this.#refusing = false;
  }

  #prompt(status: number, settings: string): GateAnswer {
    const wallUs = this.#running === undefined ? 0 : Math.round((performance.now() - this.#running.began) * 1000);
    this.#finish({ kind: "exited", code: status, usage: { wallUs, userUs: 0, systemUs: 0, maxRssKb: 0 } });
    const missing = missingSetting(settings);
    if (missing === undefined) return ACCEPT;
    this.#broken = `the gate of this shell was bent (${missing})`;
    return { verdict: "refuse", message: `vetsh: ${this.#broken}; the shell ends\nhint: start another one` };
  }

  async #line({ text, cwd, state }: Extract<GateMessage, { kind: "line" | "command" }>, gone: AbortSignal): Promise<GateAnswer> {
    // What is typed for a command that runs (`read -e`) is input, as it is to any other program.
    if (this.#running?.begun === true) {
      if (this.#running.reads) return ACCEPT;
      this.#finish({ kind: "exited", code: 0, usage: { wallUs: 0, userUs: 0, systemUs: 0, maxRssKb: 0 } });
    }
    // Accepted, and no command of it began: the shell found it incomplete and asks for more.
    const whole = this.#running === undefined ? text : `${this.#running.text}\n${text}`;
    if (whole.trim() === "") return ACCEPT;
    if (!isComplete(whole)) return MORE;
    this.#finish({ kind: "refused", code: REFUSED });
    return this.#judge({ text: whole, cwd, state, prior: "" }, gone);
  }

  async #judge(piece: Piece, gone: AbortSignal): Promise<GateAnswer> {
    const judged = guarded(this.#ports.judge(piece), piece.text);
    this.#ports.receive(judged, piece);
    const decision = await this.#ports.decided(judged, await this.#ports.decide(judged, gone));
    const id = judged.requestId;
    if (decision.final === "run" && !gone.aborted) {
      // Another connection with the same token may have asked meanwhile: each line ends once.
      this.#finish({ kind: "exited", code: 0, usage: { wallUs: 0, userUs: 0, systemUs: 0, maxRssKb: 0 } });
      this.#running = { id, text: piece.text, judged, decision, began: performance.now(), begun: false, reads: false };
      return ACCEPT;
    }
    this.#ports.finished(id, { kind: "refused", code: REFUSED });
    return { verdict: "refuse", message: refusalMessage(decision, piece.text, judged.effects) };
  }

  /** A simple command of the running line, with aliases, functions and `eval` resolved. */
  async #command({ text: said, cwd, state }: Extract<GateMessage, { kind: "line" | "command" }>, gone: AbortSignal): Promise<GateAnswer> {
    if (this.#refusing) return SILENT;
    const text = asCommand(said);
    const line = this.#running;
    if (line !== undefined) {
      line.begun = true;
      line.reads ||= /\bread\b/.test(text);
      if (line.text === text && !/[$`]/.test(text)) return ACCEPT;
    }
    const piece: Piece = { text, cwd, state, prior: "" };
    const judged = guarded(this.#ports.judge(piece), text);
    if (judged.evaluation.verdict === "allow" || (line !== undefined && isCovered(judged, line))) {
      const decision = await this.#ports.decide(judged, gone);
      if (decision.final === "run") return ACCEPT;
    }
    const answer = await this.#hidden(judged, piece, line, gone);
    if (answer.verdict === "refuse") this.#refusing = line !== undefined;
    return answer;
  }

  /** What the line did not show: judged, asked about and recorded by itself. */
  async #hidden(judged: Judgement, piece: Piece, line: Running | undefined, gone: AbortSignal): Promise<GateAnswer> {
    this.#ports.receive(judged, piece);
    const decision = await this.#ports.decided(judged, await this.#ports.decide(judged, gone));
    const accepted = decision.final === "run" && !gone.aborted;
    this.#ports.finished(judged.requestId, accepted ? { kind: "exited", code: 0, usage: { wallUs: 0, userUs: 0, systemUs: 0, maxRssKb: 0 } } : { kind: "refused", code: REFUSED });
    if (accepted) return ACCEPT;
    return { verdict: "refuse", message: `${refusalMessage(decision, piece.text, judged.effects)}${line === undefined ? "" : "\nnote: nothing more of this line runs"}` };
  }

  async #fed({ text, cwd, last }: Extract<GateMessage, { kind: "fed" }>, gone: AbortSignal): Promise<GateAnswer> {
    if (text.trim() === "") return ACCEPT;
    if (!last && !isComplete(text)) return MORE;
    if (this.#prior.length + text.length > LIMITS.gateStream) this.#broken = "this stream of commands is longer than can be followed";
    if (this.#broken !== undefined) return { verdict: "refuse", message: `vetsh: ${this.#broken}; nothing more of it runs\nhint: start another shell` };
    this.#finish({ kind: "exited", code: 0, usage: { wallUs: 0, userUs: 0, systemUs: 0, maxRssKb: 0 } });
    const answer = await this.#judge({ text, cwd, state: NO_STATE, prior: this.#prior }, gone);
    if (answer.verdict === "accept") this.#prior += text.endsWith("\n") ? text : `${text}\n`;
    return answer;
  }
}

/** bash announces a loop or `case` by its head alone; its body comes command by command. */
function asCommand(text: string): string {
  if (/^(?:for|select) [A-Za-z_]\w* in(?: |$)/.test(text)) return `${text}; do :; done`;
  return /^case .* in\s*$/s.test(text) ? `${text} esac` : text;
}

/** The trap as `gate.bash` sets it. */
const TRAP = "trap -- 'case $BASH_SUBSHELL${FUNCNAME-} in 0__vetsh_line | 0__vetsh_prompt | 0__vetsh_ask | 0__vetsh_know | 0vetsh-refused | *__vetsh_past) ;; *) __vetsh_command ;; esac' DEBUG";

/** What `P` must list, each as a line: the trap, that a refusal skips, that functions are looked into, and that lines are read by readline, where Enter is. */
const SETTINGS: readonly (readonly [what: string, anyOf: readonly string[]])[] = [["the DEBUG trap", [TRAP]], ["extdebug", ["shopt -s extdebug"]], ["functrace", ["set -o functrace"]], ["line editing", ["set -o emacs", "set -o vi"]]];

function missingSetting(settings: string): string | undefined {
  const listed = new Set(settings.split("\n"));
  return SETTINGS.find(([, anyOf]) => !anyOf.some((line) => listed.has(line)))?.[0];
}

/** SECURITY: bending the gate is a deny, whatever rules say of the line. */
function guarded(judged: Judgement, text: string): Judgement {
  const how = tampering(text, judged.analysis.commands, judged.invocation.dialect);
  if (how === undefined) return judged;
  const match: RuleMatch = { id: "gate", tier: "built-in", file: "", line: 0, verdict: "deny", reason: how, instead: "type the command that is meant; a shell of its own for other settings: bash -c '…'", effect: undefined, hosts: [] };
  return { ...judged, evaluation: { ...judged.evaluation, verdict: "deny", matches: [match, ...judged.evaluation.matches.filter(({ verdict }) => verdict !== "deny")] } };
}

/** Whether what a person or reviewer said of the line holds for this piece of it: it is stopped by nothing that the line was not. */
function isCovered(judged: Judgement, { decision }: Running): boolean {
  const { verdict, matches } = judged.evaluation;
  if (verdict === "deny") return false;
  const strict = (match: RuleMatch): boolean => stricter(match.verdict, "allow" satisfies Verdict) !== "allow";
  const said = new Set(decision.evaluation.matches.filter(strict).map(({ id }) => id));
  return leadingMatch(matches, verdict) !== undefined && matches.filter(strict).every(({ id }) => said.has(id));
}
