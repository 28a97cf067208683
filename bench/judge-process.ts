/**
 * `node main.js ROOT WORKSPACE LINES.jsonl`: the judging half of a broker without its sockets, for measuring. Bundled and started
 * as a broker is: one file, V8's cache of compiled code, the same rehearsal, no flags. Prints `Measured` as JSON.
 */
import { enableCompileCache } from "node:module";

const [root, workspace, lines] = process.argv.slice(2);
if (root === undefined || workspace === undefined || lines === undefined) throw new Error("usage: ROOT WORKSPACE LINES.jsonl");
// As `src/broker/main.ts` does it: what is imported from here on comes out of the cache.
enableCompileCache(`${root}/state/code-cache`);
const { measure } = await import("./judging.ts");
process.stdout.write(JSON.stringify(await measure(root, workspace, lines)));
