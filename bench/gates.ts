/** What the gate in an interactive bash costs: from Enter to the next prompt on a terminal, bare and gated, in turns. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node-pty";
import type { Layout } from "../src/model/index.ts";
import type { Row } from "./speed-row.ts";
import { percentile } from "./verdicts.ts";

const WARM_UP = 30;
const LINES = 300;
const PROMPT = "ready> ";

/** A bash on a terminal. `line` resolves with the nanoseconds from Enter to the prompt after it. */
async function openShell(shell: string, layout: Layout, workspace: string) {
  const pty = spawn(shell, [], { cols: 80, rows: 24, cwd: workspace, env: { PATH: "/usr/bin:/bin", HOME: layout.home, HISTFILE: "/dev/null", TERM: "dumb", LANG: "C.UTF-8" } });
  let tail = "";
  let wake: (() => void) | undefined;
  pty.onData((data) => {
    tail += data;
    if (!tail.endsWith(PROMPT)) return;
    tail = "";
    wake?.();
  });
  const prompt = (): Promise<void> => new Promise((resolve) => { wake = resolve; });
  await prompt();
  return {
    line: async (text: string): Promise<number> => {
      // What was typed is echoed before Enter is pressed: it is no part of the gate's work.
      pty.write(text);
      while (!tail.endsWith(text)) await new Promise((resolve) => setImmediate(resolve));
      tail = "";
      const shown = prompt();
      const start = process.hrtime.bigint();
      pty.write("\r");
      await shown;
      return Number(process.hrtime.bigint() - start);
    },
    close: () => pty.kill("SIGKILL"),
  };
}

/** In: an installation, and where to work. Out: what one line more costs with a gate. */
export async function gateRows(layout: Layout, workspace: string): Promise<readonly Row[]> {
  writeFileSync(join(layout.home, ".bashrc"), `PS1='${PROMPT}'\nbind 'set enable-bracketed-paste off'\n`);
  const shells = [await openShell("/usr/bin/bash", layout, workspace), await openShell(join(layout.root, "shims/bash"), layout, workspace)];
  try {
    return [await row(shells, "`:`", ":"), await row(shells, "`ls -d . | cat`", "ls -d . | cat")];
  } finally {
    for (const shell of shells) shell.close();
  }
}

async function row(shells: readonly Awaited<ReturnType<typeof openShell>>[], what: string, text: string): Promise<Row> {
  const times: number[][] = shells.map(() => []);
  for (let round = 0; round < WARM_UP + LINES; round += 1) {
    for (const [index, shell] of shells.entries()) {
      const took = await shell.line(text);
      if (round >= WARM_UP) times[index]?.push(took);
    }
  }
  const [bare = Number.NaN, gated = Number.NaN] = times.map((some) => percentile(some.toSorted((a, b) => a - b), 50));
  const [least = Number.NaN, leastGated = Number.NaN] = times.map((some) => Math.min(...some));
  const more = (gated - bare) / 1e6;
  return { what: `gate of an interactive bash, ${what}`, measured: `${more.toFixed(2)} ms more at the median (of the least: ${((leastGated - least) / 1e6).toFixed(2)}; bare ${(bare / 1e6).toFixed(2)} ms)`, aim: "≤ 1 ms", met: more <= 1 };
}
