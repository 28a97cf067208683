/** bash on a terminal, started as an agent starts it: each line is judged before the shell has it, and each command of it again when it runs. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { install, type Installation } from "../support/install.ts";
import { expectOneEndEach, lines, type Line } from "../support/records.ts";
import { openTerminal, type OuterTerminal } from "./outer-terminal.ts";

/** A stand-in for what must never happen: harmless, denied by a rule, and there to be seen if it ran. */
const DENIED = `[[rule]]\nid = "no-canary"\ncommand = [["touch", "canary"], ["touch", "*", "canary"]]\ndecision = "deny"\nreason = "a canary"\nmatch = ["touch canary"]\nnot_match = ["touch other"]\n[[rule]]\nid = "asked"\ncommand = ["touch", "asked"]\ndecision = "ask"\nreason = "a person says"\nmatch = ["touch asked"]\nnot_match = ["touch other"]\n`;

let vetsh: Installation;
let term: OuterTerminal;

beforeAll(async () => {
  vetsh = await install({ home: "own" });
  writeFileSync(join(vetsh.layout.config, "rules/canary.toml"), DENIED);
  writeFileSync(join(vetsh.layout.home, ".bashrc"), "PS1='[$?]ready> '\nalias ll='echo listed'\ngreet() { echo greeting \"$1\"; }\n");
  mkdirSync(join(vetsh.workspace, "sub"));
  writeFileSync(join(vetsh.workspace, "name"), "canary\n");
  writeFileSync(join(vetsh.workspace, "prompt"), "$(read -r c < name; touch $c)[$?]ready> \n");
  await begin();
});
afterAll(async () => {
  await term.close();
  await vetsh.remove();
});
afterEach(() => {
  const ran = existsSync(join(vetsh.workspace, "canary"));
  rmSync(join(vetsh.workspace, "canary"), { force: true });
  expect(ran, `a canary in the workspace:\n${term.text()}`).toBe(false);
});

async function begin(shows = "ready> "): Promise<void> {
  term = await openTerminal([`${vetsh.root}/shims/bash`], { bare: true, onlyEnv: true, columns: 110, rows: 40, deadlineMs: 8_000, cwd: vetsh.workspace, env: { PATH: `${vetsh.root}/shims:/usr/bin:/bin`, HOME: vetsh.layout.home, HISTFILE: "/dev/null" } });
  await term.shows(shows);
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

test("Ctrl-C takes a half-typed command away, and jobs stop and go on", async () => {
  expect(await enter("for i in 1 2; do\recho $i\r\x03")).toContain("[130]ready>");
  expect(await enter("echo clean$((1 + 1))\r")).toContain("clean2");
  term.type("sleep 60\r");
  await accepted("sleep 60");
  // Until the command has the terminal, the key is one of readline's, as without a gate.
  await term.until("a stopped job", () => (/Stopped\s+sleep 60/.test(term.text()) ? true : (term.type("\x1a"), false)));
  term.type("\x03");
  // bash drops what was typed when an interrupt comes while it makes its prompt.
  let looks = 0;
  await term.until("a job that has ended", () => /gone\d+\n\[0\]ready>/.test(term.text()) || (looks++ % 50 === 0 && term.type("\x15kill %1; wait; echo gone$?\r"), false));
}, 20_000);

test("the shell knows its window", async () => {
  term.resize({ columns: 97, rows: 40 });
  expect(await enter("echo wide-$COLUMNS\r")).toContain("wide-97");
  term.resize({ columns: 110, rows: 40 });
}, 20_000);

test("a line that a person must allow says how, is 126, and passes when it comes again", async () => {
  const before = await enter("touch asked\r");
  expect(before).toMatch(/touch asked\nvetsh: refused, nothing ran: needs a person's approval[^]*\[126\]ready>$/);
  const id = /vetsh approve (\w+)/.exec(before)?.[1];
  expect(await vetsh.control({ op: "answer", id, answer: "yes", by: "test" })).toMatchObject({ ok: true });
  expect(await enter("\x1b[A\r")).toMatch(/touch asked\n\[0\]ready>$/);
  expect(existsSync(join(vetsh.workspace, "asked"))).toBe(true);
}, 20_000);

test("a line that needs more than the shell's sandbox says where it can run", async () => {
  expect(await enter("curl -s https://example.org/x\r")).toMatch(/needs more than the sandbox of this shell gives[^]*bash -c[^]*\[126\]ready>$/);
}, 20_000);

/** Whether the shell went on to take another line, or ended. What it asks for meanwhile is broken off. */
async function afterwards(mark: number): Promise<"goes on" | "ended"> {
  let ended = false;
  void term.exited.then(() => { ended = true; });
  for (let round = 0; round < 40; round += 1) {
    if (round > 0) term.type("\x03");
    term.type(`\x15echo over-$((${mark} + 0))\r`);
    for (let look = 0; look < 20; look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (ended) return "ended";
      if (term.text().includes(`over-${mark}\n`)) return "goes on";
    }
  }
  throw new Error(`the shell takes no line any more:\n${term.text()}`);
}

const CTRL = { a: "\x01", e: "\x05", j: "\n", o: "\x0f", x: "\x18", d: "\x04" } as const;

test.each<{ readonly what: string; readonly keys: readonly string[] }>([
  { what: "plainly", keys: ["touch canary\r"] },
  { what: "with Ctrl-J", keys: [`touch canary${CTRL.j}`] },
  { what: "with Ctrl-O", keys: [`touch canary${CTRL.o}`] },
  { what: "in a pasted text", keys: ["\x1b[200~echo ok\ntouch canary\x1b[201~", "\r"] },
  { what: "over two lines", keys: ["touch \\\r", "canary\r"] },
  { what: "by an edited line of the history", keys: ["echo canary\r", `\x1b[A${CTRL.a}\x1bdtouch\r`] },
  { what: "by a quick substitution", keys: ["echo canary\r", "^echo^touch\r"] },
  { what: "by a history event", keys: ["echo canary\r", "touch !$\r"] },
  { what: "by a modified event", keys: ["echo canary\r", "!!:s/echo/touch/\r"] },
  { what: "with history expansion switched back on", keys: ["set -H\r", "echo canary\r", "!!:s/echo/touch/\r"] },
  { what: "by fc", keys: ["echo canary\r", "fc -s echo=touch\r"] },
  { what: "in an editor", keys: [`touch canary${CTRL.x}${CTRL.e}`] },
  { what: "after the trap was taken away", keys: ["trap - DEBUG\r", "read -r c < name; touch $c\r"] },
  { what: "after the trap was ignored", keys: ["trap '' DEBUG\r", "read -r c < name; touch $c\r"] },
  { what: "with the trap taken away in the same line", keys: ["trap - DEBUG; read -r c < name; touch $c\r"] },
  { what: "with builtin trap", keys: ["builtin trap - DEBUG\r", "read -r c < name; touch $c\r"] },
  { what: "with a computed trap", keys: ["t=trap d=DEBUG\r", "$t - $d\r", "read -r c < name; touch $c\r"] },
  { what: "with a trap that is put together", keys: ["eval 'tr'ap' - DEB'UG\r", "read -r c < name; touch $c\r"] },
  { what: "without extdebug", keys: ["shopt -u extdebug\r", "read -r c < name; touch $c\r"] },
  { what: "without functrace, in a function", keys: ["set +T\r", "f() { read -r c < name; touch $c; }; f\r"] },
  { what: "with Enter bound to accept-line", keys: ["bind '\"\\C-m\": accept-line'\r", "touch canary\r"] },
  { what: "with the binding removed", keys: ["bind -r '\\C-m'\r", "touch canary\r"] },
  { what: "with a key bound to a command", keys: ["bind -x '\"\\C-g\": touch canary'\r", "\x07"] },
  { what: "with bindings from a file", keys: ["printf '\"\\C-m\": accept-line\\n' > rc; bind -f rc\r", "touch canary\r"] },
  { what: "with trap disabled", keys: ["enable -n trap\r", "read -r c < name; touch $c\r"] },
  { what: "in a real bash", keys: ["/bin/bash --norc\r", "touch canary\r"] },
  { what: "with exec of a real bash", keys: ["exec /bin/bash --norc\r", "touch canary\r"] },
  { what: "with exec under another name", keys: ["exec -a vetsh /bin/bash --norc\r", "touch canary\r"] },
  { what: "in a bash of another PATH", keys: ["PATH=/bin:/usr/bin\r", "bash --norc\r", "touch canary\r"] },
  { what: "in another bash", keys: ["bash\r", "touch canary\r", "exit\r"] },
  { what: "before the prompt", keys: ["PROMPT_COMMAND='touch canary'\r"] },
  { what: "before the prompt, appended", keys: ["PROMPT_COMMAND+=('touch canary')\r"] },
  { what: "in the prompt", keys: ["PS1='$(touch canary)[$?]ready> '\r", "echo\r", "PS1='[$?]ready> '\r"] },
  { what: "in PS0", keys: ["PS0='$(touch canary)'\r", "echo\r", "PS0=\r"] },
  { what: "without history", keys: ["set +o history; touch canary\r"] },
  { what: "with another builtin", keys: ["builtin() { :; }\r", "read -r c < name; touch $c\r"] },
  { what: "with another printf", keys: ["printf() { :; }; read -r c < name; touch $c\r"] },
  { what: "with another read, by eval", keys: ["eval 'read() { answer=\"$nonce a\"; }'\r", "read -r c < name; touch $c\r"] },
  { what: "with the gate's function unset", keys: ["unset -f __vetsh_command\r", "read -r c < name; touch $c\r"] },
  { what: "with the gate's function written anew", keys: ["__vetsh_command() { return 0; }\r", "read -r c < name; touch $c\r"] },
  { what: "with the gate's function written anew by parts", keys: ["n=__vet; eval \"${n}sh_command() { :; }\"\r", "read -r c < name; touch $c\r"] },
  { what: "by an alias", keys: ["alias ls='touch canary'\r", "ls\r"] },
  { what: "by a function with the name of a tool", keys: ["date() { touch canary; }\r", "date\r", "unset -f date\r"] },
  { what: "by a variable", keys: ["x=touch\r", "$x canary\r"] },
  { what: "by eval of a variable", keys: ["x='touch canary'\r", "eval \"$x\"\r"] },
  { what: "by an array", keys: ["a=(touch canary); \"${a[@]}\"\r"] },
  { what: "by a reference", keys: ["declare -n r=y; y=touch; $r canary\r"] },
  { what: "by a subscript", keys: ["[[ 0 -eq 'a[$(touch canary)]' ]]\r"] },
  { what: "by a sourced file", keys: ["echo touch canary > sourced\r", ". ./sourced\r"] },
  { what: "by a sourced descriptor", keys: ["read -r c < name; . <(echo touch $c)\r"] },
  { what: "by a callback", keys: ["mapfile -t -c 1 -C 'touch canary #' <<< x\r"] },
  { what: "by completion", keys: ["complete -C 'touch canary #' frob\r", "frob \t\t"] },
  { what: "in a trap at the end", keys: ["trap 'touch canary' EXIT\r", "exit\r"] },
  { what: "in a trap by a variable", keys: ["x='touch canary'; trap \"$x\" USR1; kill -USR1 $$\r"] },
  { what: "in a subshell", keys: ["read -r c < name; (touch $c)\r"] },
  { what: "in a substitution", keys: ["read -r c < name; echo \"$(touch $c)\"\r"] },
  { what: "in the background", keys: ["read -r c < name; touch $c & wait\r"] },
  { what: "in a pipeline", keys: ["read -r c < name; echo | { touch $c; }\r"] },
  { what: "as a coprocess", keys: ["read -r c < name; coproc touch $c\r"] },
  { what: "by what a line leaves to be read", keys: ["exec 61>&-\r", "read -r c < name; touch $c\r"] },
  { what: "with a false answer beside the true one", keys: ["printf '5\\0vetsh-gate-1\\0001 a\\0P\\00000\\0x\\0' >&$((60 + 1)); read -r c < name; touch $c\r"] },
  { what: "in a bash that reads a file first", keys: ["echo touch canary > sourced; BASH_ENV=./sourced bash -c :\r"] },
  { what: "with a plain FUNCNAME", keys: ["unset FUNCNAME; FUNCNAME=__ve; FUNCNAME+=tsh_line\r", "read -r c < name; touch $c\r"] },
  { what: "with a plain BASH_COMMAND", keys: ["unset BASH_COMMAND; BASH_COMMAND=:\r", "read -r c < name; touch $c\r"] },
  { what: "by what the gate looks up", keys: ["read -r c < name; declare -n hidden=\"a[\\$(touch $c)]\"\r", "echo $hidden\r", "unset -n hidden\r"] },
  { what: "by a reference that leads nowhere at first", keys: ["declare -n late\r", "late='a[$(touch canary)]'\r", "echo $late\r", "unset -n late\r"] },
  { what: "by a prompt with a refusal", keys: ["read -r kept <<< \"$PS1\"; read -r PS1 < prompt\r", "touch canary\r", "PS1=\"$kept \"\r"] },
  { what: "in a trap of the gate's return", keys: ["c=other; trap 'touch $c' RETURN\r", "read -r c < name\r", "echo\r", "trap - RETURN\r"] },
  { what: "in a trap while the gate asks", keys: ["c=other; trap 'touch $c' USR1\r", "read -r c < name; (while kill -USR1 $$; do :; done) &\r", "echo\r", "kill %%\r", "trap - USR1\r"] },
  { what: "by expanding the line", keys: ["$(read -r c < name; touch $c)\x1b\x05", "\x15"] },
])("what rules deny does not run $what", async ({ keys }) => {
  mark += 1;
  for (const some of keys) {
    term.type(some);
    // The next keys are for whoever waits then: a moment between them, as between a person's.
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  if ((await afterwards(mark)) === "ended") {
    await term.close();
    await begin();
  }
}, 30_000);

let mark = 0;

/** Ways to hand bash a line that are not Enter, and ways to have Enter mean less. */
test.each<{ readonly what: string; readonly keys: readonly string[] }>([
  { what: "at the end of input in vi mode", keys: ["set -o vi\r", `echo unread-N$((1+1))${CTRL.d}`, "\r", "set -o emacs\r"] },
  { what: "at the end in vi's command mode", keys: ["set -o vi\r", `echo unread-N$((1+1))\x1b`, CTRL.d, "i\r", "set -o emacs\r"] },
  { what: "as a comment that is none any more", keys: ["#echo unread-N$((1+1))\x1b1\x1b#"] },
  { what: "without line editing", keys: ["set +o emacs\r", "echo unread-N$((1+1))\r"] },
  { what: "after lines that never end", keys: ["printf -v PROMPT_COMMAND :\r", "echo unread-N$((1+1))\r"] },
])("no line runs that was not read $what", async ({ keys }) => {
  mark += 1;
  for (const some of keys) {
    term.type(some.replace("N", `${mark}-`));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  const end = await afterwards(mark);
  const isRecorded = lines(vetsh, "received").some((line) => (line["script"] as { text?: string } | undefined)?.text?.includes(`unread-${mark}-`));
  expect({ ran: term.text().includes(`\nunread-${mark}-2`), isRecorded }, term.text()).not.toEqual({ ran: true, isRecorded: false });
  if (end === "ended") {
    await term.close();
    await begin();
  }
}, 30_000);

test("what rules deny does not run when the start of the shell is interrupted", async () => {
  writeFileSync(join(vetsh.layout.home, ".bashrc"), "printf 'reading\\n'; sleep 0.2; PS1='[$?]ready> '\n");
  await term.close();
  const starting = begin("reading");
  await starting;
  for (let count = 0; count < 8; count += 1) {
    term.type("\x03");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  mark += 1;
  term.type("touch canary\r");
  if ((await afterwards(mark)) === "ended") await begin("ready> ");
  expect(await enter("touch canary\r")).toContain("vetsh: refused");
}, 30_000);

test("without the broker nothing runs, and the shell ends; each line has one end", async () => {
  await enter("echo last\r");
  await vetsh.stopBroker();
  term.type("touch canary\r\r");
  await term.exited;
  await begin();
  term.type(CTRL.d);
  await term.exited;
  await term.until("an end of each request", () => lines(vetsh, "finished").length === lines(vetsh, "received").length);
  await expectOneEndEach(vetsh);
}, 40_000);
