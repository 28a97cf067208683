import { usageFailure } from "./command.ts";

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** In: `90m`, `12h`, `30d`, `4w`, and which subcommand asks. Out: milliseconds. Throws a usage failure. */
export function durationMs(text: string, name: string): number {
  const found = /^([1-9]\d{0,5})([mhdw])$/.exec(text);
  const unit = UNITS_MS[found?.[2] ?? ""];
  if (found === null || unit === undefined) throw usageFailure("`--since` takes a number and a unit: `90m`, `12h`, `30d`, `4w`", name);
  return Number(found[1]) * unit;
}

/** In: milliseconds, or that it is not known. Out: for reading: `3.2 ms`, `1.4 s`, `12 min`. */
export function lasted(ms: number | null): string {
  if (ms === null) return "-";
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}
