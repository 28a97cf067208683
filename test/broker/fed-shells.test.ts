/** Shells that read commands from standard input: a finite script is judged whole, a shell that is kept open has its commands judged as they come. */
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { expectOneEndEach, lines } from "../support/records.ts";
import { STAND_INS } from "../support/rules.ts";

let vetsh: Installation;
beforeAll(async () => {
  vetsh = await install({ home: "own" });
  writeFileSync(join(vetsh.layout.config, "rules/stand-ins.toml"), STAND_INS);
  writeFileSync(join(vetsh.workspace, "unread"), "echo unread\n");
});
afterAll(async () => vetsh.remove());

describe.each(["bash", "sh", "dash"])("%s", (shell) => {
  test.each([
    { what: "a finite script", input: "echo one\necho two; exit 3\n", stdout: "one\ntwo\n", code: 3 },
    { what: "without a line feed at its end", input: "echo one\necho two", stdout: "one\ntwo\n", code: 0 },
    { what: "several lines that are one command", input: "for i in 1 2; do\n  echo n$i\ndone\ncat <<END\n$i\nEND\n", stdout: "n1\nn2\n2\n", code: 0 },
    { what: "nothing", input: "", stdout: "", code: 0 },
    { what: "parameters", argv: ["-s", "a", "b"], input: "echo $2 $1\n", stdout: "b a\n", code: 0 },
    { what: "text that a rule denies: nothing of the script runs", input: "echo before\necho forbidden fruit\necho after\n", stdout: "", code: 126, stderr: /vetsh: refused, nothing ran/ },
    { what: "text that is put together", input: "x=forbid; y=den\necho before\necho $x$y fruit\n", stdout: "", code: 126, stderr: /vetsh: refused/ },
    { what: "text that no shell reads", input: "echo before\nif true; then\n", stdout: "", code: 126, stderr: /vetsh: refused/ },
    { what: "text that goes on in a file that nobody has read", input: "exec < ./unread\n", stdout: "", code: 126, stderr: /vetsh: refused/ },
    { what: "text that hides that it does", input: "x='exec < ./unread'; eval \"$x\"\n", stdout: "", code: 126, stderr: /vetsh: refused/ },
    { what: "a NUL in it", input: "echo before\0\necho after\n", stdout: "", code: 126 },
  ])("$what", async ({ argv = [], input, stdout, code, stderr = /^/ }) => {
    const ran = await vetsh.run([shell, ...argv], { input });
    expect({ ...ran, stderr: stderr.test(ran.stderr) ? "" : ran.stderr }).toEqual({ code, signal: null, stdout, stderr: "" });
  });
});

/** A shell that is kept open, as agents keep one: a command, its output, the next command. */
function keptOpen() {
  const child = spawn(join(vetsh.root, "shims/bash"), [], { cwd: vetsh.workspace, argv0: "bash", stdio: "pipe", env: { PATH: `${vetsh.root}/shims:/usr/bin:/bin`, HOME: vetsh.layout.home, LANG: "C.UTF-8" } });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => { output += chunk.toString(); });
  child.stderr.on("data", (chunk: Buffer) => { output += chunk.toString(); });
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  let count = 0;
  return {
    closed,
    end: () => child.stdin.end(),
    write: (text: string) => child.stdin.write(text),
    say: async (text: string): Promise<string> => {
      const before = output.length;
      count += 1;
      child.stdin.write(`${text}\nprintf "over-%s %s\\n" ${count} $?\n`);
      for (const deadline = Date.now() + 15_000; !output.slice(before).includes(`over-${count} `); await new Promise((resolve) => setTimeout(resolve, 5))) if (Date.now() > deadline) throw new Error(`no answer: ${output}`);
      return output.slice(before);
    },
  };
}

test("a shell that is kept open: state persists, each command is judged and recorded, a refused one is 126", async () => {
  const shell = keptOpen();
  expect(await shell.say("cd /; x=kept; f() { echo in-$1; }")).toContain("over-1 0");
  expect(await shell.say("pwd; echo $x; f here")).toMatch(/^\/\nkept\nin-here\n/);
  expect(await shell.say("echo forbidden fruit")).toMatch(/vetsh: refused[^]*over-3 126/);
  expect(await shell.say("word=forbidden")).toContain("over-4 0");
  expect(await shell.say("echo $word fruit")).toMatch(/vetsh: refused[^]*over-5 126/);
  // Where a relative name leads is known: the shell is no longer in the workspace.
  expect(await shell.say("rm -rf home")).toMatch(/vetsh: refused[^]*over-6 126/);
  expect(await shell.say(`cd ${vetsh.workspace}; : > made; cat made; ls`)).toContain("made");
  // What a person says yes to passes when the same line comes again.
  const asked = /vetsh approve (\w+)/.exec(await shell.say("touch asked; ls"));
  expect(await vetsh.control({ op: "answer", id: asked?.[1], answer: "yes", by: "test" })).toMatchObject({ ok: true });
  expect(await shell.say("touch asked; ls")).toMatch(/^asked$[^]*over-9 0/m);
  shell.end();
  expect(await shell.closed).toBe(0);
  const texts = lines(vetsh, "received").filter((line) => line["mode"] === "line").map((line) => (line["script"] as { text: string }).text);
  expect(texts.some((text) => text === "pwd; echo $x; f here\n")).toBe(true);
  await expectOneEndEach(vetsh);
  expect((await vetsh.vetsh(["log"])).stdout).toMatch(/ allow +exit 0 +pwd; echo \$x; f here /);
});

test("a command that waits for the rest of its lines is not judged by half", async () => {
  const shell = keptOpen();
  shell.write("for i in 1 2; do\n");
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(await shell.say("echo n$i; done")).toContain("n1\nn2\n");
  shell.end();
  expect(await shell.closed).toBe(0);
});

test("what comes from a file is judged like what comes from a pipe", async () => {
  writeFileSync(join(vetsh.workspace, "script"), "echo from a file\n");
  writeFileSync(join(vetsh.workspace, "denied"), "touch ran; echo forbidden fruit\n");
  const ran = await vetsh.run(["bash", "-c", "bash < script; bash < denied"], {});
  expect(existsSync(join(vetsh.workspace, "ran"))).toBe(false);
  expect(ran.stdout).not.toContain("forbidden fruit");
});
