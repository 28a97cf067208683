import { join, resolve } from "node:path";

const CHECKOUT = resolve(import.meta.dirname, "../..");

const source = (name: string): string => JSON.stringify(join(CHECKOUT, "src/broker", `${name}.ts`));

/** The program of the broker as it is, with names of its own: what ends in `.test` is this machine, nothing else is found. */
export const LOCAL_BROKER = `
import { parseArgs } from "node:util";
import { claimDirectories } from ${source("directories")};
import { placesOf, startBroker } from ${source("index")};
import { holdStartLock } from ${source("start-lock")};
process.umask(0o077);
const { values } = parseArgs({ options: { root: { type: "string" }, foreground: { type: "boolean" } } });
const places = placesOf(values.root);
claimDirectories(places);
holdStartLock(places.lock, { foreground: false });
const log = (message) => process.stderr.write(message + "\\n");
process.on("uncaughtException", (error) => log("uncaught exception: " + error.stack));
const broker = await startBroker(values.root, { log, onStop: () => void broker.close().then(() => process.exit(0)), resolve: async (host) => { if (!host.endsWith(".test")) throw new Error("ENOTFOUND"); return ["127.0.0.1"]; } });
`;
