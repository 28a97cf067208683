import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { isatty } from "node:tty";
import { escapeText } from "../model/index.ts";
import { hostAgent } from "./host.ts";
import type { QuestionChannel } from "./overlay.ts";
import type { Recording } from "./recording.ts";
import { exitStatus, forwardSignals } from "./signals.ts";

export type AgentCommand = {
  /** A path, or a name looked up in `env.PATH`. */
  readonly command: string;
  readonly args: readonly string[];
  /** The agent's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** How the program is really started: in a view of the file system. In: its path, argv with argv[0]. Undefined: as it is. */
  readonly within?: ((file: string, argv: readonly string[]) => { readonly file: string; readonly args: readonly string[] }) | undefined;
  readonly questions: QuestionChannel;
  /** Gets what the terminal shows. */
  readonly recording?: Recording | undefined;
};

/** The agent could not be started. `exitCode` is the shell's: 127 not found, 126 not executable. */
export class AgentStartError extends Error {
  readonly exitCode: 126 | 127;
  constructor(message: string, exitCode: 126 | 127) {
    super(message);
    this.name = "AgentStartError";
    this.exitCode = exitCode;
  }
}

/**
 * Runs an agent in the human's terminal, with questions drawn over it; without a terminal as a plain child with our own
 * stdio, and then questions are left to other channels.
 * Out: the exit code to end with, 128 + n for a signal. Throws AgentStartError when nothing was started.
 */
export async function runInTerminal(agent: AgentCommand): Promise<number> {
  const file = findProgram(agent);
  const { env, cwd } = agent;
  if (!canAsk(env)) return runPlain(file, agent);
  const { file: program, args } = agent.within?.(file, [agent.command, ...agent.args]) ?? { file, args: agent.args };
  const { stdin: input, stdout: output } = process;
  const end = await hostAgent({ file: program, args, env, cwd }, { input, output }, agent.questions, agent.recording);
  return exitStatus(end.code, end.signal);
}

/** Whether questions can be shown here: there is a terminal, and one that can be drawn on. */
export function canAsk(env: Readonly<Record<string, string | undefined>>): boolean {
  return isatty(0) && isatty(1) && env["TERM"] !== "dumb";
}

async function runPlain(file: string, { command, args, env, cwd, within }: AgentCommand): Promise<number> {
  const started = within?.(file, [command, ...args]);
  const child = started === undefined ? spawn(file, args, { argv0: command, env, cwd, stdio: "inherit" }) : spawn(started.file, started.args, { env, cwd, stdio: "inherit" });
  const stop = forwardSignals({ signal: (signal) => void child.kill(signal) });
  try {
    return await new Promise<number>((done, fail) => {
      child.on("error", (error) => fail(new AgentStartError(`\`${shown(command)}\` cannot be started: ${error.message}`, 126)));
      child.on("exit", (code, signal) => done(exitStatus(code, signal)));
    });
  } finally {
    stop();
  }
}

function shown(command: string): string {
  return escapeText(command, { maxLength: 200 });
}

/** What execvp would take, looked up in the agent's PATH, so that a mistake is told before anything is drawn. */
function findProgram({ command, env, cwd }: AgentCommand): string {
  const directories = command.includes("/") ? [""] : (env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(":").map((directory) => directory || ".");
  const candidates = directories.map((directory) => join(directory, command)).map((path) => (isAbsolute(path) ? path : resolve(cwd, path)));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  if (candidates.some(exists)) throw new AgentStartError(`\`${shown(command)}\` is not an executable file`, 126);
  throw new AgentStartError(`\`${shown(command)}\` was not found`, 127);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Whatever the reason, this candidate is not one that can be started.
    return false;
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
