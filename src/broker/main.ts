/**
 * `node main.js --root ROOT [--foreground]`: the broker as a process. Started by shims, `vetsh-start` or a service manager.
 * SECURITY: reads its arguments and ROOT, no variable of its environment; the log is standard error.
 */
import { enableCompileCache } from "node:module";
import { parseArgs } from "node:util";
import { resolve } from "node:path";
import { claimDirectories, placesOf } from "./directories.ts";
import type { Broker } from "./index.ts";
import { StartError } from "./start-error.ts";
import { holdStartLock } from "./start-lock.ts";

function log(message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${message.replaceAll("\n", "\n  ")}\n`);
}

async function main(): Promise<void> {
  process.umask(0o077);
  // A request that fails is refused where it is handled; what arrives here belongs to none, and no answer was given for it.
  process.on("unhandledRejection", (reason) => log(`unhandled rejection: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`));
  process.on("uncaughtException", (error) => log(`uncaught exception: ${error.stack ?? error.message}`));

  const { values } = parseArgs({ options: { root: { type: "string" }, foreground: { type: "boolean", default: false } }, strict: true });
  if (values.root === undefined) throw new StartError("`--root` is missing", "start the broker with `vetsh broker start`");
  const root = resolve(values.root);
  const places = placesOf(root);
  claimDirectories(places);
  holdStartLock(places.lock, { foreground: values.foreground });

  let stopping = false;
  const started: { broker?: Broker } = {};
  const stop = (why: string): void => {
    if (stopping) return;
    stopping = true;
    log(`stopping: ${why}`);
    void (started.broker?.close() ?? Promise.resolve()).then(() => process.exit(0), (error: unknown) => {
      log(`did not stop cleanly: ${String(error)}`);
      process.exit(1);
    });
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGHUP", () => started.broker?.reload());
  // SECURITY: the cache is code that we run: it lies where only this user can write, and no sandbox sees it. Loaded from here
  // on, everything else comes out of it; node checks each piece against its source.
  enableCompileCache(places.codeCache);
  const { startBroker } = await import("./index.ts");
  started.broker = await startBroker(root, { log, onStop: () => stop("asked to") });
  log(`listening, pid ${process.pid}`);
}

main().catch((error: unknown) => {
  if (error instanceof StartError) log(`${error.message}\nhint: ${error.hint}`);
  else log(`cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(1);
});
