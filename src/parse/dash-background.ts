import type { Command as ParsedCommand } from "unbash";
import type { Redirection, Statement } from "../model/index.ts";
import type { Frame } from "./frame.ts";
import { spanOf } from "./frame.ts";
import { simpleCommand } from "./statements.ts";

/** In: a simple command. Out: whether it has `&>` and after that only redirections, so that dash's reading is simple. */
export function endsInBackground(node: ParsedCommand): boolean {
  const first = node.suffix.findIndex((item) => item.type === "Redirect" && (item.operator === "&>" || item.operator === "&>>"));
  if (first === -1 || node.name === undefined) return false;
  return node.suffix.slice(first).every((item, index) => item.type === "Redirect" && (index === 0 || (item.operator !== "&>" && item.operator !== "&>>")));
}

/** Dash reads `cmd &>f` as `cmd & >f`: the command in the background, then a redirection alone. */
export function dashBackground(frame: Frame, node: ParsedCommand, background: boolean): Statement[] {
  const built = frame.withoutAmpersandNote(() => simpleCommand(frame, node));
  const at = built.redirections.findIndex((item) => item.kind === "file" && item.operator.startsWith("&"));
  const start = built.redirections[at]?.span.start ?? node.end;
  const span = spanOf(node);
  const moved = built.redirections.slice(at).map(plainOperator);
  const left = { ...built, span: { start: span.start, end: start }, redirections: built.redirections.slice(0, at) };
  const right = { kind: "simple" as const, span: { start, end: span.end }, assignments: [], words: [], redirections: moved };
  return [
    { command: left, background: true, span: left.span },
    { command: right, background, span: right.span },
  ];
}

function plainOperator(item: Redirection): Redirection {
  if (item.kind !== "file") return item;
  return { ...item, operator: item.operator === "&>" ? ">" : item.operator === "&>>" ? ">>" : item.operator };
}
