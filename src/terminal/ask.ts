import type { Answer, Question } from "../model/index.ts";
import type { HumanTerminal } from "./host.ts";
import { createOverlay } from "./overlay.ts";
import type { AnswerHow, QuestionChannel } from "./overlay.ts";
import { rawMode } from "./raw-mode.ts";
import { createScreenModel } from "./screen-model.ts";
import { terminalSize } from "./size.ts";

/**
 * Asks one question on a terminal that has nothing else to show (a popup), with the same panel, keys and guard as over an agent.
 * In: the question, how its rules are drafted, the terminal; `over` fires when it was answered elsewhere. Out: the answer, or undefined.
 */
export async function askOnScreen(question: Question, rules: QuestionChannel["rules"], { input, output }: HumanTerminal, over: AbortSignal): Promise<{ readonly answer: Answer; readonly how: AnswerHow } | undefined> {
  const model = await createScreenModel(terminalSize(output), () => undefined);
  const raw = rawMode(input);
  const { promise, resolve } = Promise.withResolvers<{ readonly answer: Answer; readonly how: AnswerHow } | undefined>();
  const leave = (): void => resolve(undefined);
  const overlay = createOverlay({
    model,
    questions: { onQuestion: (callback) => callback(question), onWithdrawn: () => undefined, answer: (_id, answer, how) => resolve({ answer, how }), ...(rules === undefined ? {} : { rules }) },
    // What is typed for something else goes nowhere: it only starts the guard again.
    toAgent: () => undefined,
    screen: (text) => void (text === "" || output.write(text)),
    hold: async () => undefined,
    release: () => undefined,
  });
  const onInput = (bytes: Buffer): void => overlay.input(bytes);
  const onResize = (): void => {
    model.resize(terminalSize(output));
    overlay.resized();
  };
  const expiry = setTimeout(leave, Math.max(0, Math.min(question.expiresAt - Date.now(), 2 ** 31 - 1)));
  over.addEventListener("abort", leave, { once: true });
  if (over.aborted) leave();
  raw.on();
  input.on("data", onInput);
  input.once("end", leave);
  output.on("resize", onResize);
  input.resume();
  try {
    return await promise;
  } finally {
    clearTimeout(expiry);
    await overlay.end();
    input.off("data", onInput);
    output.off("resize", onResize);
    input.pause();
    raw.off();
    model.dispose();
  }
}
