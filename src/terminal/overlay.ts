import { LIMITS } from "../model/index.ts";
import type { Answer, Question, RuleOffer } from "../model/index.ts";
import { agentInput, questionInput } from "./input-modes.ts";
import { createKeyReader } from "./keys.ts";
import type { AnswerKey, KeyEvent } from "./keys.ts";
import { createLineReader } from "./line-input.ts";
import type { Typed } from "./line-input.ts";
import { renderQuestion } from "./panel.ts";
import type { PanelState, PanelStep } from "./panel.ts";
import { beginDrawing, endDrawing, paintCells, restoreCursor, restoreSavedCursor } from "./repaint.ts";
import type { ScreenModel } from "./screen-model.ts";

/** Where questions come from and answers go: the caller connects it to the broker. */
export type QuestionChannel = {
  /** Called for each question, open ones included, until the agent ends. */
  onQuestion(callback: (question: Question) => void): void;
  /** The question was answered elsewhere, expired, or its command is gone. */
  onWithdrawn(callback: (id: string) => void): void;
  answer(id: string, answer: Answer, how: AnswerHow): void;
  /** The rules that an "always" to this question could write; a text says why there are none. */
  rules?(id: string): Promise<RuleOffer | string>;
};

/** What goes with an answer: with a yes how far it goes, with a no what the agent is to be told. `width`: of the rules that were shown. */
export type AnswerHow = { readonly keep?: "session" } | { readonly keep: "always"; readonly width: RuleOffer["widths"][number]["name"]; readonly toml: string } | { readonly message: string };

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
type Step = PanelStep | "settling";
/** What the panel shows of the question. */
type View = { readonly kind: "question" | "explained" } | { readonly kind: "telling"; readonly text: string; readonly read: (bytes: Buffer) => Typed } | { readonly kind: "rules"; readonly offer: RuleOffer | string | undefined; readonly chosen: number };
type Phase =
  | { readonly kind: "idle" | "ended" }
  | { readonly kind: "opening"; readonly question: Question; withdrawn: boolean; readonly opened: Promise<void> }
  | { readonly kind: "open"; readonly question: Question; step: Step; view: View; /** Lines of the panel on the screen. */ drawn: number; read: (bytes: Buffer) => readonly KeyEvent[]; silence: NodeJS.Timeout | undefined; readonly expiry: NodeJS.Timeout };

/**
 * Lays questions over the agent's screen, one at a time, and takes their answers.
 * INVARIANT: while nothing is asked, bytes pass untouched. A question changes neither what the agent shows nor, once closed,
 * any mode of the terminal.
 * SECURITY: only a single key on its own, after silence and before silence, answers or opens anything. Typing meant for the agent never does.
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
    phase = { kind: "open", question, step: "guard", view: { kind: "question" }, drawn: 0, read: createKeyReader(), silence: undefined, expiry: setTimeout(() => close(undefined), left) };
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
    const lines = renderQuestion(phase.question, size, panelState(phase.view, phase.step === "settling" ? "ready" : phase.step));
    const top = size.rows - lines.length;
    // A panel that shrinks gives the agent's cells back.
    if (lines.length < phase.drawn) screen(beginDrawing(model.state()) + paintCells(model.buffer(), size, model.state()));
    phase.drawn = lines.length;
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

  const show = (view: View): void => {
    if (phase.kind !== "open") return;
    phase.view = view;
    step("ready");
  };

  const close = (answer: Answer | undefined, how: AnswerHow = {}): void => {
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
    if (answer !== undefined) questions.answer(question.id, answer, how);
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
      case "key": {
        const action = phase.step === "ready" ? actionOf(event.key, phase.view, phase.question) : undefined;
        if (action === undefined) return notAnAnswer();
        phase.step = "settling";
        return afterSilence(LIMITS.questionSettleMs, action);
      }
    }
  };

  /** What a key does where it stands; undefined when it means nothing there. */
  const actionOf = (key: AnswerKey, view: View, question: Question): (() => void) | undefined => {
    if (view.kind === "rules") return ruleAction(key, view);
    const offers = (keep: "session" | "always"): boolean => question.offers?.includes(keep) === true;
    const actions: Partial<Record<AnswerKey, () => void>> = {
      y: () => close("yes"),
      n: () => close("no"),
      e: () => show({ kind: view.kind === "explained" ? "question" : "explained" }),
      t: () => show({ kind: "telling", text: "", read: createLineReader() }),
      ...(offers("session") ? { s: () => close("yes", { keep: "session" }) } : {}),
      ...(offers("always") && questions.rules !== undefined ? { a: () => showRules(question) } : {}),
    };
    return actions[key];
  };

  const ruleAction = (key: AnswerKey, { offer, chosen }: Extract<View, { kind: "rules" }>): (() => void) | undefined => {
    if (key === "b") return () => show({ kind: "question" });
    if (key === "n") return () => close("no");
    if (offer === undefined || typeof offer === "string") return undefined;
    const width = offer.widths[chosen];
    if (key === "w" && width !== undefined) return () => close("yes", { keep: "always", width: width.name, toml: width.toml });
    const other = Number(key) - 1;
    return offer.widths[other] === undefined ? undefined : () => show({ kind: "rules", offer, chosen: other });
  };

  const showRules = (question: Question): void => {
    show({ kind: "rules", offer: undefined, chosen: 0 });
    const arrived = (offer: RuleOffer | string): void => {
      if (phase.kind === "open" && phase.question === question && phase.view.kind === "rules") show({ kind: "rules", offer, chosen: 0 });
    };
    questions.rules?.(question.id).then(arrived, (error: unknown) => arrived(error instanceof Error ? error.message : String(error)));
  };

  /** The human types what the agent is to be told. */
  const tell = (view: Extract<View, { kind: "telling" }>, bytes: Buffer): void => {
    const typed = view.read(bytes);
    if (!typed.over) return show({ ...view, text: typed.text });
    if (typed.text === undefined || typed.text === "") return show({ kind: "question" });
    close("no", { message: typed.text });
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
      if (phase.view.kind === "telling" && phase.step !== "settling") return tell(phase.view, bytes);
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

function panelState(view: View, step: PanelStep): PanelState {
  switch (view.kind) {
    case "question":
      return step;
    case "explained":
      return { kind: "explained", step };
    case "telling":
      return { kind: "telling", text: view.text };
    case "rules":
      return { kind: "rules", step, offer: view.offer, chosen: view.chosen };
  }
}

/** The longest delay a timer of Node takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;
