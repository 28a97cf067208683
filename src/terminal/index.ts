/**
 * terminal: an agent in the human's terminal. Goes in: a command line, and a channel of questions. Comes out: the exit code,
 * and the human's answers. Only importer of node-pty and @xterm/headless, both loaded when an agent is hosted.
 *
 * What holds: bytes pass unchanged both ways and nothing piles up; a question is drawn over any screen and leaves every cell,
 * the cursor and all modes as they were; only a single key after silence answers it; text of the question is escaped;
 * the human's terminal is put back however the agent ends.
 */
export { askOnScreen } from "./ask.ts";
export { AgentStartError, canAsk, runInTerminal } from "./run.ts";
export type { AgentCommand } from "./run.ts";
export type { AnswerHow, QuestionChannel } from "./overlay.ts";
export { renderQuestion } from "./panel.ts";
export { startRecording } from "./recording.ts";
export type { Recording } from "./recording.ts";
export { leaveAtOnce } from "./input-modes.ts";
export { createLineReader } from "./line-input.ts";
export type { PanelSize, PanelState } from "./panel.ts";
