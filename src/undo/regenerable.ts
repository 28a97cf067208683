import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { nameOf, parentOf, type Bytes } from "./names.ts";
import { fits } from "./wildcard.ts";

/** Made by tools and by nobody else: left out wherever they stand, ignored or not. */
const CACHES: ReadonlySet<string> = new Set([
  "node_modules", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox", ".venv", "venv", ".gradle", ".terraform", ".turbo", ".parcel-cache", ".next", ".nuxt",
  ".svelte-kit", ".angular", ".dart_tool", ".stack-work", "elm-stuff", ".zig-cache", "zig-cache", ".nyc_output", ".eslintcache", ".stylelintcache", ".DS_Store", "bower_components",
]);

/** In: a name. Out: whether only tools ever make it. */
export function isCacheName(name: string): boolean {
  return CACHES.has(name);
}

const BEGINNING = /^[^*?[]+\*$/;
const ENDING = /^\*\.[^.*?[]+$/;

/** Names of what builds and installations make again. */
export class ArtefactNames {
  readonly #plain: ReadonlySet<string>;
  /** `*.log` by its end, the others one by one. */
  readonly #endings: ReadonlySet<string>;
  /** `cmake-build-*` */
  readonly #beginnings: readonly string[];
  readonly #patterns: readonly string[];

  /** In: names and patterns of names; those with a slash are left out. */
  constructor(table: readonly string[]) {
    const names = table.filter((pattern) => !pattern.includes("/"));
    this.#plain = new Set(names.filter((name) => !name.includes("*")));
    const patterns = names.filter((name) => name.includes("*"));
    this.#endings = new Set(patterns.filter((pattern) => ENDING.test(pattern)).map((pattern) => pattern.slice(1)));
    this.#beginnings = patterns.filter((pattern) => BEGINNING.test(pattern)).map((pattern) => pattern.slice(0, -1));
    this.#patterns = patterns.filter((pattern) => !ENDING.test(pattern) && !BEGINNING.test(pattern));
  }

  has(name: string): boolean {
    if (CACHES.has(name) || this.#plain.has(name)) return true;
    const dot = name.lastIndexOf(".");
    return (dot >= 0 && this.#endings.has(name.slice(dot))) || this.#beginnings.some((begin) => name.startsWith(begin)) || this.#patterns.some((pattern) => fits(pattern, name));
  }
}

type IgnoreRule = { readonly base: Bytes; readonly pattern: string; readonly anchored: boolean; readonly directories: boolean; readonly negated: boolean };

const MOST_BYTES = 262_144;
const MOST_RULES = 2_000;

/**
 * What the `.gitignore` files of a tree say, read as the walk comes by. Bracket expressions and `**` are read generously.
 * SECURITY: the agent writes these files. They are asked only about names that look like a tool's output, never about others.
 */
export class IgnoreRules {
  readonly #rules: IgnoreRule[] = [];
  readonly #read = new Set<Bytes>();

  /** Reads the rules of the directory in which the process stands; `names`: what is in it, if that is known. */
  enter(directory: Bytes, names: readonly string[] | undefined): void {
    if (this.#read.has(directory) || names?.includes(".gitignore") === false) return;
    this.#read.add(directory);
    for (const line of readSmall(".gitignore")?.split("\n") ?? []) {
      const rule = this.#rules.length < MOST_RULES ? ruleOf(line, directory) : undefined;
      if (rule !== undefined) this.#rules.push(rule);
    }
  }

  /** Whether it, or a directory above it up to `top`, is ignored. */
  ignores(path: Bytes, kind: "file" | "directory", top: Bytes): boolean {
    let isDirectory = kind === "directory";
    for (let at = path; at.length > top.length; at = parentOf(at)) {
      if (this.#says(at, isDirectory)) return true;
      isDirectory = true;
    }
    return false;
  }

  #says(path: Bytes, isDirectory: boolean): boolean {
    const rule = this.#rules.findLast(({ base, pattern, anchored, directories }) =>
      path.startsWith(`${base}/`) && (isDirectory || !directories) && fits(pattern, anchored ? path.slice(base.length + 1) : nameOf(path)));
    return rule !== undefined && !rule.negated;
  }
}

function ruleOf(line: string, base: Bytes): IgnoreRule | undefined {
  const bare = line.trimEnd();
  if (bare === "" || bare.startsWith("#") || bare.length > 1_000) return undefined;
  const text = bare.replace(/^[!\\]/, "");
  const open = text.replace(/\/$/, "");
  return { base, pattern: open.replace(/^\//, "").replaceAll("**/", "*"), anchored: open.includes("/"), directories: text.endsWith("/"), negated: bare.startsWith("!") };
}

function readSmall(name: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(name, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > MOST_BYTES) return undefined;
    const buffer = Buffer.alloc(stat.size);
    return buffer.toString("latin1", 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch {
    // None there, or not readable: then nothing is ignored, and more is kept.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
