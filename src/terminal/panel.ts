import { escapeText, LIMITS, spellStrangers } from "../model/index.ts";
import type { Question, RuleOffer } from "../model/index.ts";
import { splitAtWidth, textWidth } from "./width.ts";

/**
 * `guard`: keys still go to the agent · `ready`: keys answer · `again`: a key came that is no answer · `telling`: what the agent is to be told is
 * being typed · `rules`: the rules that an "always" would write are shown (`offer` is undefined until they are known).
 */
export type PanelStep = "guard" | "ready" | "again";
export type PanelState =
  | PanelStep
  | { readonly kind: "explained"; readonly step: PanelStep }
  | { readonly kind: "telling"; readonly text: string }
  | { readonly kind: "rules"; readonly step: PanelStep; readonly offer: RuleOffer | string | undefined; readonly chosen: number };
export type PanelSize = { readonly columns: number; readonly rows: number };

type Style = "plain" | "frame" | "label" | "risk" | "key";
type Piece = { readonly text: string; readonly style: Style };
type Line = readonly Piece[];
/** A labelled part of the panel. `least` lines stay when there is no room; `weight`: the lightest gives way first. */
type Part = { readonly label: string; readonly lines: readonly Line[]; readonly least: number; readonly weight: number };

/** Colours are set one by one from a reset, so that nothing of the agent's screen shows through. */
const SGR: Readonly<Record<Style, string>> = { plain: "\x1b[0m", frame: "\x1b[0;33m", label: "\x1b[0;2m", risk: "\x1b[0;1;7;31m", key: "\x1b[0;1m" };
const LABEL_COLUMNS = 10;
/** Lines of the command that stay when everything else had to go. */
const COMMAND_LINES = 4;
const SMALLEST = { columns: 20, rows: 3 };

/**
 * In: a question, the size of the screen, what keys do at the moment.
 * Out: the panel, one string a line, from top to bottom: at most `rows` lines, each at most `columns` wide, styled with SGR
 * sequences of ours only. On a small screen the lighter parts are cut first; the command and the keys are always there.
 * SECURITY: every text of the question is escaped (I7): no byte of it moves the cursor, reorders or hides anything.
 */
export function renderQuestion(question: Question, size: PanelSize, state: PanelState = "ready"): readonly string[] {
  const columns = Math.max(size.columns, SMALLEST.columns);
  const inner = columns - 4;
  const room = Math.max(size.rows, SMALLEST.rows) - 3;
  const all = typeof state === "object" && state.kind === "rules" ? describeRules(state.offer, state.chosen, inner) : describe(question, inner, typeof state === "object" && state.kind === "explained");
  const parts = fit(all, room, inner - LABEL_COLUMNS);
  const body = parts.flatMap((part) => part.lines.map((line, index) => [label(index === 0 ? part.label : ""), ...line]));
  const lines = [rule("top", columns, "vetsh asks"), ...body.map((line) => framed(line, inner)), framed(keys(state, inner, question), inner), rule("bottom", columns, "")];
  return lines.slice(-Math.max(1, size.rows));
}

/** The rules themselves, letter by letter: what is written is what was shown. */
function describeRules(offer: RuleOffer | string | undefined, chosen: number, inner: number): readonly Part[] {
  const columns = inner - LABEL_COLUMNS;
  const part = (name: string, texts: readonly string[], weight: number, least = 0): Part => ({ label: name, lines: texts.flatMap((text) => wrap([{ text: shown(text), style: "plain" }], columns)), least, weight });
  if (offer === undefined) return [part("always", ["looking what this would let through …"], 9, 1)];
  if (typeof offer === "string") return [part("always", [offer], 9, 1)];
  const width = offer.widths[chosen];
  const refused = offer.refused.length === 0 ? [] : [part("not", offer.refused, 2)];
  if (width === undefined) return [part("always", ["no rule is offered for this command"], 9, 1), ...refused];
  const names = wrap(offer.widths.flatMap(({ about }, index): Piece[] => [{ text: `${index + 1}`, style: "key" }, { text: ` ${shown(about)}   `, style: index === chosen ? "risk" : "plain" }]), columns);
  const more = width.alsoCount > width.also.length ? [`and ${width.alsoCount - width.also.length} more`] : [];
  return [
    { label: "always", lines: names, least: names.length, weight: 9 },
    part("writes", width.toml.trimEnd().split("\n"), 8, 3),
    part("to", [offer.file], 6, 1),
    part("of late", width.alsoCount === 0 ? ["no other command of the last month would have passed by it"] : [`${width.alsoCount} other ${width.alsoCount === 1 ? "command" : "commands"} of the last month would have passed:`, ...width.also, ...more], 5, 1),
    ...refused,
  ];
}

function describe(question: Question, inner: number, explained: boolean): readonly Part[] {
  const columns = inner - LABEL_COLUMNS;
  const part = (name: string, text: string, weight: number, least = 0): Part => ({ label: name, lines: wrap([{ text: shown(text), style: "plain" }], columns), least, weight });
  const effects = question.effects.flatMap((effect) => wrap([{ text: shown(effect), style: "plain" }], columns));
  const stopped = question.rule === undefined ? question.reason : `${question.reason} (rule ${question.rule})`;
  const lines = command(question, columns);
  const parts: Part[] = [{ label: question.running === true ? "runs" : "run", lines, least: Math.min(lines.length, COMMAND_LINES), weight: 9 }];
  if (effects.length > 0) parts.push({ label: "it would", lines: effects, least: 0, weight: 6 });
  if (question.stake !== undefined && question.stake.length > 0) {
    const stake = question.stake.flatMap((text) => wrap([{ text: shown(text), style: "risk" }], columns));
    parts.push({ label: "at stake", lines: stake, least: 1, weight: 8 });
  }
  parts.push(part("why asked", stopped, 7));
  parts.push(part("may use", question.authority, 5));
  if (question.intent !== undefined) parts.push(part("claimed", saidBy(question.intent), 2));
  if (question.instead !== undefined) parts.push(part("safer", question.instead, 3));
  if ((question.times ?? 1) > 1) parts.push(part("asked", `${question.times ?? 1} times so far`, 1));
  if (explained) for (const [index, line] of (question.detail ?? ["nothing more is known"]).entries()) parts.push(part(index === 0 ? "in full" : "", line, 4));
  return parts;
}

function saidBy(intent: NonNullable<Question["intent"]>): string {
  return intent.trust === "human" ? `you said: ${intent.text}` : `the agent says (nobody checked it): ${intent.text}`;
}

/** The command with its risky piece marked. When it is too long the risky piece stays in sight. */
function command(question: Question, columns: number): readonly Line[] {
  const { command: text, span } = question;
  const start = Math.min(Math.max(span?.start ?? 0, 0), text.length);
  const end = Math.min(Math.max(span?.end ?? 0, start), text.length);
  const before = text.slice(0, start);
  // What stands before the risky piece may be cut at its left; the piece itself and what follows at the right.
  const cutBefore = before.length > SHOWN_BEFORE ? `… [${before.length - SHOWN_BEFORE} more] ${before.slice(-SHOWN_BEFORE)}` : before;
  const pieces: Piece[] = [
    { text: shown(cutBefore), style: "plain" },
    { text: shown(text.slice(start, end)), style: "risk" },
    { text: shown(text.slice(end)), style: "plain" },
  ];
  return wrap(pieces.filter((piece) => piece.text !== ""), columns);
}
const SHOWN_BEFORE = 400;

/** Marks that pile up on one letter can cover other text: all but the first are spelt out. */
function shown(text: string): string {
  const flat = spellStrangers(escapeText(text, { maxLength: LIMITS.shownCommand }));
  return flat.replace(/(?<=\p{M})\p{M}/gu, (mark) => `\\u{${(mark.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Breaks pieces into lines of at most `columns`, at a blank where there is one in the last third. */
function wrap(pieces: readonly Piece[], columns: number): readonly Line[] {
  const lines: Piece[][] = [[]];
  let used = 0;
  for (const piece of pieces) {
    let rest = piece.text;
    while (rest !== "") {
      const line = lines.at(-1) ?? [];
      const split = used < columns ? splitAtWidth(rest, columns - used) : { head: "", rest };
      const fits = textWidth(split.head) <= columns - used;
      const head = !fits ? "" : split.rest === "" ? split.head : atBlank(split.head, columns / 3);
      if (head !== "") line.push({ text: head, style: piece.style });
      used += textWidth(head);
      rest = rest.slice(head.length);
      if (rest === "") break;
      lines.push([]);
      used = 0;
    }
  }
  return lines;
}

function atBlank(head: string, last: number): string {
  const blank = head.lastIndexOf(" ");
  return blank > 0 && head.length - blank <= last ? head.slice(0, blank + 1) : head;
}

/** Cuts the lightest parts until all lines fit into `room`. */
function fit(parts: readonly Part[], room: number, columns: number): readonly Part[] {
  let excess = parts.reduce((sum, part) => sum + part.lines.length, 0) - Math.max(1, room);
  const kept = new Map(parts.map((part) => [part, part.lines.length]));
  // Three rounds: first down to one line each, then down to what should stay, then to what must.
  for (const floor of [(part: Part) => Math.max(1, part.least), (part: Part) => part.least, (part: Part) => Math.min(1, part.least)]) {
    for (const part of [...parts].sort((a, b) => a.weight - b.weight)) {
      const lines = kept.get(part) ?? 0;
      const cut = Math.max(0, Math.min(excess, lines - floor(part)));
      kept.set(part, lines - cut);
      excess -= cut;
    }
  }
  return parts.flatMap((part) => {
    const lines = kept.get(part) ?? 0;
    if (lines === 0) return [];
    return [lines === part.lines.length ? part : { ...part, lines: shortened(part.lines, lines, columns) }];
  });
}

/** So many lines; a part that holds the risky piece is cut so that its first marked line stays. The last one says how much is hidden. */
function shortened(lines: readonly Line[], count: number, columns: number): readonly Line[] {
  const risk = lines.findIndex((line) => line.some((piece) => piece.style === "risk"));
  const from = Math.max(0, Math.min(risk, lines.length - count));
  const note = ` … +${lines.length - count} ${lines.length - count === 1 ? "line" : "lines"}`;
  return lines.slice(from, from + count).map((line, index) => (index === count - 1 ? [...cutLine(line, columns - note.length), { text: note, style: "label" }] : line));
}

function cutLine(line: Line, columns: number): Line {
  const kept: Piece[] = [];
  let used = 0;
  for (const piece of line) {
    const { head } = splitAtWidth(piece.text, columns - used);
    if (head === "" || used + textWidth(head) > columns) break;
    kept.push({ text: head, style: piece.style });
    used += textWidth(head);
    if (head.length < piece.text.length) break;
  }
  return kept;
}

const ANSWERS: readonly (readonly [key: string, words: string, offer: "session" | "always" | undefined])[] = [
  ["y", "yes, once", undefined], ["s", "session", "session"], ["a", "always…", "always"], ["n", "no", undefined], ["t", "no, because…", undefined], ["e", "explain", undefined],
];

function keys(state: PanelState, inner: number, question: Question): Line {
  const wide = inner >= 72;
  if (typeof state === "object" && state.kind === "telling") return [{ text: wide ? "no, because: " : "no: ", style: "key" }, { text: `${shown(state.text).slice(-(inner - 40))}▏`, style: "plain" }, ...(wide ? [{ text: "  (enter sends, esc goes back)", style: "label" } as const] : [])];
  const step = typeof state === "object" ? state.step : state;
  if (step === "guard") return [{ text: wide ? "keys still go to the agent: pause for a moment, then answer with y or n" : "pause, then y or n", style: "label" }];
  if (typeof state === "object" && state.kind === "rules") {
    const back: Line = [{ text: "b", style: "key" }, { text: " back", style: "plain" }];
    if (typeof state.offer !== "object" || state.offer.widths.length === 0) return back;
    return [{ text: "w", style: "key" }, { text: " write it and run   ", style: "plain" }, ...(state.offer.widths.length === 1 ? [] : [{ text: `1-${state.offer.widths.length}`, style: "key" } as const, { text: " width   ", style: "plain" } as const]), ...back];
  }
  const offered = ANSWERS.filter(([key, , offer]) => (wide || key === "y" || key === "n") && (offer === undefined || question.offers?.includes(offer) === true));
  const answers = offered.flatMap(([key, words], index): Piece[] => [{ text: `${index === 0 ? "" : "  "}${key}`, style: "key" }, { text: ` ${words}`, style: "plain" }]);
  if (step === "again") answers.push({ text: wide ? "  (pause first)" : "  (y or n)", style: "label" });
  return answers;
}

function label(text: string): Piece {
  return { text: text.padEnd(LABEL_COLUMNS), style: "label" };
}

function rule(edge: "top" | "bottom", columns: number, title: string): string {
  const [left, right] = edge === "top" ? ["╭", "╮"] : ["╰", "╯"];
  const head = title === "" ? "" : `─ ${title} `;
  return `${SGR.frame}${left}${head}${"─".repeat(Math.max(0, columns - 2 - textWidth(head)))}${right}${SGR.plain}`;
}

/** One line between the frame's edges: cut at `inner` columns and filled up with blanks. */
function framed(line: Line, inner: number): string {
  const kept = cutLine(line, inner);
  const used = kept.reduce((sum, piece) => sum + textWidth(piece.text), 0);
  const text = kept.map((piece) => SGR[piece.style] + piece.text).join("");
  return `${SGR.frame}│ ${text}${SGR.plain}${" ".repeat(inner - used)}${SGR.frame} │${SGR.plain}`;
}
