/** What stands around a command, end to end: files in /tmp between agent and command, and what a command planted. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { lines, received } from "../support/records.ts";
import { until } from "../support/waiting.ts";

let installation: Installation;
/** Names in the real /tmp that nobody else has. */
const mark = `vetsh-test-${randomBytes(6).toString("hex")}`;
const made: string[] = [];
const inTmp = (rest: string): string => { const path = `/tmp/${rest}`; made.push(path); return path; };

beforeAll(async () => {
  installation = await install();
  await installation.startBroker();
});
afterAll(async () => {
  await installation.remove();
  for (const path of made) rmSync(path, { recursive: true, force: true });
});
const run = (line: string) => installation.run(["bash", "-c", line]);

describe("files in /tmp", () => {
  test("a script that the agent wrote there runs, and so does its next version", async () => {
    const script = inTmp(`${mark}-a.sh`);
    writeFileSync(script, "echo one\n");
    expect(await run(`bash ${script}`)).toMatchObject({ code: 0, stdout: "one\n" });
    writeFileSync(script, "echo two\n");
    chmodSync(script, 0o755);
    expect(await run(`chmod +x ${script}; ${script} || bash ${script}`)).toMatchObject({ code: 0, stdout: "two\n" });
  });

  test("so does one that is named from the directory", async () => {
    const script = inTmp(`${mark}-e.sh`);
    writeFileSync(script, "echo from here\n");
    expect(await run(`cd /tmp && bash ${mark}-e.sh`)).toMatchObject({ code: 0, stdout: "from here\n" });
    expect(await installation.run(["bash", "-c", `bash ${mark}-e.sh; echo out > ${mark}-f.txt`], { cwd: "/tmp" })).toMatchObject({ code: 0, stdout: "from here\n" });
    expect(readFileSync(inTmp(`${mark}-f.txt`), "utf8")).toBe("out\n");
  });

  test("what a command wrote there is in place when it has ended, and for the next command", async () => {
    const out = inTmp(`${mark}-b.txt`);
    expect(await run(`echo first > ${out}`)).toMatchObject({ code: 0 });
    expect(readFileSync(out, "utf8")).toBe("first\n");
    expect(await run(`echo second >> ${out}; cat ${out}`)).toMatchObject({ stdout: "first\nsecond\n" });
    expect(readFileSync(out, "utf8")).toBe("first\nsecond\n");
  });

  test("the file in which an agent looks for the directory", async () => {
    const cwd = inTmp(`claude-${mark}-cwd`);
    mkdirSync(join(installation.workspace, "sub"), { recursive: true });
    expect(await run(`eval 'cd sub' < /dev/null && pwd -P >| ${cwd}`)).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(cwd, "utf8")).toBe(`${installation.workspace}/sub\n`);
  });

  test("the directory that another agent made for its trap", async () => {
    const directory = inTmp(`gemini-shell-${mark}`);
    mkdirSync(directory, { mode: 0o700 });
    const ran = await run(`_bgpids_file=${directory}/bgpids.tmp\n(\n  trap 'jobs -p > "$_bgpids_file"' EXIT\nsleep 0.01 & echo hi\n)\n__code=$?\nexit $__code`);
    expect(ran).toMatchObject({ code: 0, stdout: "hi\n", stderr: "" });
    expect(readFileSync(join(directory, "bgpids.tmp"), "utf8")).toMatch(/^\d+\n$/);
  });

  test("nothing else comes out or is to be seen", async () => {
    const key = inTmp(`${mark}.pem`);
    writeFileSync(key, "PRIVATE\n");
    expect((await run(`cat ${key}`)).stdout).toBe("");
    const hidden = inTmp(`${mark}-krb5cc`);
    expect(await run(`echo x > ${hidden} && cat ${hidden}`)).toMatchObject({ stdout: "x\n" });
    expect(existsSync(hidden)).toBe(false);
  });
});

describe("what a command planted", () => {
  test("a protected name that nothing could be mounted on is recorded", async () => {
    // What a program of the workspace writes is not in the line.
    writeFileSync(join(installation.workspace, "Makefile"), "all:\n\t@echo x > $(shell cat name)\n");
    writeFileSync(join(installation.workspace, "name"), ".envrc\n");
    const line = "make";
    expect(await run(line)).toMatchObject({ code: 0 });
    const id = received(installation, line)?.id;
    await until(() => lines(installation, "finished").some((one) => one.id === id), "the end of the command");
    expect(lines(installation, "planted").filter((one) => one.id === id)).toMatchObject([{ paths: [join(installation.workspace, ".envrc")] }]);
    expect((await installation.vetsh(["log", "--surprises"])).stdout).toContain(`made: ${join(installation.workspace, ".envrc")}, it configures or runs something later`);
    // From now on it exists, so it is protected, and the next command cannot change it.
    expect(await run("make 2>/dev/null")).toMatchObject({ code: 2 });
  });

  test("what a person approved by name is not", async () => {
    const line = "echo x > .gitlab-ci.yml";
    const id = /vetsh approve ([a-z0-9]{6})/.exec((await run(line)).stderr)?.[1];
    await installation.control({ op: "answer", id, answer: "yes" });
    expect(await run(line)).toMatchObject({ code: 0 });
    expect(lines(installation, "planted").flatMap((one) => one["paths"])).not.toContain(join(installation.workspace, ".gitlab-ci.yml"));
  });

  test("where settings say so it is moved aside, with where it was, and a link on the way leads nowhere", async () => {
    const mine = join(dirname(installation.workspace), "mine");
    mkdirSync(join(mine, "workflows"), { recursive: true });
    installation.configure('[sandbox]\nplanted = "move"\n');
    await installation.control({ op: "reload" });
    writeFileSync(join(installation.workspace, "Makefile"), `all:\n\t@mkdir -p $(shell cat name); echo evil > $(shell cat name)/tasks.json; ln -s ${mine} $(shell cat link)\n`);
    writeFileSync(join(installation.workspace, "name"), ".vscode\n");
    writeFileSync(join(installation.workspace, "link"), ".github\n");
    const line = "make -s";
    expect(await run(line)).toMatchObject({ code: 0 });
    const id = received(installation, line)?.id;
    await until(() => lines(installation, "finished").some((one) => one.id === id), "the end of the command");
    const [{ moved, paths } = {}] = lines(installation, "planted").filter((one) => one.id === id) as unknown as { moved?: string; paths?: readonly string[] }[];
    expect(paths?.toSorted()).toEqual([join(installation.workspace, ".github/workflows"), join(installation.workspace, ".vscode")]);
    expect(existsSync(join(installation.workspace, ".vscode"))).toBe(false);
    expect(existsSync(join(mine, "workflows"))).toBe(true);
    const place = readdirSync(moved ?? "").map((name) => join(moved ?? "", name)).find((name) => existsSync(join(name, ".vscode"))) ?? "";
    expect([readFileSync(join(place, "from"), "utf8"), readFileSync(join(place, ".vscode/tasks.json"), "utf8")]).toEqual([`${join(installation.workspace, ".vscode")}\n`, "evil\n"]);
    expect((await installation.vetsh(["log", "--surprises"])).stdout).toContain(`moved to ${moved}`);
  });
});

describe("a person's yes to a new file in the home directory", () => {
  let apart: Installation;
  beforeAll(async () => {
    apart = await install({ home: "own", under: userInfo().homedir });
    await apart.startBroker();
  });
  afterAll(() => apart.remove());
  const atHome = (name: string): string => join(apart.layout.home, name);
  const approved = async (line: string) => {
    const id = /vetsh approve ([a-z0-9]{6})/.exec((await apart.run(["bash", "-c", line])).stderr)?.[1];
    expect(id).toBeDefined();
    await apart.control({ op: "answer", id, answer: "yes" });
    return apart.run(["bash", "-c", line]);
  };

  test("gives that file and no other", async () => {
    writeFileSync(join(apart.workspace, "Makefile"), "all:\n\t@echo x > $(HOME)/other.md\n");
    expect(await approved("echo text > ~/notes.md; make 2>/dev/null")).toMatchObject({ code: 2 });
    expect(readFileSync(atHome("notes.md"), "utf8")).toBe("text\n");
    expect(existsSync(atHome("other.md"))).toBe(false);
  });

  test("leaves nothing when it was not used, and an empty file when that was the purpose", async () => {
    expect(await approved("false && echo text > ~/unused.md")).toMatchObject({ code: 1 });
    expect(existsSync(atHome("unused.md"))).toBe(false);
    expect(await approved("touch ~/empty.md")).toMatchObject({ code: 0 });
    expect(readFileSync(atHome("empty.md"), "utf8")).toBe("");
  });

  test("cannot be given for a directory, and says so", async () => {
    const ran = await approved("mkdir ~/folder");
    expect(ran).toMatchObject({ code: 126 });
    expect(ran.stderr).toContain("does not exist");
    expect(existsSync(atHome("folder"))).toBe(false);
  });
});
