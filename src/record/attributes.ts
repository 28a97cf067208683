/**
 * Every span and attribute that we emit: the one table that the code uses and `docs/telemetry.md` is made of.
 * Names are string literals on purpose: GenAI conventions are in development and move.
 */
export type SpanName = "command" | "review" | "approval" | "process";
/** Things that happen while a span lasts. */
export type EventName = "connection";
/** What is told when it happens, as a log record. */
export type LogName =
  | "opened" | "received" | "reviewed" | "answered" | "decided" | "started" | "connected" | "planted" | "explained" | "finished" | "attached" | "bypass" | "granted" | "revoked" | "undone" | "published" | "unpublished" | "checkpoint" | "retired" | "gap";
export type MetricName = "decisions" | "duration" | "toolDuration" | "overheadDuration" | "reviewDuration" | "approvalWait" | "surprises" | "spoolBytes";
export type AttributeType = "string" | "int" | "boolean" | "string[]";
export type Attribute = {
  readonly name: string;
  readonly type: AttributeType;
  readonly on: readonly (SpanName | EventName | "log" | "metric" | "resource")[];
  readonly example: string;
  /** Whose name it is: a convention and how settled it is there, or our own. */
  readonly from: "vetsh" | "stable" | "release candidate" | "development";
  readonly note: string;
};

export const SPANS: { readonly [name in SpanName]: { readonly name: string; readonly kind: "INTERNAL" | "CLIENT"; readonly note: string } } = {
  command: { name: "execute_tool shell", kind: "INTERNAL", note: "one per request; from its arrival to its end; child of the inherited `TRACEPARENT`, else a root" },
  review: { name: "chat {gen_ai.request.model}", kind: "CLIENT", note: "child of the command; only when a reviewer was asked" },
  approval: { name: "await_approval", kind: "INTERNAL", note: "child of the command; only when a human was asked" },
  process: { name: "{process.executable.name}", kind: "CLIENT", note: "child of the command; only when something ran; its id is the `TRACEPARENT` of the command, so nested shells are its children" },
};

export const EVENTS: { readonly [name in EventName]: { readonly name: string; readonly note: string } } = {
  connection: { name: "vetsh.network.decision", note: "on the command; a host that it asked for while it ran and was not given, when somebody or a rule decided about it" },
};

const row = (name: string, type: AttributeType, on: Attribute["on"], from: Attribute["from"], example: string, note: string): Attribute => ({ name, type, on, from, example, note });

export const ATTRIBUTES = {
  serviceName: row("service.name", "string", ["resource"], "stable", "vetsh", ""),
  serviceVersion: row("service.version", "string", ["resource"], "stable", "0.1.0", ""),
  serviceInstance: row("service.instance.id", "string", ["resource"], "stable", "3f0c…", "one per start of the broker"),
  hostName: row("host.name", "string", ["resource"], "development", "build-7", ""),
  osType: row("os.type", "string", ["resource"], "development", "linux", ""),
  owner: row("process.owner", "string", ["resource"], "release candidate", "anna", "the user whose broker it is"),

  operation: row("gen_ai.operation.name", "string", ["command", "review"], "development", "execute_tool", "`execute_tool` or `chat`"),
  tool: row("gen_ai.tool.name", "string", ["command"], "development", "shell", ""),
  agent: row("gen_ai.agent.name", "string", ["command"], "development", "opencode", "when it is known"),
  session: row("gen_ai.conversation.id", "string", ["command"], "development", "0199…", "what the agent calls its session"),
  call: row("gen_ai.tool.call.id", "string", ["command"], "development", "call_42", "the agent's call that this is, when its environment says so"),
  id: row("vetsh.command.id", "string", ["command"], "vetsh", "0199…", "UUIDv7 of the request; consumers deduplicate by it"),
  sha256: row("vetsh.command.sha256", "string", ["command"], "vetsh", "9f86…", "of the exact text"),
  text: row("vetsh.command.redacted", "string", ["command"], "vetsh", "git push --token [redacted:1f0a2b3c]", "what would run, secrets replaced, cut at 16,384 characters"),
  truncated: row("vetsh.command.truncated", "boolean", ["command"], "vetsh", "false", ""),
  depth: row("vetsh.command.depth", "int", ["command"], "vetsh", "1", "0 outside any command of ours"),
  parent: row("vetsh.command.parent", "string", ["command"], "vetsh", "0199…", "the command inside which it ran"),
  mode: row("vetsh.command.mode", "string", ["command"], "vetsh", "command", "command, file, stdin, interactive, print or opaque"),
  shell: row("vetsh.command.shell", "string", ["command"], "vetsh", "bash", "the name under which the shell was started"),
  inherited: row("vetsh.command.traceparent", "string", ["command"], "vetsh", "00-4bf9…-00f0…-01", "what was inherited, as it was: evidence only"),
  directory: row("process.working_directory", "string", ["command"], "release candidate", "/home/anna/project", ""),
  parentPid: row("process.parent_pid", "int", ["command"], "release candidate", "4711", ""),
  intent: row("vetsh.intent.text", "string", ["command"], "vetsh", "run the unit tests", ""),
  intentSource: row("vetsh.intent.source", "string", ["command"], "vetsh", "comment", "env, comment or transcript (what the agent wrote down itself)"),
  intentTrust: row("vetsh.intent.trust", "string", ["command"], "vetsh", "agent", "who could have written it"),
  prompt: row("vetsh.intent.prompt", "string", ["command"], "vetsh", "5f1c…", "keyed digest of what the person had asked last: equal ones are one wish"),
  verdict: row("vetsh.verdict", "string", ["command", "connection"], "vetsh", "ask", "of the rules: allow, review, ask or deny"),
  decision: row("vetsh.decision", "string", ["command", "connection"], "vetsh", "allow", "in the end: allow, deny, ask_denied or ask_timeout"),
  source: row("vetsh.decision.source", "string", ["command", "connection"], "vetsh", "human", "rule, reviewer, human, grant or fallback"),
  reason: row("vetsh.decision.reason", "string", ["command", "connection"], "vetsh", "rewrites history that others may have", ""),
  rules: row("vetsh.rule.id", "string[]", ["command", "connection"], "vetsh", "git-force-push", "every rule that matched"),
  rulePlaces: row("vetsh.rule.place", "string[]", ["command"], "vetsh", "built-in rules/git.toml:12", "tier, file and line of each, in the same order"),
  policy: row("vetsh.policy.version", "string", ["command"], "vetsh", "c0ff…", "hash of the rules and settings in force"),
  classes: row("vetsh.classes", "string[]", ["command"], "vetsh", "network", "what the line does, in a user's words"),
  sandbox: row("vetsh.authority.sandbox", "string", ["command"], "vetsh", "workspace", "what was really given: none, read-only, workspace or custom"),
  writable: row("vetsh.authority.writable", "string[]", ["command"], "vetsh", "/home/anna/project", ""),
  network: row("vetsh.authority.network", "string[]", ["command"], "vetsh", "api.example.com", "hosts, or `any`"),
  missing: row("vetsh.authority.missing", "string[]", ["command"], "vetsh", "no network namespace", "what the claim asked for and this host cannot hold"),
  planted: row("vetsh.planted", "string[]", ["command"], "vetsh", "/home/dev/app/.envrc", "protected names that it made although nobody judged that: nothing was there to mount on"),
  reached: row("vetsh.network.reached", "string[]", ["command"], "vetsh", "api.example.org:443", "where it was connected to, each once"),
  stopped: row("vetsh.network.refused", "string[]", ["command"], "vetsh", "pastebin.com:443", "what it tried and was refused, each once; `?` when that could not be read"),
  sentBytes: row("vetsh.network.sent_bytes", "int", ["command"], "vetsh", "1280", "to all hosts; only when it went through the filtering proxy"),
  address: row("server.address", "string", ["connection"], "stable", "api.example.org", ""),
  port: row("server.port", "int", ["connection"], "stable", "443", ""),
  method: row("vetsh.network.method", "string", ["connection"], "vetsh", "CONNECT", "of plain HTTP; CONNECT for whatever is not seen into"),
  waited: row("vetsh.network.held_ms", "int", ["connection"], "vetsh", "5200", "how long the connection was held for the answer"),
  receivedBytes: row("vetsh.network.received_bytes", "int", ["command"], "vetsh", "48213", "from all hosts"),
  undoId: row("vetsh.undo.id", "string", ["command"], "vetsh", "k7m2qx", "the snapshot that was taken first: `vetsh undo ID`"),
  undoOutcome: row("vetsh.undo.outcome", "string", ["command"], "vetsh", "kept", "kept, partly, failed or none (what no snapshot can hold); only when something was at stake"),
  undoTime: row("vetsh.undo.us", "int", ["command"], "vetsh", "24100", "time for the snapshot"),
  undoFiles: row("vetsh.undo.entries", "int", ["command"], "vetsh", "412", "paths that it can bring back"),
  undoUncovered: row("vetsh.undo.uncovered", "string[]", ["command"], "vetsh", "what it changes elsewhere", "what it cannot bring back, and why"),
  overhead: row("vetsh.overhead_us", "int", ["command"], "vetsh", "310", "our own work for the decision, waiting left out"),
  outcome: row("vetsh.outcome", "string", ["command"], "vetsh", "exited", "exited, signalled, refused or lost"),
  late: row("vetsh.late", "boolean", ["command"], "vetsh", "false", "the end was not reported to the broker that decided"),
  exitCode: row("process.exit.code", "int", ["command", "process"], "release candidate", "0", "as the caller saw it"),
  error: row("error.type", "string", ["command", "process", "review"], "stable", "1", "exit code, signal, `denied`, `timeout` or `lost`; only when it failed"),

  provider: row("gen_ai.provider.name", "string", ["review"], "development", "openai", "the protocol that was spoken"),
  requestModel: row("gen_ai.request.model", "string", ["review"], "development", "gpt-5-mini", ""),
  outputType: row("gen_ai.output.type", "string", ["review"], "development", "json", ""),
  inputTokens: row("gen_ai.usage.input_tokens", "int", ["review"], "development", "812", ""),
  outputTokens: row("gen_ai.usage.output_tokens", "int", ["review"], "development", "61", ""),
  reviewOutcome: row("vetsh.review.outcome", "string", ["review"], "vetsh", "allow", "allow, ask or deny"),
  risk: row("vetsh.review.risk", "string", ["review"], "vetsh", "low", "low, medium, high, critical or unknown"),
  rationale: row("vetsh.review.rationale", "string", ["review"], "vetsh", "reads a public page", ""),

  approvalId: row("vetsh.approval.id", "string", ["approval", "connection"], "vetsh", "7c1e", ""),
  approvalOutcome: row("vetsh.approval.outcome", "string", ["approval"], "vetsh", "approved", "approved, denied or pending"),
  channel: row("vetsh.approval.channel", "string", ["approval", "connection"], "vetsh", "outer-terminal", "terminal, outer-terminal, control or none"),
  approver: row("enduser.id", "string", ["approval", "command", "connection"], "development", "anna", "who answered"),

  executable: row("process.executable.name", "string", ["process"], "release candidate", "bash", ""),
  pid: row("process.pid", "int", ["process"], "release candidate", "4712", ""),
  signal: row("vetsh.process.signal", "int", ["process"], "vetsh", "9", "the signal that ended it"),
  userTime: row("vetsh.process.user_us", "int", ["process"], "vetsh", "700", ""),
  systemTime: row("vetsh.process.system_us", "int", ["process"], "vetsh", "300", ""),
  memory: row("vetsh.process.max_rss_kib", "int", ["process"], "vetsh", "2048", "at the peak"),

  covers: row("vetsh.audit.seq", "int", ["log"], "vetsh", "4711", "the last record that is covered"),
  head: row("vetsh.audit.head", "string", ["log"], "vetsh", "9f86…", "its hash"),
  signedAt: row("vetsh.audit.time", "int", ["log"], "vetsh", "1767323045000", "milliseconds since the epoch, signed too"),
  auditKey: row("vetsh.audit.key", "string", ["log"], "vetsh", "Jx3v…", "whose signature: the public key, Ed25519, base64url"),
  signature: row("vetsh.audit.signature", "string", ["log"], "vetsh", "q0Kd…", "base64url"),
  seq: row("vetsh.record.seq", "int", ["log"], "vetsh", "4711", "number of the journal's record: deduplicate and order by it"),
  wallTime: row("vetsh.process.wall_us", "int", ["log"], "vetsh", "1500", "from its start to its end"),
  waitedFor: row("vetsh.waited_ms", "int", ["log"], "vetsh", "5200", "for the reviewer or the person"),
  openRequests: row("vetsh.broker.open_requests", "int", ["log"], "vetsh", "0", "commands of an earlier broker that still run"),
  grantId: row("vetsh.grant.id", "string", ["log"], "vetsh", "g4k2", ""),
  grantKeep: row("vetsh.grant.keep", "string", ["log"], "vetsh", "session", "session or always"),
  program: row("process.executable.path", "string", ["log"], "release candidate", "/home/dev/bin/sh", ""),
  ways: row("vetsh.agent.ways", "string[]", ["log"], "vetsh", "SHELL", "how its shells were made ours"),
  missed: row("vetsh.audit.missed", "int", ["log"], "vetsh", "3", "records that were torn, or could not be written"),
  surpriseKind: row("vetsh.surprise", "string", ["metric"], "vetsh", "connection", "connection or planted"),
} as const satisfies { readonly [key: string]: Attribute };

export type AttributeKey = keyof typeof ATTRIBUTES;
export type AttributeValue = string | number | boolean | readonly string[];
/** Values by key of the table; `undefined` is left out. */
export type AttributeValues = { readonly [key in AttributeKey]?: AttributeValue | undefined };

type Log = { readonly name: string; readonly note: string; readonly attributes: readonly AttributeKey[] };

/** Every one also carries `vetsh.record.seq`, and those about a command its trace and span. */
export const LOGS: { readonly [name in LogName]: Log } = {
  opened: { name: "vetsh.broker.started", note: "a broker, or a further file of its journal, began", attributes: ["openRequests", "pid"] },
  received: { name: "vetsh.command.received", note: "before anything was decided", attributes: ["id", "agent", "session", "call", "sha256", "text", "truncated", "depth", "parent", "mode", "shell", "directory", "parentPid", "intent", "intentSource", "intentTrust"] },
  reviewed: { name: "vetsh.review.completed", note: "the model answered, or failed", attributes: ["id", "requestModel", "reviewOutcome", "risk", "rationale", "error", "waitedFor"] },
  answered: { name: "vetsh.approval.resolved", note: "a person answered, or nobody did", attributes: ["id", "approvalId", "approvalOutcome", "channel", "approver", "waitedFor"] },
  decided: { name: "vetsh.command.decided", note: "WARN when nobody said yes, ERROR when it was denied", attributes: ["id", "verdict", "decision", "source", "reason", "rules", "policy", "classes", "sandbox", "writable", "network", "missing", "overhead", "undoId"] },
  started: { name: "vetsh.command.started", note: "a process runs", attributes: ["id", "pid"] },
  connected: { name: "vetsh.network.decision", note: "a host that it asked for while it ran and was not given", attributes: ["id", "address", "port", "method", "decision", "verdict", "source", "reason", "rules", "approvalId", "channel", "approver", "waited"] },
  planted: { name: "vetsh.command.planted", note: "it made something that configures or runs something later", attributes: ["id", "planted"] },
  explained: { name: "vetsh.intent.found", note: "the agent's transcript says why, sometimes only after the command ended", attributes: ["id", "intent", "intentSource", "intentTrust", "call", "prompt"] },
  finished: { name: "vetsh.command.finished", note: "exactly once for each request", attributes: ["id", "outcome", "late", "exitCode", "signal", "wallTime", "userTime", "systemTime", "memory"] },
  attached: { name: "vetsh.agent.attached", note: "a person started an agent under vetsh", attributes: ["pid", "agent", "ways"] },
  bypass: { name: "vetsh.agent.bypass", note: "a shell of an agent that did not come to us: nobody judged what it ran", attributes: ["pid", "program", "text"] },
  granted: { name: "vetsh.grant.given", note: "a person's answer that holds for more than one command", attributes: ["grantId", "grantKeep", "approver", "channel", "text", "directory", "rules"] },
  revoked: { name: "vetsh.grant.revoked", note: "", attributes: ["grantId", "approver"] },
  undone: { name: "vetsh.undo.applied", note: "a person brought something back", attributes: ["undoId", "undoFiles", "approver", "directory"] },
  published: { name: "vetsh.port.published", note: "", attributes: ["port", "approver", "directory"] },
  unpublished: { name: "vetsh.port.unpublished", note: "", attributes: ["port", "directory", "reason"] },
  checkpoint: { name: "vetsh.audit.checkpoint", note: "the end of the journal's chain was signed: keep it for `vetsh audit verify --against`. One a minute while there is anything new: alert when none comes, and when `vetsh.record.seq` skips a number", attributes: ["covers", "head", "signedAt", "auditKey", "signature"] },
  retired: { name: "vetsh.audit.retired", note: "old files of the journal were removed; ERROR when something in them had not been exported", attributes: ["covers", "head", "reason"] },
  gap: { name: "vetsh.audit.gap", note: "a torn record, or commands that ran while nothing could be written", attributes: ["missed", "reason"] },
};

type Metric = { readonly name: string; readonly kind: "counter" | "histogram" | "gauge"; readonly unit: string; readonly note: string; readonly attributes: readonly AttributeKey[] };

/** Cumulative, since this place was first sent to, over restarts. No attribute holds text of a command. */
export const METRICS: { readonly [name in MetricName]: Metric } = {
  decisions: { name: "vetsh.decisions", kind: "counter", unit: "{command}", note: "finished requests", attributes: ["decision", "source", "verdict", "agent"] },
  duration: { name: "vetsh.command.duration", kind: "histogram", unit: "s", note: "of what ran, from its start to its end", attributes: ["outcome", "agent"] },
  toolDuration: { name: "gen_ai.execute_tool.duration", kind: "histogram", unit: "s", note: "of the request, waiting included", attributes: ["tool", "agent"] },
  overheadDuration: { name: "vetsh.overhead.duration", kind: "histogram", unit: "s", note: "our own work for a decision, waiting and the command left out", attributes: ["source"] },
  reviewDuration: { name: "vetsh.review.duration", kind: "histogram", unit: "s", note: "of the model's reviews", attributes: ["reviewOutcome", "risk", "error"] },
  approvalWait: { name: "vetsh.approval.wait", kind: "histogram", unit: "s", note: "for a person", attributes: ["approvalOutcome", "channel"] },
  surprises: { name: "vetsh.surprises", kind: "counter", unit: "{surprise}", note: "what commands tried or did beyond the claim of their verdict", attributes: ["surpriseKind"] },
  spoolBytes: { name: "vetsh.spool.bytes", kind: "gauge", unit: "By", note: "of the journal that this place has not got yet", attributes: [] },
};
