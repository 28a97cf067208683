/**
 * Times one start of `bash -c true` bare and in each sandbox, alternating so that load hits all alike.
 * usage: node test/sandbox/cold-start.ts [ROUNDS]     prints min, p50, p95 in milliseconds, survey and plan included separately
 */
import { spawnSync } from "node:child_process";
import { survey } from "../../src/sandbox/index.ts";
import { makeBox, PEOPLE, planIn, removeBox } from "./box.ts";

const rounds = Number(process.argv[2] ?? 60);
const box = makeBox(PEOPLE[0]!);
try {
  const env = { PATH: "/usr/bin:/bin" };
  const readOnly = await planIn(box, { claim: { sandbox: "read-only" } });
  const workspace = await planIn(box);
  const look = (): unknown => survey({ workspace: box.workspace, cwd: box.workspace, home: box.home, guarded: [], writable: [], secrets: [] });
  const run = (prefix: readonly string[]) => (): void => {
    const [file, ...words] = prefix.length > 0 ? [...prefix, "bash", "-c", "true"] : ["/bin/bash", "-c", "true"];
    const { status, stderr } = spawnSync(file ?? "", words, { env, cwd: box.workspace });
    if (status !== 0) throw new Error(String(stderr));
  };
  const plans = new Map<string, () => unknown>([["bare", run([])], ["read-only", run(readOnly.prefix)], ["workspace", run(workspace.prefix)], ["survey", look], ["plan", () => planIn(box)]]);
  const times = new Map([...plans.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, go] of plans) {
      const started = performance.now();
      await go();
      times.get(name)?.push(performance.now() - started);
    }
  }
  const at = (sorted: readonly number[], part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? NaN).toFixed(2).padStart(8);
  for (const [name, taken] of times) {
    const sorted = taken.toSorted((a, b) => a - b);
    console.log(`${name.padEnd(10)} min ${at(sorted, 0)}  p50 ${at(sorted, 0.5)}  p95 ${at(sorted, 0.95)} ms`);
  }
} finally {
  removeBox(box);
}
