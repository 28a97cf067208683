/**
 * A throw-away machine for sandbox tests: a home with secrets, a workspace with a repository, an installation with private
 * state, and somebody else's directory beside them. Commands run through the real plan, bubblewrap and vetsh-init.
 */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, lchownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import type { Claim, DecisionSource } from "../../src/model/index.ts";
import { passing } from "../support/leftovers.ts";
import { hiddenPaths, plan, probe, readableHere, Rooms, survey, type Entry, type HostProbe, type Place, type Plan, type RoomPlan } from "../../src/sandbox/index.ts";

export type Person = { readonly name: string; readonly uid: number; readonly gid: number };

/** Who the tests can be: root tries both itself and an ordinary user. */
export const PEOPLE: readonly Person[] = process.getuid?.() === 0
  ? [{ name: "root", uid: 0, gid: 0 }, { name: "an ordinary user", uid: 65534, gid: 65534 }]
  : [{ name: "an ordinary user", uid: userInfo().uid, gid: userInfo().gid }];

export type Box = {
  readonly base: string;
  readonly home: string;
  readonly workspace: string;
  readonly outside: string;
  readonly root: string;
  readonly person: Person;
};

export type Run = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly out: string; readonly err: string };

export type Ask = {
  readonly claim?: Partial<Claim>;
  readonly source?: DecisionSource;
  readonly place?: Partial<Place>;
  /** Variables beside the plain ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** A host directory that is open as descriptor 3 in the process that starts the sandbox. */
  readonly inherit?: number;
  readonly stdin?: string;
};

const BASH = "/bin/bash";
const sources = join(import.meta.dirname, "../../shims");
let init: string | undefined;

/** The real vetsh-init, built once per test file from its sources. */
function buildInit(): string {
  if (init !== undefined) return init;
  const directory = passing("/tmp/vetsh-init-");
  const file = join(directory, "vetsh-init");
  const files = /^INIT := (.+)$/m.exec(readFileSync(join(sources, "Makefile"), "utf8"))?.[1]?.split(" ") ?? [];
  execFileSync("gcc", ["-static", "-O1", "-D_GNU_SOURCE", `-DVETSH_ROOT="/nonexistent"`, "-o", file, ...files.map((name) => join(sources, name))], { stdio: ["ignore", "ignore", "pipe"] });
  init = file;
  return file;
}

const FILES: Readonly<Record<string, string>> = {
  "home/.bashrc": "# mine\n",
  "home/.ssh/id_test": "PRIVATE KEY MATERIAL\n",
  "home/.netrc": "machine x login y password PRIVATE\n",
  "home/.config/gh/hosts.yml": "oauth_token: PRIVATE\n",
  "home/.config/tool/settings": "ordinary\n",
  "home/.gnupg/private": "PRIVATE\n",
  "outside/file": "theirs\n",
  "outside/script.sh": "#!/bin/sh\necho theirs\n",
  "root/state/journal": "PRIVATE journal\n",
  "root/state/tmp/session/.keep": "",
  "root/run/.keep": "",
  "root/run/human/.keep": "",
  "root/rules/rules.toml": "# rules\n",
  "home/project/README.md": "hello\n",
  "home/project/.vscode/tasks.json": "{}\n",
  "home/project/.husky/pre-commit": "#!/bin/sh\n",
  "home/project/.envrc": "export A=1\n",
  "home/project/.mcp.json": "{}\n",
  "home/project/.github/workflows/ci.yml": "on: push\n",
  "home/project/.github/CODEOWNERS": "* me\n",
  "home/project/tools/hooks/post-merge": "#!/bin/sh\n",
  "home/project/shared.gitconfig": "[alias]\n",
  "home/project/.git/hooks/pre-commit.sample": "#!/bin/sh\n",
  "home/project/.git/info/exclude": "# none\n",
  "home/project/.git/modules/sub/HEAD": "ref: refs/heads/main\n",
  "home/project/.git/modules/sub/config": "[core]\n\tbare = false\n",
  "home/project/.git/modules/sub/objects/.keep": "",
  "home/project/.git/modules/sub/hooks/.keep": "",
  "home/project/vendor/lib/.git/HEAD": "ref: refs/heads/main\n",
  "home/project/vendor/lib/.git/config": "[core]\n\tbare = false\n",
  "home/project/vendor/lib/.git/hooks/.keep": "",
};

const templates = new Map<number, string>();

/** One directory tree with a real repository in it, made once for each person; boxes are copies. */
function makeTemplate(person: Person): string {
  const template = templates.get(person.uid);
  if (template !== undefined) return template;
  const base = passing("/tmp/vetsh-template-");
  const project = join(base, "home/project");
  mkdirSync(project, { recursive: true });
  // Without the samples of hooks: a box is copied often.
  git(project, "init", "-q", "-b", "main", "--template=");
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(base, name)), { recursive: true });
    writeFileSync(join(base, name), text);
  }
  chmodSync(join(base, "home/.ssh"), 0o700);
  git(project, "config", "user.email", "dev@example.org");
  git(project, "config", "user.name", "Dev");
  git(project, "config", "core.hooksPath", "tools/hooks");
  git(project, "config", "include.path", "../shared.gitconfig");
  git(project, "add", "README.md");
  git(project, "commit", "-q", "-m", "first");
  mkdirSync(join(base, "root/libexec"), { recursive: true });
  cpSync(buildInit(), join(base, "root/libexec/vetsh-init"));
  chmodSync(join(base, "root/libexec/vetsh-init"), 0o755);
  giveTo(person, base);
  templates.set(person.uid, base);
  return base;
}

/** Runs git outside of every sandbox, as the owner of the directory: git trusts nobody else's. */
export function git(directory: string, ...args: readonly string[]): string {
  const { uid, gid } = statSync(directory);
  return execFileSync("git", args, { cwd: directory, ...(process.getuid?.() === 0 ? { uid, gid } : {}), encoding: "utf8", env: { PATH: "/usr/bin:/bin", HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1", GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@example.org", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@example.org" } });
}

/** `under`: where the box is made; a directory that the person may pass. */
export function makeBox(person: Person, under = "/tmp"): Box {
  const base = realpathSync(mkdtempSync(join(under, "vetsh-box-")));
  execFileSync("cp", ["-a", `${makeTemplate(person)}/.`, base]);
  chmodSync(base, 0o755);
  const box = { base, home: join(base, "home"), workspace: join(base, "home/project"), outside: join(base, "outside"), root: join(base, "root"), person };
  return box;
}

export function removeBox(box: Box): void {
  rmSync(box.base, { recursive: true, force: true });
}

/** Makes everything below a path belong to a person. */
export function giveTo(person: Person, path: string): void {
  if (process.getuid?.() !== 0) return;
  lchownSync(path, person.uid, person.gid);
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) lchownSync(join(entry.parentPath, entry.name), person.uid, person.gid);
}

/** The socket that stands for the broker's: says "vetsh" to whoever comes. */
export async function listenIn(box: Box, name: string): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => undefined).end("vetsh\n"));
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(join(box.base, name), resolve));
  chmodSync(join(box.base, name), 0o777);
  return server;
}

let host: Promise<HostProbe> | undefined;
export function hostProbe(): Promise<HostProbe> {
  return (host ??= probe({ scratch: "/tmp", bash: BASH }));
}

/** The plan of one command in a box. */
export async function planIn(box: Box, ask: Ask = {}, host?: HostProbe): Promise<Plan> {
  const claim: Claim = { sandbox: "workspace", writable: [], network: [], secrets: [], privileged: false, ...ask.claim };
  const workspace = ask.place?.workspace ?? box.workspace;
  const cwd = ask.place?.cwd ?? workspace;
  const socket = join(box.root, "run/shim.sock");
  if (!existsSync(socket)) writeFileSync(socket, "");
  return plan({ claim, source: ask.source ?? "rule" }, host ?? (await hostProbe()), {
    workspace, cwd, home: box.home, root: box.root, guarded: [], sessionTmp: join(box.root, "state/tmp/session"), shell: BASH, shimSocket: socket, proxySocket: join(box.root, "run/net/p1"),
    environment: new Map(Object.entries(environment(box, ask))), inherit: { keep: [], drop: [] }, wasStopped: false, terminal: false, background: false, unconfined: false, withoutSandbox: "refuse",
    survey: survey({ workspace, cwd, home: box.home, guarded: [], writable: claim.writable, secrets: claim.secrets }),
    ...ask.place,
  });
}

function environment(box: Box, ask: Ask): Record<string, string> {
  return { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, HOME: box.home, LANG: "C.UTF-8", W: box.workspace, H: box.home, O: box.outside, R: box.root, B: box.base, GIT_CONFIG_NOSYSTEM: "1", ...ask.env };
}

/** What a command as planned finds in its environment. */
function environmentOf(box: Box, made: Plan, ask: Ask): Record<string, string> {
  const env = environment(box, ask);
  for (const name of made.unset) delete env[name];
  for (const pair of made.set) env[pair.slice(0, pair.indexOf("="))] = pair.slice(pair.indexOf("=") + 1);
  return env;
}

/** Runs a script with bash as the plan says, the way the shim does. Throws when the plan refuses. */
export async function inside(box: Box, script: string, ask: Ask = {}): Promise<Run> {
  const made = await planIn(box, ask);
  if (made.missing.length > 0) throw new Error(`refused: ${made.missing.join("; ")}`);
  const env = environmentOf(box, made, ask);
  const [file, ...words] = made.prefix.length > 0 ? [...made.prefix, "bash", "-c", script] : [BASH, "-c", script];
  return start(box, file ?? BASH, words, env, ask);
}

/** The same in a warm sandbox; throws when the plan has none. `rooms`: those to use; without, one is made and let go afterwards. */
export async function insideWarm(box: Box, script: string, ask: Ask = {}, rooms?: Rooms): Promise<Run> {
  const made = await planIn(box, ask);
  if (made.room === undefined) throw new Error(`no warm sandbox: ${made.missing.join("; ")}`);
  const own = rooms ?? new Rooms((message) => { throw new Error(message); }, () => undefined);
  const stay = await own.enter(asPerson(made.room, box.person), "test");
  if (stay === undefined) throw new Error("the warm sandbox was not made");
  try {
    return await start(box, buildEnter(), [...entryWords(stay.entry), BASH, "bash", "-c", script], environmentOf(box, made, ask), ask);
  } finally {
    stay.leave();
    if (rooms === undefined) own.close();
  }
}

/** The same held by Landlock, as on a host without namespaces. Throws when the plan refuses. */
export async function insideReading(box: Box, script: string, ask: Ask = {}): Promise<Run> {
  const init = join(box.root, "libexec/vetsh-init");
  const readable = readableHere([...hiddenPaths(box.home).map(({ path }) => path), join(box.root, "state"), join(box.root, "run")]);
  const full: Ask = { ...ask, claim: { ...ask.claim, sandbox: "read-only" }, place: { ...ask.place, readable } };
  const made = await planIn(box, full, { sandboxed: false, bwrap: undefined, version: undefined, disableUserns: false, gaps: [], landlock: { init } });
  if (made.missing.length > 0 || made.prefix.length === 0) throw new Error(`refused: ${made.missing.join("; ")}`);
  return start(box, init, [...made.prefix.slice(1), "bash", "-c", script], environmentOf(box, made, full), full);
}

/** The same room, made by another person: root makes rooms for the ordinary user of the tests. */
export function asPerson(room: RoomPlan, { uid, gid }: Person): RoomPlan {
  if (process.getuid?.() !== 0 || uid === 0) return room;
  const [bwrap = "", ...words] = room.words;
  return { ...room, words: [bwrapAs(uid, gid, bwrap), ...words] };
}

const bwraps = new Map<number, string>();

/** A bubblewrap that becomes somebody else first. Out: its path. */
function bwrapAs(uid: number, gid: number, bwrap: string): string {
  const known = bwraps.get(uid);
  if (known !== undefined) return known;
  const file = join(passing("/tmp/vetsh-bwrap-"), "bwrap");
  writeFileSync(file, `#!/bin/sh\nexec /usr/bin/setpriv --reuid=${uid} --regid=${gid} --clear-groups ${bwrap} "$@"\n`, { mode: 0o755 });
  bwraps.set(uid, file);
  return file;
}

/** The words of test/sandbox/enter-room.c. */
export function entryWords({ holder, started, outside, namespaces, mounts, lastMount, ownSession, directory }: Entry): readonly string[] {
  return [holder, started, outside, namespaces, mounts, lastMount, ownSession ? 1 : 0, directory].map(String);
}

let enterRoom: string | undefined;

/** A starter that enters rooms through the shim's own `shims/enter.c`. Out: its path. */
export function buildEnter(): string {
  if (enterRoom !== undefined) return enterRoom;
  const directory = passing("/tmp/vetsh-enter-");
  chmodSync(directory, 0o755);
  const file = join(directory, "enter-room");
  execFileSync("gcc", ["-static", "-O1", "-D_GNU_SOURCE", "-o", file, join(import.meta.dirname, "enter-room.c"), ...["enter", "room", "confine", "filter", "landlock"].map((name) => join(sources, `${name}.c`))], { stdio: ["ignore", "ignore", "pipe"] });
  enterRoom = file;
  return file;
}

/** Runs the same script without any sandbox: what the attack does when nothing stops it. */
export function bare(box: Box, script: string, ask: Ask = {}): Promise<Run> {
  return start(box, BASH, ["-c", script], environment(box, ask), ask);
}

function start(box: Box, file: string, words: readonly string[], env: Record<string, string>, ask: Ask): Promise<Run> {
  return new Promise((resolve, reject) => {
    const identity = process.getuid?.() === 0 && box.person.uid !== 0 ? { uid: box.person.uid, gid: box.person.gid } : {};
    const child = spawn(file, words, { cwd: ask.place?.cwd ?? ask.place?.workspace ?? box.workspace, env, stdio: ["pipe", "pipe", "pipe", ...(ask.inherit === undefined ? [] : [ask.inherit])], timeout: 20_000, killSignal: "SIGKILL", ...identity });
    let out = "";
    let err = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
    // A script that ends without reading its input is no fault.
    child.stdin?.on("error", () => undefined).end(ask.stdin ?? "");
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });
}
