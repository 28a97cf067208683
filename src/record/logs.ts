/**
 * From lines of the journal to log records: one for each transition, when it happens (a span comes only when all is over). Pure, so
 * that the same line gives the same record again; `vetsh.record.seq` tells a repetition and gives back the order.
 */
import { ATTRIBUTES, LOGS, type AttributeKey, type AttributeValue, type AttributeValues, type LogName } from "./attributes.ts";
import type { ConnectionDecidedBody, DecidedBody, Entry, ReceivedBody } from "./entries.ts";
import type { Reader } from "./forwarder.ts";
import { commandText } from "./records.ts";
import type { Located, Position } from "./segments.ts";

/** Where in a trace a record belongs. */
type Context = { readonly traceId: string; readonly spanId: string };

/** One log record, ready for any encoder. `time`: milliseconds since the epoch. */
export type LogData = { readonly name: LogName; readonly time: number; readonly severity: Severity; readonly context: Context | undefined; readonly attributes: { readonly [name: string]: AttributeValue } };
export type Severity = "INFO" | "WARN" | "ERROR";

type Told = { readonly name: LogName; readonly severity?: Severity; readonly values: AttributeValues };

/** Memory: the requests that are open at the place reached. */
export class Transitions implements Reader<readonly LogData[]> {
  readonly #open = new Map<string, { readonly context: Context; readonly from: Position }>();

  /** In: the next line. Out: what is told of it; undefined when nothing is. */
  push({ entry, segment, start }: Located): readonly LogData[] | undefined {
    if (entry.kind === "received") this.#open.set(entry.id, { context: { traceId: entry.trace.traceId, spanId: entry.trace.spanId }, from: { segment, offset: start } });
    const context = "id" in entry ? this.#open.get(entry.id)?.context : undefined;
    if (entry.kind === "finished") this.#open.delete(entry.id);
    const told = tellings(entry);
    if (told.length === 0) return undefined;
    return told.map(({ name, severity = "INFO", values }) => ({ name, severity, time: entry.time, context, attributes: attributesOf(name, { ...values, seq: entry.seq }) }));
  }

  get oldest(): Position | undefined {
    return this.#open.values().next().value?.from;
  }
}

function tellings(entry: Entry): readonly Told[] {
  switch (entry.kind) {
    case "received": return [received(entry)];
    case "decided": return decided(entry);
    case "started": return [{ name: "started", values: { id: entry.id, pid: entry.pid } }];
    case "connection-decided": return [connection(entry)];
    case "planted": return [{ name: "planted", severity: "WARN", values: { id: entry.id, planted: entry.paths } }];
    case "intent": return [{ name: "explained", values: { id: entry.id, intent: entry.text, intentSource: entry.source, intentTrust: entry.trust, call: entry.call, prompt: entry.prompt } }];
    case "finished": return [{ name: "finished", severity: entry.outcome === "lost" ? "ERROR" : "INFO", values: {
      id: entry.id, outcome: entry.outcome, late: entry.late, exitCode: entry.outcome === "signalled" ? 128 + (entry.signal ?? 0) : entry.code, signal: entry.signal,
      wallTime: entry.usage?.wallUs, userTime: entry.usage?.userUs, systemTime: entry.usage?.systemUs, memory: entry.usage?.maxRssKb,
    } }];
    case "attached": return [{ name: "attached", values: { pid: entry.pid, agent: entry.agent, ways: entry.ways } }];
    case "bypass": return [{ name: "bypass", severity: "ERROR", values: { pid: entry.pid, program: entry.program, text: entry.command } }];
    case "granted": return [{ name: "granted", severity: "WARN", values: { grantId: entry.id, grantKeep: entry.keep, approver: entry.by, channel: entry.channel, text: entry.command, directory: entry.cwd, rules: entry.rules } }];
    case "revoked": return [{ name: "revoked", values: { grantId: entry.id, approver: entry.by } }];
    case "undone": return [{ name: "undone", severity: "WARN", values: { undoId: entry.snapshot, undoFiles: entry.restored + entry.removed, approver: entry.by, directory: entry.workspace } }];
    case "published": return [{ name: "published", severity: "WARN", values: { port: entry.as, approver: entry.by, directory: entry.workspace } }];
    case "unpublished": return [{ name: "unpublished", values: { port: entry.as, directory: entry.workspace, reason: entry.reason } }];
    case "checkpoint": return [{ name: "checkpoint", values: { covers: entry.covers, head: entry.head, signedAt: entry.at, auditKey: entry.key, signature: entry.signature } }];
    case "retired": return [{ name: "retired", severity: entry.undelivered ? "ERROR" : "INFO", values: { covers: entry.through.seq, head: entry.through.hash, reason: entry.reason } }];
    case "gap": return [{ name: "gap", severity: "ERROR", values: { missed: 1, reason: entry.reason } }];
    case "unrecorded": return [{ name: "gap", severity: "ERROR", values: { missed: entry.count, reason: entry.code } }];
    case "opened": return [{ name: "opened", values: { openRequests: entry.open.length, pid: entry.writer.pid } }];
    // A line for each connection would drown the others: the span sums them up.
    case "connection": return [];
  }
}

function received(entry: ReceivedBody): Told {
  const { trace } = entry;
  return { name: "received", values: {
    id: entry.id, agent: entry.agent, session: entry.session, call: entry.call, sha256: entry.script?.sha256, text: commandText(entry), truncated: entry.script?.truncated ?? false, depth: trace.depth, parent: trace.parent,
    mode: entry.mode, shell: entry.shell, directory: entry.cwd, parentPid: entry.ppid, intent: entry.intent?.text, intentSource: entry.intent?.source, intentTrust: entry.intent?.trust,
  } };
}

/** Who was asked stands beside what was decided, each as a record of its own. */
function decided(entry: DecidedBody): readonly Told[] {
  const { authority, review, approval } = entry;
  const decision = finalDecision(entry);
  return [
    ...(review === undefined ? [] : [{ name: "reviewed", values: { id: entry.id, requestModel: review.model, reviewOutcome: review.outcome, risk: review.risk, rationale: review.rationale, error: review.error, waitedFor: review.ms } } as const]),
    ...(approval === undefined ? [] : [{ name: "answered", severity: approval.outcome === "approved" ? "INFO" : "WARN", values: { id: entry.id, approvalId: approval.id, approvalOutcome: approval.outcome, channel: approval.channel, approver: approval.by, waitedFor: approval.ms } } as const]),
    { name: "decided", severity: decision === "allow" ? "INFO" : decision === "deny" ? "ERROR" : "WARN", values: {
      id: entry.id, verdict: entry.verdict, decision, source: entry.source, reason: entry.reason, rules: entry.rules.map(({ id }) => id), policy: entry.policy, classes: entry.classes,
      sandbox: authority?.sandbox, writable: authority?.writable, network: authority?.network === "any" ? ["any"] : authority?.network, missing: authority?.missing, overhead: entry.overheadUs, undoId: entry.undo?.snapshot,
    } },
  ];
}

function connection(entry: ConnectionDecidedBody): Told {
  const { final, approval } = entry;
  const decision = final === "allow" ? "allow" : approval?.outcome === "pending" ? "ask_timeout" : approval?.outcome === "denied" ? "ask_denied" : "deny";
  return { name: "connected", severity: decision === "allow" ? "INFO" : "WARN", values: {
    id: entry.id, address: entry.host, port: entry.port, method: entry.method, decision, verdict: entry.verdict, source: entry.source, reason: entry.reason,
    rules: entry.rules.map(({ id }) => id), approvalId: approval?.id, channel: approval?.channel, approver: approval?.by, waited: entry.waitedMs,
  } };
}

/** In: what was decided. Out: `vetsh.decision`: allow, deny, ask_denied or ask_timeout. */
export function finalDecision(entry: Pick<DecidedBody, "final" | "approval">): string {
  if (entry.final === "run") return "allow";
  if (entry.approval?.outcome === "denied") return "ask_denied";
  return entry.approval?.outcome === "pending" ? "ask_timeout" : "deny";
}

/** Only what the table names for this event. */
function attributesOf(name: LogName, values: AttributeValues): LogData["attributes"] {
  const result: { [name: string]: AttributeValue } = {};
  for (const key of ["seq", ...LOGS[name].attributes] satisfies readonly AttributeKey[]) {
    const value = values[key];
    if (value !== undefined) result[ATTRIBUTES[key].name] = value;
  }
  return result;
}
