import { isUtf8 } from "node:buffer";
import { LIMITS, type ShellState } from "../model/index.ts";
import { FrameError } from "./wire.ts";

/** What a gate says. `nonce` comes back with the answer: what other processes put on the connection is nobody's answer. */
export type GateMessage =
  /** A prompt is shown: the line before has ended. `settings`: the gate's own, as the shell lists them. */
  | { readonly kind: "prompt"; readonly nonce: string; readonly status: number; readonly settings: string }
  /** Enter was pressed; or, from inside a line that runs, a simple command is about to run. */
  | { readonly kind: "line" | "command"; readonly nonce: string; readonly cwd: string; readonly text: string; readonly state: ShellState }
  /** Text that was fed to the shell; `last`: no more will come. */
  | { readonly kind: "fed"; readonly nonce: string; readonly cwd: string; readonly text: string; readonly last: boolean };

export type GateAnswer = { readonly verdict: "accept" | "refuse" | "more"; readonly message: string | undefined };

const MAGIC = "vetsh-gate-1";
const LETTERS = { accept: "a", refuse: "r", more: "m" } as const;
const NO_STATE: ShellState = { variables: new Map(), aliases: new Map(), functions: [] };

/** Cuts bytes into messages: a number of fields, then the fields, each ended by NUL. Throws FrameError on anything else. */
export class GateReader {
  #held: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): readonly GateMessage[] {
    this.#held = Buffer.concat([this.#held, chunk]);
    const messages: GateMessage[] = [];
    for (let fields = this.#take(); fields !== undefined; fields = this.#take()) messages.push(messageOf(fields));
    if (this.#held.length > LIMITS.gateBytes) throw new FrameError("a question of a gate is too long");
    return messages;
  }

  #take(): readonly string[] | undefined {
    const head = this.#held.indexOf(0);
    if (head < 0) {
      if (this.#held.length > 8) throw new FrameError("a gate's question does not begin with a number");
      return undefined;
    }
    const text = this.#held.toString("latin1", 0, head);
    const count = Number(text);
    if (!/^[1-9]\d{0,3}$/.test(text) || count > LIMITS.gateFields) throw new FrameError("a gate's question does not begin with a number");
    const fields: string[] = [];
    let at = head + 1;
    while (fields.length < count) {
      const end = this.#held.indexOf(0, at);
      if (end < 0) return undefined;
      const bytes = this.#held.subarray(at, end);
      // SECURITY: bytes that are no text would be judged as something else than what runs.
      if (!isUtf8(bytes)) throw new FrameError("a gate's question is not valid UTF-8");
      fields.push(bytes.toString("utf8"));
      at = end + 1;
    }
    this.#held = this.#held.subarray(at);
    return fields;
  }
}

function messageOf([magic, nonce = "", kind, ...rest]: readonly string[]): GateMessage {
  if (magic !== MAGIC) throw new FrameError("a gate's question has another form");
  if (nonce.length > LIMITS.gateNonce) throw new FrameError("a gate's question has another form");
  const [first = "", second = "", ...pairs] = rest;
  switch (kind ?? "") {
    case "P":
      return { kind: "prompt", nonce, status: Number.parseInt(first, 10) & 0xff, settings: second };
    case "L":
    case "C":
      return { kind: kind === "L" ? "line" : "command", nonce, cwd: directory(first), text: second, state: stateOf(pairs) };
    case "S":
    case "E":
      return { kind: "fed", nonce, cwd: directory(first), text: second, last: kind === "E" };
    default:
      throw new FrameError("a gate's question has another form");
  }
}

/** As `pwd -P` prints it. */
function directory(text: string): string {
  return text.replace(/\n$/, "");
}

function stateOf(pairs: readonly string[]): ShellState {
  if (pairs.length === 0) return NO_STATE;
  const variables = new Map<string, string>();
  const aliases = new Map<string, string>();
  const functions: string[] = [];
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const [what = "", value = ""] = [pairs[at], pairs[at + 1]];
    if (what === "f") functions.push(value);
    else if (what.startsWith("v:")) variables.set(what.slice(2), value);
    else if (what.startsWith("a:")) aliases.set(what.slice(2), value);
    else throw new FrameError("a gate's question has another form");
  }
  return { variables, aliases, functions };
}

/** In: the nonce of a question, its answer. Out: bytes. */
export function encodeGateAnswer(nonce: string, { verdict, message }: GateAnswer): Buffer {
  return Buffer.from(`${nonce} ${LETTERS[verdict]}${message === undefined ? "" : ` ${message.replaceAll("\0", "")}`}\0`);
}
