import type { Call } from "../call.ts";
import { isWithin } from "../../model/index.ts";
import { BUILTINS } from "../builtins.ts";
import { SHELLS } from "../shells.ts";
import { assignEnvironment } from "../environment.ts";
import { joined } from "../specs/apply.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, UNKNOWN, field, only, type Field } from "../value.ts";

/**
 * tmux(1). The server of a line lives where the line does: its socket is in the session's own /tmp, and the variables that lead to another one
 * are taken away. What runs in its panes has the authority of the workspace, so working with it is running code of the workspace; text that a
 * shell will read is judged as such.
 */
export function tmux(_args: Arguments, call: Call): void {
  const { rest, own } = globalOptions(call);
  for (const command of commands(rest)) {
    const doing = KINDS.get(only(command[0]) ?? "") ?? (command.length === 0 ? "start" : "other");
    formats(command, call);
    if (doing === "look") continue;
    if (own) call.exec("workspace", "a tmux server of this workspace's own");
    else call.add({ kind: "process", action: "session", target: "tmux" });
    act(doing, command, call);
  }
}

/** `-L NAME` is a name beside the usual socket; `-S PATH` may be any socket; `-f FILE` holds commands; `-c TEXT` is for a shell. */
function globalOptions(call: Call): { readonly rest: readonly Field[]; readonly own: boolean } {
  let own = leadsHere(call);
  let at = 0;
  for (; /^-./.test(only(call.args[at]) ?? ""); at += 1) {
    const word = only(call.args[at])!;
    const letter = word.split("").findIndex((c, i) => i > 0 && "cfLST".includes(c));
    if (letter < 0) continue;
    const value = letter < word.length - 1 ? field([word.slice(letter + 1)]) : (call.args[(at += 1)] ?? UNKNOWN);
    if (word[letter] === "c") call.run.text(value, call, { dialect: "sh", state: call.state.clone(), what: "tmux -c" });
    if (word[letter] === "f") commandFile(value, call);
    if (word[letter] === "S") own &&= value.texts.every((text) => ["/tmp", call.context.facts.workspace].some((place) => liesIn(text, place)));
    if (word[letter] === "L") own &&= value.texts.every((text) => !text.includes("/") && !text.includes(HOLE));
  }
  if (call.args.slice(0, at).some((arg) => only(arg) === "-V")) return { rest: [field(["list-commands"])], own };
  return { rest: call.args.slice(at), own };
}

/** SECURITY: what a line says itself is not taken away: `TMUX=SOCKET,1,0 tmux …` is `tmux -S SOCKET …`. */
function leadsHere({ state }: Call): boolean {
  return (state.variables.get("TMUX")?.value.texts ?? []).every((text) => text === "" || liesIn(text.split(",")[0] ?? "", "/tmp"));
}

function liesIn(path: string, place: string): boolean {
  return isWithin(path, place) && !path.includes(HOLE) && !path.split("/").includes("..");
}

/** Several commands stand in one line, parted by a word that ends in `;`. */
function commands(words: readonly Field[]): readonly (readonly Field[])[] {
  const all: Field[][] = [[]];
  for (const word of words) {
    const text = only(word);
    if (text?.endsWith(";") !== true || text.endsWith("\\;")) {
      all.at(-1)!.push(word);
      continue;
    }
    if (text.length > 1) all.at(-1)!.push(field([text.slice(0, -1)]));
    all.push([]);
  }
  return all.length > 1 && all.at(-1)!.length === 0 ? all.slice(0, -1) : all;
}

type Doing = "look" | "start" | "shell" | "type" | "run" | "if" | "read" | "write" | "source" | "option" | "arrange" | "buffer" | "paste" | "other";

/** tmux's commands and their short names, by what they do (tmux(1), `tmux list-commands`). */
const KINDS: ReadonlyMap<string, Doing> = new Map(
  Object.entries({
    look: "ls list-sessions lsp list-panes lsw list-windows lsc list-clients lsb list-buffers lscm list-commands lsk list-keys has has-session display display-message show show-options showw show-window-options show-hooks showenv show-environment showmsgs show-messages showb show-buffer showphist show-prompt-history info capturep capture-pane wait wait-for",
    start: "start start-server attach attach-session",
    shell: "new new-session neww new-window splitw split-window respawnp respawn-pane respawnw respawn-window pipep pipe-pane popup display-popup",
    run: "run run-shell",
    if: "if if-shell",
    type: "send send-keys",
    buffer: "setb set-buffer",
    paste: "pasteb paste-buffer",
    read: "loadb load-buffer",
    write: "saveb save-buffer",
    source: "source source-file",
    option: "set set-option setw set-window-option",
    arrange:
      "kill-server kill-session killw kill-window killp kill-pane rename rename-session renamew rename-window breakp break-pane joinp join-pane movep move-pane movew move-window linkw link-window unlinkw unlink-window swapp swap-pane swapw swap-window selectp select-pane selectw select-window selectl select-layout last last-window lastp last-pane next next-window prev previous-window nextl next-layout prevl previous-layout resizep resize-pane resizew resize-window rotatew rotate-window switchc switch-client refresh refresh-client clearhist clear-history clearphist clear-prompt-history deleteb delete-buffer copy-mode clock-mode send-prefix suspendc suspend-client lock lock-server lockc lock-client locks lock-session displayp display-panes findw find-window unbind unbind-key",
  } satisfies Partial<Record<Doing, string>>).flatMap(([doing, names]) => names.split(" ").map((name): [string, Doing] => [name, doing as Doing])),
);

/** Letters of options that take a value; of other commands that are looked into, `-b` and `-t`. */
const VALUES: ReadonlyMap<string, string> = new Map(
  Object.entries({ "new new-session": "ceFfnstxy", "neww new-window": "ceFnt", "splitw split-window": "ceFlpt", "respawnp respawn-pane respawnw respawn-window": "cet", "popup display-popup": "bcdehsStTwxy", "run run-shell": "cdt" }).flatMap(([names, letters]) => names.split(" ").map((name): [string, string] => [name, letters])),
);

function act(doing: Doing, [name, ...words]: readonly Field[], call: Call): void {
  const operands = (): readonly Field[] => operandsOf(words, VALUES.get(only(name) ?? "") ?? "bt", call);
  const shell = (text: Field): void => call.run.text(text, call, { dialect: "sh", state: call.state.clone(), what: "tmux" });
  switch (doing) {
    case "look":
    case "start":
    case "arrange":
      return;
    case "shell": {
      const text = operands();
      if (text.length === 1) return shell(text[0]!);
      // Several words are started as they are, without a shell.
      if (text.length > 1) call.run.argv(text, call);
      return;
    }
    case "run":
    case "if": {
      const text = operands();
      const plain = words.some((word) => /^-[a-zA-Z]*[CF]/.test(only(word) ?? ""));
      for (const [at, one] of text.entries()) if (at === 0 && !plain) shell(one); else nested(one, call);
      return;
    }
    case "type":
    case "buffer":
      return typed(words, call);
    case "paste":
      return;
    case "read":
      // What was read there is typed by `paste-buffer`.
      return call.path(operands().at(-1) ?? UNKNOWN, "read");
    case "write":
      return call.path(operands().at(-1) ?? UNKNOWN, "write");
    case "source":
      return operands().forEach((file) => commandFile(file, call));
    case "option": {
      const text = operands();
      if (/command|shell|editor|terminal-overrides|update-environment/.test(only(text[0]) ?? "command")) call.exec("program", `tmux option ${only(text[0]) ?? "not known"}`);
      return;
    }
    case "other":
      call.exec("program", "a tmux command that is not followed");
  }
}

/** A file of tmux commands runs with the server; one that came from elsewhere is another's code. */
function commandFile(file: Field, call: Call): void {
  call.path(file, "read");
  if (!file.texts.every((text) => text === "/dev/null")) call.exec("program", "tmux commands of a file");
}

/** A tmux command that stands in one word. */
function nested(word: Field, call: Call): void {
  const text = only(word);
  if (text === undefined) return call.opaque("a tmux command that is not known", "unknown");
  for (const command of commands(text.split(/\s+/).filter((part) => part !== "").map((part) => field([part])))) act(KINDS.get(only(command[0]) ?? "") ?? "other", command, call);
}

/** What is left of a command's words without its options; `-e NAME=VALUE` is a variable of what starts. */
function operandsOf(words: readonly Field[], values: string, call: Call): readonly Field[] {
  for (let at = 0; at < words.length; at += 1) {
    const text = only(words[at]) ?? "";
    if (text === "--") return words.slice(at + 1);
    if (!/^-[a-zA-Z0-9]/.test(text)) return words.slice(at);
    const letter = [...text].findIndex((c, i) => i > 0 && values.includes(c));
    if (letter < 0) continue;
    const value = letter < text.length - 1 ? text.slice(letter + 1) : only(words[(at += 1)]);
    const [, name, set] = text[letter] === "e" ? (/^([A-Za-z_]\w*)=([^]*)$/.exec(value ?? "") ?? []) : [];
    if (name !== undefined) assignEnvironment(name, field([set!]), call.span, call.context);
  }
  return [];
}

/** Names of keys (tmux(1), KEY BINDINGS): what ends a line, and what is no text. */
const ENTER = /^(?:Enter|KPEnter|C-m|C-j|C-M|C-J|\^M|\^J)$/;
const KEY = /^(?:[CMS]-(?:[CMS]-)*.+|\^.|Up|Down|Left|Right|BSpace|BTab|DC|Delete|End|Escape|Home|IC|Insert|NPage|PageDown|PgDn|PPage|PageUp|PgUp|Space|Tab|F\d+|KP.+)$/;

/** `send-keys`: words are typed one after the other. A line that a shell would understand is judged as one; other keys go to whatever runs there. */
function typed(words: readonly Field[], call: Call): void {
  const given = words.map((word) => only(word) ?? HOLE);
  const flags = given.filter((word) => /^-[FHlMRXa-z]+$/.test(word)).join("");
  if (flags.includes("X")) return given.some((word) => /pipe/.test(word)) ? call.exec("program", "tmux pipes its copy to a program") : undefined;
  if (flags.includes("H")) return call.opaque("tmux types keys that stand as numbers", "unknown");
  const keys = operandsOfKeys(words);
  if (keys.some((key) => key.many || key.texts.some((text) => text.includes(HOLE)))) return call.opaque("what tmux types is not known", "unknown");
  let line = "";
  for (const key of keys) {
    const text = joined([key]).texts[0]!;
    if (ENTER.test(text) && !flags.includes("l")) {
      for (const one of line.split(/[\r\n]/)) judgeLine(one, "entered", call);
      line = "";
    } else if (text === "Space" && !flags.includes("l")) line += " ";
    else if (!KEY.test(text) || flags.includes("l")) line += text;
  }
  for (const [at, one] of line.split(/[\r\n]/).entries()) judgeLine(one, at === 0 && !/[\r\n]/.test(line) ? "begun" : "entered", call);
}

function operandsOfKeys(words: readonly Field[]): readonly Field[] {
  const at = words.findIndex((word, i) => !/^-/.test(only(word) ?? "x") && !/^-[FlR]*[Ntcb]$/.test(only(words[i - 1]) ?? ""));
  return at < 0 ? [] : words.slice(at);
}

/** A line whose first word no shell would look for (`:wq`, `/text`) is for an editor or a pager. */
function judgeLine(line: string, state: "entered" | "begun", call: Call): void {
  const first = /^\s*(?:[A-Za-z_]\w*=\S*\s+)*(\S*)/.exec(line)?.[1] ?? "";
  const name = first.slice(first.lastIndexOf("/") + 1);
  const known = BUILTINS.has(first) || SHELLS.has(name) || call.context.specs.programs.has(name) || /^(?:\.{1,2}|~)\//.test(first);
  if (!known && (state === "begun" || /^[:/?]/.test(line) || !/[;&|<>`$(){}\\'"]/.test(line))) return;
  call.run.text(field([line]), call, { dialect: "bash", state: call.state.clone(), what: "tmux" });
}

/** `#(TEXT)` in a format is started by a shell (tmux(1), FORMATS). */
function formats(words: readonly Field[], call: Call): void {
  for (const word of words) {
    for (const text of word.texts) {
      for (const match of text.matchAll(/#\(([^]*?)\)/g)) call.run.text(field([match[1]!]), call, { dialect: "sh", state: call.state.clone(), what: "tmux format" });
    }
  }
}
