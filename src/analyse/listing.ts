import type { Call } from "./call.ts";
import { isKnown, known, only, type Field, type Origin } from "./value.ts";

/**
 * Programs that print names for the next command: of files (`find . -print0 | xargs -0 rm`) or numbers of processes
 * (`kill $(pgrep -f X)`). What they look for says what the next command is about, as far as filters between them leave it so.
 */

/** The files a program lists, as patterns. Out: undefined when it lists none, or which is not known. */
export function listedFiles(call: Call): Field | undefined {
  switch (call.name) {
    case "find":
    case "gfind":
      return found(call, plainWords(call));
    case "ls":
      return listed(call);
    case "fd":
    case "fdfind":
      return below(plain(call, /^-(?:e|E|t|d|c|j|S|o|-(?:extension|exclude|type|max-depth|min-depth|exact-depth|color|threads|size|owner|changed-within|changed-before))$/).slice(1), call);
    case "grep":
    case "egrep":
    case "fgrep":
    case "rg":
      return searched(call, plainWords(call));
    default:
      return undefined;
  }
}

/** `ls FILE…` prints the words themselves; of a directory it prints what lies in it without saying where. */
function listed(call: Call): Field | undefined {
  const names = call.args.filter((arg) => !/^-/.test(arg.texts[0]!));
  if (names.length === 0 || call.args.some((arg) => /^-[a-zA-Z]*[lsizgnoRF]/.test(only(arg) ?? "")) || names.some((name) => name.many || !name.texts.every(isKnown) || !(name.glob || /\.\w+$/.test(name.texts[0]!)))) return undefined;
  return { texts: [...new Set(names.flatMap((name) => name.texts))], glob: names.some((name) => name.glob), many: false, origin: undefined };
}

function plainWords(call: Call): readonly string[] {
  return call.args.map((arg) => only({ ...arg, glob: false }) ?? "");
}

function searched(call: Call, words: readonly string[]): Field | undefined {
  return words.some((word) => /^-[a-zA-Z]*[lL]|^--(?:files|files-with-matches|files-without-match)$/.test(word)) ? below(plain(call, /^-(?:e|f|A|B|C|m|g|t|T|-(?:regexp|file|include|exclude|exclude-dir|glob|type))$/).slice(words.some((word) => /^(?:-e|--regexp|--files)$/.test(word)) ? 0 : 1), call) : undefined;
}

function found(call: Call, words: readonly string[]): Field | undefined {
  if (words.some((word) => /^-(?:printf|fprintf|ls|exec|execdir|ok|okdir|L|follow|files0-from)$/.test(word))) return undefined;
  const from = words.findIndex((word) => !/^-(?:H|P|O\d?)$/.test(word));
  const end = words.findIndex((word, at) => at >= from && /^(?:-.|[!(),]$)/.test(word));
  const starts = from < 0 ? [] : call.args.slice(from, end < 0 ? undefined : end);
  const names = words.flatMap((word, at) => (/^-i?name$/.test(word) ? [words[at + 1] ?? ""] : []));
  // `-name A -o -name B`: one or the other.
  const alternatives = words.filter((word) => /^-(?:o|or)$/.test(word)).length;
  const plain = names.length > 0 && names.every((name) => name !== "") && names.length === alternatives + 1 && !words.some((word) => /^-not$|^!$/.test(word));
  const all = (plain ? names : ["*"]).map((pattern) => below(starts, call, pattern));
  return all.every((one) => one !== undefined) ? { ...all[0]!, texts: all.flatMap((one) => one!.texts) } : undefined;
}

function plain(call: Call, values: RegExp): readonly Field[] {
  return call.args.filter((arg, at) => !/^-/.test(arg.texts[0]!) && !values.test(at === 0 ? "" : call.args[at - 1]!.texts[0]!));
}

/** Some file below a start. */
function below(starts: readonly Field[], call: Call, pattern = "*"): Field | undefined {
  if (call.directories === undefined || starts.some((start) => start.many || !start.texts.every(isKnown))) return undefined;
  const texts = starts.length === 0 ? ["."] : starts.flatMap((start) => start.texts);
  return { texts: [...new Set(texts.map((text) => `${text.replace(/(?<=.)\/+$/, "")}/${pattern}`))], glob: true, many: false, origin: undefined };
}

/** Filters that leave out names or put them in another order, and change none. */
export const KEEPS_NAMES: ReadonlySet<string> = new Set(["grep", "egrep", "sort", "gsort", "uniq", "head", "tail", "tac", "shuf", "cat", "tee"]);

const PROCESSES: ReadonlySet<string> = new Set(["pgrep", "pidof", "ps", "lsof", "fuser", "ss", "netstat", "jps", "top"]);
const FILTERS: ReadonlySet<string> = new Set(["grep", "egrep", "awk", "gawk", "mawk", "sed", "head", "tail", "cut", "tr", "sort", "uniq", "rg", "perl", "cat", "tee"]);
const MAX_DETAIL = 400;

/** Where numbers of processes come from: what was looked for among them, and what filters kept. */
export function processesFrom(call: Call): Origin | undefined {
  const pidFile = call.name === "cat" || call.name === "head" ? call.args.find((arg) => /\.pid$/.test(only(arg) ?? "")) : undefined;
  if (pidFile !== undefined) return { kind: "processes", detail: only(pidFile) };
  const before = call.input.kind === "unknown" && call.input.origin?.kind === "processes" ? call.input.origin : undefined;
  if (!PROCESSES.has(call.name) && (before === undefined || !FILTERS.has(call.name))) return undefined;
  const words = call.args.flatMap((arg) => known({ ...arg, glob: false }) ?? []).filter((text) => !text.startsWith("-"));
  return { kind: "processes", detail: [before?.detail ?? "", ...words].join(" ").trim().slice(0, MAX_DETAIL) };
}
