import { parseArgs } from "node:util";
import { escapeText, spellStrangers, plainJson } from "../model/index.ts";
import { refuseAgents, usageFailure, type Invoked } from "./command.ts";
import { request } from "./control-client.ts";
import { personName } from "../record/index.ts";

export const GRANTS_USAGE = `usage: vetsh grants [--json]              what commands may do again without a question
       vetsh grants revoke ID            takes it back

Grants of sessions, and rules that an "always" wrote. A yes for the session is for exactly that line, in that directory, with that authority, as long as the agent runs.
`;

export async function grants(invoked: Invoked): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...invoked.args], strict: true, allowPositionals: true, options: { json: { type: "boolean", default: false } } });
  const [verb, id, ...rest] = positionals;
  switch (verb) {
    case undefined:
      return list(invoked, values.json);
    case "revoke":
      if (id === undefined || rest.length > 0) throw usageFailure("one id is needed", "grants");
      refuseAgents();
      await request(invoked.layout.root, { op: "revoke", id, by: personName() });
      invoked.terminal.out.write("revoked: the command is asked about again\n");
      return 0;
    default:
      throw usageFailure(`there is no \`${escapeText(verb, { maxLength: 40 })}\``, "grants");
  }
}

async function list({ layout, terminal: { out } }: Invoked, json: boolean): Promise<number> {
  const { grants: found, rules } = await request(layout.root, { op: "grants" });
  for (const grant of found) {
    const show = (text: string): string => spellStrangers(escapeText(text, { maxLength: 2_000 }));
    if (json) out.write(`${plainJson(grant)}\n`);
    else out.write(`${grant.id}  until ${new Date(grant.expiresAt).toISOString()} or the end of process ${grant.session.pid}, used ${grant.uses} ${grant.uses === 1 ? "time" : "times"}\n  command    ${show(grant.command)}\n  in         ${show(grant.cwd)}\n  given by   ${show(grant.by)} at ${new Date(grant.grantedAt).toISOString()}\n`);
  }
  for (const rule of rules) {
    if (json) out.write(`${plainJson(rule)}\n`);
    else out.write(`${rule.id}  from now on\n  like       ${spellStrangers(escapeText(rule.example, { maxLength: 2_000 }))}\n  rule       ${escapeText(`${rule.file}:${rule.line}`, { maxLength: 2_000 })}\n`);
  }
  if (found.length === 0 && rules.length === 0 && !json) out.write("nothing is granted beyond one run\n");
  return 0;
}
