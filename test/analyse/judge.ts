import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "toml";
import { analyseText, compileSpecs, type Specs } from "../../src/analyse/index.ts";
import { nothingKnown, type Analysis, type Dialect, type Effect, type Facts, type FilePort, type PathTarget } from "../../src/model/index.ts";

const SPECS = join(import.meta.dirname, "../../rules/specs");
export const specFiles = readdirSync(SPECS).filter((file) => file.endsWith(".toml")).map((file) => ({ file, data: parse(readFileSync(join(SPECS, file), "utf8")) as unknown }));
export const specs: Specs = compileSpecs(specFiles);

export const facts: Facts = { cwd: "/w", workspace: "/w", home: "/h", env: new Map(), vetsh: ["/h/.local/lib/vetsh"], files: nothingKnown };

/** A file port over a few files given in the test. */
export function files(texts: Readonly<Record<string, string>>, links: Readonly<Record<string, string>> = {}): FilePort {
  return {
    resolve: (path) => {
      for (const [from, to] of Object.entries(links)) if (path === from || path.startsWith(`${from}/`)) return to + path.slice(from.length);
      return path;
    },
    kind: (path) => (path in texts ? "file" : Object.keys(texts).some((name) => name.startsWith(`${path}/`)) ? "directory" : "missing"),
    readScript: (path) => (path in texts ? { text: texts[path]!, sha256: "test" } : undefined),
    tracked: () => "unknown",
  };
}

export function judge(cmd: string, options: { readonly dialect?: Dialect; readonly facts?: Partial<Facts> } = {}): Analysis {
  return analyseText(cmd, options.dialect ?? "bash", { ...facts, ...options.facts }, specs);
}

/** Effects as short words, sorted, without duplicates: `write a`, `delete-tree /`, `network host`, `opaque`. Paths in the workspace are relative. */
export function words(analysis: Analysis): readonly string[] {
  return [...new Set(analysis.effects.map(word))].sort();
}

function word(effect: Effect): string {
  switch (effect.kind) {
    case "read":
    case "write":
      return `${effect.kind} ${shown(effect.path)}`;
    case "delete":
      return `${effect.recursive ? "delete-tree" : "delete"} ${shown(effect.path)}`;
    case "exec":
      return `exec ${effect.what}`;
    case "network":
      return `${effect.direction === "in" ? "listen" : effect.sends ? "send" : "network"} ${effect.host ?? "?"}`;
    case "process":
      return `process ${effect.action}`;
    case "privilege":
      return "privilege";
    case "persist":
      return "persist";
    case "secret":
      return `secret ${effect.path === undefined ? "$" : shown(effect.path)}`;
    case "lose":
      return `lose ${effect.what}`;
    case "remote":
      return `remote ${effect.what}`;
    case "opaque":
      return `opaque ${effect.severity}`;
  }
}

function shown({ path, zone }: PathTarget): string {
  if (path === undefined) return "?";
  return zone === "workspace" ? path.replace(/^\/w\/?/, "") || "." : path;
}
