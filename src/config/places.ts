import { join } from "node:path";
import { z } from "zod";
import { escapeText, LIMITS, type AgentFacts, type Layout } from "../model/index.ts";
import { parseDirectory, readCompiled } from "./built-in.ts";

/** Files in /tmp that agents and their commands hand to each other. `name` is tested against the path below /tmp. */
export type Handover = {
  readonly by: string;
  readonly name: RegExp;
  /** From the agent's /tmp to the command's, back, or both. */
  readonly flow: "in" | "out" | "both";
  /** Whether a file of the user's own that is there already may be written over. */
  readonly replace: boolean;
};

/** A tool's cache: kept for each workspace apart. */
export type CachePlace = {
  readonly tool: string;
  /** Variable that tells the tool where its cache is. */
  readonly variable: string;
  /** Below the workspace's caches. */
  readonly directory: string;
  readonly seed: Seed | undefined;
};

/** What a new cache starts with. `from` is below the home, the others below `from`; `except`: names that are left out. */
export type Seed = { readonly from: string; readonly link: readonly string[]; readonly copy: readonly string[]; readonly except: readonly RegExp[] };

/** An agent: how its commands are told, and how long a question may hold one of them, in milliseconds. */
export type Harness = { readonly agent: string; readonly variables: readonly string[]; readonly holdMs: number };

/** Where package managers download from by default. */
export type Registry = { readonly programs: readonly string[]; readonly hosts: readonly string[] };

export type Places = { readonly agents: readonly AgentFacts[]; readonly handovers: readonly Handover[]; readonly caches: readonly CachePlace[]; readonly harnesses: readonly Harness[]; readonly registries: readonly Registry[]; readonly problems: readonly string[] };

const text = z.string().min(1).max(400);
const name = z.string().regex(/^[A-Za-z0-9_*][\w.*+-]*(?:\/[A-Za-z0-9_*][\w.*+-]*)*$/, "must be a path below /tmp without hidden names").refine((it) => !/^\*+$/.test(it), "would stand for every file");
const below = z.string().regex(/^\.?[A-Za-z0-9_][\w.-]*(?:\/\.?[A-Za-z0-9_][\w.-]*)*$/, "must be a path below, without `..`");
const seed = z.strictObject({ from: below, link: z.array(below).default([]), copy: z.array(below).default([]), except: z.array(z.string().min(1).max(100)).default([]) });
const FILE = z.strictObject({
  handover: z.array(z.strictObject({ by: text, source: text, names: z.array(name).min(1).max(200), flow: z.enum(["in", "out", "both"]), replace: z.boolean().default(false), depth: z.number().int().min(1).max(8).default(1) })).default([]),
  cache: z.array(z.strictObject({ tool: text, source: text, variable: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), directory: z.string().regex(/^[a-z0-9][a-z0-9.-]*(?:\/[a-z0-9][a-z0-9.-]*)*$/), seed: seed.optional() })).default([]),
  harness: z.array(z.strictObject({ agent: text, source: text, variables: z.array(z.string().regex(/^[A-Z_][A-Z0-9_]*$/)).min(1), hold_ms: z.number().int().min(100).max(LIMITS.pendingMs) })).default([]),
  agent: z.array(z.strictObject({
    name: text, source: text, programs: z.array(text).min(1), inside: text.optional(),
    daemon: z.strictObject({ words: z.array(text).min(1), without: text.optional(), never: z.array(text).default([]) }).optional(),
  })).default([]),
  registry: z.array(z.strictObject({ source: text, programs: z.array(text).min(1), hosts: z.array(z.string().regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/)).min(1) })).default([]),
});

/** In: the installation. Out: what `rules/places` says. A file that cannot be used adds nothing, and is among the problems. */
export function loadPlaces(layout: Layout): Places {
  const { files, problems } = parseDirectory(join(layout.app, "rules", "places"), "built-in", readCompiled(layout));
  const handovers: Handover[] = [];
  const caches: CachePlace[] = [];
  const harnesses: Harness[] = [];
  const registries: Registry[] = [];
  const agents: AgentFacts[] = [];
  const wrong = problems.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  for (const { file, data } of files) {
    const parsed = FILE.safeParse(data);
    if (!parsed.success) {
      wrong.push(escapeText(`${file}: ${parsed.error.issues[0]?.path.join(".") ?? ""}: ${parsed.error.issues[0]?.message ?? "not what it should be"}`, { maxLength: 400 }));
      continue;
    }
    for (const { by, names, flow, replace, depth } of parsed.data.handover) for (const one of names) handovers.push({ by, name: pattern(one, depth), flow, replace });
    for (const { agent, variables, hold_ms: holdMs } of parsed.data.harness) harnesses.push({ agent, variables, holdMs });
    for (const { name: agent, programs, inside, daemon } of parsed.data.agent) agents.push({ name: agent, programs, inside, daemon: daemon === undefined ? undefined : { words: daemon.words, without: daemon.without, never: daemon.never } });
    for (const { programs, hosts } of parsed.data.registry) registries.push({ programs, hosts });
    for (const { tool, variable, directory, seed: from } of parsed.data.cache) caches.push({ tool, variable, directory, seed: from === undefined ? undefined : { ...from, except: from.except.map((one) => pattern(one, 1)) } });
  }
  return { handovers, caches, harnesses, registries, agents, problems: wrong };
}

/** `depth`: into how many directories the last name may lie, itself included. */
function pattern(glob: string, depth: number): RegExp {
  const source = glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
  return new RegExp(`^${depth > 1 ? `(?:[^/]+/){0,${depth - 1}}` : ""}${source}$`);
}
