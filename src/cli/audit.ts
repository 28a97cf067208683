import { parseArgs } from "node:util";
import { placesOf } from "../broker/index.ts";
import { escapeText, plainJson } from "../model/index.ts";
import { checkpointKeyFile, checkpointsOf, journalDirectory, publicKeyOf, readExported, verifyJournals, type Exported } from "../record/index.ts";
import { Failure, usageFailure, type Invoked } from "./command.ts";

export const AUDIT_USAGE = `usage: vetsh audit verify [--against FILE …] [--json]
       vetsh audit checkpoints      prints the signed checkpoints, one JSON object each: keep them on another machine
       vetsh audit key              prints the public key that they are signed with

verify reads the whole journal and names the first record that is not what was written. Alone it finds edits, deletions and
reordering; that the end was cut off, or that all of it was written anew, is found by --against: a file of checkpoints that
was exported before (OTLP-JSON logs of a collector, or what \`vetsh audit checkpoints\` printed).
exit: 0 nothing is wrong, 1 something is
`;

const VERBS = { verify, checkpoints, key } as const;

export async function audit(invoked: Invoked): Promise<number> {
  const [verb, ...args] = invoked.args;
  const run = Object.entries(VERBS).find(([name]) => name === verb)?.[1];
  if (run === undefined) throw usageFailure("one of `verify`, `checkpoints` and `key` is needed", "audit");
  return run({ ...invoked, args });
}

async function verify({ args, layout, terminal }: Invoked): Promise<number> {
  const { values } = parseArgs({ args: [...args], strict: true, options: { against: { type: "string", multiple: true, default: [] }, json: { type: "boolean", default: false } } });
  const directory = journalDirectory(placesOf(layout.root).state);
  const found = verifyJournals(directory, { against: values.against.flatMap((file) => exported(file)) });
  if (values.json) {
    terminal.out.write(`${plainJson(found)}\n`);
    return found.ok ? 0 : 1;
  }
  const show = (text: string): string => escapeText(text, { maxLength: 1_000 });
  if (!found.ok) {
    const which = [found.seq === undefined ? undefined : `record ${found.seq}`, found.id === undefined ? undefined : `of request ${show(found.id)}`].filter((part) => part !== undefined).join(" ");
    terminal.out.write(`bad  ${show(found.file)}:${found.line}${which === "" ? "" : `: ${which}`}: ${show(found.reason)}\n     hint: what stands before it is whole; keep the file as it is, and compare with what your collector has\n`);
    return 1;
  }
  const { records, gaps, tornTail, checkpoints: signed, keys, end, removed } = found;
  terminal.out.write(`ok   ${records} records${end === undefined ? "" : `, the last is ${end.seq}`}; ${signed} checkpoints${keys.length === 0 ? "" : `, signed by ${keys.map(show).join(" and ")}`}\n`);
  if (removed !== undefined) terminal.out.write(`note ${removed.records} records before these were removed; record ${removed.seq} of ${new Date(removed.time).toISOString()} says so last (${show(removed.reason)})\n     hint: the owner of the journal can have it say so, too: compare with \`journal.keep_days\`, \`journal.keep_mb\` and what your collector has\n`);
  if (gaps > 0) terminal.out.write(`note ${gaps} torn writes, each named by the record behind it\n`);
  if (tornTail > 0) terminal.out.write(`note the last ${tornTail} bytes are no whole record: it is being written, or a machine stopped\n`);
  if (values.against.length === 0) terminal.out.write("note compared with itself alone: whoever owns the journal could have written all of it anew\n     hint: `--against FILE`, with checkpoints that were exported before\n");
  return 0;
}

function exported(file: string): readonly Exported[] {
  const read = open(file);
  if (!read.ok) throw new Failure(`\`${escapeText(read.file, { maxLength: 300 })}\`, line ${read.line}: ${read.reason}`, "that file was changed, too: take the checkpoints from another place");
  if (read.checkpoints.length === 0) throw new Failure(`no checkpoint stands in \`${escapeText(file, { maxLength: 300 })}\``, "it takes OTLP-JSON lines of logs, or what `vetsh audit checkpoints` printed");
  return read.checkpoints;
}

function open(file: string): ReturnType<typeof readExported> {
  try {
    return readExported(file);
  } catch (error) {
    throw new Failure(`\`${escapeText(file, { maxLength: 300 })}\` cannot be read: ${error instanceof Error ? error.message : String(error)}`, "check the name");
  }
}

async function checkpoints({ args, layout, terminal }: Invoked): Promise<number> {
  parseArgs({ args: [...args], strict: true, options: {} });
  for (const checkpoint of checkpointsOf(placesOf(layout.root).state)) terminal.out.write(`${plainJson(checkpoint)}\n`);
  return 0;
}

async function key({ args, layout, terminal }: Invoked): Promise<number> {
  parseArgs({ args: [...args], strict: true, options: {} });
  const found = publicKeyOf(checkpointKeyFile(placesOf(layout.root).state));
  if (found === undefined) throw new Failure("there is no key yet", "the broker makes one at its first start: `vetsh broker start`");
  terminal.out.write(`${found}\n`);
  return 0;
}
