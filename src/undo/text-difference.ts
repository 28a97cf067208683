import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { isUtf8 } from "node:buffer";
import { LIMITS } from "../model/index.ts";
import type { Kept, Seen } from "./entry.ts";
import { forSystem, nameOf, parentOf, type Bytes } from "./names.ts";
import { readKept } from "./pack.ts";
import { standingIn } from "./walk.ts";

/** In: a file as it is, where it is kept as it was. Out: the lines between the first and the last that differ; undefined when it is no short text. */
export function textDifference(path: Bytes, anchor: Bytes, was: Extract<Seen, { kind: "file" }> & Kept, packFile: string): readonly string[] | undefined {
  if (was.size > LIMITS.undoDiffBytes) return undefined;
  const now = standingIn(anchor, parentOf(path), () => readText(nameOf(path)));
  const before = keptText(packFile, was);
  if (!now.ok || now.value === undefined || before === undefined) return undefined;
  return linesBetween(now.value.split("\n"), before.split("\n"));
}

/** `- ` lines would go, `+ ` lines would come. */
export function linesBetween(now: readonly string[], before: readonly string[]): readonly string[] {
  let top = 0;
  while (top < now.length && top < before.length && now[top] === before[top]) top += 1;
  let end = 0;
  while (end < now.length - top && end < before.length - top && now[now.length - 1 - end] === before[before.length - 1 - end]) end += 1;
  const goes = now.slice(top, now.length - end).map((line) => `- ${line}`);
  const comes = before.slice(top, before.length - end).map((line) => `+ ${line}`);
  const all = [...some(goes), ...some(comes)];
  return all.map((line) => line.slice(0, LIMITS.shownPiece));
}

function some(lines: readonly string[]): readonly string[] {
  return lines.length <= LIMITS.undoDiffLines ? lines : [...lines.slice(0, LIMITS.undoDiffLines), `${lines[0]?.slice(0, 1) ?? ""} … ${lines.length - LIMITS.undoDiffLines} more lines`];
}

function keptText(packFile: string, was: Extract<Seen, { kind: "file" }> & Kept): string | undefined {
  const fd = openSync(packFile, "r");
  try {
    const pieces: Buffer[] = [];
    if (was.size > 0) readKept(fd, was, (piece) => pieces.push(piece));
    return asText(Buffer.concat(pieces));
  } finally {
    closeSync(fd);
  }
}

function readText(name: Bytes): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(forSystem(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > LIMITS.undoDiffBytes) return undefined;
    const buffer = Buffer.alloc(stat.size);
    return asText(buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0)));
  } catch {
    // Gone or not readable: there is no difference to show.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function asText(bytes: Buffer): string | undefined {
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString("utf8") : undefined;
}
