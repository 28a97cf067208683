import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../config/index.ts";
import type { Permit } from "../decide/index.ts";
import type { Claim, Dialect, Facts, Layout, Tty } from "../model/index.ts";
import type { View } from "./views.ts";
import { hiddenPaths, planOnce, prepareSsh, readableHere, realPathOf, survey, type HostProbe, type PermitView, type Plan, type RoomPlan, type Survey } from "../sandbox/index.ts";
import type { Caches, WorkspaceCaches } from "./caches.ts";
import { NOWHERE, sessionTmpOf, type Places } from "./directories.ts";
import type { HostPower, Judgement } from "./pipeline.ts";
import type { Stops } from "./stops.ts";

/** From a permit to how the command starts: looks at what exists, and asks the sandbox for its words. */
export type Placement = {
  readonly layout: Layout;
  readonly places: Places;
  readonly host: HostProbe;
  /** Settings that run commands without a sandbox, where there is none or always. */
  readonly unconfined: { readonly always: boolean; readonly whereNone: boolean };
  readonly network: "filtered" | "open";
  /** Variables that settings keep or drop. */
  readonly inherit: Settings["environment"];
  /** Makes the places where tools keep their caches, for commands that may write them; undefined: not made (a dry run). */
  readonly caches?: Pick<Caches, "of">;
  /** The view of the file system that the shim lives in. */
  readonly view?: View | undefined;
  /** What was stopped before; left out in a dry run. */
  readonly stops?: Pick<Stops, "isDue">;
};

/** How a command starts, what was there when that was decided, and the directory of the host that is its /tmp. */
export type Placed = { readonly plan: Plan; readonly survey: Survey; readonly sessionTmp: string };

/** In: settings in force, and what does not depend on them. Out: how commands are placed under them, and what verdicts may lean on. */
export function placing({ sandbox, environment }: Pick<Settings, "sandbox" | "environment">, given: Pick<Placement, "layout" | "places" | "host" | "caches" | "stops" | "view">): { readonly placement: Placement; readonly power: HostPower } {
  const { use, unconfined, network } = sandbox;
  return {
    placement: { ...given, unconfined: { always: use === "never", whereNone: unconfined === "allow" }, network, inherit: environment },
    power: { sandboxed: given.host.sandboxed && use !== "never", unconfined: unconfined === "allow" ? "allow" : undefined },
  };
}

/** "host": look at the file system. "none": for a dry run about a workspace that does not exist here. */
export async function planFor(judged: Judgement, permit: Permit, tty: Tty, placement: Placement, look: "host" | "none"): Promise<Placed> {
  const line: Line = {
    facts: judged.facts,
    shell: judged.subject.shell,
    terminal: tty.stdin || tty.stdout || tty.stderr,
    background: startsJobs(judged),
    wasStopped: placement.stops?.isDue(judged.planHash) === true,
  };
  // What may write nothing needs none.
  const caches = permit.claim.sandbox === "read-only" ? undefined : await placement.caches?.of(judged.facts.workspace);
  return planOf(line, permit, placement, caches, look);
}

/**
 * In: where a command is, a plain profile, the caches there (for one that may write). Out: the room that commands there will enter when rules give them just that; undefined when there
 * is none. Nothing is permitted by this: nobody enters a room without a plan of its own.
 */
export function plainRoom(facts: Facts, sandbox: "read-only" | "workspace", placement: Placement, caches: WorkspaceCaches | undefined): RoomPlan | undefined {
  const claim: Claim = { sandbox, writable: [], network: [], secrets: [], privileged: false };
  const line: Line = { facts, shell: "bash", terminal: false, background: false, wasStopped: false };
  return planOf(line, { claim, source: "rule" }, placement, caches, "host").plan.room;
}

/** What a plan depends on of the line that it is for. */
type Line = { readonly facts: Facts; readonly shell: Dialect; readonly terminal: boolean; readonly background: boolean; readonly wasStopped: boolean };

function planOf({ facts, shell, terminal, background, wasStopped }: Line, permit: PermitView, placement: Placement, caches: WorkspaceCaches | undefined, look: "host" | "none"): Placed {
  const { layout, places, host, unconfined } = placement;
  const guarded = [layout.config, layout.managed];
  const request = { workspace: facts.workspace, cwd: facts.cwd, home: layout.home, guarded, writable: permit.claim.writable, secrets: permit.claim.secrets };
  // Nothing is mounted, so there is nothing to look for.
  const bare = unconfined.always || !host.sandboxed;
  const seen = look === "host" && !bare ? survey(request) : imagined(request);
  const tmp = look === "host" && !bare ? sessionTmp(places, facts.workspace) : NOWHERE;
  const planned = planOnce(permit, host, {
    workspace: facts.workspace,
    cwd: facts.cwd,
    home: layout.home,
    root: layout.root,
    guarded,
    sessionTmp: tmp,
    caches,
    shell: layout.shells[shell],
    putBack: placement.view?.covered,
    shimSocket: places.innerSocket,
    // SECURITY: a socket of its own for each command: whoever comes in there is inside that command's sandbox, and no token can leak.
    proxySocket: placement.network === "open" ? "open" : join(places.proxies, permit.claim.network.length > 0 || wasStopped ? randomBytes(8).toString("hex") : "none"),
    wasStopped,
    sshConfig: look === "host" && !bare && (permit.claim.network.length > 0 || wasStopped) ? prepareSsh(places.sshConfig, layout.root) : undefined,
    environment: facts.env,
    inherit: placement.inherit,
    terminal,
    background,
    unconfined: unconfined.always || (!host.sandboxed && unconfined.whereNone),
    // Policy was told that there is none, and made stricter what leans on it.
    withoutSandbox: "judged",
    survey: seen,
    readable: look === "host" && bare && host.landlock !== undefined ? readable(layout, permit.claim) : undefined,
  });
  return { plan: planned, survey: seen, sessionTmp: tmp };
}

/** What a command may read that Landlock holds: all but secrets that were not approved, and what is vetsh's own. */
function readable({ home, root }: Layout, { secrets }: Claim): readonly string[] | undefined {
  const approved = new Set(secrets.filter((path) => path.startsWith("/")).map(realPathOf));
  return readableHere([...hiddenPaths(home).map(({ path }) => path).filter((path) => !approved.has(path)), ...["state", "run"].map((part) => join(root, part))]);
}

const made = new Map<string, string>();
const MOST_REMEMBERED = 256;

/** One private /tmp for each workspace: what one command leaves there the next one finds. */
function sessionTmp(places: Places, workspace: string): string {
  const key = `${places.state}\0${workspace}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const path = sessionTmpOf(places.state, workspace);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (made.size >= MOST_REMEMBERED) made.clear();
  made.set(key, path);
  return path;
}

/** True when the line starts something that is to outlive it: then the sandbox must not end with its first process. */
function startsJobs({ invocation, analysis }: Judgement): boolean {
  if (invocation.mode !== "command") return true;
  if (/(?:^|[^&|<>\d])&(?![&>])/.test(invocation.text)) return true;
  return analysis.commands.some(({ words }) => words[0]?.some((word) => word === "nohup" || word === "setsid" || word === "disown" || word === "bg") === true);
}

/** As if the workspace were there and empty. */
function imagined(request: { readonly workspace: string; readonly writable: readonly string[]; readonly secrets: readonly string[] }): Survey {
  const there = (asked: string): Survey["writable"][number] => ({ asked, real: asked, kind: "directory" });
  return {
    workspace: request.workspace, git: { kind: "none" }, protected: [], watched: [], hidden: [], replaced: [], kept: [], refused: [], notes: [],
    writable: request.writable.map(there), secrets: request.secrets.filter((path) => path.startsWith("/")).map(there),
  };
}
