import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VERSION } from "../../src/model/index.ts";
import { install, type Installation, type Ran } from "../support/install.ts";
import { lines } from "../support/records.ts";
import { STAND_INS } from "../support/rules.ts";
import { until } from "../support/waiting.ts";
import { readFileSync } from "node:fs";

let installation: Installation;
const vetsh = (args: readonly string[], input?: string): Promise<Ran> => installation.vetsh(args, input === undefined ? {} : { input });

beforeAll(async () => {
  installation = await install();
  writeFileSync(join(installation.layout.config, "rules/stand-ins.toml"), STAND_INS);
});

afterAll(() => installation.remove());

describe("the program", () => {
  test("--version is the package's", async () => {
    expect(await vetsh(["--version"])).toEqual({ code: 0, signal: null, stdout: `vetsh ${VERSION}\n`, stderr: "" });
    expect((JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version).toBe(VERSION);
  });

  test.each([[["--help"]], [["help"]], [["help", "check"]], [["check", "--help"]]])("%j prints usage", async (args) => {
    expect(await vetsh(args)).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^usage: vetsh /) as string });
  });

  test.each([
    [[], /^usage: /],
    [["frobnicate"], /^vetsh: there is no subcommand `frobnicate`\nhint: /],
    [["fro\u001b[31m"], /^vetsh: there is no subcommand `fro\\x1b\[31m`\nhint: /],
    [["check"], /^vetsh: there is no command to check\nhint: /],
    [["check", "--", "two", "words"], /^vetsh: the command must be one word/],
    [["check", "--frob"], /^vetsh: unknown option '--frob'\nhint: /],
    [["log", "--last", "0"], /^vetsh: `--last` takes a number above 0\nhint: /],
    [["broker", "dance"], /^vetsh: there is no `dance`\nhint: /],
    [["approve"], /^vetsh: one id is needed\nhint: /],
    [["env", "--shell", "fish"], /^vetsh: there is no shim named `fish`\nhint: /],
  ])("%j is a mistake: exit 2 and what to do", async (args, message) => {
    expect(await vetsh(args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(message) as string });
  });
});

describe("check", () => {
  test.each([
    ["echo hello", 0, "allow"],
    ["touch reviewed", 3, "review"],
    ["touch asked", 4, "ask"],
    ["echo forbidden", 5, "deny"],
  ])("`%s`: exit %i, %s", async (line, code, decision) => {
    const [plain, json] = await Promise.all([vetsh(["check", "--", line]), vetsh(["check", "--json", "--", line])]);
    expect(plain).toMatchObject({ code, stderr: "", stdout: expect.stringMatching(new RegExp(`^${decision}: `)) as string });
    expect(json.code).toBe(code);
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, decision, parse: { ok: true } });
  });

  test("the answer's shape is public", async () => {
    const { stdout } = await vetsh(["check", "--json", "--", "cat README > copy"]);
    const { workspace } = installation;
    expect(JSON.parse(stdout)).toEqual({
      version: 1, decision: "allow", classes: ["write-workspace"],
      effects: expect.arrayContaining([expect.objectContaining({ kind: "write", path: expect.objectContaining({ path: `${workspace}/copy`, zone: "workspace" }) as unknown })]) as unknown,
      authority: { sandbox: "workspace", writable: [workspace, "/tmp"], network: [] },
      rules: expect.arrayContaining([{ id: expect.any(String) as string, file: expect.stringContaining(".toml") as string, line: expect.any(Number) as number, tier: "built-in" }]) as unknown,
      reasons: expect.any(Array) as unknown, parse: { ok: true },
    });
  });

  test("says what execution then gives", async () => {
    const asked = ["cat README", "echo x > written", "ls && cat README"];
    const answers = (await vetsh(["check", "--batch"], asked.map((cmd) => `${JSON.stringify({ cmd, cwd: installation.workspace })}\n`).join(""))).stdout.trimEnd().split("\n");
    for (const [index, line] of asked.entries()) {
      const { decision, authority } = JSON.parse(answers[index] ?? "") as { decision: string; authority: object };
      await installation.run(["bash", "-c", line]);
      const decided = lines(installation, "decided").at(-1);
      expect([line, decided?.["verdict"], decided?.["authority"]]).toEqual([line, decision, { ...authority, missing: [] }]);
    }
  });

  test("what does not parse is not allowed, and the answer says where it stops", async () => {
    const { code, stdout } = await vetsh(["check", "--json", "--", "echo 'unterminated"]);
    expect(code).toBeGreaterThanOrEqual(3);
    expect(JSON.parse(stdout)).toMatchObject({ parse: { ok: false, error: expect.any(String) as string } });
  });

  test("control characters of the line do not reach the terminal", async () => {
    const { stdout } = await vetsh(["check", "--", "cat '\u001b]0;owned\u0007\u202e'"]);
    expect(stdout.replaceAll("\n", "")).toMatch(/^[\x20-\x7e\u00a0-\uffff]*$/);
    expect(stdout).not.toContain("\u202e");
  });

  test("--batch: one answer a line, in order; a bad line is answered and the next one read", async () => {
    const rows = [
      '{"id":"a","cmd":"ls","cwd":"/home/nobody-here/repo","workspace":"/home/nobody-here/repo"}', "not json", '{"id":3,"cwd":"/"}', "",
      '{"id":"p","cmd":"echo hi","cwd":"relative"}', '{"id":{"any":1},"cmd":"echo forbidden","cwd":"/home/nobody-here/repo","workspace":"/home/nobody-here/repo/"}',
      '{"id":"n","cmd":"echo a\\u0000b","workspace":"/home/nobody-here/repo"}',
    ];
    const { code, stdout, stderr } = await vetsh(["check", "--batch"], `${rows.join("\n")}\n`);
    expect([code, stderr]).toEqual([0, ""]);
    const answers = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as { id: unknown; decision: string; error?: string; authority: unknown });
    expect(answers.map(({ id, decision, error }) => [id, decision, error !== undefined])).toEqual([["a", "allow", false], [null, "deny", true], [3, "deny", true], ["p", "deny", true], [{ any: 1 }, "deny", false], ["n", expect.stringMatching(/review|ask|deny/), false]]);
    expect(Object.keys(answers[0] ?? {})).toEqual(["version", "id", "decision", "classes", "effects", "authority", "rules", "reasons", "parse"]);
  });

  test("needs no broker", async () => {
    await installation.stopBroker();
    expect((await vetsh(["check", "--", "ls"])).code).toBe(0);
    expect(await installation.brokerPid()).toBeUndefined();
  });
});

describe("test", () => {
  test("a rule whose examples hold", async () => {
    const file = join(installation.root, "own.toml");
    writeFileSync(file, STAND_INS);
    expect(await vetsh(["test", file])).toEqual({ code: 0, signal: null, stdout: "3 rules, 6 examples: all hold\n", stderr: "" });
  });

  test("one whose examples do not hold is named with file, line, rule and example", async () => {
    const file = join(installation.root, "broken.toml");
    writeFileSync(file, STAND_INS.replace('match = ["echo forbidden fruit"]', 'match = ["echo something"]'));
    const ran = await vetsh(["test", file]);
    expect(ran).toMatchObject({ code: 1, stdout: "3 rules, 6 examples: 1 problem\n" });
    expect(ran.stderr).toBe(`vetsh: ${file}:2: rule \`stand-in-deny\` does not match its \`match\` example \`echo something\`\nhint: correct the example, or widen \`when\` until it covers the example\n`);
  });

  test("rules about hosts: examples are connections, and what is wrong has its line and the way to mend it", async () => {
    const file = join(installation.root, "hosts.toml");
    const table = '[[network]]\nid = "cdn"\nhost = "*.cdn.example.org"\nport = 443\ndecision = "allow"\nreason = "ours"\nmatch = ["eu.cdn.example.org:443"]\nnot_match = ["cdn.example.org:443", "eu.cdn.example.org:22"]\n';
    writeFileSync(file, table);
    expect(await vetsh(["test", file])).toEqual({ code: 0, signal: null, stdout: "1 rules, 3 examples: all hold\n", stderr: "" });
    writeFileSync(file, `# mine\n${table.replace('"cdn.example.org:443"', '"us.cdn.example.org:443"')}`);
    expect(await vetsh(["test", file])).toMatchObject({ code: 1, stderr: `vetsh: ${file}:2: rule \`cdn\` matches its \`not_match\` example \`us.cdn.example.org:443\`\nhint: narrow \`host\`, \`port\` or \`method\`, or move the example to \`match\`\n` });
    writeFileSync(file, `\n\n${table.replace('"*.cdn.example.org"', '"cdn.example.org:443"')}`);
    expect(await vetsh(["test", file])).toMatchObject({ code: 1, stderr: expect.stringContaining(`vetsh: ${file}:3: \`cdn.example.org:443\` in \`host\` has a port\nhint: write \`host = "cdn.example.org"\` and \`port = 443\`\n`) as string });
  });

  test("a file that does not parse, and one that is not there", async () => {
    const file = join(installation.root, "torn.toml");
    writeFileSync(file, '[[rule]]\nid = "x\n');
    expect(await vetsh(["test", file])).toMatchObject({ code: 1, stderr: expect.stringContaining(`vetsh: ${file}:2: the file does not parse`) as string });
    expect(await vetsh(["test", "/nonexistent.toml"])).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be read: ENOENT") as string });
  });
});

describe("env", () => {
  test("prints what `eval` takes", async () => {
    const { root } = installation;
    const ran = await vetsh(["env"]);
    expect(ran).toMatchObject({ code: 0, stdout: `export SHELL=${root}/shims/bash\nexport PATH=${root}/shims:"$PATH"\n` });
    expect((await vetsh(["env", "--shell", "zsh"])).stdout).toContain(`export SHELL=${root}/shims/zsh\n`);
  });

  test("variables that a human vouched for do not make commands suspect", async () => {
    const env = { BASH_ENV: "", PYTHONSTARTUP: "/human.py" };
    const line = ["bash", "-c", "echo vouched"];
    expect((await installation.run(line, { env })).code).toBe(126);
    await installation.vetsh(["env"], { env });
    expect(await installation.run(line, { env })).toMatchObject({ code: 0, stdout: "vouched\n" });
    expect((await installation.run(line, { env: { ...env, PYTHONSTARTUP: "/agent.py" } })).code).toBe(126);
  });
});

describe("log", () => {
  test("one JSON object for each finished request, with public names", async () => {
    await installation.run(["bash", "-c", "# why: to see it in the log\necho logged; exit 3"]);
    const records = await until(async () => {
      const found = (await vetsh(["log", "--json"])).stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
      return found.at(-1)?.["cmd"] === "# why: to see it in the log\necho logged; exit 3" ? found : undefined;
    }, "the record");
    expect(records.at(-1)).toMatchObject({ id: expect.any(String) as string, time: expect.stringMatching(/^\d{4}-.*Z$/) as string, cwd: installation.workspace, decision: "allow", exit: 3, intent: "to see it in the log", trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
  });

  test("for people: one line each, escaped; --last", async () => {
    await installation.run(["bash", "-c", "echo 'a\tb'"]);
    const { stdout } = await vetsh(["log", "--last", "1"]);
    expect(stdout).toMatch(/^\S+Z  allow   exit 0 {4}echo 'a\\tb' {2}#[0-9a-f]{8}\n$/);
  });
});

describe("approvals", () => {
  test("list, approve, deny", async () => {
    const id = /vetsh approve ([a-z0-9]{6})/.exec((await installation.run(["bash", "-c", "touch asked-cli"])).stderr)?.[1] ?? "";
    expect((await vetsh(["approvals"])).stdout).toContain(
      `${id}  open\n  command    touch asked-cli\n  in         ${installation.workspace}\n  because    stands for what a person must allow (stand-in-ask, ${installation.layout.config}/rules/stand-ins.toml:11)\n  would get  writes in the workspace · no network\n`,
    );
    expect(await vetsh(["deny", id, "use", "another", "name"])).toMatchObject({ code: 0, stdout: "denied: the agent is told when it tries again\n" });
    expect((await vetsh(["approvals"])).stdout).toContain(`${id}  denied, not used yet\n`);
    expect(await vetsh(["approve", id])).toMatchObject({ code: 1, stderr: "vetsh: no such question is open\nhint: see `vetsh approvals` for those that are\n" });
    expect((await installation.run(["bash", "-c", "touch asked-cli"])).stderr).toContain("a person said no: use another name");
  });

  test("a command of ours is not a person", async () => {
    expect(await installation.vetsh(["approve", "abcdef"], { env: { VETSH_PERMIT: "x" } })).toMatchObject({ code: 1, stderr: expect.stringMatching(/^vetsh: answers are for people/) as string });
  });
});

describe("broker and doctor", () => {
  test("start, status, reload, stop", async () => {
    expect(await vetsh(["broker", "start"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^running, pid \d+\n$/) as string });
    expect(await vetsh(["broker", "status"])).toMatchObject({ code: 0, stdout: expect.stringContaining("policy ") as string });
    expect(await vetsh(["broker", "reload"])).toMatchObject({ code: 0, stdout: "loaded\n" });
    expect(await vetsh(["broker", "stop"])).toMatchObject({ code: 0, stdout: "stopped\n" });
    expect(await vetsh(["broker", "status"])).toMatchObject({ code: 1, stderr: expect.stringMatching(/^vetsh: no broker answers at .*\nhint: start it with `vetsh broker start`\n$/) as string });
  });

  test("doctor finds nothing wrong, then a missing program", async () => {
    const well = await vetsh(["doctor"]);
    expect(well.stdout).toContain(`ok   installation   ${installation.root}\n`);
    const { rmSync, renameSync } = await import("node:fs");
    const init = join(installation.root, "libexec/vetsh-init");
    renameSync(init, `${init}.away`);
    const ill = await vetsh(["doctor"]);
    renameSync(`${init}.away`, init);
    rmSync(`${init}.away`, { force: true });
    expect(ill.code).toBe(1);
    expect(ill.stdout).toContain(`gap  programs       missing or not executable: ${init}\n`);
    expect(ill.stdout).toContain("hint: run the installer again");
  });
});
