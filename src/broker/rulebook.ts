import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { compileSpecs, SpecError, type Specs } from "../analyse/index.ts";
import { loadConfig, reload, withUserFile, withWorkspace, type Loaded } from "../config/index.ts";
import { escapeText, LIMITS, type Layout } from "../model/index.ts";
import type { Rulebook } from "./pipeline.ts";
import { StartError } from "./start-error.ts";

/** What is in force for one workspace. */
export type InForce = Rulebook & { readonly loaded: Loaded };

const MOST_WORKSPACES = 64;

/**
 * Rules, specs and settings in force. Looks at the files again when a request comes in, at most every
 * LIMITS.configCheckMs: a change is in force within a second without anybody signalling, an idle broker does nothing, and
 * unlike a watch on the directory this cannot miss a file that is replaced, mounted or removed.
 * INVARIANT: files that do not parse change nothing that was in force (the last good tier stays) and are reported.
 */
export class Rulebooks {
  readonly #layout: Layout;
  readonly #now: () => number;
  readonly #report: (message: string) => void;
  readonly #workspaces = new Map<string, { readonly stamp: string; readonly inForce: InForce }>();
  #loaded: Loaded;
  #specs: Specs;
  #specProblem: string | undefined;
  #stamp: string;
  #checkedAt: number;

  /** Loads everything. What is wrong with rules is reported and makes decisions stricter. Throws a StartError for specs that cannot be used at all. */
  constructor(layout: Layout, now: () => number, report: (message: string) => void) {
    this.#layout = layout;
    this.#now = now;
    this.#report = report;
    this.#stamp = stampOf(layout);
    this.#checkedAt = now();
    this.#loaded = loadConfig(layout);
    const specs = this.#compile(this.#loaded);
    // SECURITY: what a shell's own variables and options do is said by specs, too: a line that is judged without them may pass.
    if (specs === undefined) throw new StartError(`the descriptions of commands cannot be used: ${this.#specProblem ?? ""}`, "correct the spec, or install vetsh again");
    this.#specs = specs;
    for (const problem of this.problems()) report(problem);
  }

  /** What is in force without any workspace's own rules. */
  base(): InForce {
    this.#check();
    return { specs: this.#specs, rules: this.#loaded.rules, loaded: this.#loaded };
  }

  /** What is in force in a workspace. */
  forWorkspace(workspace: string): InForce {
    const base = this.base();
    const stamp = fileStamp(join(workspace, ".vetsh.toml"));
    if (stamp === undefined) return base;
    const known = this.#workspaces.get(workspace);
    if (known?.stamp === stamp) return known.inForce;
    const loaded = withWorkspace(this.#loaded, this.#layout, workspace);
    const inForce = { specs: this.#specs, rules: loaded.rules, loaded };
    if (this.#workspaces.size >= MOST_WORKSPACES) this.#workspaces.clear();
    this.#workspaces.set(workspace, { stamp, inForce });
    return inForce;
  }

  /** In: a file of the user's and the text that it would have. Out: what would be in force in a workspace then. Nothing is written or kept. */
  supposing(file: string, text: string): (workspace: string) => InForce {
    const base = withUserFile(this.base().loaded, this.#layout, file, text);
    const known = new Map<string, InForce>();
    return (workspace) => {
      const before = known.get(workspace);
      if (before !== undefined) return before;
      const loaded = withWorkspace(base, this.#layout, workspace);
      const inForce = { specs: this.#specs, rules: loaded.rules, loaded };
      known.set(workspace, inForce);
      return inForce;
    };
  }

  /** Loads again now. Out: what is wrong with the files. */
  reload(): readonly string[] {
    this.#stamp = stampOf(this.#layout);
    this.#loaded = reload(this.#loaded, this.#layout);
    this.#specs = this.#compile(this.#loaded) ?? this.#specs;
    this.#workspaces.clear();
    const problems = this.problems();
    this.#report(problems.length === 0 ? "the configuration was loaded again" : `the configuration changed and cannot be used; what held before stays in force`);
    for (const problem of problems) this.#report(problem);
    return problems;
  }

  /** One line for each thing that is wrong with the files as they are now: file, line, what, and what to do. */
  problems(): readonly string[] {
    const found = this.#loaded.problems.map(({ file, line, message, hint }) => `${escapeText(file, { maxLength: 400 })}:${line}: ${message}; hint: ${hint}`);
    return this.#specProblem === undefined ? found : [...found, `${this.#specProblem}; hint: correct the spec, or install vetsh again`];
  }

  #check(): void {
    const now = this.#now();
    if (now >= this.#checkedAt && now - this.#checkedAt < LIMITS.configCheckMs) return;
    this.#checkedAt = now;
    if (stampOf(this.#layout) !== this.#stamp) this.reload();
  }

  #compile(loaded: Loaded): Specs | undefined {
    try {
      if (loaded.specs.length === 0) throw new SpecError(join(this.#layout.app, "rules", "specs"), "the directory", "describes no command");
      const specs = compileSpecs(loaded.specs);
      this.#specProblem = undefined;
      return specs;
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      this.#specProblem = escapeText(error.message, { maxLength: 600 });
      return undefined;
    }
  }
}

/** Name, size and time of every file that configuration is read from. */
function stampOf(layout: Layout): string {
  const folders = [layout.config, join(layout.config, "rules"), layout.managed, join(layout.app, "rules", "policy"), join(layout.app, "rules", "specs")];
  const trust = join(layout.root, "state", "trusted-workspaces.json");
  return [...folders.flatMap(tomlFiles), trust].map((file) => `${file} ${fileStamp(file) ?? "-"}`).join("\n");
}

function tomlFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".toml")).sort().map((name) => join(folder, name));
  } catch {
    // Missing or not readable: the loader says which; a change of that shows in the list.
    return [];
  }
}

function fileStamp(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.mode}`;
  } catch {
    // Not allowed to look: as if it were missing; the loader says so.
    return undefined;
  }
}
