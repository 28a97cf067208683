import { readFileSync, readlinkSync } from "node:fs";
import { parseArgs } from "node:util";
import { quote } from "shell-quote";
import { DIALECTS } from "../model/index.ts";
import { Failure, refuseAgents, usageFailure, type Invoked } from "./command.ts";
import { request, vouch } from "./control-client.ts";

export const ENV_USAGE = `usage: eval "$(vetsh env [--shell bash|zsh|sh|dash])"

Makes the shells that this terminal's programs start ours: SHELL and PATH. Typed in a terminal, it also lets the running
broker put its questions there.
`;

export async function env(invoked: Invoked): Promise<number> {
  const { values } = parseArgs({ args: [...invoked.args], strict: true, options: { shell: { type: "string", default: "bash" } } });
  const shell = DIALECTS.find((one) => one === values.shell);
  if (shell === undefined) throw usageFailure(`there is no shim named \`${values.shell}\``, "env");
  if (!invoked.installed) throw new Failure("vetsh is not installed here", "run `./install.sh`");
  const { root } = invoked.layout;
  await introduce(root, invoked.terminal.err);
  invoked.terminal.out.write(`export SHELL=${quote([`${root}/shims/${shell}`])}\nexport PATH=${quote([`${root}/shims`])}:"$PATH"\n`);
  return 0;
}

/** Tells the broker whose environment and terminal these are. Standard output is read by `eval`: the terminal is standard input or error. */
async function introduce(root: string, err: NodeJS.WritableStream): Promise<void> {
  try {
    refuseAgents();
    await vouch(root);
    const device = terminalDevice();
    if (device === undefined) return;
    await request(root, { op: "terminal", device, leader: sessionLeader(), ...tmuxPane() });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    err.write(`vetsh: this terminal and its variables are not known to the broker: ${error.message}\nhint: ${error.hint}\n`);
  }
}

function terminalDevice(): string | undefined {
  for (const fd of [0, 2]) {
    const path = readlinkSync(`/proc/self/fd/${fd}`);
    if (/^\/dev\/(?:pts\/\d+|tty\d+|ttyS\d+)$/.test(path)) return path;
  }
  return undefined;
}

/** The pane that this terminal is, as tmux told the human's own shell. */
function tmuxPane(): { readonly tmux?: { readonly socket: string; readonly pane: string } } {
  const socket = process.env["TMUX"]?.split(",")[0];
  const pane = process.env["TMUX_PANE"];
  return socket === undefined || pane === undefined || !socket.startsWith("/") || !/^%\d+$/.test(pane) ? {} : { tmux: { socket, pane } };
}

function sessionLeader(): number {
  const stat = readFileSync("/proc/self/stat", "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
}
