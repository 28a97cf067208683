import { isatty } from "node:tty";
import { askOnScreen } from "../terminal/index.ts";
import { Failure, refuseAgents, usageFailure, type Invoked } from "./command.ts";
import { request, RULES_MS } from "./control-client.ts";
import { personName } from "../record/index.ts";

export const ASK_USAGE = `usage: vetsh ask ID

Shows one question that a command waits for on this terminal, and takes its answer. For popups: tmux display-popup -E vetsh ask ID
exit: 0 answered, 1 not (any more)
`;

/** How often it is looked whether the question was answered elsewhere, in milliseconds. */
const LOOK_MS = 500;

export async function ask({ args: [id, ...rest], layout: { root } }: Invoked): Promise<number> {
  if (id === undefined || rest.length > 0) throw usageFailure("one id is needed", "ask");
  if (!isatty(0) || !isatty(1)) throw new Failure("there is no terminal to ask on", "`vetsh approve ID` answers without one");
  refuseAgents();
  const { question } = await request(root, { op: "question", id });
  if (question === null) throw new Failure("no command waits for this question (any more)", "`vetsh approvals` lists what is open");
  const over = new AbortController();
  const look = setInterval(() => {
    request(root, { op: "question", id }).then((answer) => (answer.question === null ? over.abort() : undefined), () => over.abort());
  }, LOOK_MS);
  try {
    const said = await askOnScreen(question, async (asked) => (await request(root, { op: "rules", id: asked }, RULES_MS)).offer, { input: process.stdin, output: process.stdout }, over.signal);
    if (said === undefined) return 1;
    await request(root, { op: "answer", id, answer: said.answer, by: personName(), ...said.how }, RULES_MS);
    return 0;
  } finally {
    clearInterval(look);
  }
}
