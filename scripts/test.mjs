// `npm test`: everything a fresh clone needs, then every test, then one line that says how it went.
//
// Runs under any Node from 20 on; the tests themselves run under the Node 24 of the lockfile (the optional package node-linux-*).
// Arguments go to vitest: `npm test -- test/parse`. Ends with `N passed, N failed[, N skipped]` alone on the last line.
// Exit: 0 when something ran and nothing failed, else 1.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The whole run, in milliseconds; beyond, it is ended and counts as failed. */
const RUN_MS = 14 * 60_000;
/** Fetching the packages, in milliseconds. */
const INSTALL_MS = 5 * 60_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const say = (text) => process.stdout.write(`${text}\n`);

/** Programs that tests start, the Debian package of each, and what is skipped or fails without it. */
const PROGRAMS = [
  { program: "cc", debian: "gcc", without: "the shim cannot be built: tests of the shim, the broker and the CLI fail" },
  { program: "g++", debian: "g++", without: "node-pty cannot be built: terminal tests fail" },
  { program: "make", debian: "make", without: "the shim cannot be built: tests of the shim, the broker and the CLI fail" },
  { program: "bwrap", debian: "bubblewrap", without: "tests that run inside the sandbox are skipped" },
  { program: "zsh", debian: "zsh", without: "zsh rows of the differential tests are skipped" },
  { program: "dash", debian: "dash", without: "dash rows of the differential tests are skipped" },
  { program: "sshd", debian: "openssh-server", service: true, without: "tests of ssh, scp, rsync and git over ssh through the proxy are skipped" },
  { program: "rsync", debian: "rsync", without: "the test of rsync through the proxy is skipped" },
  { program: "pip3", debian: "python3-pip", without: "the test of pip through the proxy is skipped" },
  { program: "wget", debian: "wget", without: "tests of wget through the proxy are skipped" },
  { program: "ps", debian: "procps", without: "tests that look at processes fail" },
];

const found = (program) => [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"].some((directory) => directory !== "" && existsSync(join(directory, program)));

/** Runs a set-up step quietly: its output is shown only when it fails. */
function step(title, command, args, timeout = INSTALL_MS) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8", env: cleanEnvironment(), timeout });
  if (result.status === 0) return true;
  say(`${title} failed (${result.error?.message ?? `exit ${result.status ?? result.signal}`}):`);
  say(`${result.stdout ?? ""}${result.stderr ?? ""}`.trim());
  return false;
}

/** The environment without what would change the tests: options for Node, and a session of vetsh around us. How npm reaches its registry stays. */
function cleanEnvironment(more = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:NODE_(?:OPTIONS|PATH|ENV|V8_COVERAGE|TEST_CONTEXT)|VETSH_.*|OTEL_.*|FORCE_COLOR|BASH_ENV|ENV|TRACEPARENT)$/.test(name));
  return { ...Object.fromEntries(kept), ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }), ...more };
}

/** Whether node_modules holds what the lockfile says. npm keeps its own record of what it put there. */
function packagesAreCurrent() {
  const record = join(modules, ".package-lock.json");
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  const wanted = Object.entries(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages).filter(([path]) => path !== "");
  const fits = ([path, { version, optional }]) => (installed[path] === undefined ? optional === true : installed[path].version === version && existsSync(join(root, path)));
  return wanted.length > 0 && wanted.every(fits);
}

function installPackages() {
  if (packagesAreCurrent()) return true;
  say("installing packages (npm ci)");
  return step("npm ci", "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]);
}

/** Compiler, sandbox and shells: through apt-get when root may, else a message that says what to do. Never a reason to stop. */
function installPrograms() {
  const missing = () => PROGRAMS.filter(({ program }) => !found(program));
  // Where services are started, nobody gets one that listens for the world because tests ran.
  const install = missing().filter(({ service }) => service !== true || !existsSync("/run/systemd/system")).map(({ debian }) => debian);
  if (install.length > 0 && process.getuid?.() === 0 && found("apt-get")) {
    say(`installing ${install.join(" ")} (apt-get)`);
    const quiet = ["-qq", "-o", "Dpkg::Use-Pty=0"];
    step("apt-get update", "apt-get", [...quiet, "update"]);
    step("apt-get install", "env", ["DEBIAN_FRONTEND=noninteractive", "apt-get", ...quiet, "install", "-y", "--no-install-recommends", ...install]);
  }
  for (const { program, without } of missing()) say(`missing: ${program}: ${without}`);
  const still = missing().map(({ debian }) => debian);
  if (still.length > 0) say(`hint: as root: apt-get install -y ${still.join(" ")}`);
}

/** The Node that the lockfile pins; the host's own only when it is new enough to run TypeScript as it stands. */
function findNode() {
  const pinned = join(modules, ".bin", "node");
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  say("there is no Node 24: the package of the lockfile was not installed for this platform, and the host's own is older");
  say("hint: install Node 24 and run this again");
  return undefined;
}

/**
 * In: node, arguments for vitest, the file for the counts. Out: vitest's exit status, or undefined when it was ended.
 * The tests get a session and a process group of their own, whose parent lives in the same session: in an orphaned group, as
 * continuous integration often has, the kernel drops the signals that stop jobs, and job control cannot be tested.
 */
function runTests(node, args, counts) {
  const vitest = join(modules, "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", `--reporter=${join(root, "scripts", "test-counts.ts")}`];
  const env = cleanEnvironment({ VETSH_TEST_COUNTS: counts, PATH: `${join(modules, ".bin")}${delimiter}${process.env.PATH ?? ""}` });
  const job = ["-c", 'set -m; "$@" 3>&- & set +m; echo $! >&3; exec 3>&-; wait $!', "npm-test", node, vitest, "run", ...reporters, ...args];
  const child = spawn("bash", job, { cwd: root, stdio: ["ignore", "inherit", "inherit", "pipe"], env, detached: true });
  let group = "";
  child.stdio[3].setEncoding("utf8").on("data", (text) => (group += text));
  const end = (signal) => {
    for (const pid of [Number(group), child.pid].filter((each) => each > 1)) endGroup(pid, signal);
  };
  const limit = setTimeout(() => {
    say(`the tests took longer than ${RUN_MS / 60_000} minutes and were ended`);
    end("SIGKILL");
  }, RUN_MS);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(signal));
  return new Promise((resolve) => {
    child.on("error", (error) => (say(`vitest could not be started: ${error.message}`), resolve(undefined)));
    child.on("exit", (code) => (clearTimeout(limit), resolve(code ?? undefined)));
  });
}

function endGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // gone already: nothing to end
  }
}

function report(status, counts) {
  const { passed, failed, skipped, why } = existsSync(counts) ? JSON.parse(readFileSync(counts, "utf8")) : { passed: 0, failed: 0, skipped: 0, why: ["the run did not come to its end"] };
  for (const line of why) say(line);
  const nothing = passed + failed === 0;
  if (nothing) say("no test ran");
  // INVARIANT: success needs vitest's own word, no failure, and something that ran.
  const failures = failed === 0 && (status !== 0 || nothing) ? 1 : failed;
  say(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failures === 0 ? 0 : 1;
}

async function main() {
  const scratch = mkdtempSync(join(tmpdir(), "vetsh-npm-test-"));
  const counts = join(scratch, "counts.json");
  try {
    if (!installPackages()) return report(undefined, counts);
    installPrograms();
    const native = existsSync(join(root, "scripts", "build-native.sh")) && step("building node-pty", "sh", [join(root, "scripts", "build-native.sh"), root]);
    if (!native) say("node-pty is not built: terminal tests will fail");
    const node = findNode();
    const status = node === undefined ? undefined : await runTests(node, process.argv.slice(2), counts);
    return report(status, counts);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

process.exitCode = await main();
