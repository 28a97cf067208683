import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, field, known, only, type Field } from "../value.ts";

/** Tests and actions of find(1) 4.9 that take one argument and do nothing but look. */
const ONE = new Set("-amin -anewer -atime -cmin -cnewer -ctime -fstype -gid -group -ilname -iname -inum -ipath -iregex -iwholename -links -lname -mmin -mtime -name -newer -path -perm -regex -samefile -size -type -uid -used -user -wholename -xtype -context -maxdepth -mindepth -regextype -printf -newerXY -Bmin -Btime -D".split(" "));
const NONE = new Set("-true -false -empty -executable -readable -writable -nouser -nogroup -print -print0 -ls -prune -quit -daystart -depth -d -follow -help --help -ignore_readdir_race -noignore_readdir_race -mount -noleaf -version --version -warn -nowarn -xdev -a -and -o -or -not ! ( ) , -H -L -P -O0 -O1 -O2 -O3 -O".split(" "));
const FILES = new Map([["-fprint", 1], ["-fprint0", 1], ["-fls", 1], ["-fprintf", 2]]);
const COMMANDS = new Set(["-exec", "-execdir", "-ok", "-okdir"]);

/**
 * A find expression (find(1)): where it starts, what it deletes, writes and runs. A word that is not known may be
 * any action: unquoted it is left to the sandbox, as is a start that is not known.
 */
export function find(_args: Arguments, call: Call): void {
  const words = call.args;
  let at = 0;
  while (at < words.length && /^-(?:[HLP]|O\d?|D)$/.test(only(words[at]) ?? "")) at += only(words[at]) === "-D" ? 2 : 1;
  const starts: Field[] = [];
  for (; at < words.length && !words[at]!.texts.some((text) => /^(?:-.|[!(),]$)/.test(text)); at += 1) starts.push(words[at]!);
  if (starts.length === 0) starts.push(field(["."]));
  for (const start of starts) call.path(start, "list");
  expression(words, at, starts, call);
}

function expression(words: readonly Field[], from: number, starts: readonly Field[], call: Call): void {
  const narrowed = words.slice(from).some((word) => /^-i?(?:name|path|wholename|regex|lname)$|^-(?:size|mtime|mmin|newer|empty|inum|maxdepth)/.test(only(word) ?? ""));
  for (let at = from; at < words.length; at += 1) {
    const word = only(words[at]);
    if (word === undefined) {
      if (words[at]!.texts.some((text) => text.startsWith("-") && !text.startsWith(`-${HOLE}`))) call.opaque("an action of `find` that is not known", "unknown");
      continue;
    }
    if (word === "-delete") for (const start of starts) removed(start, narrowed, words, call);
    else if (FILES.has(word)) {
      if (words[at + 1] !== undefined) call.path(words[at + 1]!, "write");
      at += FILES.get(word)!;
    } else if (COMMANDS.has(word)) at = command(words, at, starts, call);
    else if (word === "-files0-from") {
      if (words[at + 1] !== undefined) call.path(words[at + 1]!, "read");
      at += 1;
    } else if (ONE.has(word) || /^-newer[aBcmt]{2}$/.test(word)) at += 1;
    else if (!NONE.has(word)) call.opaque(`\`find ${word}\` is in no spec`);
  }
}

/** What is deleted: files below a start, named by a pattern when one narrows them. */
function removed(start: Field, narrowed: boolean, words: readonly Field[], call: Call): void {
  const name = words.findIndex((w) => only(w) === "-name" || only(w) === "-iname");
  const pattern = name >= 0 ? only({ ...words[name + 1]!, glob: false }) : undefined;
  const texts = start.texts.map((text) => (pattern !== undefined && !pattern.includes("/") ? `${text}/${pattern}` : narrowed ? `${text}/*` : text));
  call.path({ ...start, texts, glob: true }, "delete-tree");
}

/** `-exec cmd {} ;` and `-exec cmd {} +`: the command with `{}` standing for some file below the start. */
function command(words: readonly Field[], at: number, starts: readonly Field[], call: Call): number {
  let end = at + 1;
  while (end < words.length) {
    const text = only(words[end]);
    if (text === ";" || (text === "+" && only(words[end - 1]) === "{}")) break;
    end += 1;
  }
  const inner = words.slice(at + 1, end).map((word) => replaceBraces(word, starts, words));
  if (inner.length === 0) call.opaque("`find -exec` without a command");
  else call.run.argv(inner, call, { input: { kind: "inherited" } });
  return end;
}

function replaceBraces(word: Field, starts: readonly Field[], words: readonly Field[]): Field {
  const texts = known({ ...word, glob: false });
  if (texts === undefined || !texts.some((text) => text.includes("{}"))) return word;
  const name = words.findIndex((w) => only(w) === "-name" || only(w) === "-iname");
  const pattern = name >= 0 ? only({ ...words[name + 1]!, glob: false }) : undefined;
  // Some file below a start: its path is a pattern, so that zones and artefacts are still seen.
  const files = starts.flatMap((start) => start.texts.map((text) => `${text}/${pattern !== undefined && !pattern.includes("/") ? pattern : "*"}`));
  const whole = texts.every((text) => text === "{}");
  return whole ? { ...field(files, true) } : { ...field(texts.map((text) => text.replaceAll("{}", HOLE))) };
}

/** fd(1): what follows `-x` or `-X` is a command; the files found stand for `{}`, or come last. */
export function fd(args: Arguments, call: Call): void {
  const at = call.args.findIndex((arg) => /^(?:-x|-X|--exec|--exec-batch)$/.test(only(arg) ?? ""));
  if (at < 0) return;
  const [, ...below] = args.operands.filter((operand) => call.args.indexOf(operand) < at);
  const files = field(below.length === 0 ? ["./*"] : below.flatMap((start) => start.texts.map((text) => `${text}/*`)), true);
  const words = call.args.slice(at + 1).filter((word) => only(word) !== ";");
  const placed = words.map((word) => (/^\{[/.]*\}$/.test(only({ ...word, glob: false }) ?? "") ? files : word.texts.some((text) => text.includes("{}")) ? field([HOLE]) : word));
  if (placed.length === 0) return call.opaque("`fd -x` without a command");
  // A shell or an unknown program, started once for each file with its name among the words.
  if (!call.context.specs.programs.has(only(placed[0]) ?? "")) call.exec("program", "fd --exec");
  call.run.argv(placed.includes(files) ? placed : [...placed, files], call, { input: { kind: "inherited" } });
}
