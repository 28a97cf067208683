import { lstatSync, readdirSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { domainToASCII, domainToUnicode } from "node:url";
import { LIMITS, type Effect, type Facts, type FilePort } from "../model/index.ts";
import type { Judgement } from "./pipeline.ts";

/** What was counted, and whether that is all of it. */
type Count = { files: number; bytes: number; untracked: number; unknown: number; whole: boolean };
type Budget = { left: number; readonly until: number };

/**
 * In: a judged line that a person is about to be asked about. Out: what would be lost, counted, and hosts that are not what they look like;
 * one thing a line, not escaped. Looks at names and sizes alone, at most LIMITS.stakeEntries of them and for LIMITS.stakeMs; follows no link.
 */
export function stakeOfQuestion({ effects, facts }: Pick<Judgement, "effects"> & { readonly facts: Pick<Facts, "files"> }): readonly string[] {
  const budget: Budget = { left: LIMITS.stakeEntries, until: performance.now() + LIMITS.stakeMs };
  const lines = new Set<string>();
  for (const effect of effects) {
    const line = lineOf(effect, facts.files, budget);
    if (line !== undefined) lines.add(line);
    if (lines.size >= LIMITS.stakeLines) break;
  }
  return [...lines];
}

function lineOf(effect: Effect, files: FilePort, budget: Budget): string | undefined {
  switch (effect.kind) {
    case "delete":
      return effect.path.path === undefined ? undefined : deleted(effect.path.path, effect.path.flags.includes("glob"), files, budget);
    case "write":
      return effect.path.path === undefined || effect.path.flags.includes("glob") || effect.path.zone === "null" || effect.path.zone === "device" ? undefined : overwritten(effect.path.path, effect.by);
    case "network":
      return effect.host === undefined ? undefined : doubtfulHost(effect.host);
    case "read":
    case "exec":
    case "process":
    case "privilege":
    case "persist":
    case "secret":
    case "lose":
    case "remote":
    case "opaque":
      return undefined;
  }
}

function deleted(path: string, isGlob: boolean, files: FilePort, budget: Budget): string | undefined {
  const roots = isGlob ? matching(path) : [path];
  if (roots === undefined) return undefined;
  const count: Count = { files: 0, bytes: 0, untracked: 0, unknown: 0, whole: true };
  for (const root of roots) walk(root, count, files, budget);
  if (count.files === 0) return undefined;
  const git = count.untracked > 0 ? `, ${count.untracked} of them not in git` : count.unknown > 0 ? ", not known whether in git" : "";
  return `${count.whole ? "" : "at least "}${count.files} ${count.files === 1 ? "file" : "files"}, ${sizeWords(count.bytes)}${git}: ${path}`;
}

/** Names that a pattern stands for now; undefined when more than its last part is a pattern. */
function matching(path: string): readonly string[] | undefined {
  const folder = dirname(path);
  if (/[*?[\]{}]/.test(folder)) return undefined;
  const name = basename(path);
  if (/[[\]{}]/.test(name)) return undefined;
  const fits = new RegExp(`^${name.replace(/[.+^$()|\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
  return (namesIn(folder) ?? []).filter((one) => fits.test(one) && (name.startsWith(".") || !one.startsWith("."))).map((one) => join(folder, one));
}

function walk(path: string, count: Count, files: FilePort, budget: Budget): void {
  const waiting = [path];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    budget.left -= 1;
    if (budget.left < 0 || performance.now() > budget.until) {
      count.whole = false;
      return;
    }
    const stat = lookAt(at);
    if (stat === undefined) continue;
    if (stat.isDirectory()) {
      const names = namesIn(at);
      if (names === undefined) count.whole = false;
      for (const name of names ?? []) waiting.push(join(at, name));
      continue;
    }
    count.files += 1;
    count.bytes += stat.size;
    const tracked = files.tracked(at);
    if (tracked === "untracked") count.untracked += 1;
    if (tracked === "unknown") count.unknown += 1;
  }
}

/** A redirection that appends, and programs that change a file in its place, keep what was there. */
const KEEPS_TEXT = /redirection-append|in-place|touch|chmod|chown|mkdir|\/ln$/;

function overwritten(path: string, by: string): string | undefined {
  const stat = lookAt(path);
  return stat?.isFile() !== true || stat.size === 0 || KEEPS_TEXT.test(by) ? undefined : `changes a file that is there (${sizeWords(stat.size)}): ${path}`;
}

/** SECURITY: `gіthub.com` with a Cyrillic letter is another host. */
function doubtfulHost(host: string): string | undefined {
  const ascii = domainToASCII(host);
  if (/[^\x20-\x7e]/.test(host)) return `the host \`${host}\` is not written in plain letters: it is ${ascii === "" ? "no valid name" : ascii}`;
  return /(?:^|\.)xn--/i.test(host) ? `the host \`${host}\` stands for \`${domainToUnicode(host)}\`` : undefined;
}

/** In: bytes. Out: `12 bytes`, `3.4 kB`, `1.2 GB`. */
export function sizeWords(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = bytes < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return power === 0 ? `${bytes} ${bytes === 1 ? "byte" : "bytes"}` : `${(bytes / 1_000 ** power).toFixed(1)} ${units[power] ?? ""}`;
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // Not ours to look at: nothing is known of it.
    return undefined;
  }
}

function namesIn(path: string): readonly string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    // Not readable, or gone meanwhile: the count is not whole.
    return undefined;
  }
}
