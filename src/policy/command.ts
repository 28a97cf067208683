import type { Analysis, Effect, FoundCommand } from "../model/index.ts";
import { ConditionError, strings } from "./condition.ts";
import { nameGlob } from "./glob.ts";
import type { CommandPattern, Rule, RuleSet } from "./rule.ts";

/** A word pattern that means "and no further word". */
const END = "$";

/**
 * In: `command` as TOML gave it, one list of words or a list of such lists. Out: the patterns. Each is a prefix: further
 * words may follow, unless the last pattern is `$`. `*` and `?` are globs inside a word. Throws ConditionError.
 */
export function readCommands(value: unknown): readonly CommandPattern[] {
  if (!Array.isArray(value) || value.length === 0) throw new ConditionError("`command` is not a list of words", "write `command = [\"git\", \"push\"]`");
  const lists: readonly unknown[] = value.some((item) => Array.isArray(item)) ? value : [value];
  return lists.map((list) => {
    const words = Array.isArray(list) ? strings(list, "command") : undefined;
    if (words === undefined) throw new ConditionError("`command` mixes words and lists of words", "write `command = [[\"git\", \"push\"], [\"git\", \"fetch\"]]`");
    const exact = words.at(-1) === END;
    const patterns = exact ? words.slice(0, -1) : words;
    const first = patterns[0];
    if (first === undefined || /^\*+$/.test(first)) throw new ConditionError("`command` does not name a program", "let the first word be the program: `command = [\"git\", \"push\"]`");
    return { words: patterns.map(nameGlob), rest: !exact, program: /[*?\\]/.test(first) ? undefined : first, begins: /^[^*?\\]*/.exec(first)?.[0] ?? "" };
  });
}

export type CommandFit = "yes" | "maybe" | "no";

/**
 * In: the patterns of a rule that tightens, a found command. Out: "yes" when some possible reading of the words fits,
 * "maybe" when it fits but for words that are not known. The program matches by its last path segment, wherever it lies.
 */
export function mayFit(patterns: readonly CommandPattern[], command: FoundCommand): CommandFit {
  const fits = patterns.map((pattern) => fitOne(pattern, command, (values, test) => values.some(test), lastSegment));
  return fits.includes("yes") ? "yes" : fits.includes("maybe") ? "maybe" : "no";
}

/**
 * In: the patterns of a rule that loosens, a found command. Out: true only when every possible reading fits.
 * SECURITY: `./git` and `/tmp/git` are not git. Only a program that a spec knows is matched by its last path segment.
 */
export function surelyFits(patterns: readonly CommandPattern[], command: FoundCommand): boolean {
  const program = command.spec === undefined ? (word: string): string => word : lastSegment;
  return patterns.some((pattern) => fitOne(pattern, command, (values, test) => values.length > 0 && values.every(test), program) === "yes");
}

/**
 * In: a loosening rule's patterns, an analysis. Out: which effects come from the commands it names.
 * An effect belongs to a command when the command's spec says so (`by`); what redirections, assignments, substitutions or
 * other programs of the line do is not covered. SECURITY: spans of nested scripts may coincide with outer ones, so the
 * rule covers nothing of a spec unless *every* command of that spec in the line fits (`git push; sh -c 'git push -f x'`).
 */
export function coveredBy(patterns: readonly CommandPattern[], analysis: Analysis): (effect: Effect) => boolean {
  const specs = new Set<string>();
  const programs = new Set<string>();
  for (const command of analysis.commands) {
    if (!surelyFits(patterns, command)) continue;
    const program = command.words[0]?.[0];
    if (command.spec !== undefined) specs.add(command.spec);
    else if (program !== undefined) programs.add(program);
  }
  for (const command of analysis.commands) {
    if (surelyFits(patterns, command)) continue;
    if (command.spec !== undefined) specs.delete(command.spec);
    else for (const program of command.words[0] ?? programs) programs.delete(program);
  }
  return (effect) => specs.has(effect.by) || (effect.kind === "exec" && effect.what === "program" && programs.has(effect.name));
}

/**
 * In: an analysis, rules. Out: the command rules that may concern it: those that name one of its programs, in the order of
 * the rules. A program that is not known may be any of them.
 */
export function candidates(analysis: Analysis, rules: Pick<RuleSet, "byCommand" | "byProgram" | "globs">): readonly Rule[] {
  if (rules.byCommand.length === 0) return [];
  const found = new Set<Rule>();
  for (const command of analysis.commands) {
    const names = command.words[0];
    if (names === undefined) return rules.byCommand;
    for (const name of names) {
      addCandidates(name, rules, found);
      if (name.includes("/")) addCandidates(lastSegment(name), rules, found);
    }
  }
  return found.size === 0 ? [] : rules.byCommand.filter((rule) => found.has(rule));
}

function addCandidates(name: string, rules: Pick<RuleSet, "byProgram" | "globs">, found: Set<Rule>): void {
  for (const rule of rules.byProgram.get(name) ?? []) found.add(rule);
  for (const { begins, rule } of rules.globs) if (name.startsWith(begins)) found.add(rule);
}

function fitOne(pattern: CommandPattern, command: FoundCommand, quantify: (values: readonly string[], test: (value: string) => boolean) => boolean, program: (word: string) => string): CommandFit {
  const { words } = command;
  if (words.length < pattern.words.length) return words.includes(undefined) ? maybeShort(pattern, command, program) : "no";
  if (!pattern.rest && words.length > pattern.words.length) return "no";
  let fit: CommandFit = "yes";
  for (let index = 0; index < pattern.words.length; index += 1) {
    const glob = pattern.words[index]!;
    const values = words[index];
    if (values === undefined) fit = "maybe";
    else if (!quantify(values, (value) => glob.test(index === 0 ? program(value) : value))) return "no";
  }
  return fit;
}

/** An unknown word may stand for several: fewer words than the pattern still may fit if all before the unknown one do. */
function maybeShort(pattern: CommandPattern, command: FoundCommand, program: (word: string) => string): CommandFit {
  const known = command.words.slice(0, command.words.indexOf(undefined));
  const fits = known.every((values, index) => values?.some((value) => pattern.words[index]?.test(index === 0 ? program(value) : value) === true) === true);
  return fits ? "maybe" : "no";
}

function lastSegment(word: string): string {
  return word.slice(word.lastIndexOf("/") + 1);
}
