/**
 * Numbers over finished requests. Cumulative, and kept together with the cursor of the place that gets them: each request is counted
 * once, also over restarts, and a point that is sent again says the same.
 */
import { LIMITS } from "../model/index.ts";
import type { Life } from "./assemble.ts";
import { ATTRIBUTES, METRICS, type AttributeValues, type MetricName } from "./attributes.ts";
import { finalDecision } from "./logs.ts";
import { surprisesOf } from "./records.ts";

/** Upper bounds of the buckets, in seconds. */
export const BOUNDS: readonly number[] = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600];

/** One series: what it counts and for whom. `counts`: for histograms one more than BOUNDS, else empty. */
export type Series = { readonly metric: MetricName; readonly attributes: { readonly [name: string]: string }; readonly count: number; readonly sum: number; readonly min: number; readonly max: number; readonly counts: readonly number[] };

/** `start`: when counting began, in milliseconds since the epoch. */
export type Totals = { readonly start: number; readonly series: readonly Series[] };

/** In: what was counted before, and requests that finished since. Out: the new totals; the old ones are not touched. */
export function addTo(totals: Totals, lives: readonly Life[]): Totals {
  const found = new Map(totals.series.map((one) => [keyOf(one), one]));
  const sizes = new Map<MetricName, number>();
  for (const { metric } of found.values()) sizes.set(metric, (sizes.get(metric) ?? 0) + 1);
  for (const { metric, values, amount } of lives.flatMap((life) => measurements(life))) {
    const full = (sizes.get(metric) ?? 0) >= LIMITS.metricSeries;
    const named = { metric, attributes: labels(metric, values) };
    // Whoever makes up names of agents gets no series of their own.
    const own = full && !found.has(keyOf(named)) ? { metric, attributes: {} } : named;
    const before = found.get(keyOf(own));
    if (before === undefined) sizes.set(metric, (sizes.get(metric) ?? 0) + 1);
    found.set(keyOf(own), counted(before ?? { ...own, count: 0, sum: 0, min: Infinity, max: -Infinity, counts: METRICS[metric].kind === "histogram" ? Array.from({ length: BOUNDS.length + 1 }, () => 0) : [] }, amount));
  }
  return { start: totals.start, series: [...found.values()] };
}

/** In: what was read from a cursor. Out: the totals, or undefined when it is none. */
export function totalsOf(value: unknown): Totals | undefined {
  if (typeof value !== "object" || value === null || !("start" in value) || !("series" in value) || typeof value.start !== "number" || !Array.isArray(value.series)) return undefined;
  const series = value.series.filter((one): one is Series => typeof one === "object" && one !== null && typeof one.metric === "string" && one.metric in METRICS && typeof one.count === "number" && Array.isArray(one.counts) && typeof one.attributes === "object");
  return { start: value.start, series };
}

type Measurement = { readonly metric: MetricName; readonly values: AttributeValues; readonly amount: number };

function measurements(life: Life): readonly Measurement[] {
  const { received, decided, finished } = life;
  const { agent } = received;
  const found: Measurement[] = [
    { metric: "decisions", amount: 1, values: { decision: decided === undefined ? "none" : finalDecision(decided), source: decided?.source, verdict: decided?.verdict, agent } },
    { metric: "toolDuration", amount: Math.max(0, finished.time - received.receivedAt) / 1_000, values: { tool: "shell", agent } },
    ...surprisesOf(life).map(({ kind }): Measurement => ({ metric: "surprises", amount: 1, values: { surpriseKind: kind } })),
  ];
  if (finished.usage !== undefined) found.push({ metric: "duration", amount: finished.usage.wallUs / 1e6, values: { outcome: finished.outcome, agent } });
  if (decided?.overheadUs !== undefined) found.push({ metric: "overheadDuration", amount: decided.overheadUs / 1e6, values: { source: decided.source } });
  for (const review of [decided?.review, ...life.asked.map((one) => one.review)]) {
    if (review !== undefined) found.push({ metric: "reviewDuration", amount: review.ms / 1_000, values: { reviewOutcome: review.outcome, risk: review.risk, error: review.error } });
  }
  for (const approval of [decided?.approval, ...life.asked.map((one) => one.approval)]) {
    if (approval !== undefined) found.push({ metric: "approvalWait", amount: approval.ms / 1_000, values: { approvalOutcome: approval.outcome, channel: approval.channel } });
  }
  return found;
}

function labels(metric: MetricName, values: AttributeValues): { readonly [name: string]: string } {
  return Object.fromEntries(METRICS[metric].attributes.flatMap((key) => {
    const value = values[key];
    return value === undefined ? [] : [[ATTRIBUTES[key].name, String(value)]];
  }));
}

function counted(series: Series, amount: number): Series {
  const bucket = BOUNDS.findIndex((bound) => amount <= bound);
  const at = bucket < 0 ? BOUNDS.length : bucket;
  return {
    ...series, count: series.count + 1, sum: series.sum + amount, min: Math.min(series.min, amount), max: Math.max(series.max, amount),
    counts: series.counts.map((count, index) => (index === at ? count + 1 : count)),
  };
}

function keyOf({ metric, attributes }: Pick<Series, "metric" | "attributes">): string {
  return JSON.stringify([metric, ...Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)).flat()]);
}
