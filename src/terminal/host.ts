import { writeSync } from "node:fs";
import type { ReadStream, WriteStream } from "node:tty";
import { LIMITS } from "../model/index.ts";
import { leaveAtOnce, leaveTerminal } from "./input-modes.ts";
import { createOverlay } from "./overlay.ts";
import type { Overlay, QuestionChannel } from "./overlay.ts";
import { openTail } from "./plain-output.ts";
import { startPty } from "./pty.ts";
import type { AgentPty, PtyCommand, PtyEnd } from "./pty.ts";
import { rawMode } from "./raw-mode.ts";
import type { Recording } from "./recording.ts";
import { createScreenModel } from "./screen-model.ts";
import type { ScreenModel } from "./screen-model.ts";
import { forwardSignals } from "./signals.ts";
import { terminalSize } from "./size.ts";

/** The human's terminal. */
export type HumanTerminal = { readonly input: ReadStream; readonly output: WriteStream };

/**
 * Hosts an agent in a pseudoterminal of its own, between the human's keyboard and screen.
 * In: a command whose `file` is a path (its size is the terminal's), the terminal, the questions, who records. Out: how the agent ended.
 * What holds: bytes pass unchanged both ways; whoever is slow is waited for, nothing piles up; the terminal is put back
 * however this ends, short of SIGKILL.
 */
export async function hostAgent(command: Omit<PtyCommand, "size">, human: HumanTerminal, questions: QuestionChannel, recording?: Recording): Promise<PtyEnd> {
  const { input, output } = human;
  const flow = createFlow(() => pty);
  const model = await createScreenModel(terminalSize(output), () => flow.go("model"));
  const passage = createPassage(output, model, flow, recording);
  const pty: AgentPty = await startPty(
    { ...command, size: terminalSize(output) },
    { data: passage.fromAgent, drain: () => void input.resume() },
  );
  const toAgent = (bytes: Buffer): void => {
    if (!pty.write(bytes)) input.pause();
  };
  const overlay = createOverlay({ model, questions, toAgent, screen: passage.screen, hold: passage.hold, release: passage.release });
  const restore = attach(human, pty, model, overlay, flow, recording);
  try {
    const end = await pty.ended;
    await overlay.end();
    await model.flush();
    passage.screen(leaveTerminal(model.state()));
    return end;
  } finally {
    restore();
    model.dispose();
  }
}

/** Why the agent's output is not read at the moment; it is read when there is no reason left. */
type Reason = "screen" | "model" | "held";
type Flow = { stop(reason: Reason): void; go(reason: Reason): void };

function createFlow(pty: () => AgentPty): Flow {
  const reasons = new Set<Reason>();
  return {
    stop: (reason) => {
      if (reasons.size === 0) pty().pause();
      reasons.add(reason);
    },
    go: (reason) => {
      if (reasons.delete(reason) && reasons.size === 0) pty().resume();
    },
  };
}

type Passage = {
  fromAgent(bytes: Buffer): void;
  screen(text: string): void;
  hold(): Promise<void>;
  release(): void;
};

/** The agent's output on its way to the screen and to the model, and the place where it is held during a question. */
function createPassage(output: WriteStream, model: ScreenModel, flow: Flow, recording: Recording | undefined): Passage {
  const recent = createRecent();
  let held: Buffer[] | undefined;
  let heldBytes = 0;
  let unfinished: Buffer = Buffer.alloc(0);
  let arrived: (() => void) | undefined;
  const show = (bytes: Buffer | string): boolean => {
    recording?.output(bytes);
    return output.write(bytes);
  };
  const forward = (bytes: Buffer): void => {
    recent.add(bytes);
    if (!show(bytes)) flow.stop("screen");
    if (!model.feed(bytes)) flow.stop("model");
  };
  output.on("drain", () => flow.go("screen"));
  return {
    fromAgent: (bytes) => {
      if (held === undefined) {
        forward(bytes);
        return arrived?.();
      }
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes > LIMITS.heldOutputBytes) flow.stop("held");
    },
    screen: (text) => void (text === "" || show(text)),
    hold: async () => {
      await sequenceEnd(() => recent.unfinished().length === 0, (callback) => (arrived = callback));
      arrived = undefined;
      held = [];
      unfinished = recent.unfinished();
      // CAN ends a sequence that never came to its end; it is sent again from its start when the screen is back.
      if (unfinished.length > 0) show("\x18");
      await model.flush();
    },
    release: () => {
      const bytes = held ?? [];
      held = undefined;
      heldBytes = 0;
      if (unfinished.length > 0) show(unfinished);
      for (const chunk of bytes) forward(chunk);
      flow.go("held");
    },
  };
}

/** The last chunks of output, kept as they came: they are looked at only when a question comes. */
function createRecent(): { add(bytes: Buffer): void; unfinished(): Buffer } {
  let chunks: Buffer[] = [];
  let length = 0;
  return {
    add: (bytes) => {
      chunks.push(bytes);
      length += bytes.length;
      for (let first = chunks[0]; first !== undefined && length - first.length >= RECENT; first = chunks[0]) {
        chunks.shift();
        length -= first.length;
      }
    },
    unfinished: () => {
      chunks = [Buffer.concat(chunks)];
      const all = chunks[0] ?? Buffer.alloc(0);
      return all.subarray(openTail(all));
    },
  };
}
/** Bytes of output that are looked at for an open sequence. */
const RECENT = 8192;

/** Resolves when `finished` holds, looked at after each arrival of output, or after a short while. */
async function sequenceEnd(finished: () => boolean, onArrival: (callback: () => void) => void): Promise<void> {
  if (finished()) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LIMITS.sequenceEndMs);
    onArrival(() => {
      if (!finished()) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Connects the human's terminal. Out: what disconnects it and puts it back, to be called once more than needed. */
function attach(human: HumanTerminal, pty: AgentPty, model: ScreenModel, overlay: Overlay, flow: Flow, recording: Recording | undefined): () => void {
  const { input, output } = human;
  const raw = rawMode(input);
  const onInput = (bytes: Buffer): void => overlay.input(bytes);
  const onResize = (): void => {
    const size = terminalSize(output);
    model.resize(size);
    recording?.resize(size);
    pty.resize(size);
    overlay.resized();
  };
  // The human's terminal is gone: to the agent that is a hang-up, and nobody will read what it still writes.
  const onHangup = (): void => {
    pty.signal("SIGHUP", "group");
    setTimeout(() => pty.signal("SIGKILL", "group"), LIMITS.agentEndMs).unref();
    flow.go("screen");
  };
  const onContinue = (): void => {
    raw.on();
    pty.signal("SIGWINCH", "group");
  };
  const atExit = (): void => {
    writeLast(leaveAtOnce(model.state().alternate));
    raw.off();
  };
  const stopSignals = forwardSignals(pty);
  raw.on();
  input.on("data", onInput);
  input.on("end", onHangup);
  input.on("error", onHangup);
  output.on("error", onHangup);
  output.on("resize", onResize);
  process.on("SIGCONT", onContinue);
  process.on("exit", atExit);
  input.resume();
  return () => {
    process.off("exit", atExit);
    process.off("SIGCONT", onContinue);
    stopSignals();
    input.off("data", onInput);
    input.off("end", onHangup);
    output.off("resize", onResize);
    input.pause();
    raw.off();
  };
}

/** The last words of a process that ends unexpectedly. A terminal that cannot be written to has nothing left to put back. */
function writeLast(text: string): void {
  try {
    writeSync(STDOUT, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EIO" && code !== "EAGAIN" && code !== "EBADF") throw error;
  }
}
const STDOUT = 1;
