import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Layout } from "../../src/model/index.ts";

type Ran = { readonly status: number | null; readonly out: string; readonly err: string };

/** Runs a program as a person would, with an environment of their own. */
function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
  const inherited = Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value === undefined || /^NODE_OPTIONS$|^npm_config_(?:cache|prefix)/.test(name) ? [] : [[name, value]])));
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: tmpdir(), stdio: ["ignore", "pipe", "pipe"], env: { ...inherited, ...env } });
  return { status, out: stdout, err: stderr };
}

const installer = join(process.cwd(), "install.sh");

describe("install.sh", () => {
  let scratch = "";
  let prefix = "";
  let installed: Ran;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), "vetsh-install-test-"));
    prefix = join(scratch, "a", "prefix");
    installed = run(installer, ["--prefix", prefix]);
  }, 400_000);
  afterAll(() => {
    run(installer, ["--prefix", prefix, "--uninstall"]);
    rmSync(scratch, { recursive: true, force: true });
  });

  test("installs, runs a first command through the shim, and shows its verdict", () => {
    expect({ status: installed.status, err: installed.err }).toEqual({ status: 0, err: "" });
    expect(installed.out).toContain("\nhello from vetsh\n");
    expect(installed.out).toMatch(/\n\S+Z {2}allow +exit 0 +echo hello from vetsh(?: +#\w+)?\n/);
    for (const agent of ["Claude Code", "Codex", "Gemini CLI", "OpenCode", "Qwen Code", "pi", "Cline", "Continue", "Aider", "Goose"]) expect(installed.out).toContain(agent);
  });

  test("the layout is absolute, and private where it must be", () => {
    const root = join(prefix, "lib/vetsh");
    const layout = JSON.parse(readFileSync(join(root, "layout.json"), "utf8")) as Layout;
    expect(layout).toMatchObject({ version: 1, root, app: join(root, "app"), node: join(root, "bin/node"), managed: "/etc/vetsh" });
    expect(statSync(join(root, "run")).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, "state")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(root, "shims")).toSorted()).toEqual(["bash", "dash", "sh", "zsh"]);
    expect(existsSync(join(root, "app/node_modules/typescript")), "what only builds is left out").toBe(false);
  });

  test("the command ignores what NODE_OPTIONS says", () => {
    const ran = run(join(prefix, "bin/vetsh"), ["--version"], { NODE_OPTIONS: "--no-such-option" });
    expect(ran).toMatchObject({ status: 0, err: "" });
  });

  test("a prefix that could be misread is refused, an unknown option too", () => {
    expect(run(installer, ["--prefix", join(scratch, "with blank")])).toMatchObject({ status: 1 });
    expect(run(installer, ["--no-such-option"])).toMatchObject({ status: 2 });
  });

  test("taking it away leaves nothing, and can be said twice", () => {
    expect(run(installer, ["--prefix", prefix, "--uninstall"])).toMatchObject({ status: 0, err: "" });
    expect(readdirSync(scratch)).toEqual([]);
    expect(run(installer, ["--prefix", prefix, "--uninstall"])).toMatchObject({ status: 0, err: "" });
  });
});
