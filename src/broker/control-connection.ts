import type { Socket } from "node:net";
import { LIMITS, escapeText, type Question, type RuleOffer, type RuleWidth } from "../model/index.ts";
import type { ListedSnapshot, LookAnswer, Outcome, UndoAnswer } from "../undo/index.ts";
import type { Answered, HumanAnswer } from "./approvals.ts";
import type { Attached } from "./attached-channel.ts";
import { controlRequest, type BrokerStatus, type ControlAnswers, type ControlError, type ControlRequest } from "./control-protocol.ts";
import type { TmuxPane } from "./terminal-channel.ts";
import type { Ports } from "./ports.ts";

/** What the human's programs may ask of the broker. */
export type ControlDesk = {
  status(): BrokerStatus;
  stop(): void;
  reload(): readonly string[];
  questions(): ControlAnswers["questions"]["questions"];
  /** `attached`: the answer comes from a program that shows questions. */
  answer(id: string, answer: HumanAnswer, from: "attached" | "control"): Answered | undefined;
  /** What "always" could mean for an open question; a text says why nothing. */
  rules(id: string): Promise<RuleOffer | string>;
  /** Writes the rules that were shown. Out: why not, or undefined. */
  writeRules(id: string, width: RuleWidth["name"], toml: string, by: string): Promise<string | undefined>;
  grants(): Omit<ControlAnswers["grants"], "ok">;
  /** A text says why it was not taken back. */
  revoke(id: string, by: string): boolean | string;
  /** Throws when there is no such view. */
  attach(program: Attached, around: Pick<Extract<ControlRequest, { op: "attach" }>, "view" | "route">): () => void;
  /** Digests of variables that are the human's own. */
  vouch(digests: readonly string[]): void;
  snapshots(): readonly ListedSnapshot[];
  lookUndo(id: string, all: boolean): Promise<Outcome<LookAnswer & { readonly snapshot: ListedSnapshot }>>;
  undo(id: string, all: boolean, digest: string, by: string | undefined): Promise<Outcome<UndoAnswer>>;
  readonly ports: Pick<Ports, "list" | "publish" | "unpublish">;
  question(id: string): Question | undefined;
  registerTerminal(device: string, leader: number, tmux?: TmuxPane): string | undefined;
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
    if (request.op === "attach") {
      const refused = attach(request);
      if (refused !== undefined) return send({ ok: false, error: refused, hint: "start the agent again with `vetsh run`" } satisfies ControlError);
    }
    void answerInTurn(request);
  };
  const attach = (request: Extract<ControlRequest, { op: "attach" }>): string | undefined => {
    try {
      detach ??= desk.attach({ pid: request.pid, asks: request.asks, send }, request);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  // One answer to each request, in the order of the requests.
  let turn: Promise<void> = Promise.resolve();
  const answerInTurn = (request: ControlRequest): Promise<void> => {
    const reply = respond(request, desk, detach === undefined ? "control" : "attached");
    if (!(reply instanceof Promise)) {
      send(reply);
      return turn;
    }
    turn = turn.then(async () => send(await reply));
    return turn;
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

type Reply = ControlAnswers[ControlRequest["op"]] | ControlError;

function respond(request: ControlRequest, desk: ControlDesk, from: "attached" | "control"): Reply | Promise<Reply> {
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
      const { width, toml } = request;
      if (request.answer === "no" || request.keep !== "always") return answerNow(request, desk, from);
      if (width === undefined || toml === undefined) return { ok: false, error: "`always` needs the rules that were shown", hint: "vetsh approve ID --always WIDTH" };
      return desk.writeRules(request.id, width, toml, request.by ?? "a person").then((problem) => answerAfterWriting(problem, request, desk, from));
    }
    case "question":
      return { ok: true, question: desk.question(request.id) ?? null };
    case "rules":
      return desk.rules(request.id).then((offer) => (typeof offer === "string" ? { ok: false, error: offer, hint: "answer it for this run or the session, or write a rule: docs/rules.md" } : { ok: true, offer }));
    case "grants":
      return { ok: true, ...desk.grants() };
    case "revoke":
      return revoked(desk.revoke(request.id, request.by ?? "a person"));
    case "snapshots":
      return { ok: true, snapshots: desk.snapshots() };
    case "undo-look":
      return desk.lookUndo(request.id, request.all).then((found) => (found.ok ? { ok: true, look: found.value } : undoFailed(found.why)));
    case "undo":
      return desk.undo(request.id, request.all, request.digest, request.by).then((done) => (done.ok ? { ok: true, done: done.value } : undoFailed(done.why)));
    case "ports":
      return { ok: true, ports: desk.ports.list() };
    case "publish":
      return desk.ports.publish(request, request.by);
    case "unpublish":
      return desk.ports.unpublish(request.port);
    case "attach":
      return { ok: true };
    case "vouch":
      desk.vouch(request.digests);
      return { ok: true };
    case "terminal": {
      const problem = desk.registerTerminal(request.device, request.leader, request.tmux);
      return problem === undefined ? { ok: true } : { ok: false, error: `this terminal cannot be asked on: ${problem}`, hint: "type `eval \"$(vetsh env)\"` in the terminal itself" };
    }
  }
}

function revoked(done: boolean | string): Reply {
  if (typeof done === "string") return { ok: false, error: escapeText(done, { maxLength: LIMITS.shownReason }), hint: "the file is yours: change it in an editor" };
  return done ? { ok: true } : { ok: false, error: "there is no such grant (any more)", hint: "`vetsh grants` shows those that hold" };
}

function answerNow(request: Extract<ControlRequest, { op: "answer" }>, desk: ControlDesk, from: "attached" | "control"): Reply {
  const effect = answered(request, desk, from);
  if (typeof effect === "string") return { ok: false, error: effect, hint: "nothing was approved; see the broker's log and the disk" };
  return effect === undefined ? { ok: false, error: "no such question is open", hint: "see `vetsh approvals` for those that are" } : { ok: true, ...effect };
}

/** Somebody who reads questions on a screen has said yes to the run as well: a rule that cannot be written does not take that back. */
function answerAfterWriting(problem: string | undefined, request: Extract<ControlRequest, { op: "answer" }>, desk: ControlDesk, from: "attached" | "control"): Reply {
  if (problem === undefined) return answerNow(request, desk, from);
  if (from === "attached") return answerNow({ ...request, keep: "once" }, desk, from);
  return { ok: false, error: escapeText(`no rule was written, nothing was approved: ${problem}`, { maxLength: LIMITS.shownReason }), hint: "answer it for this run or the session, or write a rule: docs/rules.md" };
}

/** Out: what it did; a text when it could not be written down, and so does not count. */
function answered({ id, answer, by, message, keep }: Extract<ControlRequest, { op: "answer" }>, desk: ControlDesk, from: "attached" | "control"): Answered | string | undefined {
  try {
    return desk.answer(id, { answer, by, message, keep }, from);
  } catch (error) {
    return escapeText(error instanceof Error ? error.message : String(error), { maxLength: LIMITS.shownReason });
  }
}

function undoFailed(why: string): ControlError {
  return { ok: false, error: escapeText(why, { maxLength: LIMITS.shownReason }), hint: "`vetsh undo --list` shows what is kept" };
}
