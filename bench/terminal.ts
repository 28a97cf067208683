/** What `vetsh run` costs between an agent and the person's terminal: the echo of a key, and output, bare and hosted in turns. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Layout } from "../src/model/index.ts";
import { checkout } from "./installation.ts";
import type { Row } from "./speed-row.ts";

const KEYS = 300;
const MB = 100;
const TURNS = 3;

/** In: where to compile, an installation, where to work. Out: what is added to a key's echo, and how fast output passes. */
export function terminalRows(directory: string, layout: Layout, workspace: string): readonly Row[] {
  const program = join(directory, "terminal-loop");
  execFileSync("cc", ["-O2", "-Wall", "-o", program, join(checkout, "bench/terminal-loop.c"), "-lutil"], { stdio: ["ignore", "ignore", "inherit"] });
  const hosted = [layout.node, join(layout.app, "dist/cli/main.js"), "--root", layout.root, "run", "--", program];
  const measure = (...args: readonly string[]): readonly number[] =>
    execFileSync(program, args, { cwd: workspace, encoding: "utf8", env: { PATH: "/usr/bin:/bin", HOME: layout.home, TERM: "xterm-256color", LANG: "C.UTF-8" }, stdio: ["ignore", "pipe", "inherit"] }).trim().split(" ").map(Number);
  const rate = ([bytes = 0, ns = 1]: readonly number[]): number => bytes / (ns / 1e3);
  const stream = (kind: "plain" | "colour"): Row => {
    const turns = Array.from({ length: TURNS }, () => [[program], hosted].map((host) => rate(measure("stream", ...host, "write", String(MB), kind))));
    const [bare = 0, through = 0] = [0, 1].map((which) => Math.max(...turns.map((turn) => turn[which] ?? 0)));
    return { what: `output under \`vetsh run\`, ${kind}`, measured: `${through.toFixed(0)} MB/s, bare terminal ${bare.toFixed(0)} MB/s (best of ${TURNS}, in turns)`, aim: "≥ 200 MB/s", met: through >= 200 };
  };
  const [leastBare = 0, bare = 0] = measure("keys", String(KEYS), program, "echo");
  const [least = 0, through = 0] = measure("keys", String(KEYS), ...hosted, "echo");
  const more = (through - bare) / 1e6;
  return [
    { what: "echo of a key under `vetsh run`", measured: `${more.toFixed(2)} ms more at the median (of the least: ${((least - leastBare) / 1e6).toFixed(2)}; bare ${(bare / 1e6).toFixed(2)} ms)`, aim: "≤ 2 ms", met: more <= 2 },
    stream("plain"),
    stream("colour"),
  ];
}
