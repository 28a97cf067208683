/** What warm sandboxes cost: their first use, and work that starts many programs in one. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Layout } from "../src/model/index.ts";
import type { Row, Times } from "./speed-row.ts";

const FIRST_USES = 15;
const PAUSE_MS = 250;
const MAKES = 15;
const RECIPES = 200;
const ENVIRONMENT = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };

function timed(spawnLoop: string, rounds: number, warmUp: number, cwd: string, commands: readonly (readonly string[])[]): readonly Times[] {
  const words = commands.flatMap((command, index) => (index === 0 ? command : ["--", ...command]));
  return JSON.parse(execFileSync(spawnLoop, [String(rounds), String(warmUp), ...words], { cwd, encoding: "utf8", env: ENVIRONMENT, stdio: ["ignore", "pipe", "inherit"] })) as readonly Times[];
}

/** The first command of a session in a workspace that vetsh has not seen: judging, making the sandbox, and the command itself. */
export function firstUseRow(spawnLoop: string, directory: string, layout: Layout): Row {
  const shim = join(layout.root, "shims/bash");
  const times = Array.from({ length: FIRST_USES }, (_, index) => {
    const workspace = join(directory, `first-${index}`);
    mkdirSync(join(workspace, ".git"), { recursive: true });
    // What the session before had made in the background is done.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    return timed(spawnLoop, 1, 0, workspace, [[shim, "-c", "true"]])[0]?.p50 ?? Number.NaN;
  }).toSorted((a, b) => a - b);
  const p50 = (times[FIRST_USES >> 1] ?? Number.NaN) / 1e6;
  return { what: `first use of a claim, median of ${FIRST_USES}`, measured: `${p50.toFixed(2)} ms (least ${((times[0] ?? Number.NaN) / 1e6).toFixed(2)} ms)`, aim: "≤ 15 ms", met: p50 <= 15 };
}

/** `make` whose every recipe needs a shell, bare and through shim and sandbox, in turns. */
export function makeRow(spawnLoop: string, workspace: string, layout: Layout): Row {
  const names = Array.from({ length: RECIPES }, (_, index) => `r${index}`);
  writeFileSync(join(workspace, "Makefile"), `all: ${names.join(" ")}\n${names.map((name) => `${name}:\n\t@true; true\n`).join("")}`);
  const [bare, boxed] = timed(spawnLoop, MAKES, 2, workspace, ["/usr/bin/bash", join(layout.root, "shims/bash")].map((shell) => [shell, "-c", "make"]));
  if (bare === undefined || boxed === undefined) throw new Error("make was not measured");
  const ratio = boxed.p50 / bare.p50;
  return { what: `make with ${RECIPES} recipes, ratio of p50`, measured: `${ratio.toFixed(2)} (of the least: ${(boxed.least / bare.least).toFixed(2)}; bare ${(bare.p50 / 1e6).toFixed(0)} ms)`, aim: "≤ 1.5", met: ratio <= 1.5 };
}
