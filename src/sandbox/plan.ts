import { isWithin, type Claim, type DecisionSource } from "../model/index.ts";
import { approvedVariables, scrub, scrubUnconfined } from "./environment.ts";
import { reading } from "./landlock.ts";
import { proxyEnvironment, reachOf, type Reach } from "./network.ts";
import { isBelow, layOut, mountWords, tooMany, type Mount } from "./mounts.ts";
import type { HostProbe, PermitView, Place, Plan } from "./place.ts";
import { hasNoWorkspace, show, writableRoots } from "./writable.ts";

/**
 * In: what was permitted, what this host can do, where the command runs. Out: the words to start it with and the authority
 * it really gets. Pure; never throws.
 * INVARIANT: `authority` is what the words give, never what was asked for. INVARIANT: what cannot be given is in `missing`,
 * and then nothing may run: there is no way from a sandbox that does not work to no sandbox, except a human's grant or settings.
 */
export function plan(permit: PermitView, host: HostProbe, place: Place): Plan {
  const byHuman = permit.source === "human" || permit.source === "grant";
  const { claim } = permit;
  if (claim.privileged || claim.sandbox === "none") {
    return byHuman || place.unconfined ? unconfined(permit, place, []) : refused([`${claim.privileged ? "authority beyond every sandbox" : "running without a sandbox"} can only be granted by a human`]);
  }
  if (place.unconfined) return unconfined(permit, place, ["settings run commands without a sandbox"]);
  if (!host.sandboxed || host.bwrap === undefined) {
    const held = reading(permit, host, place);
    if ("plan" in held) return held.plan;
    const why = host.gaps.filter((gap) => gap.required).map((gap) => `${gap.reason}; ${gap.remedy}`);
    return byHuman || place.withoutSandbox === "judged" ? unconfined(permit, place, ["no sandbox works on this host, and the verdict was made knowing that"]) : refused([`no sandbox works on this host: ${why.join("; ") || "not probed"}`]);
  }
  return confined(permit, host, host.bwrap, place);
}

function unconfined({ claim }: PermitView, place: Place, notes: readonly string[]): Plan {
  const unset = scrubUnconfined(place.environment.keys(), approvedVariables(claim), place.inherit);
  return { prefix: [], closeFds: false, unset, set: ["VETSH_SANDBOX=none"], authority: { sandbox: "none", writable: ["/"], network: "any" }, proxy: undefined, room: undefined, missing: [], notes };
}

function refused(missing: readonly string[]): Plan {
  return { prefix: [], closeFds: true, unset: [], set: [], authority: { sandbox: "none", writable: [], network: [] }, proxy: undefined, room: undefined, missing, notes: [] };
}

function confined({ claim, source }: PermitView, host: HostProbe, bwrap: string, place: Place): Plan {
  const profile = claim.sandbox;
  const roots = writableRoots(claim, place);
  const reach = reachOf(claim, source, place);
  const mounts = layOut([...allMounts(claim, place, roots.paths), ...(reach.proxy === undefined ? [] : wayOutMounts(place, reach.proxy.socket))]);
  const missing = [...roots.missing, ...pathProblems(place, mounts)];
  if (tooMany(mounts)) missing.push(`the sandbox would need more than its limit of mounts for \`${show(place.survey.workspace)}\``);
  if (missing.length > 0) return refused(missing);

  const library = place.environment.get("LD_LIBRARY_PATH");
  const init = `${place.root}/libexec/vetsh-init`;
  const around = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"];
  const within = [
    ...mountWords(mounts),
    // SECURITY: for root, capabilities are not needed to write below /proc/sys (core_pattern): only a read-only mount stops that.
    "--remount-ro", "/proc",
    ...(profile === "read-only" ? ["--remount-ro", "/tmp"] : []),
    ...namespaceWords(host, { offline: reach.authority !== "any" }),
  ];
  const words = [bwrap, ...around, ...within];
  // In a room somebody answers where a proxy would be, and says why nothing is reached, instead of names that are not found for a minute.
  const inside = [...(library === undefined ? [] : [`LD_LIBRARY_PATH=${library}`]), ...proxyEnvironment(place)];
  // A room shows our own file system. What the shim starts in a view would show the view's: shims, where the command is to find shells.
  const prefix = [
    bwrap, ...around, ...(place.putBack ?? []).flatMap(({ at, original }) => ["--ro-bind", original, at]), ...within,
    ...(place.terminal ? [] : ["--new-session"]),
    ...(place.background ? [] : ["--die-with-parent"]),
    "--chdir", place.cwd,
    ...(library === undefined ? [] : ["--setenv", "LD_LIBRARY_PATH", library]),
    "--", init, ...(reach.proxy === undefined ? [] : ["--bridge", `${place.root}/run/net.sock`]), place.shell,
  ];
  return {
    prefix,
    closeFds: true,
    unset: scrub(place.environment.keys(), approvedVariables(claim), place.inherit),
    set: [`VETSH_SANDBOX=${profile}`, `TMPDIR=${profile === "read-only" ? "/dev/shm" : "/tmp"}`, NO_DOCKER, ...(reach.proxy === undefined ? [] : proxyEnvironment(place)), ...cacheVariables(claim, place)],
    authority: { sandbox: profile, writable: profile === "read-only" ? [] : [...roots.paths, "/tmp"], network: reach.authority },
    proxy: reach.proxy,
    room: canShare(claim, source, reach) ? { words, init, session: place.sessionTmp, workspace: place.workspace, directory: place.cwd, ownSession: !place.terminal, set: inside } : undefined,
    missing: [],
    notes: [...place.survey.notes, ...(hasNoWorkspace(place) && profile !== "read-only" ? ["there is no workspace here: only /tmp and what was claimed are writable"] : []), ...reach.notes],
  };
}

/** Docker's client says where it looked, and nothing else: so the place says why. */
const NO_DOCKER = "DOCKER_HOST=unix:///run/docker-is-outside-of-the-sandbox-of-vetsh";

/**
 * Whether a command may be in one sandbox with others that have the same words.
 * SECURITY: what somebody granted for one command, a job that waits in a shared sandbox would have, too: an approved secret
 * (readable in /proc/PID/environ beside it), paths, the network. So only what rules give by themselves, and nothing that leaves the machine.
 */
function canShare(claim: Claim, source: DecisionSource, reach: Reach): boolean {
  if (claim.secrets.length > 0 || reach.proxy !== undefined || reach.authority === "any") return false;
  return claim.sandbox === "read-only" || claim.sandbox === "workspace" || source === "rule";
}

/** The proxy's socket, and the configuration that leads ssh to it. */
function wayOutMounts({ root, sshConfig }: Place, socket: string): readonly Mount[] {
  return [{ kind: "read-only", at: `${root}/run/net.sock`, from: socket }, ...(sshConfig === undefined ? [] : [{ kind: "read-only" as const, ...sshConfig }])];
}

/** The namespaces and privileges of every sandbox; the probe tries the same words. */
export function namespaceWords(host: Pick<HostProbe, "disableUserns">, network: { readonly offline: boolean }): readonly string[] {
  return [
    "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", ...(network.offline ? ["--unshare-net"] : []),
    // SECURITY: root keeps its capabilities otherwise, and simply unmounts what protects a path.
    "--cap-drop", "ALL",
    ...(host.disableUserns ? ["--disable-userns"] : []),
  ];
}

function allMounts(claim: Claim, place: Place, roots: readonly string[]): readonly Mount[] {
  const { survey, root } = place;
  const opened = claim.secrets.map((path) => survey.secrets.find(({ asked }) => asked === path)).filter((found) => found !== undefined && found.kind !== "missing").map((found) => found?.real ?? "");
  const readOnly = (path: string): Mount => ({ kind: "read-only", at: path, from: path });
  const replaced = ["/tmp", ...survey.replaced];
  return [
    { kind: "writable", at: "/tmp", from: place.sessionTmp },
    ...survey.replaced.map((at): Mount => ({ kind: "empty", at, mode: at === "/var/tmp" && claim.sandbox !== "read-only" ? "1777" : "0555" })),
    // What would disappear with the directories above and is needed.
    ...[...survey.kept, root, place.home, ...(hasNoWorkspace(place) ? [] : [survey.workspace])].filter((path) => replaced.some((at) => isBelow(path, at)) && !roots.some((writable) => isWithin(path, writable))).map(readOnly),
    ...roots.map((path): Mount => ({ kind: "writable", at: path, from: path })),
    ...(roots.some((writable) => isBelow(root, writable)) ? [readOnly(root)] : []),
    ...survey.protected.filter((path) => roots.some((writable) => isBelow(path, writable)) && !roots.includes(path)).map(readOnly),
    ...survey.hidden.filter(({ path }) => !opened.some((secret) => isWithin(path, secret))).map(({ path, kind }): Mount => ({ kind: kind === "file" ? "hide-file" : "hide-directory", at: path })),
    ...opened.filter((path) => survey.hidden.some((hidden) => isBelow(path, hidden.path))).map(readOnly),
    // SECURITY: the journal, the grants and the human's socket are not for sandboxed eyes; nested shells need only the shim's.
    { kind: "hide-directory", at: `${root}/state` },
    { kind: "empty", at: `${root}/run`, mode: "0555" },
    { kind: "read-only", at: `${root}/run/shim.sock`, from: place.shimSocket },
    ...(place.caches === undefined || claim.sandbox === "read-only" ? [] : [{ kind: "writable" as const, at: `${root}/run/cache`, from: place.caches.from }]),
  ];
}

/** What is said of a cache in the workspace or in /tmp stays: it can be written there. */
function cacheVariables(claim: Claim, { caches, environment, home, root, survey }: Place): readonly string[] {
  if (caches === undefined || claim.sandbox === "read-only") return [];
  const reachable = (path: string | undefined): boolean => path !== undefined && (isWithin(path, survey.workspace) || (isWithin(path, "/tmp") && ![home, root].some((own) => isWithin(path, own))));
  return caches.variables.filter(({ variable }) => !reachable(environment.get(variable))).map(({ variable, directory }) => `${variable}=${root}/run/cache/${directory}`);
}

function pathProblems(place: Place, mounts: readonly Mount[]): readonly string[] {
  const around = mounts.findLast(({ at }) => isWithin(place.cwd, at));
  const lost = around !== undefined && (around.kind === "empty" || around.kind.startsWith("hide") || (around.at === "/tmp" && place.cwd !== "/tmp"));
  const paths = { cwd: place.cwd, home: place.home, root: place.root, shell: place.shell, "the session's /tmp": place.sessionTmp, "the shim's socket": place.shimSocket };
  const bad = Object.entries(paths).filter(([, path]) => !path.startsWith("/") || path.includes("\0")).map(([name, path]) => `${name} is not an absolute path: \`${show(path)}\``);
  return lost ? [...bad, `the working directory \`${show(place.cwd)}\` is not visible in the sandbox: it lies in a directory that is private to each session`] : bad;
}
