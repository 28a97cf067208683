import type { Assignment, Command, Redirection, SimpleCommand, Word, WordPart } from "../model/index.ts";
import type { Frame } from "./frame.ts";
import * as posix from "./dialect-posix.ts";
import * as zsh from "./dialect-zsh.ts";
import { readerChange } from "./reader-change.ts";

/**
 * The parser reads bash. Each node is shown to these checks as it is made; where the shell that will run the text reads
 * it otherwise, the reason is noted and the text is opaque. In: a node. Out: nothing, or a note in the frame.
 */
export function checkCommand(frame: Frame, node: Command): void {
  note(frame, node, posix.commandReason, zsh.commandReason);
}

export function checkSimple(frame: Frame, node: SimpleCommand): void {
  note(frame, node, none, zsh.simpleReason);
  const reason = readerChange(node, frame.dialect);
  if (reason !== undefined) frame.report(reason, node.span);
}

function none(): undefined {
  return undefined;
}

export function checkWord(frame: Frame, node: Word): void {
  note(frame, node, posix.wordReason, (word) => zsh.wordReason(word, frame.source));
}

export function checkPart(frame: Frame, node: WordPart): void {
  note(frame, node, posix.partReason, (part) => zsh.partReason(part, frame.source));
}

export function checkRedirection(frame: Frame, node: Redirection): void {
  if (frame.ampersandRead && node.kind === "file" && node.operator.startsWith("&")) return;
  note(frame, node, posix.redirectionReason, zsh.redirectionReason);
}

export function checkAssignment(frame: Frame, node: Assignment): void {
  note(frame, node, posix.assignmentReason, zsh.assignmentReason);
}

function note<T extends { readonly span: Frame["opaque"][number]["span"] }>(frame: Frame, node: T, inPosix: (node: T) => string | undefined, inZsh: (node: T) => string | undefined): void {
  if (frame.dialect === "bash") return;
  const reason = frame.dialect === "zsh" ? inZsh(node) : inPosix(node);
  if (reason !== undefined) frame.report(reason, node.span);
}
