/**
 * `node bench/kills.ts [KILLS]`: kills the broker with SIGKILL at so many random points (200 unless said otherwise) while shells run.
 * Prints what was seen; exit 1 when something that a shim was told is not in the journal, a request has not exactly one end, or the chain does not verify.
 */
import { buildApp } from "../test/support/app.ts";
import { install } from "../test/support/install.ts";
import { killAgainAndAgain } from "../test/support/kills.ts";

await buildApp();
const vetsh = await install();
try {
  await vetsh.startBroker();
  const report = await killAgainAndAgain(vetsh, Number(process.argv[2] ?? 200), Math.random);
  const { kills, commands, acknowledged, refused, lost, twice, endless, odd, verified } = report;
  console.log(`${kills} kills, ${commands} commands: ${acknowledged} ran, ${refused} were refused; lost ${lost.length}, ended twice ${twice.length}, without an end ${endless.length}`, verified);
  for (const line of [...lost, ...twice, ...endless, ...odd]) console.log(`WRONG: ${line}`);
  if (!verified.ok || lost.length + twice.length + endless.length + odd.length > 0) process.exitCode = 1;
} finally {
  await vetsh.remove();
}
