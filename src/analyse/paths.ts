import type { Facts, PathFlag, PathTarget, Zone } from "../model/index.ts";
import type { Context } from "./context.ts";
import { behindLinks } from "./files.ts";
import { ARTEFACTS, NOT_SECRET, NULL_DEVICES, PROTECTED, SECRETS, TEMPORARY } from "./path-table.ts";
import { cannotMatch } from "./pattern.ts";
import { HOLE, SEGMENT } from "./value.ts";

/** Absolute and normalised (`.`, `..`, doubled slashes), without asking the file system. */
export function normalise(path: string, directory: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${directory}/${path}`).split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return `/${parts.join("/")}`;
}

export function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === "/" || path.startsWith(`${directory}/`);
}

/**
 * One text of a word as path targets: one for each directory the shell may be in.
 * Texts with unknown pieces are `unknown` unless only the last component is partly unknown and cannot climb.
 */
export function pathTargets(text: string, glob: boolean, directories: readonly string[] | undefined, context: Context): readonly PathTarget[] {
  const bases = text.startsWith("/") ? ["/"] : directories;
  if (bases === undefined) return [{ path: undefined, zone: "unknown", flags: glob ? ["glob"] : [] }];
  return bases.map((base) => target(text, glob, base, context));
}

function target(text: string, glob: boolean, base: string, context: Context): PathTarget {
  const flags: PathFlag[] = glob ? ["glob"] : [];
  if (text.includes(HOLE)) return { path: undefined, zone: "unknown", flags };
  const lexical = normalise(text.replaceAll(SEGMENT, "x0"), base);
  const fixed = glob ? beforeGlob(lexical) : lexical;
  const linked = context.links.size === 0 ? fixed : behindLinks(fixed, context);
  const real = linked === fixed ? resolve(fixed, context) : linked;
  const path = real === undefined || real === fixed ? lexical : glob ? real + lexical.slice(fixed.length) : real;
  if (real !== undefined && real !== fixed) flags.push("symlink");
  if (isWithin(lexical, context.facts.workspace) && leadsOut(path, real, context.facts)) flags.push("leads-out");
  return classify(path, flags, text, context.facts);
}

/** A name of the workspace behind which lies somebody's directory, or perhaps: files of a home have no other reason to be below one. */
function leadsOut(path: string, real: string | undefined, { workspace, home }: Facts): boolean {
  if (real === undefined) return OF_A_HOME.test(path.slice(workspace.length));
  if (isWithin(path, workspace)) return false;
  return /^\/(?:etc|root|home|Users|var|proc|mnt|media)\//.test(path) ? !isWithin(path, "/var/tmp") && !isWithin(path, `${home}/.cache`) : isWithin(path, home) && !isWithin(path, `${home}/.cache`);
}
const OF_A_HOME = /\/[^/]+\/\.(?:bashrc|bash_profile|bash_login|bash_logout|bash_aliases|bash_history|zshrc|zshenv|zprofile|zlogin|zsh_history|profile|inputrc|xinitrc|xprofile|viminfo|lesshst)$/;

function beforeGlob(path: string): string {
  const at = path.search(/[*?[]/);
  return at < 0 ? path : path.slice(0, Math.max(1, path.lastIndexOf("/", at)));
}

function resolve(path: string, context: Context): string | undefined {
  if (context.resolved.has(path)) return context.resolved.get(path);
  const real = context.facts.files.resolve(path);
  context.resolved.set(path, real);
  return real;
}

function classify(path: string, flags: PathFlag[], text: string, facts: Facts): PathTarget {
  const zone = zoneOf(path, facts);
  const relative = zone === "workspace" ? path.slice(facts.workspace.length + 1) : path;
  if (zone === "workspace" && path === facts.workspace) flags.push("root");
  // What holds the workspace is more than the workspace.
  if (path === "/" || path === facts.home || isTop(path) || (zone !== "workspace" && isWithin(facts.workspace, path))) flags.push("root");
  // `*` at the top of a zone is that zone.
  if (flags.includes("glob") && isAllOf(path, facts)) flags.push("root");
  const anchors = zone === "workspace" ? anchorsReachInto(facts) : true;
  if (matches(PROTECTED_TABLE, path, relative, facts, anchors)) flags.push("protected");
  if (flags.includes("glob") && meansSecret(path)) flags.push("secret");
  else if (matches(SECRET_TABLE, path, relative, facts, anchors)) flags.push(matches(NOT_SECRET_TABLE, path, relative, facts, anchors) ? "public" : "secret");
  if (zone === "workspace" && matches(ARTEFACT_TABLE, path, relative, facts, anchors)) flags.push("artefact");
  if (/(^|\/)\.git(\/|$)/.test(relative)) flags.push("git");
  if (text.endsWith("/")) flags.push("directory");
  return { path, zone, flags };
}

/** A pattern that begins like the name of a credentials file, and fits it: `.e*`, `.en?`, `id_*`. What fits many files is left to the sandbox. */
function meansSecret(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const begin = /^[^*?[]*/.exec(name)![0];
  return begin !== name && begin.length > 1 && WELL_KNOWN.some((secret) => secret.startsWith(begin) && !cannotMatch(secret, name));
}
const WELL_KNOWN = [".env", ".env.local", ".netrc", "id_rsa", "id_ed25519"];

function isTop(path: string): boolean {
  return /^\/(?:etc|usr|var|home|root|bin|sbin|lib|lib64|boot|opt|srv|dev|proc|sys|Users|System|Library|Applications|home\/[^/]+|Users\/[^/]+)$/.test(path);
}

function isAllOf(path: string, facts: Facts): boolean {
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  const last = path.slice(path.lastIndexOf("/") + 1);
  return /^[*?.[\]!]+$/.test(last) && (parent === facts.workspace || parent === facts.home || parent === "/" || isTop(parent));
}

function zoneOf(path: string, facts: Facts): Zone {
  if (NULL_DEVICES.some((device) => isWithin(path, device))) return "null";
  if (facts.vetsh.some((directory) => isWithin(path, directory))) return "vetsh";
  if (isWithin(path, facts.workspace) && facts.workspace !== "/") return "workspace";
  if (TEMPORARY.some((directory) => isWithin(path, directory))) return "tmp";
  if (isWithin(path, "/dev")) return "device";
  if (isWithin(path, facts.home) && facts.home !== "/") return "home";
  return "system";
}

type Matcher = { readonly anchored: readonly { readonly pattern: string; readonly home: boolean }[]; readonly single: RegExp; readonly multi: readonly RegExp[] };

const PROTECTED_TABLE = compile(PROTECTED);
const SECRET_TABLE = compile(SECRETS);
const NOT_SECRET_TABLE = compile(NOT_SECRET);
const ARTEFACT_TABLE = compile(ARTEFACTS);

/** One table of path-table.ts → matchers: single components in one expression, the rest one by one. */
function compile(table: readonly string[]): Matcher {
  const source = (pattern: string): string => pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
  const anchored = table.filter((p) => p.startsWith("~/") || p.startsWith("/")).map((p) => ({ pattern: p.replace(/^~/, ""), home: p.startsWith("~") }));
  const relative = table.filter((p) => !p.startsWith("~/") && !p.startsWith("/"));
  const single = relative.filter((p) => !p.includes("/")).map(source);
  return {
    anchored,
    single: new RegExp(single.length === 0 ? "$^" : `(?:^|/)(?:${single.join("|")})(?:/|$)`),
    multi: relative.filter((p) => p.includes("/")).map((p) => new RegExp(`(?:^|/)${source(p)}(?:/|$)`)),
  };
}

/** Whether an anchored pattern (`~/.ssh`, `/etc`) can match inside the workspace: only if it lies in one, or holds one. The last answer is kept. */
function anchorsReachInto({ home, workspace }: Facts): boolean {
  if (reach.home === home && reach.workspace === workspace) return reach.answer;
  const answer = [...PROTECTED_TABLE.anchored, ...SECRET_TABLE.anchored].some((anchor) => {
    const full = anchor.home ? home + anchor.pattern : anchor.pattern;
    return isWithin(full.split("*")[0]!.replace(/\/$/, ""), workspace) || isWithin(full, workspace) || isWithin(workspace, full);
  });
  reach = { home, workspace, answer };
  return answer;
}
let reach = { home: "", workspace: "", answer: true };

function matches(table: Matcher, path: string, relative: string, facts: Facts, anchors: boolean): boolean {
  if (table.single.test(relative) || table.multi.some((pattern) => pattern.test(relative))) return true;
  if (!anchors) return false;
  return anchoredBelow(table, facts.home).get(firstName(path))?.some((pattern) => anchoredMatch(pattern, path)) ?? false;
}

/** Anchored patterns by the first name of their path: most paths meet none. Kept for the last home that was asked about. */
function anchoredBelow(table: Matcher, home: string): ReadonlyMap<string, readonly string[]> {
  const kept = ANCHORS.get(table);
  if (kept?.home === home) return kept.byFirst;
  const byFirst = Map.groupBy(table.anchored.map((anchor) => (anchor.home ? home + anchor.pattern : anchor.pattern)), firstName);
  ANCHORS.set(table, { home, byFirst });
  return byFirst;
}
const ANCHORS = new Map<Matcher, { readonly home: string; readonly byFirst: ReadonlyMap<string, readonly string[]> }>();

function firstName(path: string): string {
  const end = path.indexOf("/", 1);
  return end < 0 ? path.slice(1) : path.slice(1, end);
}

function anchoredMatch(pattern: string, path: string): boolean {
  if (!pattern.includes("*")) return isWithin(path, pattern);
  const wanted = pattern.split("/");
  const have = path.split("/");
  return have.length >= wanted.length && wanted.every((part, i) => (part === "*" ? have[i] !== "" : part.includes("*") ? new RegExp(`^${part.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(have[i]!) : part === have[i]));
}
