import { realpathSync } from "node:fs";
import { parseArgs } from "node:util";
import type { ControlAnswers } from "../broker/index.ts";
import { escapeText, plainJson } from "../model/index.ts";
import { Failure, refuseAgents, usageFailure, type Invoked } from "./command.ts";
import { request } from "./control-client.ts";
import { personName } from "../record/index.ts";

export const PORTS_USAGE = `usage: vetsh ports [--json]
       vetsh ports publish PORT [--as N] [--workspace DIR] [--pid PID]
       vetsh ports unpublish PORT

Shows what listens in sandboxes that are kept, and publishes a port on 127.0.0.1 of this machine until its sandbox ends.
  --as N           another port of this machine than the same one
  --workspace DIR  whose sandbox, when several listen on PORT; --pid: which of them, by a pid of the table
exit: 0 done, 1 not done, 2 usage
`;

type Row = ControlAnswers["ports"]["ports"][number];
type Options = { readonly json: boolean; readonly as?: string | undefined; readonly workspace?: string | undefined; readonly pid?: string | undefined };

export async function ports(invoked: Invoked): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...invoked.args], strict: true, allowPositionals: true,
    options: { json: { type: "boolean", default: false }, as: { type: "string" }, workspace: { type: "string" }, pid: { type: "string" } },
  });
  const [verb, port, ...rest] = positionals;
  if (rest.length > 0) throw usageFailure("one port at a time", "ports");
  switch (verb) {
    case undefined:
      return list(invoked, values.json);
    case "publish":
      return publish(invoked, portOf(port), values);
    case "unpublish":
      return unpublish(invoked, portOf(port), values.json);
    default:
      throw usageFailure(`there is no \`${escapeText(verb, { maxLength: 40 })}\`: publish and unpublish are`, "ports");
  }
}

async function list({ layout, terminal: { out } }: Invoked, json: boolean): Promise<number> {
  const { ports: rows } = await request(layout.root, { op: "ports" });
  if (json) for (const row of rows) out.write(`${plainJson(row)}\n`);
  else if (rows.length === 0) out.write("nothing listens in a sandbox that is kept\n");
  else for (const line of table(rows)) out.write(`${line}\n`);
  return 0;
}

function table(rows: readonly Row[]): readonly string[] {
  const cells = [["PORT", "PUBLISHED AS", "PID", "WORKSPACE", "PROGRAM"], ...rows.map(({ port, as, pid, workspace, program, listening }) => [
    String(port), as === undefined ? "-" : `127.0.0.1:${as}`, String(pid ?? "?"), escapeText(workspace, { maxLength: 200 }), listening ? escapeText(program ?? "?", { maxLength: 200 }) : "nobody listens",
  ])];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...cells.map((line) => (line[at] ?? "").length)));
  return cells.map((line) => line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ").trimEnd());
}

async function publish({ layout, terminal: { out } }: Invoked, port: number, { json, as, workspace, pid }: Options): Promise<number> {
  refuseAgents();
  const done = await request(layout.root, {
    op: "publish", port, by: personName(),
    ...(as === undefined ? {} : { as: portOf(as) }), ...(workspace === undefined ? {} : { workspace: realPath(workspace) }), ...(pid === undefined ? {} : { pid: numberOf(pid, "a pid") }),
  });
  out.write(json ? `${plainJson(done)}\n` : `port ${done.port} of the sandbox of ${escapeText(done.workspace, { maxLength: 200 })} is at 127.0.0.1:${done.as}\n`);
  return 0;
}

async function unpublish({ layout, terminal: { out } }: Invoked, port: number, json: boolean): Promise<number> {
  refuseAgents();
  const done = await request(layout.root, { op: "unpublish", port });
  out.write(json ? `${plainJson(done)}\n` : `127.0.0.1:${done.as} is closed\n`);
  return 0;
}

function portOf(text: string | undefined): number {
  const port = numberOf(text, "a port");
  if (port > 65_535) throw usageFailure("a port is at most 65535", "ports");
  return port;
}

function numberOf(text: string | undefined, what: string): number {
  if (text === undefined || !/^[1-9]\d{0,8}$/.test(text)) throw usageFailure(`${what} is needed${text === undefined ? "" : `, not \`${escapeText(text, { maxLength: 40 })}\``}`, "ports");
  return Number(text);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new Failure(`\`${escapeText(path, { maxLength: 200 })}\` cannot be found: ${error instanceof Error && "code" in error ? String(error.code) : String(error)}`, "name a directory of the workspace");
  }
}
