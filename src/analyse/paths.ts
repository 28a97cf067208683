import { isWithin, type Facts, type PathFlag, type PathTarget, type Zone } from "../model/index.ts";
import type { Context } from "./context.ts";
import { behindLinks } from "./files.ts";
import { HOME, LIST, listsOfNames, listsOfPlace, placesReachInto } from "./path-lists.ts";
import { NULL_DEVICES, TEMPORARY } from "./path-table.ts";
import { cannotMatch } from "./pattern.ts";
import { HOLE, SEGMENT } from "./value.ts";


/** Absolute and normalised (`.`, `..`, doubled slashes), without asking the file system. */
export function normalise(path: string, directory: string): string {
  const short = shortened(path);
  const whole = short.startsWith("/") ? short : short === "." ? directory : directory === "/" ? `/${short}` : `${directory}/${short}`;
  if (whole.length > 1 && whole.startsWith("/") && !UNPLAIN.test(whole)) return whole;
  const parts: string[] = [];
  for (const part of whole.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** `./x` and `x/`, which many words are, without what says nothing there. */
function shortened(path: string): string {
  let short = path;
  while (short.length > 2 && short.startsWith("./") && !short.startsWith("/", 2)) short = short.slice(2);
  return short.length > 1 && short.endsWith("/") ? short.slice(0, -1) : short;
}

/** A name that is empty, `.` or `..`. */
const UNPLAIN = /\/(?:\.{0,2})(?:\/|$)/;

/**
 * One text of a word as path targets: one for each directory the shell may be in.
 * Texts with unknown pieces are `unknown` unless only the last component is partly unknown and cannot climb.
 */
export function pathTargets(text: string, glob: boolean, directories: readonly string[] | undefined, context: Context): readonly PathTarget[] {
  const bases = text.startsWith("/") ? ["/"] : directories;
  if (bases === undefined) return [{ path: undefined, zone: "unknown", flags: glob ? ["glob"] : [] }];
  if (bases.length === 1) return [targetOnce(text, glob, bases[0]!, context)];
  return bases.map((base) => targetOnce(text, glob, base, context));
}

/** The same text means the same place as long as the line makes no further link. INVARIANT: what is kept is never changed. */
function targetOnce(text: string, glob: boolean, base: string, context: Context): PathTarget {
  const targets = context.targetsFrom(base, glob);
  const kept = targets.get(text);
  if (kept !== undefined) return kept;
  const found = target(text, glob, base, context);
  targets.set(text, found);
  return found;
}

function target(text: string, glob: boolean, base: string, context: Context): PathTarget {
  const flags: PathFlag[] = glob ? ["glob"] : [];
  if (text.includes(HOLE)) return { path: undefined, zone: "unknown", flags };
  const lexical = normalise(text.includes(SEGMENT) ? text.replaceAll(SEGMENT, "x0") : text, base);
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
const OF_A_HOME = /\/[^/]+\/\.(?:bashrc|bash_profile|bash_login|bash_logout|bash_aliases|bash_history|zshrc|zshenv|zprofile|zlogin|zsh_history|profile|inputrc|xinitrc|xprofile|viminfo|lesshst)$|\/[^/]+\/\.(?:ssh|aws|gnupg|kube)\//;

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
  const lists = listsOfNames(relative) | (zone !== "workspace" || placesReachInto(facts) ? listsOfPlace(path, facts.home) : 0);
  // A `.git` itself, file or directory, says where the repository and its configuration are.
  if ((lists & LIST.protected) !== 0 || path.endsWith("/.git")) flags.push("protected");
  if (flags.includes("glob") && meansSecret(path)) flags.push("secret");
  else if ((lists & LIST.secret) !== 0) flags.push((lists & LIST.shown) !== 0 ? "public" : "secret");
  if (zone === "workspace" && (lists & LIST.artefact) !== 0) flags.push("artefact");
  if ((lists & LIST.git) !== 0) flags.push("git");
  if (text.endsWith("/")) flags.push("directory");
  return { path, zone, flags };
}

/** A pattern that begins like the name of a credentials file, and fits it: `.e*`, `.en?`, `id_*`. What fits many files is left to the sandbox. */
function meansSecret(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  // `*.env*`, `*id_rsa`: the name itself between stars.
  if (/^\*|\*$/.test(name) && WELL_KNOWN.includes(name.replace(/^\*+|\*+$/g, ""))) return true;
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
  const first = path.charCodeAt(1);
  // Null devices lie in /dev and /proc; most paths lie in neither.
  if ((first === LETTER.d || first === LETTER.p) && isWithinSome(path, NULL_DEVICES)) return "null";
  if (isWithinSome(path, facts.vetsh)) return "vetsh";
  if (isWithin(path, facts.workspace) && facts.workspace !== "/") return "workspace";
  if (isWithinSome(path, TEMPORARY)) return "tmp";
  if (isWithin(path, "/dev")) return "device";
  if (isWithin(path, facts.home) && facts.home !== "/") return "home";
  // The home directory that holds the workspace is the person's, whatever this account's is.
  return isWithin(path, HOME.exec(facts.workspace)?.[0] ?? facts.home) ? "home" : "system";
}

const LETTER = { d: 100, p: 112 } as const;

function isWithinSome(path: string, directories: readonly string[]): boolean {
  for (const directory of directories) if (isWithin(path, directory)) return true;
  return false;
}
