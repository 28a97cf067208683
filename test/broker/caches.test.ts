/** Caches of tools: one set for each workspace, seeded from the user's own, and no way from one into another. */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Caches } from "../../src/broker/caches.ts";
import { loadPlaces } from "../../src/config/index.ts";
import type { Layout } from "../../src/model/index.ts";
import { install, type Installation } from "../support/install.ts";

const { caches, problems } = loadPlaces({ app: resolve(import.meta.dirname, "../..") } as Layout);

describe("the data", () => {
  test("can be used, and no two tools share a variable or a directory", () => {
    expect(problems).toEqual([]);
    expect(caches.length).toBeGreaterThan(10);
    expect(new Set(caches.map(({ variable }) => variable)).size).toBe(caches.length);
    expect(new Set(caches.map(({ directory }) => directory)).size).toBe(caches.length);
  });
});

describe("a new workspace's caches", () => {
  let base: string;
  const put = (name: string, text: string): void => { mkdirSync(dirname(join(base, "home", name)), { recursive: true }); writeFileSync(join(base, "home", name), text); };
  beforeAll(() => {
    base = mkdtempSync("/tmp/vetsh-caches-");
    put(".cargo/config.toml", "[net]\n");
    put(".cargo/credentials.toml", "PRIVATE\n");
    put(".cargo/registry/cache/index.example.org-1/a-1.0.0.crate", "crate");
    put(".cargo/registry/index/index.example.org-1/.cache/a/b", "index");
    put("go/pkg/mod/cache/download/example.org/m/@v/v1.0.0.zip", "zip");
    put("go/pkg/mod/cache/download/example.org/m/@v/v1.0.0.lock", "");
    put("go/pkg/mod/cache/download/example.org/m/@v/list", "v1.0.0\n");
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  test("begin with what never changes, linked, and with copies of what does; without credentials, and without what a tool locks", async () => {
    const made = await new Caches(caches, join(base, "state"), join(base, "home"), () => undefined).of("/w");
    if (made === undefined) throw new Error("no caches were made");
    const files = readdirSync(made.from, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory()).map((entry) => `${entry.isSymbolicLink() ? "link" : "file"} ${join(entry.parentPath, entry.name).slice(made.from.length + 1)}`);
    expect(files.toSorted()).toEqual([
      "file cargo/registry/index/index.example.org-1/.cache/a/b",
      "link cargo/config.toml",
      "link cargo/registry/cache/index.example.org-1/a-1.0.0.crate",
      "link go-mod/cache/download/example.org/m/@v/v1.0.0.zip",
    ]);
    expect(lstatSync(made.from).mode & 0o777).toBe(0o700);
    rmSync(join(made.from, "cargo/config.toml"));
    await new Caches(caches, join(base, "state"), join(base, "home"), () => undefined).of("/w");
    expect(existsSync(join(made.from, "cargo/config.toml"))).toBe(false);
  });

  test("are another workspace's own", async () => {
    const all = new Caches(caches, join(base, "state"), join(base, "home"), () => undefined);
    expect((await all.of("/w"))?.from).not.toBe((await all.of("/v"))?.from);
  });

  test("that cannot be made are none, and the reason is said", async () => {
    const said: string[] = [];
    writeFileSync(join(base, "no-directory"), "");
    expect(await new Caches(caches, join(base, "no-directory"), join(base, "home"), (message) => said.push(message)).of("/w")).toBeUndefined();
    expect(said).toHaveLength(1);
  });
});

describe("a command", () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await install({ home: "own" });
    await installation.startBroker();
  });
  afterAll(() => installation.remove());
  const run = (line: string, cwd = installation.workspace, env = {}) => installation.run(["bash", "-c", line], { cwd, env });

  test("that may write finds its workspace's caches writable, and the next one what it left", async () => {
    expect(await run("echo one > \"$npm_config_cache/mine\" && echo $PIP_CACHE_DIR > out && cat out")).toMatchObject({ code: 0, stdout: `${installation.root}/run/cache/pip\n` });
    expect(await run("cat \"$npm_config_cache/mine\" > out; cat out")).toMatchObject({ stdout: "one\n" });
  });

  test("of another workspace finds its own, and no way to the other", async () => {
    const other = join(dirname(installation.workspace), "other");
    execFileSync("cp", ["-a", installation.workspace, other]);
    expect((await run("ls -A \"$npm_config_cache\" > out; cat out; ls ../root/state 2>&1 >/dev/null | grep -c denied >> out; tail -1 out", other)).stdout).toBe("1\n");
  });

  test("that only reads has none, and where somebody named a place in the workspace that one stays", async () => {
    expect((await run("echo \"[$npm_config_cache]\"")).stdout).toBe("[]\n");
    expect((await run("echo $npm_config_cache > out; cat out", installation.workspace, { npm_config_cache: `${installation.workspace}/.npm` })).stdout).toBe(`${installation.workspace}/.npm\n`);
    expect((await run("echo $npm_config_cache > out; cat out", installation.workspace, { npm_config_cache: `${installation.layout.home}/.npm` })).stdout).toBe(`${installation.root}/run/cache/npm\n`);
    expect(readFileSync(join(installation.workspace, "out"), "utf8")).not.toContain(installation.layout.home);
  });
});
