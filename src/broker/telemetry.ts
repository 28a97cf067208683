import { VERSION } from "../model/index.ts";
import type { Settings } from "../config/index.ts";
import type { RecordSettings } from "../record/index.ts";
import { readPrivateFile } from "./private-file.ts";

/** In: settings. Out: what the recorder needs of them; a headers file that cannot be used is reported, and nothing is exported. */
export function recordSettings({ otlp, journal }: Settings, report: (message: string) => void): RecordSettings {
  const common = { version: VERSION, keep: { ms: journal.keepMs, bytes: journal.keepBytes }, whenFull: journal.whenFull };
  if (otlp.endpoint === undefined) return { ...common, otlp: undefined };
  try {
    const headers = otlp.headersFile === undefined ? {} : readHeaders(otlp.headersFile);
    return { ...common, otlp: { url: otlp.endpoint, headers, timeoutMs: otlp.timeoutMs } };
  } catch (error) {
    report(`spans stay in the local file: ${error instanceof Error ? error.message : String(error)}`);
    return { ...common, otlp: undefined };
  }
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
