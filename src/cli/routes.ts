import { escapeText, type Layout } from "../model/index.ts";
import { View, ViewError } from "../route/index.ts";

/** By which ways an agent's shells come to us, for people and for the record. */
export type Route = { readonly view: View | undefined; readonly ways: readonly string[] };

export const ENVIRONMENT = "environment: SHELL and PATH";

/** In: an installation. Out: the strongest way that works here. */
export async function openRoute(layout: Layout): Promise<Route> {
  try {
    const view = await View.open(layout, process.env["PATH"] ?? "");
    const strength = view.holds ? "view: every shell's path" : "view: every shell's path, but root can undo it";
    return { view, ways: [strength, ENVIRONMENT, ...(view.uncovered.length === 0 ? [] : [`not covered: ${view.uncovered.join(", ")}`])] };
  } catch (error) {
    if (!(error instanceof ViewError)) throw error;
    return { view: undefined, ways: [ENVIRONMENT, `no view: ${error.message}`] };
  }
}

/** One line for a person. */
export function routeWords({ view, ways }: Route): string {
  const [first = "", ...rest] = ways.map((way) => escapeText(way, { maxLength: 300 }));
  return view === undefined ? `only shells found by SHELL and PATH are ours (${rest.join("; ")}); others run unseen` : `shells of this agent are ours by their paths (${[first, ...rest].join("; ")})`;
}

/** The human's own environment, with our shells in front. */
export function agentEnvironment(root: string): Record<string, string> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const shell = /\/(zsh|sh|dash)$/.exec(inherited["SHELL"] ?? "")?.[1] ?? "bash";
  return { ...inherited, SHELL: `${root}/shims/${shell}`, PATH: `${root}/shims:${inherited["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"}` };
}
