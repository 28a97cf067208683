import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import { escapeText } from "../model/index.ts";
import { refuseAgents, usageFailure, type Invoked } from "./command.ts";
import { request } from "./control-client.ts";

export const APPROVALS_USAGE = `usage: vetsh approvals [--json]          open questions, and answers not used yet
       vetsh approve ID [--session]      lets exactly that command run, once, or until its agent ends
       vetsh deny ID [MESSAGE]           refuses it; the agent reads the message
`;

export async function approvals(invoked: Invoked): Promise<number> {
  const { values } = parseArgs({ args: [...invoked.args], strict: true, options: { json: { type: "boolean", default: false } } });
  const { questions } = await request(invoked.layout.root, { op: "questions" });
  const { out } = invoked.terminal;
  if (values.json) {
    for (const question of questions) out.write(`${JSON.stringify(question)}\n`);
    return 0;
  }
  if (questions.length === 0) out.write("no open questions\n");
  for (const { id, command, cwd, reason, rule, authority, state, held } of questions) {
    const show = (text: string): string => escapeText(text, { maxLength: 2_000 });
    out.write(`${id}  ${state !== "open" ? `${state}, not used yet` : held ? "waiting now" : "open"}\n  command    ${show(command)}\n  in         ${show(cwd)}\n  because    ${show(reason)}${rule === undefined ? "" : ` (${show(rule)})`}\n  would get  ${show(authority)}\n`);
  }
  return 0;
}

export async function approve(invoked: Invoked): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...invoked.args], strict: true, allowPositionals: true, options: { session: { type: "boolean", default: false } } });
  const id = positionals[0];
  if (id === undefined || positionals.length > 1) throw usageFailure("one id is needed", "approve");
  refuseAgents();
  const { effect, kept } = await request(invoked.layout.root, { op: "answer", id, answer: "yes", by: userInfo().username, keep: values.session ? "session" : "once" });
  if (values.session && kept === "once") invoked.terminal.err.write("vetsh: for this run alone: its agent is gone, or settings allow no more\n");
  const often = kept === "session" ? "passes until its agent ends" : "passes once when it comes again";
  invoked.terminal.out.write(effect === "answered" ? "approved: it runs now\n" : `approved: the same command ${often}\n`);
  return 0;
}

export async function deny(invoked: Invoked): Promise<number> {
  const { positionals } = parseArgs({ args: [...invoked.args], strict: true, allowPositionals: true, options: {} });
  const [id, ...words] = positionals;
  if (id === undefined) throw usageFailure("an id is needed", "deny");
  refuseAgents();
  const message = words.length === 0 ? {} : { message: words.join(" ") };
  const { effect } = await request(invoked.layout.root, { op: "answer", id, answer: "no", by: userInfo().username, ...message });
  invoked.terminal.out.write(effect === "answered" ? "denied\n" : "denied: the agent is told when it tries again\n");
  return 0;
}
