/**
 * Checkpoints that left this machine, as a collector or a person kept them: one JSON value a line, in which a checkpoint is
 * either a log record of OTLP-JSON (event `vetsh.audit.checkpoint`) or an object with the same members, as
 * `vetsh audit checkpoints` prints it. Whatever else stands in the file is passed over.
 */
import { LIMITS } from "../model/index.ts";
import { ATTRIBUTES, LOGS } from "./attributes.ts";
import type { CheckpointBody } from "./entries.ts";
import { readLines } from "./segments.ts";
import { isSigned } from "./signing.ts";

/** A checkpoint, and where it was read. */
export type Exported = CheckpointBody & { readonly file: string; readonly line: number };

export type ExportedCheckpoints =
  | { readonly ok: true; readonly checkpoints: readonly Exported[]; readonly skipped: number }
  /** One that its own key did not sign. */
  | { readonly ok: false; readonly file: string; readonly line: number; readonly reason: string };

/** In: a file. Out: its checkpoints, each signed by the key that it names; `skipped`: lines that are no JSON. Throws the system's error. */
export function readExported(file: string): ExportedCheckpoints {
  const checkpoints: Exported[] = [];
  let skipped = 0;
  let number = 0;
  for (const line of readLines(file)) {
    number += 1;
    const value = line.bytes.length > LIMITS.exportedLineBytes ? undefined : parsed(line.bytes.toString("utf8"));
    if (value === undefined) {
      if (line.bytes.length > 0) skipped += 1;
      continue;
    }
    for (const body of checkpointsIn(value)) {
      if (!isSigned(body)) return { ok: false, file, line: number, reason: "the checkpoint's signature does not fit" };
      checkpoints.push({ ...body, file, line: number });
    }
  }
  return { ok: true, checkpoints, skipped };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function checkpointsIn(value: unknown): readonly CheckpointBody[] {
  if (!isObject(value)) return [];
  const flat = checkpointOf((name) => value[name]);
  if (flat !== undefined) return [flat];
  return list(value["resourceLogs"]).flatMap((of) => list(of["scopeLogs"])).flatMap((scope) => list(scope["logRecords"])).flatMap((record) => {
    const attributes = new Map(list(record["attributes"]).map((one) => [one["key"], plain(one["value"])]));
    if (record["eventName"] !== LOGS.checkpoint.name && attributes.get("event.name") !== LOGS.checkpoint.name) return [];
    const body = checkpointOf((name) => attributes.get(NAMES[name]));
    return body === undefined ? [] : [body];
  });
}

const NAMES: { readonly [member in keyof CheckpointBody]: string } = {
  covers: ATTRIBUTES.covers.name, head: ATTRIBUTES.head.name, at: ATTRIBUTES.signedAt.name, key: ATTRIBUTES.auditKey.name, signature: ATTRIBUTES.signature.name,
};

function checkpointOf(member: (name: keyof CheckpointBody) => unknown): CheckpointBody | undefined {
  const [covers, at] = [Number(member("covers")), Number(member("at"))];
  const [head, key, signature] = [member("head"), member("key"), member("signature")];
  if (!Number.isSafeInteger(covers) || !Number.isSafeInteger(at) || typeof head !== "string" || typeof key !== "string" || typeof signature !== "string") return undefined;
  return { covers, at, head, key, signature };
}

function plain(value: unknown): unknown {
  return isObject(value) ? value["stringValue"] ?? value["intValue"] : undefined;
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(value: unknown): readonly { readonly [name: string]: unknown }[] {
  return Array.isArray(value) ? value.filter((item) => isObject(item)) : [];
}
