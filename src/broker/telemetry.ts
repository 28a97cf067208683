import { VERSION } from "../model/index.ts";
import type { Settings } from "../config/index.ts";
import type { RecordSettings } from "../record/index.ts";
import type { Hook } from "./webhook-channel.ts";
import { readPrivateFile } from "./private-file.ts";

/** In: settings. Out: what the recorder needs of them; a headers file that cannot be used is reported, and nothing is exported. */
export function recordSettings({ otlp, journal }: Settings, report: (message: string) => void): RecordSettings {
  const common = { version: VERSION, keep: { ms: journal.keepMs, bytes: journal.keepBytes }, whenFull: journal.whenFull };
  if (otlp.endpoint === undefined) return { ...common, otlp: undefined };
  try {
    const headers = otlp.headersFile === undefined ? {} : readHeaders(otlp.headersFile);
    return { ...common, otlp: { ...urls(otlp.endpoint, otlp.signals, report), headers, timeoutMs: otlp.timeoutMs } };
  } catch (error) {
    report(`spans stay in the local file: ${error instanceof Error ? error.message : String(error)}`);
    return { ...common, otlp: undefined };
  }
}

/** In: settings. Out: where questions are told, if anywhere. */
export function hookOf({ approvals: { webhook, webhookHeadersFile } }: Pick<Settings, "approvals">): Hook | undefined {
  return webhook === undefined ? undefined : { url: webhook, headers: () => (webhookHeadersFile === undefined ? {} : readHeaders(webhookHeadersFile)) };
}

/** The endpoint is that of spans; the others have their usual places beside it, or none that we know. */
function urls(endpoint: string, signals: Settings["otlp"]["signals"], report: (message: string) => void): { readonly url?: string; readonly logsUrl?: string; readonly metricsUrl?: string } {
  const wanted = (signal: Settings["otlp"]["signals"][number]): string | undefined => (signals.includes(signal) ? endpoint.replace(/\/v1\/traces(?=$|\?)/, `/v1/${signal}`) : undefined);
  const [traces, logs, metrics] = [wanted("traces"), wanted("logs"), wanted("metrics")];
  const known = /\/v1\/traces(?:$|\?)/.test(endpoint);
  if (!known && (logs ?? metrics) !== undefined) report("log records and metrics stay in local files: `otlp.endpoint` does not end with `/v1/traces`, so their places are not known");
  return { ...(traces === undefined ? {} : { url: traces }), ...(logs === undefined || !known ? {} : { logsUrl: logs }), ...(metrics === undefined || !known ? {} : { metricsUrl: metrics }) };
}

/** Lines `Name: value`. */
function readHeaders(path: string): Readonly<Record<string, string>> {
  const lines = readPrivateFile(path).split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      if (colon <= 0) throw new Error(`\`${path}\` holds a line that is no \`Name: value\``);
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}
