/**
 * A real installation in a folder of its own, for tests that go end to end: shims and vetsh-init built from `shims/` with
 * that ROOT compiled in, the node that runs the test, and the application that was made from the checkout before all tests.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import type { Layout } from "../../src/model/index.ts";
import { APP } from "./app.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");

/** Sources that were read before are not read anew by each of the many brokers: half of what starting one takes. */
const CACHED = `import { enableCompileCache, flushCompileCache } from "node:module";\nenableCompileCache(${JSON.stringify(join(CHECKOUT, "build/compile-cache"))});\n`;

export type Installation = {
  readonly root: string;
  readonly layout: Layout;
  /** A git repository with one committed file, the default directory of `run`. */
  readonly workspace: string;
  /** What a shell started as `name` by an agent does. Waits for it. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The human's command line. */
  vetsh(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Writes `config.toml`. */
  configure(toml: string): void;
  /** Every line of the journal, parsed. */
  journal(): readonly Record<string, unknown>[];
  /** Sends one request to the control socket, as the human's programs do. */
  control(request: object): Promise<Record<string, unknown>>;
  /** pid of the broker, if one runs. */
  brokerPid(): Promise<number | undefined>;
  startBroker(): Promise<void>;
  stopBroker(): Promise<void>;
  /** Stops the broker and removes everything. */
  remove(): Promise<void>;
};

export type Identity = { readonly uid: number; readonly gid: number };
export type RunOptions = { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly input?: string };
export type Ran = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stdout: string; readonly stderr: string };

/**
 * `startMs`: how long the built shims wait for a broker (shorter than in earnest, to see them give up).
 * `under`: the directory to make it in; what lies in /tmp is no home for a verdict.
 * `home`: "own" is an empty one of the installation's; else the home of whoever runs the tests.
 * `as`: root's tests make the installation of another person, and are that person in all they run.
 */
export async function install(options: { readonly startMs?: number; readonly config?: string; readonly home?: "own"; readonly under?: string; readonly as?: Identity } = {}): Promise<Installation> {
  const identity = options.as === undefined || options.as.uid === process.getuid?.() ? undefined : options.as;
  const base = realpathSync(mkdtempSync(join(options.under ?? tmpdir(), "vetsh-e2e-")));
  const root = join(base, "root");
  const workspace = join(base, "work");
  const layout = makeRoot(root, base, options.home === "own" ? join(base, "home") : userInfo().homedir, identity);
  const extra = options.startMs === undefined ? [] : [`EXTRA=-DVETSH_BROKER_START_MS=${options.startMs}`];
  execFileSync("make", ["-s", "-C", join(CHECKOUT, "shims"), `ROOT=${root}`, `OBJECTS=${join(CHECKOUT, "build/shims")}`, ...extra], { stdio: ["ignore", "ignore", "pipe"] });
  makeWorkspace(workspace);
  if (options.config !== undefined) writeFileSync(join(layout.config, "config.toml"), options.config);
  if (identity !== undefined) giveTo(identity, base);

  const brokerPid = async (): Promise<number | undefined> => {
    try {
      const answer = await controlRequest(root, { op: "status" });
      return (answer["status"] as { pid: number }).pid;
    } catch {
      return undefined;
    }
  };
  const stopBroker = async (): Promise<void> => {
    const pid = await brokerPid();
    if (pid === undefined) return;
    await controlRequest(root, { op: "stop" }).catch(() => undefined);
    for (let round = 0; round < 500 && existsSync(`/proc/${pid}`); round += 1) await new Promise((done) => setTimeout(done, 20));
    if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
  };
  const run = (file: string, argv0: string, args: readonly string[], { cwd = workspace, env = {}, input }: RunOptions = {}): Promise<Ran> =>
    spawned(file, argv0, args, { cwd, env: { PATH: `${root}/shims:/usr/local/bin:/usr/bin:/bin`, HOME: layout.home, SHELL: `${root}/shims/bash`, LANG: "C.UTF-8", ...env }, ...identity }, input);
  return {
    root, layout, workspace, brokerPid, stopBroker,
    run: ([name = "bash", ...args], how) => run(join(root, "shims", name.replace(/^-/, "")), name, args, how),
    vetsh: (args, how) => run(layout.node, layout.node, [join(root, "app/dist/cli/main.js"), "--root", root, ...args], how),
    configure: (toml) => writeFileSync(join(layout.config, "config.toml"), toml),
    journal: () => readJournal(root),
    control: (request) => controlRequest(root, request),
    startBroker: async () => {
      // The built limit may be too short for a loaded machine: then it is starting, and we look again.
      for (let round = 0; (await brokerPid()) === undefined; round += 1) {
        if (round === 20) throw new Error("no broker starts");
        spawnSync(join(root, "libexec/vetsh-start"), { stdio: "ignore", ...identity });
      }
    },
    remove: async () => {
      await stopBroker();
      rmSync(base, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Makes all of a directory belong to a person. */
export function giveTo({ uid, gid }: Identity, path: string): void {
  execFileSync("chown", ["-R", `${uid}:${gid}`, path]);
}

function makeRoot(root: string, base: string, home: string, identity: Identity | undefined): Layout {
  const app = join(root, "app");
  const layout: Layout = {
    version: 1, root, home, config: join(base, "config"), managed: join(base, "managed"), node: join(root, "bin/node"), app,
    shells: { bash: "/usr/bin/bash", sh: "/usr/bin/dash", dash: "/usr/bin/dash", zsh: existsSync("/usr/bin/zsh") ? "/usr/bin/zsh" : "/usr/bin/bash" },
  };
  // Managed policy is root's, or there is none.
  const managed = process.getuid?.() === 0 && identity === undefined ? [layout.managed] : [];
  for (const folder of [home, join(root, "bin"), join(app, "dist/broker"), join(app, "dist/cli"), join(app, "dist/undo"), join(layout.config, "rules"), ...managed]) mkdirSync(folder, { recursive: true });
  mkdirSync(join(root, "run"), { mode: 0o700 });
  mkdirSync(join(root, "state"), { mode: 0o700 });
  symlinkSync(realpathSync(process.execPath), layout.node);
  symlinkSync(join(CHECKOUT, "rules"), join(app, "rules"));
  cpSync(join(APP, "dist/rules.json"), join(app, "dist/rules.json"));
  for (const program of ["broker/main.js", "cli/main.js", "undo/keeper.js"]) writeFileSync(join(app, "dist", program), `${CACHED}await import(${JSON.stringify(join(APP, "dist", program))});\nflushCompileCache();\n`);
  writeFileSync(join(app, "package.json"), '{ "type": "module" }\n');
  writeFileSync(join(root, "layout.json"), `${JSON.stringify(layout, undefined, 2)}\n`, { mode: 0o644 });
  return layout;
}

function makeWorkspace(workspace: string): void {
  mkdirSync(workspace);
  writeFileSync(join(workspace, "README"), "hello\n");
  const git = (...args: string[]): void => void execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@localhost", ...args], { cwd: workspace, stdio: "ignore", env: { PATH: "/usr/bin:/bin", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" } });
  git("init", "-q", "-b", "main");
  git("add", "README");
  git("commit", "-q", "-m", "first");
}

async function spawned(file: string, argv0: string, args: readonly string[], options: { readonly cwd: string; readonly env: Record<string, string>; readonly uid?: number; readonly gid?: number }, input: string | undefined): Promise<Ran> {
  const child = spawn(file, args, { ...options, argv0, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin?.end(input);
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => done({ code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }));
  });
}

function controlRequest(root: string, request: object): Promise<Record<string, unknown>> {
  return new Promise((done, fail) => {
    const socket = connect(join(root, "run/human/control.sock"));
    let text = "";
    socket.on("error", fail);
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", (chunk) => {
      text += chunk.toString();
      if (!text.includes("\n")) return;
      socket.end();
      done(JSON.parse(text.split("\n")[0] ?? "") as Record<string, unknown>);
    });
    socket.on("close", () => fail(new Error("the broker hung up")));
  });
}

function readJournal(root: string): readonly Record<string, unknown>[] {
  const folder = join(root, "state/journal");
  if (!existsSync(folder)) return [];
  const lines = readdirSync(folder).filter((name) => name.endsWith(".jsonl")).toSorted().flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"));
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The log of the broker, for messages of failing tests. */
export function brokerLog(installation: Installation): string {
  const path = join(installation.root, "state/broker.log");
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
