/**
 * `node bench/crowd.ts [SECONDS] [--kill COMMANDS]`: a hundred commands at once in eight claims, a minute unless said otherwise. Prints what was seen;
 * exit 1 when one command had what is another's, or something is left over. With --kill the broker is killed after each so many commands.
 */
import { parseArgs } from "node:util";
import { crowd, holdings } from "../test/support/crowd.ts";
import { buildApp } from "../test/support/app.ts";
import { install } from "../test/support/install.ts";

const { values, positionals } = parseArgs({ options: { kill: { type: "string" } }, allowPositionals: true });
const seconds = Number(positionals[0] ?? 60);
const killAfter = values.kill === undefined ? undefined : Number(values.kill);
await buildApp();
const vetsh = await install();
try {
  await vetsh.startBroker();
  const broker = (await vetsh.brokerPid()) ?? 0;
  await crowd(vetsh, 1);
  const before = holdings(vetsh, broker);
  const report = await crowd(vetsh, seconds, killAfter === undefined ? {} : { killAfter });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await vetsh.startBroker();
  const after = holdings(vetsh, (await vetsh.brokerPid()) ?? 0);
  console.log(`${report.commands} commands in ${seconds} s, ${report.killed} brokers killed, ${report.refused} commands refused because of that`, "before", before, "after", after, "sandboxes of each claim", Object.fromEntries(report.rooms));
  for (const line of report.wrong) console.log(`WRONG: ${line}`);
  if (report.wrong.length > 0 || after.strangers > 0 || after.files > before.files + 8 || after.mounts !== before.mounts || after.sockets > 0) process.exitCode = 1;
} finally {
  await vetsh.remove();
}
