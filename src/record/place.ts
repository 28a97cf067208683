/** Where things lie under `ROOT/state`. */
import { join } from "node:path";

/** In: a state directory. Out: where its journal lies. */
export function journalDirectory(stateDir: string): string {
  return join(stateDir, "journal");
}

/** In: a state directory. Out: the local file of spans, OTLP-JSON lines. */
export function spansFile(stateDir: string): string {
  return join(stateDir, "spans.jsonl");
}

/** In: a state directory. Out: the local files of log records and of metrics, OTLP-JSON lines. */
export function logsFile(stateDir: string): string {
  return join(stateDir, "logs.jsonl");
}

export function metricsFile(stateDir: string): string {
  return join(stateDir, "metrics.jsonl");
}

/** In: a state directory, and who reads. Out: the file that says how far that reader came in the journal. */
export function cursorFile(stateDir: string, reader: string): string {
  return join(stateDir, `cursor-${reader}.json`);
}

export function redactionKeyFile(stateDir: string): string {
  return join(stateDir, "redaction.key");
}

/** In: a state directory. Out: the private key that signs checkpoints. */
export function checkpointKeyFile(stateDir: string): string {
  return join(stateDir, "checkpoint.key");
}
