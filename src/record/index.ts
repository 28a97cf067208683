/**
 * record: what ran, why, who allowed it, what came of it.
 * Goes in: requests, decisions and outcomes, as they happen. Comes out: a durable, chained journal (`STATE/journal/`), one
 * finished record per request (`readRecords`), and spans (`STATE/spans.jsonl`, OTLP) that are built from the journal alone.
 * What holds: `decided` resolves `ok` only when the request is on disk and the decision is written, and otherwise nothing may run (I6);
 * nothing unredacted is written; nothing of any environment but the request's TRACEPARENT and intent is read; commands
 * never wait for an exporter. Eager imports are node: modules and model only; OpenTelemetry is loaded by the first export.
 */
import { Recorder, type RecorderOptions } from "./recorder.ts";

/** In: where, the clock, and whom to tell about failures. Out: the recorder. Rejects with JournalInUse or the system's error. */
export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  return new Recorder(options);
}

export type { Recorder, RecorderOptions, RecordSettings } from "./recorder.ts";
export { checkpointKeyFile, journalDirectory, logsFile, metricsFile, spansFile } from "./place.ts";
export { readRecords, RecordReader, type FinishedRecord, type RecordFilter, type Surprise } from "./records.ts";
export type { DecidedContext, ReceivedContext } from "./bodies.ts";
export type { GrantedBody, OpenRequest, RecordedAuthority, RecordedUndo } from "./entries.ts";
export type { JournalFailure, JournalResult } from "./journal.ts";
export { JournalInUse } from "./lock.ts";
export type { Trace } from "./trace.ts";
export { readExported, type Exported, type ExportedCheckpoints } from "./exported.ts";
export { ocsfEvents, type OcsfEvent, type OcsfPlace } from "./ocsf.ts";
export { publicKeyOf } from "./signing.ts";
export { checkpointsOf } from "./checkpoints.ts";
export { personName } from "./person.ts";
export { readBypasses, type RecordedBypass } from "./bypasses.ts";
export { verifyJournal, verifyJournals, type Damage, type Verification } from "./verify.ts";
