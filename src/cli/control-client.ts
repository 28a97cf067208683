import { execFileSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { digestOf, placesOf, type ControlAnswers, type ControlError, type ControlRequest } from "../broker/index.ts";
import { Failure } from "./command.ts";

/** How long the broker may take for an answer, in milliseconds. */
const ANSWER_MS = 5_000;

/** How long the rules of an "always" may take to be drafted and tried out, in milliseconds. */
export const RULES_MS = 20_000;

/** In: ROOT, one request, how long an answer may take in milliseconds. Out: the broker's answer. Throws Failure when no broker runs, none answers, or it says no. */
export async function request<Op extends ControlRequest["op"]>(root: string, message: ControlRequest & { readonly op: Op }, ms = ANSWER_MS): Promise<ControlAnswers[Op]> {
  const socket = await dial(root);
  try {
    const answer = await firstLine(socket, message, ms);
    if (!answer.ok) throw new Failure(answer.error, answer.hint);
    // The broker answers each request with its own kind of answer: both ends are of the same version.
    return answer as ControlAnswers[Op];
  } finally {
    socket.destroy();
  }
}

/** In: ROOT. Out: a connection to its broker. Throws Failure when none runs. */
export async function dial(root: string): Promise<Socket> {
  const path = placesOf(root).controlSocket;
  return new Promise((done, fail) => {
    const socket = connect(path);
    socket.once("connect", () => done(socket));
    socket.once("error", (error) => fail(new Failure(`no broker answers at \`${path}\`: ${"code" in error ? String(error.code) : error.message}`, "start it with `vetsh broker start`")));
  });
}

/** In: ROOT. Tells its broker that this environment is a human's own: commands that inherit it are not suspect for that. */
export async function vouch(root: string): Promise<void> {
  const own = Object.entries(process.env).filter(([name]) => !/KEY|TOKEN|SECRET|PASS/i.test(name));
  await request(root, { op: "vouch", digests: own.map(([name, value]) => digestOf(name, value ?? "")) });
}

/** In: ROOT. Starts its broker unless one runs; returns when it answers. Throws Failure with what it said. */
export function startBroker(root: string): void {
  try {
    execFileSync(join(root, "libexec/vetsh-start"), { stdio: ["ignore", "ignore", "pipe"], env: {} });
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new Failure(`the broker cannot be started: ${said === "" ? "vetsh-start is missing" : said}`, `see \`${placesOf(root).log}\`, or \`vetsh doctor\``);
  }
}

function firstLine(socket: Socket, message: ControlRequest, ms: number): Promise<ControlAnswers[ControlRequest["op"]] | ControlError> {
  return new Promise((done, fail) => {
    const silence = setTimeout(() => fail(new Failure("the broker does not answer", "see `vetsh doctor`")), ms);
    const lines = createInterface({ input: socket });
    lines.once("line", (line) => {
      clearTimeout(silence);
      done(JSON.parse(line) as ControlAnswers[ControlRequest["op"]] | ControlError);
    });
    const hungUp = (): void => {
      clearTimeout(silence);
      fail(new Failure("the broker hung up", "see `vetsh doctor`"));
    };
    lines.once("close", hungUp);
    // A broker that is killed with our request unread resets the connection; what reads lines passes that on.
    lines.once("error", hungUp);
    socket.write(`${JSON.stringify(message)}\n`);
  });
}
