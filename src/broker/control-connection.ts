import type { Socket } from "node:net";
import { LIMITS } from "../model/index.ts";
import type { HumanAnswer } from "./approvals.ts";
import type { Attached } from "./attached-channel.ts";
import { controlRequest, type BrokerStatus, type ControlAnswers, type ControlError, type ControlRequest } from "./control-protocol.ts";

/** What the human's programs may ask of the broker. */
export type ControlDesk = {
  status(): BrokerStatus;
  stop(): void;
  reload(): readonly string[];
  questions(): ControlAnswers["questions"]["questions"];
  /** `attached`: the answer comes from a program that shows questions. */
  answer(id: string, answer: HumanAnswer, from: "attached" | "control"): "answered" | "kept" | undefined;
  attach(program: Attached): () => void;
  /** Digests of variables that are the human's own. */
  vouch(digests: readonly string[]): void;
  registerTerminal(device: string, leader: number): string | undefined;
};

/** Serves one program of the human. A line that is too long or malformed is answered with an error and ends the connection. */
export function serveControl(socket: Socket, desk: ControlDesk): void {
  let held = "";
  let detach: (() => void) | undefined;
  const send = (message: object): void => {
    if (!socket.destroyed && socket.writable) socket.write(`${JSON.stringify(message)}\n`);
  };
  const take = (line: string): void => {
    const request = readRequest(line);
    if (request === undefined) {
      send({ ok: false, error: "the request is not understood", hint: "use the `vetsh` of the same version as the broker" } satisfies ControlError);
      socket.end();
      return;
    }
    if (request.op === "attach") detach ??= desk.attach({ pid: request.pid, asks: request.asks, send });
    send(respond(request, desk, detach === undefined ? "control" : "attached"));
  };
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    held += chunk;
    const lines = held.split("\n");
    held = lines.pop() ?? "";
    for (const line of lines) take(line);
    if (held.length > LIMITS.controlLine) socket.destroy();
  });
  socket.once("end", () => socket.end());
  socket.once("close", () => detach?.());
}

function readRequest(line: string): ControlRequest | undefined {
  if (line.length > LIMITS.controlLine) return undefined;
  try {
    return controlRequest.parse(JSON.parse(line));
  } catch {
    // Not JSON or not a request: the caller says so and hangs up.
    return undefined;
  }
}

function respond(request: ControlRequest, desk: ControlDesk, from: "attached" | "control"): ControlAnswers[ControlRequest["op"]] | ControlError {
  switch (request.op) {
    case "status":
      return { ok: true, status: desk.status() };
    case "stop":
      desk.stop();
      return { ok: true };
    case "reload":
      return { ok: true, problems: desk.reload() };
    case "questions":
      return { ok: true, questions: desk.questions() };
    case "answer": {
      const effect = desk.answer(request.id, { answer: request.answer, by: request.by, message: request.message }, from);
      return effect === undefined ? { ok: false, error: "no such question is open", hint: "see `vetsh approvals` for those that are" } : { ok: true, effect };
    }
    case "attach":
      return { ok: true };
    case "vouch":
      desk.vouch(request.digests);
      return { ok: true };
    case "terminal": {
      const problem = desk.registerTerminal(request.device, request.leader);
      return problem === undefined ? { ok: true } : { ok: false, error: `this terminal cannot be asked on: ${problem}`, hint: "type `eval \"$(vetsh env)\"` in the terminal itself" };
    }
  }
}
