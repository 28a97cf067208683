import { isWithin } from "../model/index.ts";
import { ARTEFACTS, NOT_SECRET, PROTECTED, SECRETS } from "./path-table.ts";

/** The lists of path-table.ts that a path is in, as bits: all of them are asked of every path, so one walk over its names answers for all. */
export const LIST = { protected: 1, secret: 2, shown: 4, artefact: 8, git: 16 } as const;

const TABLES: readonly (readonly [number, readonly string[]])[] = [
  [LIST.protected, PROTECTED],
  [LIST.secret, SECRETS],
  [LIST.shown, NOT_SECRET],
  [LIST.artefact, ARTEFACTS],
  [LIST.git, [".git"]],
];

type Anchored = { readonly pattern: string; readonly home: boolean; readonly bits: number };
type Starred = { readonly before: string; readonly after: string; readonly bits: number };
type Several = { readonly names: readonly string[]; readonly bits: number };

/** Patterns by what a path must have to meet them: a name, the ending of a name (from its last dot on), the first of several names. */
const NAMES = new Map<string, number>();
const ENDINGS = new Map<string, number>();
const STARRED = new Map<string, Starred[]>();
const SEVERAL = new Map<string, Several[]>();
const ANCHORED: Anchored[] = [];

for (const [bits, table] of TABLES) for (const pattern of table) addPattern(pattern, bits);

function addPattern(pattern: string, bits: number): void {
  if (pattern.startsWith("~/") || pattern.startsWith("/")) ANCHORED.push({ pattern: pattern.replace(/^~/, ""), home: pattern.startsWith("~"), bits });
  else if (pattern.includes("/")) {
    const names = pattern.split("/");
    const first = names[0]!;
    if (first.includes("*") || names.some((name) => name !== "*" && name.includes("*"))) throw new Error(`\`${pattern}\`: a name of a pattern with several is \`*\` or has no star, and the first has none`);
    SEVERAL.set(first, [...(SEVERAL.get(first) ?? []), { names, bits }]);
  } else if (!pattern.includes("*")) NAMES.set(pattern, (NAMES.get(pattern) ?? 0) | bits);
  else if (/^\*\.[^.*]+$/.test(pattern)) ENDINGS.set(pattern.slice(1), (ENDINGS.get(pattern.slice(1)) ?? 0) | bits);
  else {
    const [before, after, ...more] = pattern.split("*") as [string, string, ...string[]];
    if (more.length > 0) throw new Error(`\`${pattern}\`: a name has one star at most`);
    const ending = endingOf(after);
    STARRED.set(ending, [...(STARRED.get(ending) ?? []), { before, after, bits }]);
  }
}

/** From the last dot on; "" without one. */
function endingOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot);
}

/** In: a path, relative to what its names count from. Out: the bits of every list with a pattern that fits some of its names. */
export function listsOfNames(path: string): number {
  let found = 0;
  for (let start = 0; start < path.length; ) {
    const slash = path.indexOf("/", start);
    const end = slash < 0 ? path.length : slash;
    if (end > start) found |= listsOfName(path, start, end);
    start = end + 1;
  }
  return found;
}

function listsOfName(path: string, start: number, end: number): number {
  const name = path.slice(start, end);
  let found = NAMES.get(name) ?? 0;
  const ending = endingOf(name);
  if (ending !== "") found |= (ENDINGS.get(ending) ?? 0) | starred(ending, name);
  found |= starred("", name);
  const several = SEVERAL.get(name);
  if (several !== undefined) for (const one of several) if (fits(one.names, path.slice(start))) found |= one.bits;
  return found;
}

function starred(ending: string, name: string): number {
  let found = 0;
  for (const { before, after, bits } of STARRED.get(ending) ?? []) if (name.startsWith(before) && name.length >= before.length + after.length && name.endsWith(after)) found |= bits;
  return found;
}

function fits(names: readonly string[], path: string): boolean {
  const have = path.split("/");
  return have.length >= names.length && names.every((name, at) => name === "*" || name === have[at]);
}

/**
 * In: an absolute path, the home directory. Out: the bits of every list with a pattern that is anchored at a place and holds it.
 * What lies in somebody else's home directory is what it would be in this one.
 */
export function listsOfPlace(path: string, home: string): number {
  const other = isWithin(path, home) ? undefined : HOME.exec(path)?.[0];
  return other === undefined ? listsAt(path, home) : listsAt(path, home) | listsAt(home + path.slice(other.length), home);
}

/** Where home directories are: the first names of a path that is one. */
export const HOME = /^\/(?:(?:home|Users)\/[^/]+|root)(?=\/|$)/;

function listsAt(path: string, home: string): number {
  const anchors = anchoredAt(home);
  const found = anchoredBits(anchors.byFirst.get(nameAt(path, 1)), path, 0);
  return isWithin(path, home) ? anchoredBits(anchors.anyInHome, path, anchoredBits(anchors.inHome.get(nameAt(path, home.length + 1)), path, found)) : found;
}

function anchoredBits(anchored: readonly Placed[] | undefined, path: string, before: number): number {
  let found = before;
  if (anchored !== undefined) for (const one of anchored) if ((found & one.bits) === 0 && anchoredMatch(one, path)) found |= one.bits;
  return found;
}

/** Whether an anchored pattern (`~/.ssh`, `/etc`) can match inside the workspace: only if it lies in one, or holds one. The last answer is kept. */
export function placesReachInto({ home, workspace }: { readonly home: string; readonly workspace: string }): boolean {
  if (reach.home === home && reach.workspace === workspace) return reach.answer;
  const answer = ANCHORED.some((anchor) => {
    const full = anchor.home ? home + anchor.pattern : anchor.pattern;
    return isWithin(full.split("*")[0]!.replace(/\/$/, ""), workspace) || isWithin(full, workspace) || isWithin(workspace, full);
  });
  reach = { home, workspace, answer };
  return answer;
}
let reach = { home: "", workspace: "", answer: true };

/** In: a directory, the home directory. Out: whether credentials of this account have their place somewhere below it. */
export function holdsSecrets(directory: string, home: string): boolean {
  const plain = directory.replace(/\/\.?\*$/, "") || "/";
  // Of the machine's own the whole of /etc holds some; what lies below it by name mostly none.
  return plain === "/etc" || ANCHORED.some((anchor) => anchor.home && (anchor.bits & LIST.secret) !== 0 && isWithin(home + anchor.pattern, plain));
}

/** Anchored patterns by the first name of their path, those of the home directory by the first one below it: most paths meet none. */
type Anchors = { readonly byFirst: ReadonlyMap<string, readonly Placed[]>; readonly inHome: ReadonlyMap<string, readonly Placed[]>; /** With a star in that name. */ readonly anyInHome: readonly Placed[] };

/** A pattern as an absolute path. */
type Placed = { readonly pattern: string; readonly names: readonly (string | RegExp)[] | undefined; readonly bits: number };

/** Kept for the last home that was asked about. */
function anchoredAt(home: string): Anchors {
  if (lastAnchors?.home !== home) {
    const placed = (pattern: string, bits: number): Placed => ({ pattern, names: namesOf(pattern), bits });
    const own = ANCHORED.filter((anchor) => anchor.home).map(({ pattern, bits }) => placed(home + pattern, bits));
    const starred = own.filter(({ pattern }) => nameAt(pattern, home.length + 1).includes("*"));
    const byFirst = Map.groupBy(ANCHORED.filter((anchor) => !anchor.home).map(({ pattern, bits }) => placed(pattern, bits)), ({ pattern }) => nameAt(pattern, 1));
    const inHome = Map.groupBy(own.filter((anchor) => !starred.includes(anchor)), ({ pattern }) => nameAt(pattern, home.length + 1));
    lastAnchors = { home, anchors: { byFirst, inHome, anyInHome: starred } };
  }
  return lastAnchors.anchors;
}
let lastAnchors: { readonly home: string; readonly anchors: Anchors } | undefined;

/** In: a path, where a name of it starts. Out: the name. */
function nameAt(path: string, start: number): string {
  const end = path.indexOf("/", start);
  return end < 0 ? path.slice(start) : path.slice(start, end);
}

/** The names of a pattern, ready to be compared; undefined where it has no star. */
function namesOf(pattern: string): Placed["names"] {
  if (!pattern.includes("*")) return undefined;
  return pattern.split("/").map((name) => (name === "*" ? ANY_NAME : name.includes("*") ? new RegExp(`^${name.replaceAll(".", "\\.").replaceAll("*", ".*")}$`) : name));
}
const ANY_NAME = /[^]/;

function anchoredMatch({ pattern, names }: Placed, path: string): boolean {
  if (names === undefined) return isWithin(path, pattern);
  const have = path.split("/");
  return have.length >= names.length && names.every((name, at) => (typeof name === "string" ? name === have[at] : name.test(have[at]!)));
}
