/**
 * A broker that is killed again and again while shells run: what the shims were told must stand in the journal, whole.
 * `test/broker/kills.test.ts` does it at a few random points, `bench/kills.ts` at hundreds.
 */
import { join } from "node:path";
import { journalDirectory, verifyJournals, type Verification } from "../../src/record/index.ts";
import type { Installation, Ran } from "./install.ts";
import { until } from "./waiting.ts";

const AT_ONCE = 6;

export type KillReport = {
  readonly kills: number;
  readonly commands: number;
  /** Commands whose shim was told that they may run: they did. */
  readonly acknowledged: number;
  readonly refused: number;
  /** Ended with the sandbox that the killed broker was making for them, before they printed anything. */
  readonly died: number;
  /** Acknowledged, and not in the journal; or with no end, or with several. */
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  readonly endless: readonly string[];
  /** Neither ran nor said that nothing ran. */
  readonly odd: readonly string[];
  readonly verified: Verification;
};

/** In: an installation, how often, and numbers in [0, 1) that say when. Out: what the journal says in the end. */
export async function killAgainAndAgain(vetsh: Installation, kills: number, random: () => number): Promise<KillReport> {
  const acknowledged: string[] = [];
  const odd = new Set<string>();
  let [commands, refused, died, over] = [0, 0, 0, false];
  const worker = async (lane: number): Promise<void> => {
    for (let turn = 0; !over; turn += 1) {
      const token = `token-${lane}-${turn}`;
      const ran = await vetsh.run(["bash", "-c", `echo ${token}`]);
      commands += 1;
      if (ran.stdout === `${token}\n`) acknowledged.push(token);
      else if (isRefusal(ran)) refused += 1;
      else if (ran.signal === "SIGKILL" && ran.stdout === "") died += 1;
      else odd.add(`${ran.code ?? ran.signal ?? "?"}: ${ran.stderr.slice(0, 200)}`);
    }
  };
  const workers = Array.from({ length: AT_ONCE }, (_, lane) => worker(lane));
  for (let kill = 0; kill < kills; kill += 1) await killOnce(vetsh, random, () => acknowledged.length);
  over = true;
  await Promise.all(workers);
  await vetsh.startBroker();
  const journal = (): readonly Record<string, unknown>[] => vetsh.journal();
  const of = (kind: string): readonly string[] => journal().filter((line) => line["kind"] === kind).map((line) => String(line["id"]));
  // Ends of shells that outlived their broker are on their way.
  await until(() => new Set(of("received")).size === new Set(of("finished")).size, "an end of each request").catch(() => undefined);
  await vetsh.stopBroker();
  const texts = new Set(journal().flatMap((line) => (line["kind"] === "received" ? [String((line["script"] as { text?: string } | undefined)?.text)] : [])));
  const ends = of("finished");
  const ended = new Set(ends);
  return {
    kills, commands, acknowledged: acknowledged.length, refused, died, odd: [...odd],
    lost: acknowledged.filter((token) => !texts.has(`echo ${token}`)),
    twice: ends.filter((id, index) => ends.indexOf(id) !== index),
    endless: of("received").filter((id) => !ended.has(id)),
    verified: verifyJournals(journalDirectory(join(vetsh.root, "state"))),
  };
}

/** Somewhere in the middle of what it does for several shells at once: some commands after it began, and a little later. */
async function killOnce(vetsh: Installation, random: () => number, count: () => number): Promise<void> {
  const pid = await until(() => vetsh.brokerPid(), "a broker");
  const enough = count() + 1 + Math.floor(random() * 2 * AT_ONCE);
  await until(() => count() >= enough, "some commands");
  await new Promise((done) => setTimeout(done, random() * 30));
  process.kill(pid, "SIGKILL");
  // The next one is started by whichever shim comes first.
  await until(async () => { const next = await vetsh.brokerPid(); return next !== undefined && next !== pid; }, "the next broker");
}

function isRefusal({ code, stdout, stderr }: Ran): boolean {
  return code === 126 && stdout === "" && /^vetsh: [^\n]*, nothing ran[;\n]/m.test(stderr);
}
