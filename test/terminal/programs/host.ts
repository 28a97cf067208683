/**
 * `vetsh run` without a broker: hosts a command with runInTerminal; questions and answers are JSON lines on a Unix socket.
 * RECORD_TO names a file to record to.
 * usage: host.ts SOCKET COMMAND [ARGUMENT…]
 */
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Question } from "../../../src/model/index.ts";
import { AgentStartError, runInTerminal, startRecording } from "../../../src/terminal/index.ts";

const [socketPath = "", command = "", ...args] = process.argv.slice(2);
const socket = connect(socketPath);
// Without a socket the host runs all the same: nothing is asked then.
socket.on("error", () => undefined);
const asked: ((question: Question) => void)[] = [];
const withdrawn: ((id: string) => void)[] = [];
const lines = createInterface({ input: socket });
// readline repeats the errors of its input.
lines.on("error", () => undefined);
lines.on("line", (line) => {
  const message = JSON.parse(line) as { question?: Question; withdraw?: string; crash?: boolean };
  if (message.crash) throw new Error("crash on demand");
  if (message.question) for (const callback of asked) callback(message.question);
  if (message.withdraw) for (const callback of withdrawn) callback(message.withdraw);
});
const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));
const recording = process.env["RECORD_TO"] === undefined ? undefined : startRecording(process.env["RECORD_TO"]);
const started = runInTerminal({
  recording,
  command,
  args,
  env,
  cwd: process.cwd(),
  questions: {
    onQuestion: (callback) => void asked.push(callback),
    rules: async (id) => ({ file: "/home/dev/.config/vetsh/rules/always.toml", refused: ["place: it deletes a tree"], widths: (["line", "options"] as const).map((name) => ({ name, about: `about ${name}`, toml: `[[rule]]\nid = "${id}-${name}"\n`, also: name === "line" ? [] : ["rm -r \x1b[2Jnew"], alsoCount: name === "line" ? 0 : 1 })) }),
    onWithdrawn: (callback) => void withdrawn.push(callback),
    answer: (id, answer, how) => void socket.write(`${JSON.stringify({ id, answer, ...how })}\n`),
  },
});
try {
  process.exitCode = await started;
} catch (error) {
  if (!(error instanceof AgentStartError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
} finally {
  recording?.close();
  socket.end(`${JSON.stringify({ peakRssKb: process.resourceUsage().maxRSS })}\n`);
}
