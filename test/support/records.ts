import { expect } from "vitest";
import type { Installation } from "./install.ts";
import { until } from "./waiting.ts";

export type Line = Record<string, unknown> & { readonly kind: string; readonly id?: string };

/** Lines of the journal of one kind. */
export function lines(installation: Installation, kind: string): readonly Line[] {
  return (installation.journal() as readonly Line[]).filter((line) => line.kind === kind);
}

/** The received line of the last request whose script is `text`. */
export function received(installation: Installation, text: string): Line | undefined {
  return lines(installation, "received").findLast((line) => (line["script"] as { text?: string } | undefined)?.text === text);
}

/** What the journal says of that request, by kind; each kind at most once. */
export function lifeOf(installation: Installation, text: string): Readonly<Record<string, Line>> {
  const start = received(installation, text);
  const life = (installation.journal() as readonly Line[]).filter((line) => start !== undefined && line.id === start.id);
  expect(new Set(life.map(({ kind }) => kind)).size).toBe(life.length);
  return Object.fromEntries(life.map((line) => [line.kind, line]));
}

/**
 * Every request that was received has exactly one end, and nothing that was refused was started. The end of a command is
 * written after its caller saw it: what has none yet is waited for.
 */
export async function expectOneEndEach(installation: Installation): Promise<void> {
  await until(() => lines(installation, "finished").length >= lines(installation, "received").length, "an end for each request").catch(() => undefined);
  const ids = lines(installation, "received").map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(0);
  expect(lines(installation, "finished").map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  const refused = new Set(lines(installation, "decided").filter((line) => line["final"] === "refuse").map(({ id }) => id));
  expect(lines(installation, "started").filter(({ id }) => refused.has(id))).toEqual([]);
}
