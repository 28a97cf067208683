import { createHash } from "node:crypto";
import type { Registry } from "../config/index.ts";
import { hasHiddenCharacters, isWithin, shellWord, type Effect, type FoundCommand, type PathTarget, type RuleWidth } from "../model/index.ts";
import type { Judgement } from "./pipeline.ts";

/** Rules that would let a line through, before anybody looked whether they do. `variants`: spellings of which the first that holds is taken. */
export type Draft = { readonly name: RuleWidth["name"]; readonly about: string; readonly variants: readonly (readonly RuleText[])[] };

/** One `[[rule]]`. `match`, `notMatch`: examples to try, in this order. */
export type RuleText = { readonly id: string; readonly command: readonly string[] | undefined; readonly when: Readonly<Record<string, string | boolean>>; readonly hosts: readonly string[]; readonly overrides: readonly string[]; readonly match: readonly string[]; readonly notMatch: readonly string[] };

export type Drafts = { readonly drafts: readonly Draft[]; readonly refused: readonly string[] };

/** What of a line has to be lifted, with the command that causes it. */
type Stopped = { readonly effect: Effect; readonly command: FoundCommand | undefined; readonly overrides: readonly string[] };

/** Programs whose operands are programs or code: a rule about how such a line begins would be about any program. */
const OPENS_A_SHELL = /^(?:(?:ba|da|z|k|fi|c|tc)?sh|python[\d.]*|pypy\d*|perl|ruby|irb|node|nodejs|deno|bun|bunx|tsx|ts-node|php|lua|luajit|[gmn]?awk|sed|tclsh|expect|Rscript|osascript|sudo|doas|su|runuser|env|xargs|find|fd|parallel|watch|entr|timeout|nohup|nice|ionice|chrt|taskset|setsid|stdbuf|unbuffer|time|strace|ltrace|gdb|lldb|valgrind|ssh|mosh|rsync|docker|podman|nerdctl|kubectl|oc|vagrant|lxc|incus|systemd-run|systemd-nspawn|chroot|unshare|nsenter|bwrap|firejail|flatpak|make|gmake|ninja|just|task|npx|pnpx|uvx|pipx|vim?|nvim|emacs|ed|ex|less|man|tmux|screen|script|at|batch|crontab|busybox|toybox|eval|exec|source|\.|command|builtin|trap|git-shell|direnv|mise|asdf|nix|nix-shell|guix|conda|poetry|uv)$/;

const MOST_RULES = 6;

/** In: a judged line that was stopped, where package managers download from. Out: what "always" could mean for it. Pure: nothing is looked at. */
export function draftRules(judged: Judgement, registries: readonly Registry[]): Drafts {
  const why = notForAlways(judged);
  if (why !== undefined) return { drafts: [], refused: [why] };
  const stopped = stoppedEffects(judged);
  const refused: string[] = [];
  const drafts = WIDTHS.flatMap(({ name, about, of }): Draft[] => {
    const parts = stopped.map((one) => of(one, judged));
    const complaint = parts.find((part) => typeof part === "string");
    if (typeof complaint === "string") {
      refused.push(`${name}: ${complaint}`);
      return [];
    }
    const spelt = PATH_STYLES.map((style) => distinct(parts.filter((part) => typeof part !== "string").map((part) => textOf(part, style, judged, registries))));
    if ((spelt[0]?.length ?? 0) > MOST_RULES) {
      refused.push(`${name}: it does more than ${MOST_RULES} things that are stopped: write rules yourself`);
      return [];
    }
    return [{ name, about: about(parts.filter((part) => typeof part !== "string")), variants: spelt }];
  });
  return { drafts, refused };
}

/** Why no rule should ever let such a line pass by itself; undefined when one may. */
function notForAlways({ analysis, evaluation, effects, invocation }: Judgement): string | undefined {
  if (invocation.mode !== "command") return "it is no command line: only lines can be allowed for always";
  if (evaluation.claim.privileged || effects.some(({ kind }) => kind === "privilege")) return "it leaves every sandbox: that is asked each time";
  if (effects.some(({ kind }) => kind === "persist")) return "it leaves something that runs later: that is asked each time";
  if (effects.some((effect) => effect.kind === "opaque" && effect.severity !== "unmodelled")) return "not all of it is known before it runs";
  if (effects.some((effect) => effect.kind === "network" && effect.host !== undefined && !/^(?!.*(?:^|\.)xn--)[\w.:[\]-]+$/i.test(effect.host))) return "its host is not written in plain letters";
  // SECURITY: a quoted star is a letter of a name; in a rule it would stand for any.
  if (effects.some((effect) => /[*?]/.test(pathTarget(effect)?.path ?? "") && pathTarget(effect)?.flags.includes("glob") !== true)) return "a name in it holds `*` or `?`, which a rule would take for a pattern";
  const own = evaluation.matches.find(({ verdict, tier }) => verdict !== "allow" && tier !== "built-in");
  if (own !== undefined) return `the rule \`${own.id}\` of ${own.file}:${own.line} stops it: change that rule`;
  const general = evaluation.matches.find(({ verdict, line, effect }) => verdict !== "allow" && line === 0 && effect === undefined);
  if (general !== undefined) return general.reason;
  if (analysis.commands.length === 0) return "no command in it was understood";
  return undefined;
}

function stoppedEffects({ analysis, evaluation, effects }: Judgement): readonly Stopped[] {
  const stopping = evaluation.matches.filter(({ verdict }) => verdict !== "allow");
  const whole = stopping.filter(({ effect }) => effect === undefined).map(({ id }) => id);
  const indexes = new Set(stopping.flatMap(({ effect }) => (effect === undefined ? [] : [effect])));
  return [...(indexes.size === 0 ? effects.keys() : indexes)].flatMap((index) => {
    const effect = effects[index];
    // A rule about a combination is lifted by name; other built-in ones are lifted by an allow.
    return effect === undefined ? [] : [{ effect, command: causeOf(effect, analysis.commands), overrides: whole }];
  });
}

/** The innermost command of that spec around the piece of source that causes the effect. */
function causeOf({ by, span }: Effect, commands: readonly FoundCommand[]): FoundCommand | undefined {
  const around = commands.filter((command) => command.span.start <= span.start && command.span.end >= span.end && (command.spec === by || (command.spec === undefined && by.startsWith("shell/"))));
  return around.toSorted((a, b) => b.depth - a.depth || a.span.end - a.span.start - (b.span.end - b.span.start))[0];
}

/** A rule about one effect: words of a command (`$` at the end: no more), and what else must hold. */
type Part = Stopped & { readonly words: readonly string[] | undefined; readonly exact: boolean; readonly anywhere: string | undefined };

type Width = { readonly name: RuleWidth["name"]; readonly of: (stopped: Stopped, judged: Judgement) => Part | string; readonly about: (parts: readonly Part[]) => string };

const WIDTHS: readonly Width[] = [
  { name: "line", of: exactly, about: () => "exactly these words" },
  { name: "options", of: beginning, about: (parts) => `\`${[...new Set(parts.map(({ words }) => (words ?? []).join(" ")))].join("`, `")} …\`` },
  { name: "place", of: anyCommand, about: (parts) => `any command, ${[...new Set(parts.map(({ anywhere }) => anywhere ?? ""))].join(", ")}` },
];

function exactly(stopped: Stopped): Part | string {
  const words = wordsOf(stopped.command);
  return typeof words === "string" ? words : { ...stopped, words, exact: true, anywhere: undefined };
}

function beginning(stopped: Stopped, { analysis }: Judgement): Part | string {
  const { command, effect } = stopped;
  const words = wordsOf(command);
  if (typeof words === "string" || command === undefined) return words as string;
  const program = (words[0] ?? "").slice((words[0] ?? "").lastIndexOf("/") + 1);
  if (OPENS_A_SHELL.test(program)) return `\`${program}\` runs what it is given: only the whole line can be allowed`;
  if (command.spec === undefined) return `\`${program}\` is a program that no spec describes: only the whole line can be allowed`;
  if (effect.kind === "exec" && effect.what !== "package") return "it runs code: only the whole line can be allowed";
  if (analysis.commands.some((other) => other.depth > command.depth && other.span.start >= command.span.start && other.span.end <= command.span.end)) return `\`${program}\` starts a command here: only the whole line can be allowed`;
  const end = words.findIndex((word, index) => index > 0 && !word.startsWith("-") && !(index === 1 && SUBCOMMAND.test(word)));
  const kept = end < 0 ? words : words.slice(0, end);
  // Without a subcommand or a place, the program alone would be allowed.
  if (kept.length === 1 && effect.kind !== "network" && pathTarget(effect) === undefined) return `nothing of the line tells it from other uses of \`${program}\``;
  return { ...stopped, words: kept, exact: false, anywhere: undefined };
}

const SUBCOMMAND = /^[a-z][a-z0-9:-]*$/;

function anyCommand(stopped: Stopped): Part | string {
  const { effect } = stopped;
  if (effect.kind === "network" && effect.host !== undefined) return { ...stopped, words: undefined, exact: false, anywhere: `${effect.sends ? "sending to" : "asking"} ${effect.host}` };
  const target = pathTarget(effect);
  if (target?.path === undefined || (effect.kind !== "write" && effect.kind !== "delete")) return "it names no host or directory that a rule could be about";
  if (effect.kind === "delete" && effect.recursive) return "it deletes a tree: only the whole line can be allowed";
  if (target.flags.some((flag) => DELICATE.has(flag)) || (target.zone !== "home" && target.zone !== "tmp" && target.zone !== "workspace")) return "the place is delicate: only the whole line can be allowed";
  const folder = target.path.slice(0, target.path.lastIndexOf("/"));
  return folder.split("/").length < 4 || /[*?]/.test(folder) ? "its directory is too wide" : { ...stopped, words: undefined, exact: false, anywhere: `${effect.kind === "write" ? "writing" : "deleting"} below ${folder}` };
}

const DELICATE: ReadonlySet<string> = new Set(["protected", "secret", "root", "git", "leads-out", "symlink"]);

function wordsOf(command: FoundCommand | undefined): readonly string[] | string {
  if (command === undefined) return "what is stopped is not done by a command of its own (a redirection, a substitution)";
  const words = command.words.map((values) => (values?.length === 1 ? values[0] : undefined));
  if (words.includes(undefined) || words.length === 0) return "a word of it is not known before it runs";
  const known = words.filter((word) => word !== undefined);
  if (known.some((word) => word === "" || word === "$" || hasHiddenCharacters(word))) return "a word of it cannot be written into a rule";
  return known;
}

/** How paths below the workspace are spelt: so that a rule means the same in other checkouts, or as they are. */
const PATH_STYLES = ["workspace", "absolute"] as const;

function textOf(part: Part, style: (typeof PATH_STYLES)[number], judged: Judgement, registries: readonly Registry[]): RuleText {
  const { effect, words, exact, overrides, anywhere } = part;
  const when = conditionOf(effect, style, judged.facts.workspace, anywhere !== undefined);
  const command = words?.map((word) => word.replace(/[*?\\]/g, "\\$&"));
  const said = wordsOf(part.command);
  const line = typeof said === "string" ? undefined : said.map(shellWord).join(" ");
  const source = judged.invocation.mode === "command" && !hasHiddenCharacters(judged.invocation.text) ? [judged.invocation.text.trim()] : [];
  const below = isWithin(judged.facts.cwd, judged.facts.workspace) ? judged.facts.cwd.slice(judged.facts.workspace.length + 1) : "";
  const hosts = effect.kind === "network" && effect.host === undefined ? registriesOf(part, registries) : [];
  const text = { command: command === undefined ? undefined : exact ? [...command, "$"] : command, when, hosts, overrides };
  return {
    ...text,
    id: `always-${slug(words?.[0] ?? effect.kind)}-${createHash("sha256").update(JSON.stringify(text)).digest("hex").slice(0, 6)}`,
    match: [...(line === undefined ? [] : [line]), ...source, ...(line === undefined || below === "" ? [] : [`cd ${shellWord(below)} && ${line}`])],
    notMatch: [...(line === undefined || !exact ? [] : [`${line} and-more`]), ...(words === undefined ? [] : [shellWord(words[0] ?? "")]), "true"],
  };
}

function registriesOf({ command }: Part, registries: readonly Registry[]): readonly string[] {
  const program = command?.words[0]?.[0] ?? "";
  return registries.find(({ programs }) => programs.includes(program.slice(program.lastIndexOf("/") + 1)))?.hosts ?? [];
}

/** The narrowest condition that is about this effect; with `wide` about its directory. */
function conditionOf(effect: Effect, style: (typeof PATH_STYLES)[number], workspace: string, wide: boolean): Readonly<Record<string, string | boolean>> {
  const target = pathTarget(effect);
  const spelt = (path: string): string => (style === "workspace" && isWithin(path, workspace) && path !== workspace ? `workspace/${path.slice(workspace.length + 1)}` : path);
  const path = target?.path === undefined ? {} : { path: spelt(wide ? `${target.path.slice(0, target.path.lastIndexOf("/"))}/**` : target.path) };
  switch (effect.kind) {
    case "read":
    case "write":
    case "persist":
      return { effect: effect.kind, ...path };
    case "secret":
      return { effect: "secret", ...path, ...(effect.variable === undefined ? {} : { target: `$${effect.variable.replace(/[*?\\]/g, "\\$&")}` }) };
    case "delete":
      return { effect: "delete", recursive: effect.recursive, ...path };
    case "exec":
      return { effect: "exec", what: effect.what };
    case "network":
      return { effect: "network", host: effect.host ?? "unknown", sends: effect.sends, ...(effect.direction === "in" ? { direction: "in" } : {}) };
    case "process":
      return { effect: "process", what: effect.action, ...targetOf(effect.target) };
    case "lose":
    case "remote":
      return { effect: effect.kind, what: effect.what, ...targetOf(effect.target) };
    case "privilege":
    case "opaque":
      return { effect: effect.kind };
  }
}

function targetOf(target: string | undefined): { readonly target?: string } {
  return target === undefined || target === "" ? {} : { target: target.replace(/[*?\\]/g, "\\$&") };
}

function pathTarget(effect: Effect): PathTarget | undefined {
  return "path" in effect ? effect.path : undefined;
}

function slug(text: string): string {
  return text.slice(text.lastIndexOf("/") + 1).toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 30) || "line";
}

function distinct(rules: readonly RuleText[]): readonly RuleText[] {
  return [...new Map(rules.map((rule) => [rule.id, rule])).values()];
}

/** In: a rule, one example of each kind, why it stands there. Out: its TOML. Strings of JSON are strings of TOML when nothing in them is hidden. */
export function tomlOf(rule: RuleText, match: string, notMatch: string, reason: string): string {
  const list = (texts: readonly string[]): string => `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
  const when = Object.entries(rule.when).map(([key, value]) => `${key} = ${JSON.stringify(value)}`).join(", ");
  return [
    "[[rule]]",
    `id = ${JSON.stringify(rule.id)}`,
    ...(rule.command === undefined ? [] : [`command = ${list(rule.command)}`]),
    `when = { ${when} }`,
    'decision = "allow"',
    ...(rule.hosts.length === 0 ? [] : [`hosts = ${list(rule.hosts)}`]),
    ...(rule.overrides.length === 0 ? [] : [`overrides = ${list(rule.overrides)}`]),
    `reason = ${JSON.stringify(reason)}`,
    `match = ${list([match])}`,
    `not_match = ${list([notMatch])}`,
    "",
  ].join("\n");
}
