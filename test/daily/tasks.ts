/** Everyday tasks through the whole path: shim, broker, verdict, sandbox. Each row runs in what its own verdict claims. */
import { execFile } from "node:child_process";
import { accessSync, constants, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { received } from "../support/records.ts";
import { until } from "../support/waiting.ts";
import { giveTo, install, type Identity, type Installation, type Ran } from "../support/install.ts";
import type { Row } from "./row.ts";
import { BUILD_ROWS } from "./rows-build.ts";
import { GIT_ROWS } from "./rows-git.ts";
import { SHELL_ROWS } from "./rows-shell.ts";

const ROWS: readonly Row[] = [...GIT_ROWS, ...BUILD_ROWS, ...SHELL_ROWS];

/** Tasks that must have run for this suite to have looked at something, on a machine with git, node, python, make and gcc. */
const AT_LEAST = 60;

let installation: Installation;
let person: Identity;
let ran = 0;

/** In: who does it. Declares a test for each row, and one that enough of them ran. */
export function dailyTasks(who: Identity): void {
  person = who;
  beforeAll(begin);
  afterAll(() => installation.remove());
  declareRows();
}

async function begin(): Promise<void> {
  installation = await install({ home: "own", as: person });
  writeFileSync(join(installation.layout.home, ".gitconfig"), "[user]\n\tname = Dev\n\temail = dev@example.org\n");
  await installation.startBroker();
}

function declareRows(): void {
  describe.concurrent("a task", { timeout: 60_000 }, () => {
    for (const [index, row] of ROWS.entries()) {
      (row.known === undefined ? test : test.fails)(row.name, async (context) => {
        const lacking = (row.needs ?? []).find((program) => find(program) === undefined);
        if (lacking !== undefined) return context.skip(`there is no ${lacking} here`);
        const workspace = await make(row, index);
        const done = await play(row, normalize(join(workspace, row.cwd?.replace(/LINK|SUB/, `$&-${index}`) ?? ".")), { PATH: pathOf(row), ...TOOLCHAINS, ...row.env });
        expect(await told(row, done)).toEqual(expected(row));
        ran += 1;
      });
    }
  });

  test("enough of them ran", () => {
    expect(ran).toBeGreaterThanOrEqual(AT_LEAST);
  });
}

/** Runs the line; when a person has to say yes and the row says that one does, runs it again after the yes. */
async function play(row: Row, cwd: string, env: Readonly<Record<string, string>>): Promise<Ran & { readonly asked: boolean }> {
  const how = { cwd, env, ...(row.input === undefined ? {} : { input: row.input }) };
  const first = await installation.run(["bash", "-c", row.line], how);
  const id = /vetsh approve ([a-z0-9]{6})/.exec(first.stderr)?.[1];
  if (id === undefined || row.yes === undefined) return { ...first, asked: id !== undefined };
  await installation.control({ op: "answer", id, answer: "yes" });
  return { ...(await installation.run(["bash", "-c", row.line], how)), asked: true };
}

const fits = (text: string, wanted: string | RegExp | undefined): string | true => (wanted === undefined || (typeof wanted === "string" ? text === wanted : wanted.test(text)) ? true : text);

async function told(row: Row, done: Ran & { readonly asked: boolean }): Promise<object> {
  // What a rule allowed is on disk a little later.
  const decided = await until(() => decisionOn(row.line), "the record of the decision");
  return {
    code: done.code, out: fits(done.stdout, row.out), err: row.err === undefined ? (done.code === (row.code ?? 0) ? true : done.stderr) : fits(done.stderr, row.err), asked: done.asked,
    profile: decided.final === "refuse" ? "refused" : decided.authority?.sandbox, network: decided.authority?.network ?? [],
  };
}

/** What was decided about the last start of a shell with that text; shells inside it have records of their own. */
function decisionOn(text: string): { readonly final: string; readonly authority?: { readonly sandbox: string; readonly network: unknown } } | undefined {
  const id = received(installation, text)?.id;
  return installation.journal().find((line) => line["kind"] === "decided" && line["id"] === id) as ReturnType<typeof decisionOn>;
}

function expected(row: Row): object {
  return { code: row.code ?? 0, out: true, err: true, asked: row.yes !== undefined || (row.profile === "refused" && expect.anything()), profile: row.profile, network: row.network ?? [] };
}

async function make(row: Row, index: number): Promise<string> {
  const workspace = join(dirname(installation.workspace), `work-${index}`);
  const { home } = installation.layout;
  const run = (script: string, cwd: string): Promise<unknown> => promisify(execFile)("/bin/bash", ["-ec", script], { cwd, uid: person.uid, gid: person.gid, env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, GIT_CONFIG_NOSYSTEM: "1" } });
  cpSync(installation.workspace, workspace, { recursive: true, preserveTimestamps: true });
  for (const [name, text] of Object.entries(row.files ?? {})) {
    mkdirSync(dirname(join(workspace, name)), { recursive: true });
    writeFileSync(join(workspace, name), text);
  }
  if (person.uid !== process.getuid?.()) giveTo(person, workspace);
  if (row.before !== undefined) await run(row.before.replace(/LINK|SUB/g, `$&-${index}`), workspace);
  return workspace;
}

/** The home is an empty one; where rustup keeps its compilers is no matter of it. */
const TOOLCHAINS = { RUSTUP_HOME: join(userInfo().homedir, ".rustup") };

/** Where this machine has a program: programs of the tests' own PATH count, the home behind it does not. */
function find(program: string): string | undefined {
  // What is in the home of who runs the tests, another person may not enter.
  const own = person.uid === process.getuid?.() ? [join(userInfo().homedir, ".cargo/bin")] : [];
  const places = program.startsWith("/") ? [program] : ["/usr/local/bin", "/usr/bin", "/bin", ...own, "/usr/local/go/bin"].map((place) => join(place, program));
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function pathOf(row: Row): string {
  const more = (row.needs ?? []).map((program) => dirname(find(program) ?? "")).filter((place) => !["", ".", "/usr/local/bin", "/usr/bin", "/bin"].includes(place));
  return [join(installation.root, "shims"), ...more, "/usr/local/bin", "/usr/bin", "/bin"].join(":");
}
