/**
 * Finished records as OCSF events, for security information systems: Process Activity (class 1007), Launch and Terminate, with the
 * profiles `host`, `security_control`, `ai_operation` and `trace`. `ai_agent` belongs to the schema's next version, so that one is named.
 */
import { VERSION } from "../model/index.ts";
import type { FinishedRecord } from "./records.ts";

export type OcsfPlace = { readonly hostname: string; readonly user: string };
export type OcsfEvent = { readonly [name: string]: OcsfValue };
type OcsfValue = string | number | boolean | readonly OcsfValue[] | { readonly [name: string]: OcsfValue | undefined } | undefined;

const SCHEMA_VERSION = "1.9.0-dev";
const CLASS = 1007;
const SEVERITIES = { unknown: [1, "Informational"], low: [2, "Low"], medium: [3, "Medium"], high: [4, "High"], critical: [5, "Critical"] } as const;

/** In: a record, and where it was made. Out: its launch; and its end, when something ran and the end was seen. Members that are undefined are left out when it is written as JSON. */
export function ocsfEvents(record: FinishedRecord, place: OcsfPlace): readonly OcsfEvent[] {
  const launch = event(record, place, "Launch", Date.parse(record.time));
  const ran = record.outcome === "exited" || record.outcome === "signalled";
  if (!ran) return [launch];
  const ended = Date.parse(record.time) + (record.duration_ms ?? 0);
  const failed = record.exit !== 0;
  return [launch, { ...event(record, place, "Terminate", Math.round(ended)), exit_code: record.exit ?? undefined, duration: record.duration_ms === null ? undefined : Math.round(record.duration_ms), status_id: failed ? 2 : 1, status: failed ? "Failure" : "Success" }];
}

function event(record: FinishedRecord, place: OcsfPlace, activity: "Launch" | "Terminate", time: number): OcsfEvent {
  const activityId = activity === "Launch" ? 1 : 2;
  const denied = record.final === "refuse";
  const [severityId, severity] = SEVERITIES[(record.review?.risk ?? "unknown") as keyof typeof SEVERITIES] ?? SEVERITIES.unknown;
  const user = { name: place.user, uid: String(record.uid) };
  return {
    category_uid: 1, category_name: "System Activity", class_uid: CLASS, class_name: "Process Activity", activity_id: activityId, activity_name: activity, type_uid: CLASS * 100 + activityId,
    type_name: `Process Activity: ${activity}`, time, severity_id: denied && record.decision === "deny" ? Math.max(severityId, 3) : severityId, severity: denied && record.decision === "deny" && severityId < 3 ? "Medium" : severity,
    metadata: {
      version: SCHEMA_VERSION, product: { name: "vetsh", vendor_name: "vetsh", version: VERSION }, profiles: ["host", "security_control", "ai_operation", "trace"],
      uid: `${record.id}/${activity.toLowerCase()}`, correlation_uid: record.trace_id, sequence: activity === "Launch" ? record.seq.first : record.seq.last,
    },
    device: { hostname: place.hostname, type_id: 0, type: "Unknown" },
    actor: { process: { name: record.agent ?? "unknown", pid: record.ppid }, user, session: { uid: record.session } },
    process: {
      uid: record.call ?? record.id, name: record.shell, pid: record.pid ?? undefined, cmd_line: record.cmd, working_directory: record.cwd, user,
      parent_process: { pid: record.ppid, name: record.agent ?? "unknown" },
    },
    action_id: denied ? 2 : 1, action: denied ? "Denied" : "Allowed", disposition_id: denied ? 2 : 1, disposition: denied ? "Blocked" : "Allowed",
    policy: { name: "vetsh", version: record.policy ?? undefined, uid: record.rules[0]?.id },
    trace: { uid: record.trace_id, span: { uid: record.span_id } },
    ai_agent: { uid: record.agent ?? "unknown", name: record.agent ?? "unknown", instance_uid: record.session },
    message: record.reason ?? undefined,
    unmapped: {
      command_id: record.id, verdict: record.decision ?? undefined, decision_source: record.source ?? undefined, approver: record.approver ?? undefined, rules: record.rules.map(({ id }) => id), classes: record.classes,
      intent: record.intent ?? undefined, intent_source: record.intent_source ?? undefined, intent_trust: record.intent_trust ?? undefined, parent_command: record.parent ?? undefined, outcome: record.outcome,
      surprises: record.surprises.map(({ kind, target }) => `${kind}: ${target}`), sha256: record.sha256 ?? undefined,
    },
  };
}
