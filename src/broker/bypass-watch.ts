import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, readSync, readlinkSync, statSync } from "node:fs";
import { basename } from "node:path";
import { DIALECTS, LIMITS, type Layout } from "../model/index.ts";
import type { JournalResult } from "../record/index.ts";
import { processFacts } from "./process-tree.ts";
import type { Views } from "./views.ts";

/** A shell in an agent's view that no shim of ours started: the agent found a real one, or brought one. */
export type Bypass = { readonly pid: number; readonly program: string; readonly command: string };

type Parts = { readonly layout: Layout; readonly views: Pick<Views, "holds" | "lost" | "size">; readonly record: (bypass: Bypass) => JournalResult; readonly log: (message: string) => void };

/** Shells that are known by their names; `busybox` only when it is asked to be one. */
const NAMED = /^(?:fish|ksh|ksh93|mksh|oksh|yash|t?csh|ash|elvish|nu|pwsh|xonsh)$/;

/**
 * Looks at the processes of agents' views now and then, for shells that went past us. What lives for a shorter time than between two looks is not seen, and a shell that is
 * none of the known ones under a name of its own is not recognised. It only records: who wants to be safe from such an agent needs more than a shell.
 */
export class BypassWatch {
  readonly #parts: Parts;
  readonly #timer: NodeJS.Timeout;
  /** By pid and start time: what was looked at, and whether it is ours. */
  #known = new Map<string, boolean>();
  #shells: ReadonlySet<string> | undefined;
  #shims: ReadonlySet<string> | undefined;
  readonly #prints = new Map<string, string>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.look(), LIMITS.bypassLookMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    if (this.#parts.views.size === 0) return;
    for (const { keeper, at } of this.#parts.views.lost()) this.#report({ pid: keeper, program: at, command: "replaced from outside: in this agent's view the path is no longer ours" });
    const alive = new Map<string, boolean>();
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const pid = Number(name);
      if (!this.#parts.views.holds(pid)) continue;
      const program = programOf(pid);
      if (program === undefined || !this.#isShell(pid, program)) continue;
      const key = `${pid}:${processFacts(pid)?.start ?? ""}`;
      const known = this.#known.get(key);
      const ours = known ?? this.#isOurs(pid);
      alive.set(key, ours);
      if (known === undefined && !ours) this.#report({ pid, program, command: commandOf(pid) });
    }
    this.#known = alive;
  }

  #report(bypass: Bypass): void {
    const { record, log } = this.#parts;
    log(`a shell goes past us in an agent's view: pid ${bypass.pid}, ${JSON.stringify(bypass.program)}: ${JSON.stringify(bypass.command)}`);
    const written = record(bypass);
    if (!written.ok) log(`not recorded: ${written.message}`);
  }

  /** Whether it, or what started it, was started by a shim: a launcher of the agent, a command that a person let run without a sandbox. */
  #isOurs(pid: number): boolean {
    this.#shims ??= new Set(DIALECTS.map((name) => fileOf(`${this.#parts.layout.root}/shims/${name}`)));
    for (let at: number | undefined = pid, step = 0; at !== undefined && at > 1 && step < LIMITS.bypassDepth; step += 1) {
      if (this.#shims.has(fileOf(`/proc/${at}/exe`)) || this.#known.get(`${at}:${processFacts(at)?.start ?? ""}`) === true) return true;
      at = processFacts(at)?.parent;
    }
    return false;
  }

  #isShell(pid: number, program: string): boolean {
    const name = basename(program);
    if (NAMED.test(name)) return true;
    if (name === "busybox" || name === "toybox") return /(?:^|\/)(?:a?sh|hush)(?: |$)/.test(commandOf(pid).replace(/^\S*(?:busybox|toybox) /, ""));
    this.#shells ??= new Set(Object.values(this.#parts.layout.shells).map((path) => printOf(path) ?? path));
    return this.#shells.has(this.#printOf(`/proc/${pid}/exe`) ?? "none");
  }

  /** A copy has the same beginning and length. */
  #printOf(path: string): string | undefined {
    const file = fileOf(path);
    const known = this.#prints.get(file);
    if (known !== undefined) return known;
    const print = printOf(path);
    if (this.#prints.size > LIMITS.bypassPrints) this.#prints.clear();
    if (print !== undefined) this.#prints.set(file, print);
    return print;
  }
}

/** Identifies a file; "" when it cannot be looked at. */
function fileOf(path: string): string {
  try {
    const { dev, ino, mtimeMs } = statSync(path);
    return `${dev}:${ino}:${mtimeMs}`;
  } catch {
    return "";
  }
}

function printOf(path: string): string | undefined {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(8_192);
      const length = readSync(file, bytes, 0, bytes.length, 0);
      return `${statSync(path).size}:${createHash("sha256").update(bytes.subarray(0, length)).digest("base64")}`;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    // Gone, or a process of the kernel.
    return undefined;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim().slice(0, LIMITS.shownCommand);
  } catch {
    return "";
  }
}
