/** A yes that goes beyond one run, end to end: given on the command line, used, listed, taken back, and in the journal. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { placesOf } from "../../src/broker/index.ts";
import { install, type Installation } from "../support/install.ts";
import { lifeOf, lines } from "../support/records.ts";
import { STAND_INS } from "../support/rules.ts";

let installation: Installation;

beforeAll(async () => {
  installation = await install();
  writeFileSync(join(installation.layout.config, "rules/stand-ins.toml"), STAND_INS);
  await installation.startBroker();
});

afterAll(() => installation.remove());

/** Runs a line that asks, with nobody there. Out: the id that its refusal names. */
async function askedAbout(line: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const ran = await installation.run(["bash", "-c", line], { env });
  const id = /vetsh approve (\w+)/.exec(ran.stderr)?.[1];
  expect({ code: ran.code, id: id === undefined ? ran.stderr : "an id" }).toEqual({ code: 126, id: "an id" });
  return id ?? "";
}

test("a yes for the session lets exactly that line run again, until it is revoked", async () => {
  const line = "touch asked-for-session";
  const id = await askedAbout(line);
  expect(await installation.vetsh(["approve", "--session", id])).toMatchObject({ code: 0, stdout: "approved: the same command passes until its agent ends\n" });
  for (let run = 0; run < 2; run += 1) {
    expect((await installation.run(["bash", "-c", line])).code).toBe(0);
    expect(existsSync(join(installation.workspace, "asked-for-session"))).toBe(true);
    rmSync(join(installation.workspace, "asked-for-session"));
  }
  const [granted] = lines(installation, "granted");
  expect(granted).toMatchObject({ keep: "session", channel: "control", command: line, cwd: installation.workspace });
  expect(lifeOf(installation, line)["decided"]).toMatchObject({ final: "run", source: "grant", verdict: "ask", grant: { id: granted?.id, keep: "session" } });

  // Another line, and the same line elsewhere, are asked about.
  expect((await installation.run(["bash", "-c", `${line} `])).code).toBe(126);
  expect((await installation.run(["bash", "-c", line], { cwd: join(installation.workspace, ".git") })).code).toBe(126);

  const listed = await installation.vetsh(["grants"]);
  expect(listed.stdout).toContain(`${granted?.id ?? "?"}  until `);
  expect(listed.stdout).toContain(`command    ${line}\n`);
  expect(await installation.vetsh(["grants", "revoke", granted?.id ?? ""])).toMatchObject({ code: 0 });
  expect(lines(installation, "revoked")).toMatchObject([{ id: granted?.id }]);
  await askedAbout(line);
  expect((await installation.vetsh(["grants"])).stdout).toBe("nothing is granted beyond one run\n");
  expect((await installation.vetsh(["grants", "revoke", "nosuch"])).code).toBe(1);
});

test("a yes is for the variables that it was given with: others are asked about, what changes with each call is not looked at", async () => {
  const line = 'touch asked-"$WHICH"';
  const given = { WHICH: "one", TF_WORKSPACE: "test", SHLVL: "3", CODEX_TOOL_CALL_ID: "a" };
  const id = await askedAbout(line, given);
  expect(await installation.vetsh(["approve", "--session", id])).toMatchObject({ code: 0 });
  expect((await installation.run(["bash", "-c", line], { env: { ...given, SHLVL: "4", CODEX_TOOL_CALL_ID: "b" } })).code).toBe(0);
  for (const other of [{ ...given, WHICH: "two" }, { ...given, TF_WORKSPACE: "live" }, { ...given, MORE: "x" }]) {
    expect(await askedAbout(line, other)).not.toBe(id);
  }
  rmSync(join(installation.workspace, "asked-one"));
  // Named by the line, it counts.
  const named = 'touch asked-"${CODEX_TOOL_CALL_ID}"';
  expect(await askedAbout(named, { CODEX_TOOL_CALL_ID: "a" })).not.toBe(await askedAbout(named, { CODEX_TOOL_CALL_ID: "b" }));
});

test("a grant survives the broker, and a change of the rules ends it", async () => {
  const line = "touch asked-again";
  expect((await installation.vetsh(["approve", "--session", await askedAbout(line)])).code).toBe(0);
  await installation.stopBroker();
  await installation.startBroker();
  expect((await installation.run(["bash", "-c", line])).code).toBe(0);
  const extra = join(installation.layout.config, "rules/more.toml");
  writeFileSync(extra, STAND_INS.replaceAll("stand-in", "further").replaceAll("asked*", "nothing-here*").replaceAll("touch asked", "touch nothing-here").replaceAll("forbidden", "prohibited").replaceAll("reviewed", "looked-at"));
  await installation.vetsh(["broker", "reload"]);
  await askedAbout(line);
  rmSync(extra);
  await installation.vetsh(["broker", "reload"]);
});

test("settings hold a yes to one run, and a deny is not lifted by a grant", async () => {
  installation.configure('[approvals]\nwidest = "once"\n');
  await installation.vetsh(["broker", "reload"]);
  const line = "touch asked-narrow";
  const approved = await installation.vetsh(["approve", "--session", await askedAbout(line)]);
  expect(approved.stderr).toContain("for this run alone");
  expect(approved.stdout).toBe("approved: the same command passes once when it comes again\n");
  expect((await installation.run(["bash", "-c", line])).code).toBe(0);
  await askedAbout(line);
  installation.configure("");
  await installation.vetsh(["broker", "reload"]);
});

test("a command cannot give or take grants: not as a line, not through the socket from inside", async () => {
  const inside = (text: string): Promise<{ code: number | null; stderr: string }> => installation.run(["bash", "-c", text]);
  expect((await inside("vetsh grants revoke abcdef")).stderr).toContain("only a person may");
  expect((await inside("vetsh grants")).stderr).toContain("only a person may");
  const socket = placesOf(installation.root).controlSocket;
  const through = await inside(`python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect("${socket}"); s.send(b"{}\\n"); print("reached")'`);
  expect(through).not.toMatchObject({ code: 0 });
});
