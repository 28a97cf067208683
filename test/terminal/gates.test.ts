/** bash on a terminal, started as an agent starts it: each line is judged before the shell has it, and each command of it again when it runs. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { brokerLog, install, type Installation } from "../support/install.ts";
import { lines, type Line } from "../support/records.ts";
import { openTerminal, type OuterTerminal } from "./outer-terminal.ts";

/** A stand-in for what must never happen: harmless, denied by a rule, and there to be seen if it ran. */
const DENIED = `[[rule]]\nid = "no-canary"\ncommand = [["touch", "canary"], ["touch", "*", "canary"]]\ndecision = "deny"\nreason = "a canary"\nmatch = ["touch canary"]\nnot_match = ["touch other"]\n`;

let vetsh: Installation;
let term: OuterTerminal;
let prompts = 0;

beforeAll(async () => {
  vetsh = await install({ home: "own" });
  writeFileSync(join(vetsh.layout.config, "rules/canary.toml"), DENIED);
  writeFileSync(join(vetsh.layout.home, ".bashrc"), "PS1='[$?]ready> '\nalias ll='echo listed'\ngreet() { echo greeting \"$1\"; }\n");
  await begin();
});
afterAll(async () => {
  if (process.env["SHOW"]) console.log(brokerLog(vetsh));
  await term.close();
  await vetsh.remove();
});
afterEach(() => {
  expect(existsSync(join(vetsh.workspace, "canary")), `a canary in the workspace:\n${term.text()}`).toBe(false);
});

async function begin(): Promise<void> {
  term = await openTerminal([`${vetsh.root}/shims/bash`], { bare: true, onlyEnv: true, columns: 110, rows: 40, deadlineMs: 8_000, cwd: vetsh.workspace, env: { PATH: `${vetsh.root}/shims:/usr/bin:/bin`, HOME: vetsh.layout.home, HISTFILE: "/dev/null" } });
  prompts = 0;
  await term.shows("ready> ");
}

/** A fresh screen, the keys, and what stands there when a prompt waits again. */
async function enter(keys: string): Promise<string> {
  term.term.clear();
  term.type("\f");
  await term.until("an empty screen", () => /^\[\d+\]ready> \s*$/.test(term.text().trim() + " "));
  term.type(keys);
  await term.until(`a prompt after \`${keys}\``, () => /\n\[\d+\]ready> ?\s*$/.test(term.text().trimEnd() + " "));
  return term.text().trimEnd();
}

const judged = (text: string): Line | undefined => lines(vetsh, "received").findLast((line) => line["mode"] === "line" && (line["script"] as { text: string }).text === text);
const decided = (text: string): Line | undefined => lines(vetsh, "decided").find(({ id }) => id === judged(text)?.id);

test.each([
  { what: "a plain line", keys: "echo a$((40 + 2))b\r", shows: "a42b", text: "echo a$((40 + 2))b" },
  { what: "state that persists", keys: "cd sub && x=kept && cd .. && echo $x\r", shows: "kept", text: "cd sub && x=kept && cd .. && echo $x" },
  { what: "a variable of an earlier line", keys: "echo ${x}-again\r", shows: "kept-again", text: "echo ${x}-again" },
  { what: "a line that was edited", keys: "touch canary\x15echo edi''ted\x1b[D\x1b[D\x1b[D\x7f\x7f\r", shows: "edited", text: "echo edited" },
  { what: "several lines", keys: "for i in 1 2; do\recho n$i\rdone\r", shows: "n2", text: "for i in 1 2; do\necho n$i\ndone" },
  { what: "a here-document", keys: "cat <<END\rin a document\rEND\r", shows: "in a document", text: "cat <<END\nin a document\nEND" },
  { what: "a pasted text of several lines", keys: "\x1b[200~echo first\necho sec''ond\x1b[201~\x7f\x7f\x7f\x7f\x7fond\r", shows: "second", text: "echo first\necho second" },
  { what: "the line before, by the arrow", keys: "\x1b[A\r", shows: "second", text: "echo first\necho second" },
  { what: "history expansion", keys: "!echo\r", shows: "second", text: "echo first\necho second" },
  { what: "a search in the history", keys: "\x12-again\r", shows: "kept-again", text: "echo ${x}-again" },
  { what: "a quick substitution", keys: "^again^twice\r", shows: "kept-twice", text: "echo ${x}-twice" },
  { what: "an alias of the person's own", keys: "ll x\r", shows: "listed x", text: "ll x" },
  { what: "a function of the person's own", keys: "greet me\r", shows: "greeting me", text: "greet me" },
  { what: "a pipeline and a subshell", keys: "echo one two | tr a-z A-Z; (cd / && pwd)\r", shows: "ONE TWO", text: "echo one two | tr a-z A-Z; (cd / && pwd)" },
  { what: "a job", keys: "sleep 60 & jobs; kill %1; wait 2>/dev/null; echo over\r", shows: "over", text: "sleep 60 & jobs; kill %1; wait 2>/dev/null; echo over" },
  { what: "a write in the workspace", keys: "echo here > made && cat made\r", shows: "here", text: "echo here > made && cat made" },
])("$what runs, and is recorded as it ran", async ({ keys, shows, text }) => {
  mkdirSync(join(vetsh.workspace, "sub"), { recursive: true });
  expect(await enter(keys)).toContain(shows);
  expect(decided(text)).toMatchObject({ final: "run" });
}, 30_000);

/** Until the shell has it. */
const accepted = (text: string): Promise<void> => term.until(`a decision about \`${text}\``, () => decided(text) !== undefined);

test.each(["read -r answer; echo got-$answer", "read -re answer; echo got-$answer"])("what is typed for a command that runs is its input: `%s`", async (line) => {
  term.type("\f");
  term.type(`${line}\r`);
  await accepted(line);
  await term.until("a command that reads", () => lines(vetsh, "finished").every(({ id }) => id !== judged(line)?.id));
  // bash itself loses what is typed in the moment between readline and the command.
  for (let round = 0; !term.text().includes("got-touch canary"); round += 1) {
    if (round === 20) throw new Error(term.text());
    term.type(round === 0 ? "touch canary\n" : "\n");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}, 20_000);
