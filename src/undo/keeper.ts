/**
 * `node keeper.js WORKSPACE DIRECTORY ARTEFACTS`: keeps the snapshots of one workspace, as a process of its own: it can be killed when
 * something takes too long, and it may change its working directory, which is how it looks at names without following links.
 * In: requests on standard input, a line each. Out: answers on standard output. Ends with its input. Runs no other program.
 */
import { createInterface } from "node:readline";
import type { KeeperReply, KeeperRequest } from "./messages.ts";
import { ArtefactNames } from "./regenerable.ts";
import { WorkspaceKeeper } from "./workspace-keeper.ts";

process.umask(0o077);
process.chdir("/");
const [workspace = "", directory = "", artefacts = "[]"] = process.argv.slice(2);
let keeper: WorkspaceKeeper | undefined;
createInterface({ input: process.stdin }).on("line", (line) => {
  let reply: KeeperReply;
  try {
    keeper ??= new WorkspaceKeeper(workspace, directory, new ArtefactNames(JSON.parse(artefacts) as string[]));
    reply = keeper.answer(JSON.parse(line) as KeeperRequest);
  } catch (error) {
    reply = { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
});
