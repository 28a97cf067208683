import type { Call } from "../call.ts";
import { stdinCode } from "../specs/apply.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, field, only } from "../value.ts";

/** Options whose value is a command or a script: `-c`, `+CMD`, `--cmd` of vi's family, `-e`, `--eval`, `-l` of emacs and others. */
const COMMANDS = /^(?:-[a-zA-Z]*c|--cmd|-S|-s|-u|-U|-es|-e|-eval|--eval|--load|-l|-load|--batch|--script|--rcfile|-f|--funcall|--install-extension)$/;
/** vi(1)'s family: what stands after `-c` is a command of ex. */
const EX = /^(?:vi|vim|nvim|view|ex|gvim|rvim|vimdiff)$/;

/** Editors: what they open is edited; commands on their command line run programs (vim(1) `-c`, `+`; ed(1) `!`). */
export function editor(_args: Arguments, call: Call): void {
  const family = EX.test(call.name);
  for (let at = 0; at < call.args.length; at += 1) {
    const text = only(call.args[at]) ?? HOLE;
    // ed(1): suppresses counts; it has no other script than its standard input. So does `ex -s`, and `vim -es`.
    if (/^-s$/.test(text) && /^(?:ed|ex)$/.test(call.name)) continue;
    if (family && /^-[a-zA-Z]*[es][a-zA-Z]*$/.test(text) && !text.endsWith("c")) continue;
    if (family && (/^-[a-zA-Z]*c$/.test(text) || text === "--cmd" || /^\+./.test(text))) {
      const command = text.startsWith("+") ? text.slice(1) : (only(call.args[(at += 1)]) ?? HOLE);
      exCommands(command, call);
    } else if (family && /^-[a-zA-Z]*[uUSW]$/.test(text)) {
      const file = only(call.args[(at += 1)]) ?? HOLE;
      if (text.endsWith("W")) call.path(field([file]), "write");
      else if (!/^(?:NONE|NORC|DEFAULTS)$/.test(file)) call.exec("program", `${call.name} ${text} ${file.replaceAll(HOLE, "…")}`);
    } else if (COMMANDS.test(text) || /^\+./.test(text) || /^--?(?:cmd|eval|load)=/.test(text)) {
      const command = text.startsWith("+") ? text : (only(call.args[at + 1]) ?? HOLE);
      if (!/^\+?\d+(?:[,:]\d+)?$|^\+$|^\+\//.test(command)) call.exec("program", `${call.name} ${text}`);
      lispShell(command, call);
    } else if (!text.startsWith("-")) {
      call.path(call.args[at]!, "read");
      call.path(call.args[at]!, "write");
    }
  }
  call.exec("workspace", call.name);
  if (call.name === "ed" || call.name === "ex" || call.args.some((arg) => /^-[a-zA-Z]*[es][a-zA-Z]*$/.test(only(arg) ?? ""))) stdinCode("editor", call);
}

/** Commands that only look, move, substitute, set or leave. A replacement that begins with `\=` is an expression, and may run things. */
const PLAIN = /^(?:q|qa|quit|wq|wqa|x|xa|xit|w|wa|write|update|up|p|print|n|next|d|delete|j|join|u|undo|redo|retab|sort(?:\s[\w /]*)?|noh\w*|syntax \w+|filetype [\w ]+|colorscheme \w+|TOhtml|set?\s+[\w=,+:.-]+|s\/[^]*|&&?|t\s*[\d.$]+|m\s*[\d.$]+|k\w|[a-z]?i?mark? \w|ha(?:rdcopy)?|=|#|l|list|z|nu(?:mber)?|>+|<+|normal! ?gg=G)!?(?:\s*\|\s*(?:q|qa|wq|x)!?)?$/;

/** Text of ex(1), vi's and ed(1)'s command language, one command a line. */
export function exCommands(text: string, call: Call): void {
  for (const line of text.split("\n")) {
    const command = line.replace(/^[\s:]*(?:(?:%|\.|\$|\d+|'\w|\/[^/]*\/|[-+]\d*)(?:\s*[,;]\s*(?:\.|\$|\d+|'\w|\/[^/]*\/|[-+]\d*))?)?\s*(?:(?:g|v)!?\/[^/]*\/)?\s*/, "");
    const shell = /^(?:[rwe](?:ead|rite|dit)?\s*)?!(?!$)\s*([^]*)$/.exec(command)?.[1] ?? /\bsystem(?:list)?\(\s*["']([^"']*)["']/.exec(command)?.[1] ?? /^(?:terminal|term)\s+([^]*)$/.exec(command)?.[1];
    if (shell !== undefined) {
      call.exec("program", `${call.name} starts a shell`);
      call.run.text(field([shell]), call, { dialect: "sh", state: call.state.clone(), what: call.name });
      continue;
    }
    const file = /^(?:w|wq|r|e|sav|saveas|write|read|edit|f|tabe|sp|vsp)!?\s+(?:>>\s*)?(\S+)\s*$/.exec(command);
    if (file !== null) call.path(field([file[1]!.replace(/^~(?=\/)/, call.context.facts.home)]), /^(?:w|sav)/.test(command) ? "write" : "read");
    else if (command !== "" && (!PLAIN.test(command) || /\/\\=|\bsystem\b|`/.test(command))) call.exec("program", `${call.name} ${command.split(/\s/)[0]}`);
  }
}

/** Lines that ed(1) and ex(1) read from their standard input: commands, and the text that `a`, `i` and `c` take up to a dot. */
export function editorScript(text: string, call: Call): void {
  call.exec("inline", call.name);
  let taking = false;
  for (const line of text.split("\n")) {
    if (taking) taking = line !== ".";
    else if (/^[\d.$%,;/'\w+-]*?(?:[aic]|append|insert|change)$/.test(line) && !/^(?:[rwqe]|wq)$/.test(line)) taking = true;
    else if (/^[\s\d,.$%]*(?:[rwe]\s*)?!|^[\s\d,.$%]*[wr]q?\s+\S/.test(line)) exCommands(line, call);
  }
}

/** emacs: text given to functions that start a shell. */
function lispShell(text: string, call: Call): void {
  for (const match of text.matchAll(/\((?:shell-command(?:-to-string)?|async-shell-command|compile|term|ansi-term)\s+"((?:\\.|[^"\\])*)"/g)) call.run.text(field([match[1]!]), call, { dialect: "sh", state: call.state.clone(), what: call.name });
  for (const match of text.matchAll(/\((?:delete-directory|delete-file|move-file-to-trash)\s+"((?:\\.|[^"\\])*)"/g)) call.path(field([match[1]!]), "delete-tree");
}
