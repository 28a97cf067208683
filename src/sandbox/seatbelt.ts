import { isWithin, type Claim } from "../model/index.ts";
import { approvedVariables, scrub } from "./environment.ts";
import { isBelow, parentOf } from "./mounts.ts";
import { proxyVariables, reachOf, type Reach } from "./network.ts";
import { NEVER_WRITABLE_ON_MAC, PROTECTED_IN_GIT, PROTECTED_IN_WORKSPACE, SECRET_IN_HOME, SECRET_IN_MAC_HOME } from "./paths.ts";
import type { PermitView, Place, Plan } from "./place.ts";
import { canBeSpelt, literal, named, quoted, subpath } from "./sbpl.ts";
import { hasNoWorkspace, show, writableRoots } from "./writable.ts";

/** Where the filtering proxy of one command listens. The loopback is everybody's there, so a token tells who comes. */
export type LocalProxy = { readonly port: number; readonly token: string };

/** `argv`: words before the shell's own argv; empty when something is missing. */
export type SeatbeltPlan = Pick<Plan, "unset" | "set" | "authority" | "missing" | "notes"> & { readonly argv: readonly string[]; readonly profile: string; readonly hosts: readonly string[] | undefined };

/**
 * In: what was permitted, where the command runs (real paths: `/private/tmp`, not `/tmp`), where its proxy listens. Out: how macOS starts it, and the
 * authority that this gives. Pure; never throws.
 * INVARIANT: what is refused stands after what is allowed, for the last rule that fits decides. INVARIANT: what cannot be given, or cannot be spelt, is in
 * `missing`, and then there is no argv.
 */
export function seatbelt({ claim, source }: PermitView, place: Place, proxy: LocalProxy | "open"): SeatbeltPlan {
  const roots = writableRoots(claim, place);
  const reach = reachOf(claim, source, { proxySocket: proxy === "open" ? "open" : "proxy", wasStopped: place.wasStopped });
  const paths = [...roots.paths, ...place.survey.protected, ...place.survey.hidden.map(({ path }) => path), ...place.guarded, place.root, place.home, place.workspace, place.sessionTmp, place.shell, place.shimSocket, place.survey.workspace];
  const missing = [
    ...(claim.privileged || claim.sandbox === "none" ? ["running without a sandbox can only be granted by a human"] : []),
    ...roots.missing,
    ...roots.paths.filter((path) => (NEVER_WRITABLE_ON_MAC as readonly string[]).includes(path)).map((path) => `\`${show(path)}\` cannot be made writable: it is a directory of the system`),
    ...paths.filter((path) => !canBeSpelt(path)).map((path) => `\`${show(path)}\` cannot be spelt in a Seatbelt profile`),
  ];
  if (missing.length > 0) return { argv: [], profile: "", hosts: undefined, unset: [], set: [], authority: { sandbox: "none", writable: [], network: [] }, missing, notes: [] };

  const writes = claim.sandbox !== "read-only";
  const given = writes ? [...roots.paths, place.sessionTmp] : [];
  const profile = [BASE, ...(place.terminal ? [TERMINAL] : []), ...readRules(claim, given, place), ...writeRules(given, place), ...networkRules(reach, given, place, proxy)].join("\n");
  return {
    argv: ["/usr/bin/sandbox-exec", "-p", `${profile}\n`, "--", place.shell],
    profile: `${profile}\n`,
    hosts: reach.proxy?.hosts,
    unset: scrub(place.environment.keys(), approvedVariables(claim), place.inherit),
    set: [
      `VETSH_SANDBOX=${claim.sandbox}`, ...(writes ? [`TMPDIR=${place.sessionTmp}`] : []),
      ...(writes && place.caches !== undefined ? place.caches.variables.map(({ variable, directory }) => `${variable}=${place.caches?.from ?? ""}/${directory}`) : []),
      ...(proxy === "open" || reach.proxy === undefined ? [] : proxyVariables(`http://vetsh:${proxy.token}@localhost:${proxy.port}`)),
    ],
    authority: { sandbox: claim.sandbox, writable: given, network: reach.authority },
    missing: [],
    notes: [...place.survey.notes, ...notes(claim, place), ...reach.notes.filter((note) => !note.startsWith("loopback is"))],
  };
}

/** What Seatbelt cannot say. */
function notes(claim: Claim, place: Place): readonly string[] {
  return [
    "processes of the same user can be seen, not signalled or traced; there is no /tmp of its own, and the host's can be read",
    ...(claim.network !== "any" && claim.network.includes("localhost") ? ["the loopback is the machine's own and cannot be had in part: no port of it is given"] : []),
    ...(place.terminal ? ["typing into the terminal (TIOCSTI) cannot be refused"] : []),
  ];
}

/** Processes, and what every program asks of the system. No services that start programs outside (Launch Services, launchd, Apple events). */
const BASE = `(version 1)
(deny default)
(allow process-exec process-fork)
(allow process-info* (target same-sandbox))
(allow process-info-pidinfo process-info-setcontrol (target self))
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem ipc-posix-shm-read*)
(allow mach-lookup
  (global-name "com.apple.system.opendirectoryd.libinfo")
  (global-name "com.apple.system.opendirectoryd.membership")
  (global-name "com.apple.system.notification_center")
  (global-name "com.apple.system.logger"))
(allow file-read*)
(allow file-write-data file-ioctl
  (literal "/dev/null") (literal "/dev/zero") (literal "/dev/random") (literal "/dev/urandom") (literal "/dev/dtracehelper") (subpath "/dev/fd"))`;

const TERMINAL = `(allow file-write-data (literal "/dev/tty"))
(allow file-ioctl (literal "/dev/tty") (regex "^/dev/ttys[0-9]+$"))`;

function readRules(claim: Claim, given: readonly string[], { survey, home, root }: Place): readonly string[] {
  const opened = claim.secrets.flatMap((asked) => survey.secrets.filter((found) => found.asked === asked && found.kind !== "missing").map(({ real }) => real));
  // By name, too: what does not exist yet is hidden when it does.
  const listed = [...SECRET_IN_HOME, ...SECRET_IN_MAC_HOME].map((name) => `${home}/${name}`);
  const hidden = [...new Set([...listed, ...survey.hidden.map(({ path }) => path)])].sort();
  return [`(deny file-read*\n  ${hidden.map(subpath).join("\n  ")})`, ...opened.filter(canBeSpelt).map((path) => `(allow file-read* ${subpath(path)})`), `(deny file-read* ${subpath(`${root}/state`)})`, ...given.filter((path) => isBelow(path, root)).map((path) => `(allow file-read* ${subpath(path)})`)];
}

type Rule = { readonly path: string; readonly allow: boolean; readonly words: readonly string[] };

/** The deeper path stands later and decides; of two rules for one path the one that allows: it was claimed by name. */
function writeRules(given: readonly string[], place: Place): readonly string[] {
  const { survey, root, guarded } = place;
  if (given.length === 0) return [];
  const kept = survey.protected.filter((path) => given.some((writable) => isWithin(path, writable)) && !given.includes(path));
  const names = hasNoWorkspace(place) || !given.includes(survey.workspace) ? [] : protectedNames(place);
  // SECURITY: whatever is above something protected stays where it is (`mv .git .git2`), and so does what may be written itself.
  const pinned = new Set([...given, ...kept.flatMap((path) => ancestors(path, given))]);
  const rules: readonly Rule[] = [
    ...given.map((path): Rule => ({ path, allow: true, words: [`(allow file-write* ${subpath(path)})`] })),
    ...names,
    ...kept.map((path): Rule => ({ path, allow: false, words: [`(deny file-write* ${subpath(path)})`] })),
  ];
  const depth = ({ path }: Rule): number => path.split("/").length;
  return [
    ...rules.toSorted((a, b) => depth(a) - depth(b) || Number(a.allow) - Number(b.allow) || (a.path < b.path ? -1 : 1)).flatMap(({ words }) => words),
    ...[root, ...guarded].filter((own) => given.some((writable) => isWithin(own, writable))).map((own) => `(deny file-write* ${subpath(own)})`),
    ...given.filter((path) => isBelow(path, root)).map((path) => `(allow file-write* ${subpath(path)})`),
    ...[...pinned].sort().map((path) => `(deny file-write-unlink ${literal(path)})`),
  ];
}

/** Names that run or configure something later, whether they exist or not; a rule each of the depth that they have. */
function protectedNames({ survey }: Place): readonly Rule[] {
  const { workspace, git } = survey;
  const byDepth = Map.groupBy(PROTECTED_IN_WORKSPACE, (name) => name.split("/").length);
  const rules = [...byDepth].map(([depth, names]): Rule => ({ path: workspace + "/x".repeat(depth), allow: false, words: [`(deny file-write* ${named(workspace, names)})`] }));
  if (git.kind === "none") return rules;
  return [...rules, { path: `${workspace}/x/x`, allow: false, words: [`(deny file-write* ${named(workspace, PROTECTED_IN_GIT.map((name) => `.git/${name}`))})`, `(deny file-write-unlink ${named(workspace, [".git"]).replace("(/|$)", "$")})`] }];
}

function ancestors(path: string, given: readonly string[]): readonly string[] {
  const above = parentOf(path);
  return above === "/" || !given.some((writable) => isWithin(above, writable)) ? [] : [above, ...ancestors(above, given)];
}

function networkRules(reach: Reach, given: readonly string[], { shimSocket }: Place, proxy: LocalProxy | "open"): readonly string[] {
  const sockets = given.map((path) => `(allow network-bind (local unix-socket ${subpath(path)}))\n(allow network-outbound (remote unix-socket ${subpath(path)}))`);
  const base = ["(allow system-socket (socket-domain AF_UNIX))", `(allow network-outbound (remote unix-socket ${literal(shimSocket)}))`, ...sockets];
  if (reach.authority === "any") return [...base, "(allow network-outbound (remote ip))", "(allow network-inbound (local ip))", "(allow network-bind (local ip))", "(allow system-socket)", `(allow network-outbound ${literal("/private/var/run/mDNSResponder")})`];
  return reach.proxy === undefined || proxy === "open" ? base : [...base, `(allow network-outbound (remote ip ${quoted(`localhost:${proxy.port}`)}))`];
}
