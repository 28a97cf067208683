import type { Writable } from "node:stream";
import type { Layout } from "../model/index.ts";

/** Where a subcommand reads and writes; only this room has them. */
export type Terminal = { readonly out: Writable; readonly err: Writable; readonly input: NodeJS.ReadStream };

/** What a subcommand gets. */
export type Invoked = {
  readonly args: readonly string[];
  readonly layout: Layout;
  /** False when this is a source tree that nobody installed: then there is no broker to talk to. */
  readonly installed: boolean;
  readonly terminal: Terminal;
};

/** Out: the exit code. */
export type Subcommand = (invoked: Invoked) => Promise<number>;

/** Ends a subcommand with a message and a hint on standard error. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly hint: string;
  readonly exitCode: number;

  constructor(message: string, hint: string, exitCode = 1) {
    super(message);
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** Exit code for a command line of ours that is wrong. */
export const USAGE = 2;

/** In: what is wrong with the arguments, and which subcommand. */
export function usageFailure(message: string, name: string): Failure {
  return new Failure(message, `\`vetsh help ${name}\` shows how`, USAGE);
}

/**
 * SECURITY: a hurdle, not the wall: sandboxes hide the control socket and rules refuse such lines; this stops a command that
 * a human let run without a sandbox. The variables can be removed, and their presence only ever refuses.
 */
export function refuseAgents(): void {
  if (process.env["VETSH_PERMIT"] !== undefined || process.env["VETSH_SANDBOX"] !== undefined) {
    throw new Failure("answers are for people, and this is a command that vetsh runs", "type it in a terminal of your own");
  }
}
