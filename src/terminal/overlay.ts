import { LIMITS } from "../model/index.ts";
import type { Answer, Question } from "../model/index.ts";
import { agentInput, questionInput } from "./input-modes.ts";
import { createKeyReader } from "./keys.ts";
import type { KeyEvent } from "./keys.ts";
import { renderQuestion } from "./panel.ts";
import type { PanelState } from "./panel.ts";
import { beginDrawing, endDrawing, paintCells, restoreCursor, restoreSavedCursor } from "./repaint.ts";
import type { ScreenModel } from "./screen-model.ts";

/** Where questions come from and answers go: the caller connects it to the broker. */
export type QuestionChannel = {
  /** Called for each question, open ones included, until the agent ends. */
  onQuestion(callback: (question: Question) => void): void;
  /** The question was answered elsewhere, expired, or its command is gone. */
  onWithdrawn(callback: (id: string) => void): void;
  answer(id: string, answer: Answer, message?: string): void;
};

/** What the overlay needs of the host. */
export type OverlayPorts = {
  readonly model: ScreenModel;
  readonly questions: QuestionChannel;
  /** Writes to the human's terminal. */
  readonly screen: (text: string) => void;
  /** Input that is the agent's. */
  readonly toAgent: (bytes: Buffer) => void;
  /** Stops the agent's output where no sequence is open; resolves when the model shows what the screen shows. */
  readonly hold: () => Promise<void>;
  /** Delivers what was held, and lets output pass again. */
  readonly release: () => void;
};

export type Overlay = {
  /** A chunk from the human's keyboard. */
  input(bytes: Buffer): void;
  /** The model has a new size. */
  resized(): void;
  /** Puts the screen back, answers nothing, and takes no more questions. Resolves when the screen is back. */
  end(): Promise<void>;
};

/**
 * `guard`: drawn, but keys are still the agent's until there was silence · `ready` / `again`: keys are ours ·
 * `settling`: an answer key came, and counts if nothing follows.
 */
type Step = PanelState | "settling";
type Phase =
  | { readonly kind: "idle" | "ended" }
  | { readonly kind: "opening"; readonly question: Question; withdrawn: boolean; readonly opened: Promise<void> }
  | { readonly kind: "open"; readonly question: Question; step: Step; read: (bytes: Buffer) => readonly KeyEvent[]; silence: NodeJS.Timeout | undefined; readonly expiry: NodeJS.Timeout };

/**
 * Lays questions over the agent's screen, one at a time, and takes their answers.
 * INVARIANT: while nothing is asked, bytes pass untouched. A question changes neither what the agent shows nor, once closed,
 * any mode of the terminal.
 * SECURITY: only a single y or n on its own, after silence, answers. Typing meant for the agent never does.
 */
export function createOverlay(ports: OverlayPorts): Overlay {
  const { model, questions, screen } = ports;
  const queue: Question[] = [];
  let phase: Phase = { kind: "idle" };

  const next = (): void => {
    if (phase.kind !== "idle") return;
    const question = queue.shift();
    if (question === undefined) return;
    const opening: Phase = { kind: "opening", question, withdrawn: false, opened: ports.hold() };
    phase = opening;
    void opening.opened.then(() => {
      if (phase !== opening) return;
      if (opening.withdrawn) {
        phase = { kind: "idle" };
        ports.release();
        next();
      } else open(question);
    });
  };

  const open = (question: Question): void => {
    const left = Math.max(0, Math.min(question.expiresAt - Date.now(), MAX_TIMER_MS));
    phase = { kind: "open", question, step: "guard", read: createKeyReader(), silence: undefined, expiry: setTimeout(() => close(undefined), left) };
    const state = model.state();
    // In the normal buffer the terminal keeps its cells and its scrollback itself, while ours is drawn in the other one.
    screen(state.alternate ? beginDrawing(state) : `\x1b[?1049h${beginDrawing(state)}${paintCells(model.buffer(), model.size(), state)}`);
    drawPanel();
    afterSilence(LIMITS.questionGuardMs, () => {
      screen(questionInput(model.state()));
      step("ready");
    });
  };

  const drawPanel = (): void => {
    if (phase.kind !== "open") return;
    const size = model.size();
    const lines = renderQuestion(phase.question, size, phase.step === "settling" ? "ready" : phase.step);
    const top = size.rows - lines.length;
    screen(lines.map((line, index) => `\x1b[${top + index + 1};1H${line}`).join(""));
  };

  const step = (to: Step): void => {
    if (phase.kind !== "open") return;
    phase.step = to;
    drawPanel();
  };

  /** Runs `action` when no key came for so long; replaces what was waiting. */
  const afterSilence = (ms: number, action: () => void): void => {
    if (phase.kind !== "open") return;
    clearTimeout(phase.silence);
    phase.silence = setTimeout(action, ms);
  };

  const close = (answer: Answer | undefined): void => {
    if (phase.kind !== "open") return;
    const { question, step: at } = phase;
    clearTimeout(phase.silence);
    clearTimeout(phase.expiry);
    const [buffer, size, state] = [model.buffer(), model.size(), model.state()];
    screen(at === "guard" ? "" : agentInput(state));
    if (state.alternate) screen(paintCells(buffer, size, state) + endDrawing(state) + restoreCursor(buffer, size, state));
    else screen(`${endDrawing(state)}\x1b[?1049l${restoreSavedCursor(buffer, size, state)}`);
    phase = { kind: "idle" };
    ports.release();
    if (answer !== undefined) questions.answer(question.id, answer);
    next();
  };

  /** A key that is no answer: somebody is typing. The guard starts again, and swallows until there is silence. */
  const notAnAnswer = (): void => {
    step("again");
    afterSilence(LIMITS.questionGuardMs, () => step("ready"));
  };

  const take = (event: KeyEvent): void => {
    if (phase.kind !== "open") return;
    switch (event.kind) {
      case "report":
        return ports.toAgent(event.bytes);
      case "interrupt":
        return close("no");
      case "other":
        return notAnAnswer();
      case "yes":
      case "no": {
        if (phase.step !== "ready") return notAnAnswer();
        const answer: Answer = event.kind;
        phase.step = "settling";
        return afterSilence(LIMITS.questionSettleMs, () => close(answer));
      }
    }
  };

  questions.onQuestion((question) => {
    if (phase.kind === "ended" || queue.length >= LIMITS.queuedQuestions) return;
    queue.push(question);
    next();
  });
  questions.onWithdrawn((id) => {
    const waiting = queue.findIndex((question) => question.id === id);
    if (waiting >= 0) queue.splice(waiting, 1);
    else if (phase.kind === "opening" && phase.question.id === id) phase.withdrawn = true;
    else if (phase.kind === "open" && phase.question.id === id) close(undefined);
  });

  return {
    input: (bytes) => {
      if (phase.kind !== "open") return ports.toAgent(bytes);
      if (phase.step === "guard") {
        ports.toAgent(bytes);
        return void phase.silence?.refresh();
      }
      for (const event of phase.read(bytes)) take(event);
    },
    resized: () => {
      if (phase.kind !== "open") return;
      const state = model.state();
      screen(beginDrawing(state) + paintCells(model.buffer(), model.size(), state));
      drawPanel();
    },
    end: async () => {
      queue.length = 0;
      if (phase.kind === "opening") {
        phase.withdrawn = true;
        await phase.opened;
      }
      close(undefined);
      phase = { kind: "ended" };
    },
  };
}
/** The longest delay a timer of Node takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;
