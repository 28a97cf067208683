import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtemp, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { escapeText, LIMITS } from "../model/index.ts";
import type { Gap } from "./place.ts";
import { readableHere } from "./readable.ts";

/** Runs held; each thing it can do is a line. What it is to try comes as parameters. */
const SCRIPT = `
echo started
read -r seen <"$1/open" && [ "$seen" = open ] && echo reads
if { read -r seen <"$1/hidden"; } 2>/dev/null; then echo hidden; fi
if { echo x >"$1/open"; } 2>/dev/null || { echo x >"$1/new"; } 2>/dev/null; then echo write; fi
if chmod 700 "$1/open" 2>/dev/null; then echo mode; fi
if { exec 7<>"/dev/tcp/127.0.0.1/$2"; } 2>/dev/null; then echo tcp; fi
if { exec 8>"/dev/udp/127.0.0.1/$3"; } 2>/dev/null; then echo udp; fi
if kill -0 "$4" 2>/dev/null; then echo signal; fi
if [ -r "/proc/$4/environ" ] && { read -r -d '' seen <"/proc/$4/environ"; } 2>/dev/null; then echo environment; fi
while read -r name value _; do [ "$name" = CapEff: ] && [ "$((16#$value))" -ne 0 ] && echo capabilities; done </proc/self/status
`;

/** What may be said beside that; anything else is a gap. */
const GOOD: readonly string[] = ["started", "reads"];

/**
 * In: where canaries may be made, a real bash, the vetsh-init to try. Out: undefined when Landlock holds what only reads, each part tried for real; else the
 * gap. Never rejects.
 */
export async function probeReading({ scratch, bash, init }: { readonly scratch: string; readonly bash: string; readonly init: string }): Promise<Gap | undefined> {
  const gap = (reason: string): Gap => ({ feature: "landlock", required: false, reason, remedy: "Linux 6.12 or later, with `landlock` in the list of `lsm=`" });
  const tcp = createServer((socket) => socket.destroy());
  const udp = createSocket("udp4");
  let directory: string | undefined;
  try {
    directory = await realpath(await mkdtemp(join(scratch, "probe-")));
    await Promise.all(["open", "hidden"].map((name) => writeFile(join(directory ?? "", name), `${name}\n`, { mode: 0o600 })));
    await new Promise<void>((resolve, reject) => tcp.once("error", reject).listen(0, "127.0.0.1", resolve));
    await new Promise<void>((resolve, reject) => udp.once("error", reject).bind(0, "127.0.0.1", resolve));
    const address = tcp.address();
    const readable = readableHere([join(directory, "hidden")]);
    if (readable === undefined) return gap(`there are more than ${LIMITS.readablePaths} files to name beside a hidden one in \`${escapeText(directory, { maxLength: 200 })}\``);
    const ports = [address !== null && typeof address === "object" ? address.port : 0, udp.address().port];
    const said = await run(init, ["--reading", String(readable.length), ...readable, bash, "bash", "--noprofile", "--norc", "-c", SCRIPT, "canary", directory, ...ports.map(String), String(process.pid)]);
    const open = join(directory, "open");
    const changed = (await readFile(open, "utf8")) !== "open\n" || ((await stat(open)).mode & 0o777) !== 0o600;
    const found = said.out.split("\n").filter((line) => line !== "");
    if (!GOOD.every((word) => found.includes(word))) return gap(`Landlock does not hold commands here: ${escapeText(said.error.trim() || "a held command could not read", { maxLength: 300 })}`);
    const could = [...found.filter((word) => !GOOD.includes(word)), ...(changed ? ["change a file"] : [])];
    return could.length === 0 ? undefined : gap(`a command that Landlock holds has more than it should: ${escapeText(could.join(", "), { maxLength: 300 })}`);
  } catch (error) {
    return gap(`Landlock could not be tried: ${escapeText(error instanceof Error ? error.message : String(error), { maxLength: 300 })}`);
  } finally {
    tcp.close();
    udp.close();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}

/** INVARIANT: nothing of our own environment is passed on. */
function run(file: string, args: readonly string[]): Promise<{ readonly out: string; readonly error: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: LIMITS.probeMs, killSignal: "SIGKILL", env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" }, cwd: "/" }, (error, out, complaint) => {
      resolve({ out, error: error === null ? "" : complaint || error.message });
    });
  });
}
