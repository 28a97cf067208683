/** What is remembered of the file system says what looking again would say, whatever was changed meanwhile. */
import { chmodSync, linkSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmdirSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { survey, type SurveyRequest } from "../../src/sandbox/index.ts";
import { git } from "./box.ts";
import { until } from "../shims/start-shim.ts";

let base: string;
let server: Server | undefined;
beforeEach(() => {
  base = realpathSync(mkdtempSync("/tmp/vetsh-looks-"));
  for (const directory of ["w/src", "home/.ssh", "home/.config", "away", "guarded"]) mkdirSync(join(base, directory), { recursive: true });
  git(at("w"), "init", "-q");
  writeFileSync(at("w/.gitmodules"), "");
  writeFileSync(at("home/.netrc"), "machine x");
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(base, { recursive: true, force: true });
});

const at = (path: string): string => join(base, path);
const request = (): SurveyRequest => ({ workspace: at("w"), cwd: at("w/src"), home: at("home"), guarded: [at("guarded"), at("guarded/later")], writable: [], secrets: [] });

/** As a program sees it that has looked at nothing yet. */
async function anew(): Promise<unknown> {
  vi.resetModules();
  const fresh = await import("../../src/sandbox/index.ts");
  return fresh.survey(request());
}

const CHANGES: readonly (readonly [what: string, change: () => void | Promise<void>])[] = [
  ["a protected name appears", () => writeFileSync(at("w/.envrc"), "")],
  ["one goes", () => unlinkSync(at("w/.gitmodules"))],
  ["one becomes a link", () => { unlinkSync(at("w/.gitmodules")); symlinkSync("src", at("w/.gitmodules")); }],
  ["a protected name appears in a directory that was not there", () => { mkdirSync(at("w/.github/workflows"), { recursive: true }); }],
  ["a part of the git directory appears", () => writeFileSync(at("w/.git/commondir"), "")],
  ["the hooks go", () => rmSync(at("w/.git/hooks"), { recursive: true })],
  ["git's configuration names a program, its old times put back", () => { writeFileSync(at("w/.git/config"), "[core]\n\tfsmonitor = ./watch.sh\n"); writeFileSync(at("w/watch.sh"), ""); utimesSync(at("w/.git/config"), 1, 1); }],
  ["git's configuration is replaced by renaming", () => { writeFileSync(at("w/.git/config.lock"), "[core]\n\thooksPath = src\n"); renameSync(at("w/.git/config.lock"), at("w/.git/config")); }],
  ["git's configuration gets a second name", () => linkSync(at("w/.git/config"), at("away/config"))],
  ["the git directory becomes a file", () => { renameSync(at("w/.git"), at("away/git")); writeFileSync(at("w/.git"), `gitdir: ${at("away/git")}\n`); }],
  ["a submodule's git directory appears", () => { for (const name of ["objects", "hooks"]) mkdirSync(at(`w/.git/modules/sub/${name}`), { recursive: true }); for (const name of ["HEAD", "config"]) writeFileSync(at(`w/.git/modules/sub/${name}`), ""); }],
  ["the workspace is moved and linked to", () => { renameSync(at("w"), at("moved")); symlinkSync("moved", at("w")); }],
  ["the workspace is moved and made anew", () => { renameSync(at("w"), at("moved")); mkdirSync(at("w/src"), { recursive: true }); }],
  ["a directory above it is moved and linked to", () => { renameSync(base, `${base}-moved`); symlinkSync(`${base}-moved`, base); }],
  ["the home is moved and linked to", () => { renameSync(at("home"), at("away/home")); symlinkSync(at("away/home"), at("home")); }],
  ["a secret appears", () => mkdirSync(at("home/.aws"))],
  ["a secret appears below a directory that is there", () => mkdirSync(at("home/.config/gh"))],
  ["a secret goes", () => rmdirSync(at("home/.ssh"))],
  ["a secret becomes a link", () => { rmdirSync(at("home/.ssh")); symlinkSync(at("away"), at("home/.ssh")); }],
  ["a secret becomes a file", () => { rmdirSync(at("home/.ssh")); writeFileSync(at("home/.ssh"), ""); }],
  ["a secret may be read no more", () => chmodSync(at("home/.netrc"), 0)],
  ["what is guarded goes", () => rmdirSync(at("guarded"))],
  ["what is guarded appears", () => writeFileSync(at("guarded/later"), "")],
  ["a program listens in the directory", async () => { server = createServer(); await new Promise<void>((done) => server?.listen(at("w/src/sock"), done)); }],
];

test.each(CHANGES)("%s", async (_what, change) => {
  // A moment after the last change it is remembered: the same object.
  await until("it is remembered", () => survey(request()) === survey(request()));
  const before = survey(request());
  await change();
  try {
    const after = survey(request());
    expect(after).not.toBe(before);
    expect(after).toEqual(await anew());
  } finally {
    rmSync(`${base}-moved`, { recursive: true, force: true });
  }
});

test("what did not change is remembered, whatever else is written", async () => {
  await until("it is remembered", () => survey(request()) === survey(request()));
  const before = survey(request());
  writeFileSync(at("w/src/main.ts"), "x");
  // The directory of the command is looked at for sockets; nothing of the rest is.
  expect(survey(request())).toEqual(before);
  expect(survey(request()).hidden).toBe(before.hidden);
});
