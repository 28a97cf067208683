import { isWithin } from "../model/index.ts";

/**
 * Globs of rules. `*` and `?` stay inside one path segment, `**` crosses segments (`a/**` is everything below `a`, and `a`).
 * A pattern beginning with `~` is about the home directory, one beginning with `workspace/` about the workspace, one beginning
 * with `/` about the whole machine; any other path pattern means "at any depth" (`.env`, `*.pem`, `.git/hooks/**`).
 */

export type PathGlob = {
  readonly text: string;
  readonly base: "root" | "home" | "workspace" | "anywhere";
  /** Tested against the path relative to `base`, without a leading slash. */
  readonly pattern: RegExp;
  /** The segments before the first one with a pattern character, relative to `base`. */
  readonly literal: string;
};

/** Where `~` and `workspace/` lie for one request; absolute, normalised paths. */
export type Bases = { readonly workspace: string; readonly home: string };

/** A test for a whole text. */
export type NameGlob = { readonly test: (name: string) => boolean };

/** What makes a name a pattern. */
const PATTERN = /[*?\\]/;

/** In: a glob over plain names (programs, hosts, ids): `*` stands for anything, `?` for one character, `\\*` for a star. Out: a test for the whole text. */
export function nameGlob(text: string): NameGlob {
  if (!PATTERN.test(text)) return { test: (name) => name === text };
  if (!/[?\\]/.test(text)) return starred(text.split("*"));
  const pieces = text.match(/\\?[^]/gu) ?? [];
  return new RegExp(`^${pieces.map((piece) => (piece === "*" ? "[^]*" : piece === "?" ? "[^]" : quote(piece.length > 1 && piece.startsWith("\\") ? piece.slice(1) : piece))).join("")}$`, "u");
}

/** In: what stands between the stars of a pattern. Out: a test that looks for the pieces one after the other: several times as quick as a regular expression. */
function starred(pieces: readonly string[]): NameGlob {
  const begin = pieces[0] ?? "";
  const end = pieces.at(-1) ?? "";
  const between = pieces.slice(1, -1).filter((piece) => piece !== "");
  const least = begin.length + end.length;
  return {
    test: (name) => {
      if (name.length < least || !name.startsWith(begin) || !name.endsWith(end)) return false;
      let at = begin.length;
      for (const piece of between) {
        const found = name.indexOf(piece, at);
        if (found < 0) return false;
        at = found + piece.length;
      }
      return at <= name.length - end.length;
    },
  };
}

/** `*\/name`: of a path its last name. */
const LAST_NAME = /^\*\/([^*?\\/]+)$/;

/** In: globs over plain names. Out: tests that together say what those would, the names without a pattern in one of them, last names in another. */
export function nameGlobs(texts: readonly string[]): readonly NameGlob[] {
  const plain = new Set(texts.filter((text) => !PATTERN.test(text)));
  const last = new Set(texts.flatMap((text) => LAST_NAME.exec(text)?.[1] ?? []));
  const globs = texts.filter((text) => PATTERN.test(text) && !LAST_NAME.test(text)).map(nameGlob);
  return [
    ...(plain.size === 0 ? [] : [plain.size === 1 ? nameGlob(texts.find((text) => plain.has(text)) ?? "") : { test: (name: string) => plain.has(name) }]),
    ...(last.size === 0 ? [] : [{ test: (name: string) => lastNameIn(name, last) }]),
    ...globs,
  ];
}

function lastNameIn(path: string, names: ReadonlySet<string>): boolean {
  const slash = path.lastIndexOf("/");
  return slash >= 0 && names.has(path.slice(slash + 1));
}

/** In: a path glob of a rule. Out: its compiled form; compiled once, used for every request. */
export function pathGlob(text: string): PathGlob {
  const [base, rest] = splitBase(text);
  const clean = rest.replace(/^\/+/, "").replace(/\/+$/, "");
  const segments = clean === "" ? [] : clean.split("/");
  const firstPattern = segments.findIndex((segment) => /[*?]/.test(segment));
  const literal = (firstPattern < 0 ? segments : segments.slice(0, firstPattern)).join("/");
  return { text, base, literal, pattern: new RegExp(`^${base === "anywhere" ? "(?:[^]*/)?" : ""}${segmentsSource(segments)}$`, "u") };
}

/** In: a path of an effect. Out: whether the pattern stands for exactly that path. */
export function pathMatches(glob: PathGlob, path: string, bases: Bases): boolean {
  const start = startOfRelative(glob, path, bases);
  // Nearly no path begins like the pattern: that is asked first.
  return start >= 0 && (glob.base === "anywhere" || path.startsWith(glob.literal, start)) && glob.pattern.test(path.slice(start));
}

/**
 * In: a path that stands for more than itself (a pattern of the shell, or a tree). Out: whether it may touch what the rule
 * means. SECURITY: used only by rules that tighten; `rm -rf ~` must meet a rule about `~/notes/**`, `rm ~/n*` too.
 */
export function pathMayTouch(glob: PathGlob, path: string, bases: Bases): boolean {
  const fixed = fixedPart(path);
  // A pattern of the shell may stand for any name; what lies inside a plain tree is not known, and asking of every tree whether
  // it may hold an `.env` would stop every cleaning up. Such a rule names the directory.
  if (glob.base === "anywhere") return fixed !== path;
  const base = baseOf(glob, bases);
  const wanted = glob.literal === "" ? base : `${base === "/" ? "" : base}/${glob.literal}`;
  return (isWithin(wanted, fixed) && mayName(path, fixed, wanted)) || isWithin(fixed, wanted);
}

/**
 * In: a pattern of the shell, its fixed directory, a path below that. Out: whether the pattern may name the path, or something on
 * the way to it, at whatever depth (`find` puts files of any depth under one pattern). `~/*.log` is no name of `~/.bash_history`.
 */
function mayName(path: string, fixed: string, wanted: string): boolean {
  const pattern = path.slice(fixed.length).replace(/^\//, "");
  if (pattern === "" || /[^\w.*?@+-]/.test(pattern)) return true;
  const name = new RegExp(`^${[...pattern].map((char) => (char === "*" ? "[^]*" : char === "?" ? "[^]" : quote(char))).join("")}$`, "u");
  return wanted.slice(fixed === "/" ? 1 : fixed.length + 1).split("/").some((each) => each === "" || name.test(each));
}

/** In: an absolute path with pattern characters. Out: the directory above the first segment that has one. */
export function fixedPart(path: string): string {
  const at = path.search(/[*?[{]|[!@+]\(/);
  if (at < 0) return path;
  const slash = path.lastIndexOf("/", at);
  return slash <= 0 ? "/" : path.slice(0, slash);
}

function splitBase(text: string): [PathGlob["base"], string] {
  if (text === "~" || text.startsWith("~/")) return ["home", text.slice(1)];
  if (text === "workspace" || text.startsWith("workspace/")) return ["workspace", text.slice("workspace".length)];
  return text.startsWith("/") ? ["root", text] : ["anywhere", text];
}

function baseOf(glob: PathGlob, bases: Bases): string {
  return glob.base === "home" ? bases.home : glob.base === "workspace" ? bases.workspace : "/";
}

/** Where in a path begins what the pattern is tested against; -1 when the path is not below the pattern's base. */
function startOfRelative(glob: PathGlob, path: string, bases: Bases): number {
  const base = baseOf(glob, bases);
  if (base === "/") return 1;
  if (!path.startsWith(base)) return -1;
  return path.length === base.length ? path.length : path[base.length] === "/" ? base.length + 1 : -1;
}

function segmentsSource(segments: readonly string[]): string {
  let source = "";
  segments.forEach((segment, index) => {
    const first = index === 0;
    if (segment === "**") {
      const last = index === segments.length - 1;
      source += last ? (first ? "[^]*" : "(?:/[^]*)?") : first ? "(?:[^]*/)?" : "(?:/[^]*)?";
      return;
    }
    const afterLeadingTree = index === 1 && segments[0] === "**";
    source += (first || afterLeadingTree ? "" : "/") + [...segment].map((char) => (char === "*" ? "[^/]*" : char === "?" ? "[^/]" : quote(char))).join("");
  });
  return source;
}

function quote(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}
