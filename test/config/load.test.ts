import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { DEFAULT_SETTINGS, compileBuiltIn, loadConfig, loadSpecFiles, reload, trustWorkspace, withWorkspace } from "../../src/config/index.ts";
import type { Loaded } from "../../src/config/index.ts";
import type { EffectBody, Verdict } from "../../src/model/index.ts";
import { evaluate } from "../../src/policy/index.ts";
import { readText } from "../../src/config/files.ts";
import { install, rule } from "./support.ts";

const ROOT = process.getuid?.() === 0;

function verdict(loaded: Loaded, kind: "read" | "write"): Verdict {
  const body: EffectBody = { kind, path: { path: "/home/dev/repo/a", zone: "workspace", flags: [] } };
  const analysis = { effects: [{ ...body, span: { start: 0, end: 1 }, sure: "certain" as const, by: "test/x" }], classes: [], commands: [], scripts: [], canonical: "" };
  return evaluate(analysis, loaded.rules, { sandboxed: true, workspace: "/home/dev/repo", home: "/home/dev" }).verdict;
}

describe("tiers", () => {
  test("nothing but the installation: the defaults", () => {
    const loaded = loadConfig(install().layout);
    expect(loaded).toMatchObject({ problems: [], stale: false, settings: DEFAULT_SETTINGS });
    expect(loaded.origins.size).toBe(0);
    expect(loaded.policy).toMatch(/^[0-9a-f]{64}$/);
    expect(loaded.specs.map(({ data }) => data)).toEqual([{ family: "a" }]);
    expect([verdict(loaded, "read"), verdict(loaded, "write")]).toEqual(["allow", "review"]);
  });

  test("a user's settings and rules, each with its place", () => {
    const { layout, write } = install();
    const config = write("config/config.toml", `[reviewer]\nenabled = true\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\nkey_file = "~/key"\n\n${rule("mine", "write", "ask")}`);
    const extra = write("config/rules/b.toml", `\n${rule("theirs", "read", "review")}`);
    const loaded = loadConfig(layout);
    expect(loaded.problems).toEqual([]);
    expect(loaded.settings.reviewer).toEqual({ ...DEFAULT_SETTINGS.reviewer, enabled: true, baseUrl: "http://127.0.0.1:9/v1", model: "m", keyFile: join(layout.home, "key") });
    expect(loaded.origins.get("reviewer.model")).toEqual({ tier: "user", file: config, line: 4 });
    expect(loaded.rules.rules.map(({ id, tier, file, line }) => [id, tier, file, line])).toEqual([
      ["read", "built-in", join(layout.app, "rules/policy/reads.toml"), 1],
      ["mine", "user", config, 7],
      ["theirs", "user", extra, 2],
    ]);
    expect([verdict(loaded, "read"), verdict(loaded, "write")]).toEqual(["review", "ask"]);
  });

  test("undo: sizes in MiB and days become bytes and milliseconds", () => {
    const { layout, write } = install();
    write("config/config.toml", '[undo]\ncode = "always"\nwithout = "refuse"\nsnapshot_mb = 2\nkeep_days = 3\n');
    const loaded = loadConfig(layout);
    expect(loaded.problems).toEqual([]);
    expect(loaded.settings.undo).toEqual({ ...DEFAULT_SETTINGS.undo, code: "always", without: "refuse", snapshotBytes: 2_097_152, keepMs: 259_200_000 });
  });

  test("ports: a list of ports and nothing else", () => {
    const { layout, write } = install();
    write("config/config.toml", "[ports]\npublish = [3000, 8080]\n");
    expect(loadConfig(layout)).toMatchObject({ problems: [], settings: { ports: { publish: [3000, 8080] } } });
    for (const bad of ["[0]", "[65536]", '["3000"]', "3000", "[1.5]"]) {
      write("config/config.toml", `[ports]\npublish = ${bad}\n`);
      expect(loadConfig(layout)).toMatchObject({ problems: [{ message: expect.stringContaining("ports.publish") }], settings: { ports: { publish: [] } } });
    }
  });

  test("the hash names the policy: it changes with rules and settings, and with nothing else", () => {
    const { layout, write } = install();
    const first = loadConfig(layout).policy;
    expect(loadConfig(layout).policy).toBe(first);
    write("config/config.toml", "[approvals]\nhold_ms = 1000\n");
    const second = loadConfig(layout).policy;
    write("config/rules/a.toml", rule("mine", "write", "ask"));
    expect(new Set([first, second, loadConfig(layout).policy]).size).toBe(3);
  });

  test.runIf(ROOT)("managed settings win and pin", () => {
    const { layout, write } = install();
    write("config/config.toml", '[sandbox]\nuse = "never"\nunconfined = "allow"\n[approvals]\nterminal = false\n');
    const managed = write("managed/policy.toml", 'pin = ["sandbox.unconfined"]\n[sandbox]\nuse = "auto"\n');
    const loaded = loadConfig(layout);
    expect(loaded.problems).toEqual([]);
    expect(loaded.settings).toMatchObject({ sandbox: { use: "auto", unconfined: "review" }, approvals: { terminal: false } });
    expect(loaded.origins.get("sandbox.use")).toEqual({ tier: "managed", file: managed, line: 3 });
    expect(loaded.origins.has("sandbox.unconfined")).toBe(false);
  });
});

describe("variables", () => {
  test.runIf(ROOT)("what one tier drops no other brings back, and each pattern names something", () => {
    const { layout, write } = install();
    write("config/config.toml", '[environment]\nkeep = ["NPM_TOKEN"]\ndrop = ["MINE_*"]\n');
    write("managed/policy.toml", 'pin = ["environment.keep"]\n[environment]\ndrop = ["COMPANY_*"]\n');
    expect(loadConfig(layout)).toMatchObject({ problems: [], settings: { environment: { keep: [], drop: ["MINE_*", "COMPANY_*"] } } });
  });
  test.each(["*", "A=B", "two words", ""])("`%s` is no pattern", (pattern) => {
    const { layout, write } = install();
    const file = write("config/config.toml", `[environment]\nkeep = [${JSON.stringify(pattern)}]\n`);
    expect(loadConfig(layout)).toMatchObject({ settings: { environment: { keep: [] } }, problems: [{ file, line: 2, message: expect.stringContaining("`environment.keep.0`") as string }] });
  });
});

describe("a workspace", () => {
  const LOOSE = rule("ours", "write", "allow");
  test("without a file changes nothing", () => {
    const { layout } = install();
    const loaded = loadConfig(layout);
    mkdirSync(layout.home, { recursive: true });
    expect(withWorkspace(loaded, layout, layout.home)).toBe(loaded);
  });

  test("tightens; loosens only once this very text is trusted", () => {
    const { layout, write } = install();
    const loaded = loadConfig(layout);
    write("home/repo/.vetsh.toml", `${rule("strict", "read", "ask")}\n${LOOSE}`);
    const workspace = join(layout.home, "repo");
    const before = withWorkspace(loaded, layout, workspace);
    expect(before.problems).toEqual([]);
    expect([verdict(before, "read"), verdict(before, "write")]).toEqual(["ask", "review"]);
    trustWorkspace(layout, workspace, readHash(join(workspace, ".vetsh.toml")));
    const trusted = withWorkspace(loaded, layout, workspace);
    expect([verdict(trusted, "read"), verdict(trusted, "write")]).toEqual(["ask", "allow"]);
    expect(trusted.policy).not.toBe(before.policy);
    write("home/repo/.vetsh.toml", `${LOOSE}# changed\n`);
    expect(verdict(withWorkspace(loaded, layout, workspace), "write")).toBe("review");
  });

  test("brings no settings", () => {
    const { layout, write } = install();
    write("home/repo/.vetsh.toml", '[sandbox]\nuse = "never"\n');
    const loaded = withWorkspace(loadConfig(layout), layout, join(layout.home, "repo"));
    expect(loaded.settings).toEqual(DEFAULT_SETTINGS);
    expect(loaded.problems).toEqual([expect.objectContaining({ tier: "workspace", line: 2, message: "a workspace may bring rules, not settings" })]);
    expect(verdict(loaded, "read")).toBe("ask");
  });

  test.each<readonly [string, (path: string) => void]>([
    ["a FIFO", (path) => execFileSync("mkfifo", [path])],
    ["a symbolic link", (path) => symlinkSync("/etc/hostname", path)],
    ["a directory", (path) => mkdirSync(path)],
    ["not UTF-8", (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00]))],
    ["too long", (path) => writeFileSync(path, `# ${"x".repeat(1_100_000)}`)],
  ])("whose file is %s neither blocks nor loosens", (_what, make) => {
    const { layout, write } = install();
    write("home/repo/README", "");
    make(join(layout.home, "repo/.vetsh.toml"));
    const loaded = withWorkspace(loadConfig(layout), layout, join(layout.home, "repo"));
    expect(loaded.problems).toEqual([expect.objectContaining({ tier: "workspace" })]);
    expect(verdict(loaded, "read")).toBe("ask");
  });
});

describe("what cannot be used is named, and makes decisions stricter", () => {
  const CASES: readonly (readonly [string, string, number, string])[] = [
    ["a syntax error", "[reviewer]\nenabled = tru\n", 2, "does not parse"],
    ["a key set twice", "a = 1\na = 2\n", 2, "does not parse"],
    ["an unknown section", "[reviewr]\nenabled = true\n", 1, "`reviewr`: no such setting"],
    ["an unknown setting", "[reviewer]\n\nenabeld = true\n", 3, "`reviewer.enabeld`: no such setting"],
    ["a value of another type", '[approvals]\nterminal = "yes"\n', 2, "`approvals.terminal`"],
    ["a value out of range", "[approvals]\nhold_ms = 5\n", 2, "`approvals.hold_ms`"],
    ["a URL that is none", '[otlp]\nendpoint = "file:///etc/passwd"\n', 2, "`otlp.endpoint`"],
    ["a relative path", '[reviewer]\nkey_file = "key"\n', 2, "absolute path"],
    ["a pin", 'pin = ["sandbox.use"]\n', 1, "belongs to managed policy"],
    ["a rule", `\n${rule("bad", "write", "perhaps")}`, 2, "`decision`"],
  ];
  test.each(CASES)("%s", (_what, text, line, words) => {
    const { layout, write } = install();
    const file = write("config/config.toml", text);
    const loaded = loadConfig(layout);
    expect(loaded.problems).toEqual([expect.objectContaining({ tier: "user", file, line })]);
    expect(`${loaded.problems[0]?.message} ${loaded.problems[0]?.hint}`).toContain(words);
    expect(verdict(loaded, "read")).toBe("ask");
  });

  test("settings that are broken leave the defaults", () => {
    const { layout, write } = install();
    write("config/config.toml", '[sandbox]\nunconfined = "allow"\nuse = "sometimes"\n');
    expect(loadConfig(layout).settings).toEqual(DEFAULT_SETTINGS);
  });

  test("an installation without rules denies", () => {
    const { layout } = install();
    rmSync(join(layout.app, "rules/policy/reads.toml"));
    const loaded = loadConfig(layout);
    expect(loaded.problems).toEqual([expect.objectContaining({ tier: "built-in", message: "the default rules are missing" })]);
    expect(verdict(loaded, "read")).toBe("deny");
  });

  test("a user's file that everybody can write", () => {
    const { layout, write } = install();
    write("config/config.toml", "", 0o666);
    expect(loadConfig(layout).problems).toEqual([expect.objectContaining({ tier: "user", message: expect.stringContaining("written by everybody") })]);
  });
});

describe.runIf(ROOT)("managed policy counts only if root alone can write it", () => {
  test.each<readonly [string, (directory: string, file: string) => void]>([
    ["the file is writable by its group", (_directory, file) => chmodSync(file, 0o664)],
    ["the file is writable by others", (_directory, file) => chmodSync(file, 0o646)],
    ["the directory is writable by others", (directory) => chmodSync(directory, 0o757)],
    ["the file belongs to somebody else", (_directory, file) => execFileSync("chown", ["1234", file])],
    ["the directory belongs to somebody else", (directory) => execFileSync("chown", ["1234", directory])],
    ["the file is a link", (directory, file) => { rmSync(file); symlinkSync(join(directory, "../config/elsewhere.toml"), file); }],
    ["it does not parse", (_directory, file) => writeFileSync(file, "a = \n")],
  ])("%s: refused, and everything is denied until that is repaired", (_what, spoil) => {
    const { layout, write } = install();
    write("config/elsewhere.toml", "");
    const file = write("managed/policy.toml", '[approvals]\nterminal = false\n');
    expect(loadConfig(layout)).toMatchObject({ problems: [], settings: { approvals: { terminal: false } } });
    spoil(layout.managed, file);
    const loaded = loadConfig(layout);
    expect(loaded.problems).toEqual([expect.objectContaining({ tier: "managed" })]);
    expect(loaded.settings.approvals.terminal).toBe(true);
    expect(verdict(loaded, "read")).toBe("deny");
  });

  test("a directory above it that others can write", () => {
    const { layout, write } = install();
    write("managed/policy.toml", "");
    chmodSync(join(layout.managed, ".."), 0o777);
    expect(loadConfig(layout).problems).toEqual([expect.objectContaining({ tier: "managed", message: expect.stringContaining("above it") })]);
  });
});

describe("reload", () => {
  test("takes what is new", () => {
    const { layout, write } = install();
    const first = loadConfig(layout);
    write("config/config.toml", rule("mine", "write", "deny"));
    const second = reload(first, layout);
    expect(second).toMatchObject({ stale: false, problems: [] });
    expect(verdict(second, "write")).toBe("deny");
  });

  test("keeps the last good tier, and says what is wrong", () => {
    const { layout, write } = install();
    write("config/config.toml", `[approvals]\nhold_ms = 1000\n${rule("mine", "write", "deny")}`);
    const first = loadConfig(layout);
    write("config/config.toml", "[approvals\n");
    const second = reload(first, layout);
    expect(second.stale).toBe(true);
    expect(second.problems).toEqual([expect.objectContaining({ tier: "user", line: 1 })]);
    expect(second.settings.approvals.holdMs).toBe(1000);
    expect([verdict(second, "read"), verdict(second, "write")]).toEqual(["allow", "deny"]);
    expect(second.policy).toBe(first.policy);
    write("config/config.toml", "");
    expect(reload(second, layout)).toMatchObject({ stale: false, problems: [] });
  });

  test("a rule that does not compile counts as a broken file", () => {
    const { layout, write } = install();
    write("config/config.toml", rule("mine", "write", "deny"));
    const first = loadConfig(layout);
    write("config/config.toml", rule("mine", "write", "forbid"));
    expect(verdict(reload(first, layout), "write")).toBe("deny");
  });

  test("other tiers move on meanwhile", () => {
    const { layout, write } = install();
    write("config/config.toml", rule("mine", "write", "ask"));
    const first = loadConfig(layout);
    write("config/config.toml", "=");
    write("app/rules/policy/more.toml", rule("more", "read", "deny"));
    const second = reload(first, layout);
    expect([verdict(second, "read"), verdict(second, "write")]).toEqual(["deny", "ask"]);
  });

  test("broken from the start stays strict", () => {
    const { layout, write } = install();
    write("config/config.toml", "=");
    const first = loadConfig(layout);
    expect(verdict(reload(first, layout), "read")).toBe("ask");
  });

  test.runIf(ROOT)("managed policy that breaks keeps what it said", () => {
    const { layout, write } = install();
    write("managed/policy.toml", rule("org", "write", "deny"));
    const first = loadConfig(layout);
    write("managed/policy.toml", "=");
    const second = reload(first, layout);
    expect([second.stale, verdict(second, "read"), verdict(second, "write")]).toEqual([true, "allow", "deny"]);
  });
});

describe("the compiled rules", () => {
  test("give what the files give, and a file that changed is read itself", () => {
    const { layout, write } = install();
    const plain = loadConfig(layout);
    const hash = readHash(join(layout.app, "rules/policy/reads.toml"));
    const marked = { rule: [{ id: "from-cache", when: { effect: "read" }, decision: "deny", reason: "x", match: ["x"], not_match: ["y"] }] };
    write("app/dist/rules.json", JSON.stringify({ version: 2, files: { [hash]: { data: marked, lines: [7], networkLines: [] } } }));
    expect(loadConfig(layout).rules.rules.map(({ id, line }) => [id, line])).toEqual([["from-cache", 7]]);
    write("app/rules/policy/reads.toml", `${rule("fresh", "read", "allow")}`);
    expect(loadConfig(layout).rules.rules.map(({ id }) => id)).toEqual(["fresh"]);
    write("app/dist/rules.json", "not json");
    expect(loadConfig(layout).problems).toEqual([]);
    expect(plain.problems).toEqual([]);
  });

  test("of the product give what its files give", () => {
    const { layout, write } = install();
    const app = fileURLToPath(new URL("../..", import.meta.url));
    cpSync(join(app, "rules"), join(layout.app, "rules"), { recursive: true });
    rmSync(join(layout.app, "rules/specs/a.toml"));
    const plain = loadConfig(layout);
    const compiled = compileBuiltIn(layout.app);
    write("app/dist/rules.json", JSON.stringify(compiled));
    expect(Object.keys(compiled.files).length).toBe(plain.specs.length + new Set(plain.rules.rules.map(({ file }) => file)).size + readdirSync(join(layout.app, "rules/places")).length);
    const fast = loadConfig(layout);
    // Compiled patterns are functions, which are never equal: told apart by what they are shown as.
    const shown = (rules: unknown): string => inspect(rules, { depth: null, maxArrayLength: null, maxStringLength: null });
    expect(shown(fast.rules)).toBe(shown(plain.rules));
    expect(JSON.stringify(fast.specs.map(({ file, data }) => [file, data]))).toBe(JSON.stringify(plain.specs.map(({ file, data }) => [file, data])));
    expect(fast.policy).toBe(plain.policy);
  });

  test("refuse a file that does not parse, naming its place", () => {
    const { layout, write } = install();
    write("app/rules/specs/b.toml", "a = 1\nb = \n");
    expect(() => compileBuiltIn(layout.app)).toThrow(/b\.toml:2: the file does not parse/);
  });

  test("specs are read the same way", () => {
    const { layout, write } = install();
    write("app/rules/specs/b.toml", "=");
    const specs = loadSpecFiles(layout);
    expect(specs.files.map(({ data }) => data)).toEqual([{ family: "a" }]);
    expect(specs.problems).toEqual([expect.objectContaining({ tier: "built-in", line: 1 })]);
    expect(verdict(loadConfig(layout), "read")).toBe("deny");
  });
});

function readHash(path: string): string {
  const text = readText(path, "any");
  if (text.state !== "text") throw new Error(text.state);
  return text.sha256;
}
