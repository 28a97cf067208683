import type { Socket } from "node:net";
import { LIMITS, type Analysis, type Invocation, type Outcome } from "../model/index.ts";
import { classesOf } from "../analyse/index.ts";
import { encodeGateAnswer, GateReader } from "./gate-wire.ts";
import type { GateSession } from "./gate-session.ts";
import { FrameError } from "./wire.ts";

/** A shell whose lines are judged one by one: how vetsh-gate starts it, and which start-up files it reads. */
export type Gated = { readonly kind: "bash" | "stream"; readonly reads: "login" | "rc" | "none" };

const PLAIN = /^(?:-i|-l|-il|-li|--?login|--?norc|--?noprofile)$/;

/**
 * In: what a start of a shell would do, its argv. Out: how its lines are judged one by one; undefined when they cannot be, and the start is
 * judged as a thing of which nothing is known. dash (and sh, which may be dash) has nothing to hang a gate on when it is typed into; for zsh there is none yet.
 */
export function gateOf(invocation: Invocation, argv: readonly string[]): Gated | undefined {
  if (invocation.mode === "stdin") return invocation.dialect === "zsh" ? undefined : { kind: "stream", reads: "none" };
  if (invocation.mode !== "interactive") return undefined;
  if (invocation.dialect !== "bash" || !argv.slice(1).every((word) => PLAIN.test(word))) return undefined;
  const without = (name: string): boolean => argv.some((word) => word === `-${name}` || word === `--${name}`);
  if (invocation.startup.login) return { kind: "bash", reads: without("noprofile") ? "none" : "login" };
  return { kind: "bash", reads: without("norc") ? "none" : "rc" };
}

/** What such a start does by itself: nothing. What comes in is judged then; the sandbox is that of the workspace. */
export function gatedAnalysis(gated: Gated, invocation: Invocation): Analysis {
  const name = gated.kind === "stream" ? "commands from standard input, each judged as it comes" : "lines typed into it, each judged by itself";
  const effects: Analysis["effects"] = [{ kind: "exec", what: "workspace", name, span: { start: 0, end: 0 }, sure: "certain", by: "shell/gate" }];
  return { effects, classes: classesOf(effects), commands: [], scripts: [], canonical: `${invocation.dialect}: ${name}` };
}

/** Gated shells that run now, by the token of their command. SECURITY: a token names a shell; every connection with it is judged like that shell. */
export class Gates {
  readonly #sessions = new Map<string, GateSession>();
  readonly #log: (message: string) => void;

  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  open(token: string, session: GateSession): void {
    this.#sessions.set(token, session);
  }

  /** The shell has ended. */
  close(token: string, outcome: Outcome): void {
    this.#sessions.get(token)?.end(outcome);
    this.#sessions.delete(token);
  }

  /** In: the token that a connection begins with. Out: who reads it from there on. */
  serve(token: string): ((socket: Socket) => void) | undefined {
    const session = this.#sessions.get(token);
    return session === undefined ? undefined : (socket) => this.#converse(socket, session);
  }

  #converse(socket: Socket, session: GateSession): void {
    const reader = new GateReader();
    let pending = new AbortController();
    const end = (): void => {
      pending.abort();
      socket.destroy();
    };
    socket.on("data", (chunk: Buffer) => {
      try {
        // SECURITY: who asks and asks, and never reads, would have us keep all the answers.
        if (socket.writableLength > LIMITS.gateUnread) throw new FrameError("answers are not read");
        for (const message of reader.push(chunk)) {
          // The shell asks one thing at a time: whatever it asked before, it no longer waits for.
          pending.abort();
          pending = new AbortController();
          const { signal } = pending;
          void session.hear(message, signal).then((answer) => { if (!signal.aborted && socket.writable) socket.write(encodeGateAnswer(message.nonce, answer)); }, (error: unknown) => {
            this.#log(`a line of a gated shell was not judged, and does not run: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
            end();
          });
        }
      } catch (error) {
        this.#log(`the connection of a gated shell was closed: ${error instanceof Error ? error.message : String(error)}`);
        end();
      }
    });
    socket.once("end", end);
    socket.once("close", end);
    socket.write("+");
  }
}
