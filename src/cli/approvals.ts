import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import type { ControlAnswers } from "../broker/index.ts";
import { escapeText, spellStrangers, plainJson } from "../model/index.ts";
import { Failure, refuseAgents, usageFailure, type Invoked, type Terminal } from "./command.ts";
import { request, RULES_MS } from "./control-client.ts";
import { personName } from "../record/index.ts";

export const APPROVALS_USAGE = `usage: vetsh approvals [--json] [--watch]   open questions, and answers not used yet; --watch: again whenever they change
       vetsh approve ID [--session]      lets exactly that command run, once, or until its agent ends
       vetsh approve ID --always WIDTH [--yes]   shows the rules that would let it run from now on, asks, and writes them
                                         WIDTH: line (these words), options (how it begins), place (its host or directory)
       vetsh deny ID [MESSAGE]           refuses it; the agent reads the message
`;

export async function approvals(invoked: Invoked): Promise<number> {
  const { values } = parseArgs({ args: [...invoked.args], strict: true, options: { json: { type: "boolean", default: false }, watch: { type: "boolean", default: false } } });
  if (!values.watch) return list(invoked, (await request(invoked.layout.root, { op: "questions" })).questions, values.json);
  // Never returns: a human ends it with Ctrl-C. A broker that went away is an error, as without `--watch`.
  for (let before = ""; ; await new Promise((done) => setTimeout(done, WATCH_MS))) {
    const { questions } = await request(invoked.layout.root, { op: "questions" });
    const now = JSON.stringify(questions);
    if (now === before) continue;
    before = now;
    if (!values.json) invoked.terminal.out.write(`-- ${new Date().toISOString()}\n`);
    list(invoked, questions, values.json);
  }
}

/** How often a list that is watched is looked at, in milliseconds. */
const WATCH_MS = 500;

function list(invoked: Invoked, questions: ControlAnswers["questions"]["questions"], json: boolean): number {
  const { out } = invoked.terminal;
  if (json) {
    for (const question of questions) out.write(`${plainJson(question)}\n`);
    return 0;
  }
  if (questions.length === 0) out.write("no open questions\n");
  for (const { id, command, cwd, reason, rule, authority, state, held } of questions) {
    const show = (text: string): string => spellStrangers(escapeText(text, { maxLength: 2_000 }));
    out.write(`${id}  ${state !== "open" ? `${state}, not used yet` : held ? "waiting now" : "open"}\n  command    ${show(command)}\n  in         ${show(cwd)}\n  because    ${show(reason)}${rule === undefined ? "" : ` (${show(rule)})`}\n  would get  ${show(authority)}\n`);
  }
  return 0;
}

export async function approve(invoked: Invoked): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...invoked.args], strict: true, allowPositionals: true, options: { session: { type: "boolean", default: false }, always: { type: "string" }, yes: { type: "boolean", default: false } } });
  const id = positionals[0];
  if (id === undefined || positionals.length > 1) throw usageFailure("one id is needed", "approve");
  refuseAgents();
  if (values.always !== undefined) return always(invoked, id, values.always, values.yes);
  const { effect, kept } = await request(invoked.layout.root, { op: "answer", id, answer: "yes", by: personName(), keep: values.session ? "session" : "once" });
  if (values.session && kept === "once") invoked.terminal.err.write("vetsh: for this run alone: its agent is gone, or settings allow no more\n");
  const often = kept === "session" ? "passes until its agent ends" : "passes once when it comes again";
  invoked.terminal.out.write(effect === "answered" ? "approved: it runs now\n" : `approved: the same command ${often}\n`);
  return 0;
}

/** Shows exactly what would be written, and what else it would let through; writes it when the person agrees. */
async function always({ layout: { root }, terminal }: Invoked, id: string, name: string, agreed: boolean): Promise<number> {
  const { offer } = await request(root, { op: "rules", id }, RULES_MS);
  const { out } = terminal;
  const show = (text: string): string => spellStrangers(escapeText(text, { maxLength: 2_000 }));
  const width = offer.widths.find((one) => one.name === name);
  if (width === undefined) {
    for (const one of offer.widths) out.write(`${one.name.padEnd(8)} ${show(one.about)}\n`);
    for (const why of offer.refused) out.write(`not ${show(why)}\n`);
    throw new Failure(`\`${escapeText(name, { maxLength: 40 })}\` is not offered for this command`, offer.widths.length === 0 ? "`vetsh approve ID` or `--session` lets it run" : `one of: ${offer.widths.map((one) => one.name).join(", ")}`);
  }
  out.write(`${spellStrangers(escapeText(width.toml, { maxLength: 8_000, lineFeeds: "keep" }))}\nto ${show(offer.file)}\n`);
  out.write(width.alsoCount === 0 ? "no other command of the last month would have passed by it\n" : `${width.alsoCount} other ${width.alsoCount === 1 ? "command" : "commands"} of the last month would have passed:\n${width.also.map((line) => `  ${show(line)}\n`).join("")}`);
  if (!agreed && !(await agrees(terminal))) throw new Failure("nothing was written", "`--yes` writes it without asking");
  await request(root, { op: "answer", id, answer: "yes", by: personName(), keep: "always", width: width.name, toml: width.toml }, RULES_MS);
  out.write("written: such commands run from now on\n");
  return 0;
}

async function agrees({ input, err }: Terminal): Promise<boolean> {
  if (input.isTTY !== true) return false;
  const questions = createInterface({ input, output: err });
  try {
    return /^y(?:es)?$/i.test((await questions.question("write this? [y/N] ")).trim());
  } finally {
    questions.close();
  }
}

export async function deny(invoked: Invoked): Promise<number> {
  const { positionals } = parseArgs({ args: [...invoked.args], strict: true, allowPositionals: true, options: {} });
  const [id, ...words] = positionals;
  if (id === undefined) throw usageFailure("an id is needed", "deny");
  refuseAgents();
  const message = words.length === 0 ? {} : { message: words.join(" ") };
  const { effect } = await request(invoked.layout.root, { op: "answer", id, answer: "no", by: personName(), ...message });
  invoked.terminal.out.write(effect === "answered" ? "denied\n" : "denied: the agent is told when it tries again\n");
  return 0;
}
