import { execFile } from "node:child_process";
import { access, constants, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { LIMITS } from "../model/index.ts";
import { namespaceWords } from "./plan.ts";
import { probeReading } from "./probe-landlock.ts";
import type { Feature, Gap, HostProbe } from "./place.ts";
import { diagnose } from "./remedy.ts";

/** SECURITY: never from PATH, which is the agent's. */
const BWRAP = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap", "/run/current-system/sw/bin/bwrap"] as const;

/** `scratch`: an existing directory of ours where canary files may be made; `bash`: a real bash; `init`: vetsh-init, to try Landlock with where namespaces
 * cannot be had. All absolute. */
export type ProbePlace = { readonly scratch: string; readonly bash: string; readonly init?: string };

const known = new Map<string, { readonly at: number; readonly result: Promise<HostProbe> }>();

/**
 * In: where canaries may be made. Out: what this host can do, each feature tried for real, with the reason and the remedy
 * for every gap. Asked again, it answers from memory (a failure only for LIMITS.probeRetryMs). Never rejects.
 */
export async function probe(place: ProbePlace): Promise<HostProbe> {
  const key = `${place.scratch}\0${place.bash}`;
  const earlier = known.get(key);
  if (earlier !== undefined && ((await earlier.result).sandboxed || performance.now() - earlier.at < LIMITS.probeRetryMs)) return earlier.result;
  const result = probeNow(place, BWRAP).then((host) => withLandlock(place, host));
  known.set(key, { at: performance.now(), result });
  return result;
}

/** Where bubblewrap cannot hold anything, what Landlock can. */
async function withLandlock({ scratch, bash, init }: ProbePlace, host: HostProbe): Promise<HostProbe> {
  if (host.sandboxed || init === undefined) return host;
  const gap = await probeReading({ scratch, bash, init });
  return gap === undefined ? { ...host, landlock: { init } } : { ...host, gaps: [...host.gaps, gap] };
}

/** As `probe`, without memory and with bubblewrap looked for at the given places. */
export async function probeNow(place: ProbePlace, places: readonly string[]): Promise<HostProbe> {
  const bwrap = await firstExecutable(places);
  if (bwrap === undefined) return failed(undefined, undefined, { feature: "bubblewrap", required: true, reason: `bubblewrap is not installed (looked at ${places.join(", ")})`, remedy: "install it: `apt-get install bubblewrap`" });
  const version = /(\d+(?:\.\d+)+)/.exec((await run(bwrap, ["--version"])).stdout)?.[1];
  try {
    return await withCanary(place, async (canary) => {
      for (const disableUserns of [true, false]) {
        const tried = await run(bwrap, [...sandboxWords({ disableUserns }), "--", place.bash, "--noprofile", "--norc", "-c", SCRIPT, "canary", canary.file, String(canary.port)]);
        const written = (await readFile(canary.file, "utf8")) !== "";
        if (tried.stdout.includes("started=yes")) return judge(bwrap, version, tried.stdout, { disableUserns, written });
        if (!disableUserns) return failed(bwrap, version, await diagnose(tried.error));
      }
      throw new Error("unreachable: the last round returns");
    });
  } catch (error) {
    return failed(bwrap, version, { feature: "namespaces", required: true, reason: `the canary could not be made in \`${place.scratch}\`: ${error instanceof Error ? error.message : String(error)}`, remedy: "check that the directory exists and can be written" });
  }
}

function sandboxWords(host: { readonly disableUserns: boolean }): readonly string[] {
  return ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--remount-ro", "/proc", ...namespaceWords(host, { offline: true }), "--new-session", "--die-with-parent"];
}

/** Runs inside; says what it could do. Its words are fixed: file and port come as parameters. */
const SCRIPT = `
echo started=yes
if { echo x >"$1"; } 2>/dev/null; then echo write=possible; else echo write=refused; fi
if { exec 7<>"/dev/tcp/127.0.0.1/$2"; } 2>/dev/null; then echo network=possible; else echo network=refused; fi
while read -r name value _; do [ "$name" = CapEff: ] && [ "$((16#$value))" -ne 0 ] && echo caps=kept; done </proc/self/status
if { : >>/proc/sys/kernel/core_pattern; } 2>/dev/null; then echo settings=possible; else echo settings=refused; fi
`;

/** SECURITY: what the script says it could not do must be said; the canary file is also looked at from outside. */
function judge(bwrap: string, version: string | undefined, said: string, host: { readonly disableUserns: boolean; readonly written: boolean }): HostProbe {
  const gaps: Gap[] = [];
  const gap = (feature: Feature, reason: string, remedy: string, required: boolean): void => void gaps.push({ feature, required, reason, remedy });
  const report = "report this with `bwrap --version` and the name of your system";
  if (host.written || !said.includes("write=refused")) gap("write-refused", "a sandboxed command could write outside its sandbox", report, true);
  if (!said.includes("network=refused")) gap("network-refused", "a sandboxed command without network could reach a listener of the host", report, true);
  if (said.includes("caps=kept")) gap("capabilities-dropped", "a sandboxed command keeps capabilities", report, true);
  if (!said.includes("settings=refused")) gap("kernel-settings-refused", "a sandboxed command could write kernel settings", report, true);
  if (!host.disableUserns) gap("nested-namespaces-refused", `bubblewrap ${version ?? ""} cannot forbid namespaces inside the sandbox`, "install bubblewrap 0.8 or later", false);
  return { sandboxed: !gaps.some((one) => one.required), bwrap, version, disableUserns: host.disableUserns, gaps };
}

function failed(bwrap: string | undefined, version: string | undefined, gap: Gap): HostProbe {
  return { sandboxed: false, bwrap, version, disableUserns: false, gaps: [gap] };
}

type Canary = { readonly file: string; readonly port: number };

/** A file that must not be written and a listener that must not be reached, for as long as `use` runs. */
async function withCanary<T>(place: ProbePlace, use: (canary: Canary) => Promise<T>): Promise<T> {
  const directory = await realpath(await mkdtemp(join(place.scratch, "probe-")));
  let server: Server | undefined;
  try {
    const file = join(directory, "canary");
    await writeFile(file, "");
    server = createServer((socket) => socket.destroy());
    const listening = server;
    await new Promise<void>((resolve, reject) => listening.once("error", reject).listen(0, "127.0.0.1", resolve));
    const address = listening.address();
    return await use({ file, port: address !== null && typeof address === "object" ? address.port : 0 });
  } finally {
    server?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function firstExecutable(places: readonly string[]): Promise<string | undefined> {
  for (const path of places) {
    const usable = await access(path, constants.X_OK).then(() => true, () => false);
    if (usable) return path;
  }
  return undefined;
}

/** INVARIANT: nothing of our own environment is passed on. */
function run(file: string, args: readonly string[]): Promise<{ readonly stdout: string; readonly error: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: LIMITS.probeMs, killSignal: "SIGKILL", env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" }, cwd: "/" }, (error, stdout, stderr) => {
      resolve({ stdout, error: error === null ? stderr : error.killed === true ? `no answer within ${LIMITS.probeMs} ms` : stderr || error.message });
    });
  });
}
