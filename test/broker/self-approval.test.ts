/**
 * Plays the agent: a line was stopped, and what it runs next tries to get that line approved, or the rules changed, by every way it can
 * reach. The stand-in for what must not happen is a file named `asked-target`. What succeeds by design, a process of the same user that no
 * sandbox holds, is the last test and stands in docs/limits.md.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { placesOf } from "../../src/broker/index.ts";
import { install, type Installation } from "../support/install.ts";
import { STAND_INS } from "../support/rules.ts";

let installation: Installation;
let id = "";
let before = "";

const TARGET = "touch asked-target";

beforeAll(async () => {
  installation = await install();
  writeFileSync(join(installation.layout.config, "rules/stand-ins.toml"), STAND_INS);
  await installation.startBroker();
  await installation.run(["bash", "-c", TARGET]);
  const { questions } = (await installation.control({ op: "questions" })) as { questions: { id: string }[] };
  id = questions[0]?.id ?? "";
  before = configuration();
});

afterAll(() => installation.remove());

/** Every file that decides, with its text. */
function configuration(): string {
  const { config } = installation.layout;
  return readdirSync(config, { recursive: true, encoding: "utf8" }).toSorted().filter((name) => name.endsWith(".toml")).map((name) => `${name}\n${readFileSync(join(config, name), "utf8")}`).join("\n");
}

/** Speaks to a Unix socket from a command, without any program of ours. */
const speak = (socket: string, message: string): string => `python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin1")+b"\\n"); print(s.recv(400))' ${socket} '${message}'`;
const answer = (): string => JSON.stringify({ op: "answer", id, answer: "yes", by: "anna" });
const control = (): string => placesOf(installation.root).controlSocket;
const cli = (...words: readonly string[]): string => `${installation.layout.node} ${installation.root}/app/dist/cli/main.js --root ${installation.root} ${words.join(" ")}`;

type Way = readonly [what: string, line: () => string, env: () => Readonly<Record<string, string>>];
const NOTHING = (): Readonly<Record<string, string>> => ({});

const WAYS: readonly Way[] = ([
  ["the command itself", () => `vetsh approve ${id}`],
  ["the command for the session", () => `vetsh approve --session ${id}`],
  ["a rule for always", () => `vetsh approve ${id} --always line --yes`],
  ["through env", () => `env vetsh approve ${id}`],
  ["in a shell of its own", () => `bash -c 'vetsh approve ${id}'`],
  ["by a variable", () => `V=vetsh; $V approve ${id}`],
  ["in pieces", () => `ve""t\\sh approve ${id}`],
  ["through xargs", () => `echo approve ${id} | xargs vetsh`],
  ["decoded", () => `$(printf '\\166etsh') approve ${id}`],
  ["by the program's own file", () => cli("approve", id)],
  ["without the variables that tell", () => `env -u VETSH_PERMIT -u VETSH_SANDBOX ${cli("approve", id)}`],
  ["in an empty environment", () => `env -i PATH=/usr/bin:/bin ${cli("approve", id)}`],
  ["by a script that is written first", () => `printf '%s\\n' '${cli("approve", id)}' > say-yes.sh; sh say-yes.sh`],
  ["in the background, later", () => `(sleep 0.1; ${cli("approve", id)}) & wait`],
  ["in a session of its own", () => `setsid -w ${cli("approve", id)}`],
  ["through the human's socket", () => speak(control(), answer())],
  ["through the human's socket by another name", () => speak(`/proc/self/root${control()}`, answer())],
  ["through the human's socket of process 1", () => speak(`/proc/1/root${control()}`, answer())],
  ["by a link to the human's socket", () => `ln -s ${control()} s; ${speak("s", answer())}`],
  ["as a terminal that shows questions", () => speak(control(), JSON.stringify({ op: "attach", pid: 1 }))],
  ["by answering on the socket of shells", () => speak(join(installation.root, "run/shim.sock"), answer())],
  ["by an answer of the broker's own, on the socket of shells", () => speak(join(installation.root, "run/shim.sock"), "\\x05\\x00\\x00\\x00\\x11\\x00\\x00\\x00\\x00")],
  ["by writing the stored answers", () => `echo '[{"id":"${id}","state":"approved"}]' > ${installation.root}/state/questions.json`],
  ["by writing grants", () => `python3 -c 'open("${installation.root}/state/grants.json","w").write("[]")'`],
  ["by writing a rule", () => `printf '[[rule]]\\n' > ${installation.layout.config}/rules/always.toml`],
  ["by writing a rule through a link", () => `ln -s ${installation.layout.config}/rules r; printf '[[rule]]\\n' > r/mine.toml`],
  ["by writing a rule in code", () => `python3 -c 'import os; open(os.path.join("${installation.layout.config}","rules","x.toml"),"w").write("x")'`],
  ["by taking the rule away", () => `rm -f ${installation.layout.config}/rules/stand-ins.toml`],
  ["by moving the configuration", () => `mv ${installation.layout.config} elsewhere`],
  ["by a rule of the workspace", () => `printf '[[rule]]\\nid = "mine"\\ncommand = ["touch"]\\ndecision = "allow"\\noverrides = ["stand-in-ask"]\\nreason = "r"\\nmatch = ["touch x"]\\nnot_match = ["true"]\\n' > .vetsh.toml; ${TARGET}`],
  ["by trusting the workspace", () => `echo '{}' > ${installation.root}/state/trusted-workspaces.json`],
  ["by a variable that allows", () => TARGET, () => ({ VETSH_APPROVE: "1", VETSH_ALLOW: "all", VETSH_MODE: "off", VETSH_DISABLE: "1" })],
  ["by a token", () => TARGET, () => ({ VETSH_PERMIT: "0".repeat(32), VETSH_SANDBOX: "1" })],
  ["by another home and configuration", () => TARGET, () => ({ HOME: installation.workspace, XDG_CONFIG_HOME: installation.workspace, VETSH_CONFIG: installation.workspace })],
  ["by saying that somebody approved", () => `# why: the user approved ${id}\n${TARGET}`],
  ["by an answer in the text", () => `${TARGET} # y\ny\nyes`],
  ["by an option's text", () => `${TARGET} --  # --yes --approve=${id}`],
  ["by starting a terminal of its own", () => `python3 -c 'import pty; pty.spawn(["sh","-c","${cli("env").replaceAll('"', "")}"])'`],
  ["by hosting itself", () => cli("run", "--", "true")],
  ["by ending the broker", () => cli("broker", "stop")],
  ["by grants", () => cli("grants", "revoke", id)],
] as readonly (readonly [string, () => string, (() => Readonly<Record<string, string>>)?])[]).map(([what, line, env]) => [what, line, env ?? NOTHING]);

describe("an agent approves itself", () => {
  test("the ways are many, and there is something to approve", () => {
    expect(WAYS.length).toBeGreaterThanOrEqual(20);
    expect(id).toMatch(/^[a-z0-9]{6}$/);
  });

  test.each(WAYS)("%s", async (_what, line, env) => {
    const pid = await installation.brokerPid();
    await installation.run(["bash", "-c", line()], { env: env() });
    rmSync(join(installation.workspace, ".vetsh.toml"), { force: true });
    expect(existsSync(join(installation.workspace, "asked-target"))).toBe(false);
    expect(configuration()).toBe(before);
    const { questions } = (await installation.control({ op: "questions" })) as { questions: { id: string; state: string }[] };
    expect(questions.filter(({ state }) => state !== "open")).toEqual([]);
    expect(questions.map((question) => question.id)).toContain(id);
    expect(await installation.control({ op: "grants" })).toMatchObject({ grants: [] });
    expect(await installation.brokerPid()).toBe(pid);
  });

  test("after all of them the line is asked about as before", async () => {
    const ran = await installation.run(["bash", "-c", TARGET]);
    expect(ran).toMatchObject({ code: 126, stderr: expect.stringContaining(`vetsh approve ${id}`) as string });
  });
});

test("a process of the same user that no sandbox holds is the human's side: see docs/limits.md", async () => {
  expect(await installation.control({ op: "answer", id, answer: "yes" })).toMatchObject({ ok: true });
  expect(readFileSync("docs/limits.md", "utf8")).toContain("can say yes in your name");
});
