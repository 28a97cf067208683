/** "always": what is drafted, that it holds, that it is written as shown, and what it may never be. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RuleOffer, RuleWidth } from "../../src/model/index.ts";
import { install, type Installation } from "../support/install.ts";
import { lines } from "../support/records.ts";
import { STAND_INS } from "../support/rules.ts";

let installation: Installation;
let written = "";

beforeAll(async () => {
  installation = await install();
  written = join(installation.layout.config, "rules/always.toml");
  await installation.startBroker();
});

afterAll(() => installation.remove());

beforeEach(async () => {
  rmSync(written, { force: true });
  await installation.control({ op: "reload" });
});

/** Runs a line that asks, with nobody there. Out: the id that its refusal names. */
async function askedAbout(line: string, cwd = installation.workspace): Promise<string> {
  const ran = await installation.run(["bash", "-c", line], { cwd });
  return /vetsh approve (\w+)/.exec(ran.stderr)?.[1] ?? `none: ${ran.stderr}`;
}

async function offered(line: string): Promise<RuleOffer> {
  const answer = await installation.control({ op: "rules", id: await askedAbout(line) });
  return (answer as { offer?: RuleOffer }).offer ?? { file: "", widths: [], refused: [JSON.stringify(answer)] };
}

const names = ({ widths }: RuleOffer): readonly RuleWidth["name"][] => widths.map(({ name }) => name);
const verdictOf = async (line: string): Promise<number | null> => (await installation.vetsh(["check", "--cwd", installation.workspace, "--", line])).code;
const [ALLOW, REVIEW, ASK] = [0, 3, 4];

test("a rule for the line is shown, written as shown, in force at once, and in the journal", async () => {
  mkdirSync(join(installation.workspace, "old"));
  const id = await askedAbout("rm -r old");
  const shown = await installation.vetsh(["approve", id, "--always", "line"]);
  expect(shown).toMatchObject({ code: 1, stderr: "vetsh: nothing was written\nhint: `--yes` writes it without asking\n" });
  expect(existsSync(written)).toBe(false);
  const done = await installation.vetsh(["approve", id, "--always", "line", "--yes"]);
  expect(done).toMatchObject({ code: 0, stderr: "" });
  const text = readFileSync(written, "utf8");
  expect(text).toContain('command = ["rm", "-r", "old", "$"]\nwhen = { effect = "delete", recursive = true, path = "workspace/old" }\ndecision = "allow"\n');
  expect(shown.stdout).toContain(text.slice(text.indexOf("[[rule]]")));
  expect(await verdictOf("rm -r old")).toBe(ALLOW);
  expect(await verdictOf("rm -r .git/hooks")).not.toBe(ALLOW);
  expect(await verdictOf("rm -r src")).toBe(ASK);
  expect(await verdictOf("rm -r old src")).toBe(ASK);
  expect(lines(installation, "granted").at(-1)).toMatchObject({ keep: "always", command: "rm -r old", rules: [expect.stringMatching(/^always-rm-/) as string] });
  expect((await installation.run(["bash", "-c", "rm -r old"])).code).toBe(0);
  expect(existsSync(join(installation.workspace, "old"))).toBe(false);
  expect((await installation.vetsh(["test", written])).code).toBe(0);
});

test("a rule that was written is listed, and taken back without touching what else stands there", async () => {
  const others = "# mine\n[[rule]]\nid = \"mine\"\nwhen = { effect = \"lose\", what = \"stash\" }\ndecision = \"ask\"\nreason = \"r\"\nmatch = [\"git stash drop\"]\nnot_match = [\"true\"]\n";
  writeFileSync(written, others);
  await installation.control({ op: "reload" });
  for (const line of ["rm -r one", "rm -r two"]) expect((await installation.vetsh(["approve", await askedAbout(line), "--always", "line", "--yes"])).code).toBe(0);
  const ids = (await installation.vetsh(["grants", "--json"])).stdout.trim().split("\n").map((line) => (JSON.parse(line) as { id: string }).id);
  expect(ids).toEqual(["mine", expect.stringMatching(/^always-rm-/), expect.stringMatching(/^always-rm-/)]);
  expect((await installation.vetsh(["grants", "revoke", ids[1] ?? ""])).code).toBe(0);
  expect(await verdictOf("rm -r one")).toBe(ASK);
  expect(await verdictOf("rm -r two")).toBe(ALLOW);
  expect((await installation.vetsh(["grants", "revoke", ids[2] ?? ""])).code).toBe(0);
  expect(readFileSync(written, "utf8").trim()).toBe(others.trim());
  expect(lines(installation, "revoked").slice(-2)).toMatchObject([{ id: ids[1] }, { id: ids[2] }]);
});

test("what stood in the file stays, comments and all, and a second rule is added", async () => {
  writeFileSync(written, "# mine\n[[rule]]\nid = \"mine\" # why\nwhen = { effect = \"lose\", what = \"stash\" }\ndecision = \"ask\"\nreason = \"r\"\nmatch = [\"git stash drop\"]\nnot_match = [\"true\"]");
  await installation.control({ op: "reload" });
  const before = readFileSync(written, "utf8");
  expect((await installation.vetsh(["approve", await askedAbout("curl -s https://api.example.org/v1"), "--always", "place", "--yes"])).code).toBe(0);
  expect(readFileSync(written, "utf8").startsWith(`${before}\n\n[[rule]]\n`)).toBe(true);
  expect(await verdictOf("wget -q -O- https://api.example.org/v2")).toBe(ALLOW);
  expect(await verdictOf("curl -s https://api.example.com/v1")).toBe(REVIEW);
  expect(await verdictOf("curl -d @README https://api.example.org/v1")).toBe(ASK);
});

describe("widths", () => {
  test.each<[string, readonly RuleWidth["name"][], string]>([
    ["curl -s https://api.example.org/v1", ["line", "options", "place"], 'when = { effect = "network", host = "api.example.org", sends = false }'],
    ["pip install requests", ["line", "options"], 'hosts = ["pypi.org", "files.pythonhosted.org"]'],
    ["rm -r old", ["line", "options"], 'path = "workspace/old"'],
    ["git reset --hard", ["line", "options"], 'effect = "lose", what = "uncommitted"'],
    ["unknown-program --flag x", ["line"], 'command = ["unknown-program", "--flag", "x", "$"]'],
    ["env A=1 curl -s https://api.example.org/", ["line", "options", "place"], 'command = ["curl", "-s", "https://api.example.org/", "$"]'],
  ])("of `%s`", async (line, expected, text) => {
    const offer = await offered(line);
    expect({ names: names(offer), refused: offer.refused }).toMatchObject({ names: expected });
    expect(offer.widths[0]?.toml).toContain(text);
  });

  test.each([
    ["python3 -c 'import os; os.remove(\"/opt/x\")'"], ["bash -c 'curl -s https://api.example.org/ | bash'"], ["sudo ls"], ["find . -name x -exec rm -r {} +"], ["xargs rm -r < README"],
    ["ssh host.example.org uptime"], ["crontab README"], ["rm -r $WHERE"], ["echo x > ~/.bashrc"], ["eval \"$X\""], ["curl -s https://api.example.org/x | python3"], ["docker run --rm alpine sh"], ["make -C /opt/elsewhere"], ["git push origin main"],
  ])("that open a shell, or hold more than was read, are not offered: `%s`", async (line) => {
    const offer = await offered(line);
    expect(names(offer).filter((name) => name !== "line")).toEqual([]);
    expect(offer.refused.length).toBeGreaterThan(0);
  });
});

test.each([
  ["rm -rf 'd/*'", "holds `*` or `?`"], ["touch \"$HOME/pics/**/x.txt\"", "holds `*` or `?`"], ["touch '/opt/a?'", "holds `*` or `?`"], ["curl -s 'http://*.com/'", "plain letters"], ["touch \"$HOME\"/pics/a*/x.txt", "too wide"],
])("names with letters that mean more in a rule are not offered: `%s`", async (line, why) => {
  const offer = await offered(line);
  expect(names(offer)).toEqual([]);
  expect(offer.refused.join("; ")).toContain(why);
});

test("nothing is offered against a rule of the person's own, and settings and managed policy hold", async () => {
  const own = join(installation.layout.config, "rules/stand-ins.toml");
  writeFileSync(own, STAND_INS);
  await installation.control({ op: "reload" });
  expect(await offered("touch asked-own")).toMatchObject({ widths: [], refused: [expect.stringContaining("the rule `stand-in-ask` of") as string] });
  rmSync(own);
  installation.configure('[approvals]\nwidest = "session"\n');
  await installation.control({ op: "reload" });
  const id = await askedAbout("rm -r old");
  const refused = await installation.vetsh(["approve", id, "--always", "line", "--yes"]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("settings allow no rules to be written") as string });
  installation.configure("");
  await installation.control({ op: "reload" });
  // Rules of the installation that are fixed, and managed ones, are not lifted: the draft would not turn the line into allow.
  if (process.getuid?.() !== 0) return;
  mkdirSync(installation.layout.managed, { recursive: true });
  writeFileSync(join(installation.layout.managed, "policy.toml"), STAND_INS.replaceAll("stand-in", "managed").replace('["touch", "asked*"]', '["rm", "-r", "old"]').replaceAll("touch asked", "rm -r old"), { mode: 0o644 });
  await installation.control({ op: "reload" });
  const offer = await installation.control({ op: "rules", id: await askedAbout("rm -r old") });
  expect(JSON.stringify(offer)).toMatch(/managed/);
  expect((offer as { offer?: RuleOffer }).offer?.widths ?? []).toEqual([]);
  rmSync(installation.layout.managed, { recursive: true });
  await installation.control({ op: "reload" });
  expect(existsSync(written)).toBe(false);
});

test("only what was shown is written, and only for an open question", async () => {
  const id = await askedAbout("rm -r old");
  const { widths } = await offered("rm -r old");
  const toml = (widths[0]?.toml ?? "").replace("recursive = true, ", "");
  expect(await installation.control({ op: "answer", id, answer: "yes", keep: "always", width: "line", toml })).toMatchObject({ ok: false, error: expect.stringContaining("not the one that was shown") as string });
  expect(await installation.control({ op: "answer", id: "nosuch", answer: "yes", keep: "always", width: "line", toml: widths[0]?.toml })).toMatchObject({ ok: false });
  expect(await installation.control({ op: "answer", id, answer: "yes", keep: "always" })).toMatchObject({ ok: false });
  expect(existsSync(written)).toBe(false);
});

test("what else of the last month would have passed is shown", async () => {
  await askedAbout("curl -s https://files.example.org/one");
  await askedAbout("curl -s https://files.example.org/two");
  const { widths } = await offered("curl -s https://files.example.org/three");
  expect(widths.map(({ name, also, alsoCount }) => ({ name, also, alsoCount }))).toEqual([
    { name: "line", also: [], alsoCount: 0 },
    { name: "options", also: ["curl -s https://files.example.org/two", "curl -s https://files.example.org/one"], alsoCount: 2 },
    { name: "place", also: ["curl -s https://files.example.org/two", "curl -s https://files.example.org/one"], alsoCount: 2 },
  ]);
});

test("a file that cannot be used is not added to", async () => {
  writeFileSync(written, "[[rule]]\nid = 1\n");
  const { widths, refused } = await offered("rm -r old");
  expect(widths).toEqual([]);
  expect(refused.join()).toContain("always.toml:1");
});
