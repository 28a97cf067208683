/**
 * It is a shell: each row of the tables is played with the real shells and with the shims (a scripted peer lets everything run as
 * it is), in the same place, and must give the same output, errors and end. A row that cannot be the same says why.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Rooms, type Stay } from "../../src/sandbox/index.ts";
import { buildRoot, type Root } from "../shims/install.ts";
import { runningPeer, type Peer } from "../shims/peer.ts";
import { play, withoutPids } from "./play.ts";
import type { Row, Seen } from "./row.ts";
import { BOXED_ROWS } from "./rows-boxed.ts";
import { COMMON_ROWS } from "./rows-common.ts";
import { SHELL_ROWS } from "./rows-shells.ts";
import { SIGNAL_ROWS } from "./rows-signals.ts";
import { TERMINAL_ROWS } from "./rows-terminal.ts";

const REAL: Readonly<Record<string, string>> = { bash: "/usr/bin/bash", dash: "/usr/bin/dash", zsh: "/usr/bin/zsh", sh: "/bin/sh" };
/** A sandbox that hides nothing and writes everywhere: what is left is how bwrap and vetsh-init stand between the shim and the shell. */
const BWRAP = ["/usr/bin/bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc", "--unshare-user", "--unshare-pid", "--cap-drop", "ALL", "--die-with-parent"];
const WARM = [...BWRAP.slice(0, -1), "--unshare-ipc", "--unshare-uts", "--unshare-net", "--disable-userns"];
const ROWS: readonly Row[] = [...COMMON_ROWS, ...SHELL_ROWS, ...SIGNAL_ROWS, ...TERMINAL_ROWS, ...BOXED_ROWS];

let root: Root;
let peer: Peer;
let place: string;
let rooms: Rooms;
let warm: Stay;
let played = 0;
/** Rows that went through the shim: their folders, as the requests name them. */
const asked = new Set<string>();

beforeAll(async () => {
  root = buildRoot("static");
  place = mkdtempSync(join(tmpdir(), "vetsh-fidelity-"));
  mkdirSync(join(place, "real"));
  for (const [name, path] of Object.entries(REAL)) if (existsSync(path)) symlinkSync(path, join(place, "real", name));
  rooms = new Rooms((message) => { throw new Error(message); }, () => undefined);
  const stay = await rooms.enter({ words: WARM, init: join(root.path, "libexec/vetsh-init"), session: place, workspace: place, directory: place, ownSession: true, set: [] }, "test");
  if (stay === undefined) throw new Error("there is no warm sandbox");
  warm = stay;
  peer = await runningPeer(root.socket, (request) => {
    const room = /\/row-\d+/.exec([request.cwd, ...request.environment, ...request.argv].join("\0"));
    if (room !== null) asked.add(room[0]);
    const shell = REAL[request.name] ?? "/nonexistent";
    const box = request.environment.map(String).find((entry) => entry.startsWith("BOX="));
    if (box?.startsWith("BOX=warm") === true) return { shell, closeFds: true, prefix: ["/nonexistent/cold"], room: { ...warm.entry, directory: String(request.cwd), ownSession: box === "BOX=warm apart", set: [] } };
    return box === undefined ? { shell } : { shell, closeFds: true, prefix: [...BWRAP, ...(box === "BOX=apart" ? ["--new-session"] : []), "--", join(root.path, "libexec/vetsh-init"), shell] };
  });
});

afterAll(async () => {
  await peer.close();
  rooms.close();
  root.remove();
  rmSync(place, { recursive: true, force: true });
});

/** The first shell that the row needs and this machine has not. */
function missing(row: Row): string | undefined {
  const named = [row.shell ?? [], row.needs ?? [], [...JSON.stringify(row).matchAll(/\$D\/(bash|dash|zsh|sh)\b/g)].map((m) => m[1] ?? "")].flat();
  return named.find((name) => !existsSync(REAL[name] ?? ""));
}

async function both(row: Row, index: number): Promise<{ readonly real: Seen; readonly ours: Seen }> {
  const room = join(place, `row-${index}`);
  const real = withoutPids(await play(row, room, join(place, "real")));
  const ours = withoutPids(await play(row, room, join(root.path, "shims")));
  rmSync(room, { recursive: true, force: true });
  return { real, ours };
}

describe.concurrent("the shim is the shell", () => {
  test.each(ROWS.map((row, index) => [row.name, row, index] as const))("%s", async (_name, row, index) => {
    const lacking = missing(row);
    if (lacking !== undefined) {
      // Visible in the report, and counted below: a machine without zsh plays fewer rows, never none.
      return expect(`${lacking} is not installed`).toMatch(/^zsh is not installed$/);
    }
    const { real, ours } = await both(row, index);
    played += 1;
    expect(asked).toContain(`/row-${index}`);
    if (row.shows !== undefined) expect(real.stdout).toMatch(typeof row.shows === "string" ? new RegExp(row.shows.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("\n", "\\r?\\n")) : row.shows);
    if (row.ends !== undefined) expect(real.end).toBe(String(row.ends));
    if (row.differs === undefined) expect(digest(ours)).toEqual(digest(real));
    else expect(digest(ours), row.differs).not.toEqual(digest(real));
  });

});

// Not concurrent, so after all rows.
test("names are unique, and enough rows were played", () => {
  expect(new Set(ROWS.map((row) => row.name)).size).toBe(ROWS.length);
  expect(played).toBeGreaterThanOrEqual(80);
});

/** Long outputs are compared whole, but shown short. */
function digest(seen: Seen): Seen {
  const short = (text: string): string => (text.length <= 4000 ? text : `${text.slice(0, 200)}… ${text.length} bytes, ${createHash("sha256").update(text, "latin1").digest("hex")}`);
  return { stdout: short(seen.stdout), stderr: short(seen.stderr), end: seen.end };
}
