import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { cmake, compiler, works } from "./compilers.ts";
import { curl } from "./curl.ts";
import { dd } from "./dd.ts";
import { editor } from "./editors.ts";
import { fd, find } from "./find.ts";
import { checkout, gitCommand, refspec, remote, shown } from "./git.ts";
import { cargo, go, nodePackages, npx, phpPackages, pythonPackages, rubyPackages } from "./package-managers.ts";
import { pythonModule, pythonTool } from "./python.ts";
import { cloud, cluster, containers, forge, infrastructure, vetsh } from "./services.ts";
import { chooser, clipboard, document, ffmpeg, ghostscript, images } from "./media.ts";
import { inPlace } from "./in-place.ts";
import { jq, yq } from "./jq.ts";
import { keys, psql } from "./sql.ts";
import { versionManager } from "./version-managers.ts";
import { networkConfiguration, systemPackages } from "./system-packages.ts";
import { keyFiles } from "./keys.ts";
import { into } from "./into.ts";
import { listed, mode } from "./listed.ts";
import { multiplexer } from "./multiplexer.ts";
import { tmux } from "./tmux.ts";
import { tar } from "./tar.ts";
import { admin, build, crypto, debugged, flock, inspect, kill, migration, opener, nodeTool, outputs, pager, parallel, service, sshOptions, transfer } from "./tools.ts";
import { variables } from "../searches.ts";
import { include } from "./awk.ts";
import { httpie } from "./httpie.ts";
import { trees } from "./trees.ts";
import { xargs } from "./xargs.ts";

/** Code for tools whose arguments are a language: what a spec's `analyser = "NAME"` refers to. */
export type Analyser = (args: Arguments, call: Call) => void;

const nothing: Analyser = () => undefined;

export const ANALYSERS: ReadonlyMap<string, Analyser> = new Map<string, Analyser>([
  ["find", find],
  ["fd", fd],
  ["xargs", xargs],
  ["dd", dd],
  ["tar", tar],
  ["curl", curl],
  ["httpie", httpie],
  ["variables", variables],
  ["trees", trees],
  ["awk-include", include],
  ["key-files", keyFiles],
  ["refspec", refspec],
  ["git-config", gitCommand],
  ["git-checkout", checkout],
  ["git-remote", remote],
  ["python", pythonModule],
  ["python-tool", pythonTool],
  ["python-packages", pythonPackages],
  ["node-packages", nodePackages],
  ["npx", npx],
  ["cargo", cargo],
  ["go", go],
  ["ruby-packages", rubyPackages],
  ["php-packages", phpPackages],
  ["system-packages", systemPackages],
  ["node-tool", nodeTool],
  ["build", build],
  ["inspect", inspect],
  ["kill", kill],
  ["service", service],
  ["multiplexer", multiplexer],
  ["tmux", tmux],
  ["into", into],
  ["debugged", debugged],
  ["listed", listed],
  ["mode", mode],
  ["admin", admin],
  ["crypto", crypto],
  ["parallel", parallel],
  ["ssh-options", (args, call) => (sshOptions(args, call), trees(args, call))],
  ["containers", containers],
  ["cluster", cluster],
  ["infrastructure", infrastructure],
  ["cloud", cloud],
  ["forge", forge],
  ["vetsh", vetsh],
  ["outputs", outputs],
  ["editor", editor],
  ["pager", pager],
  ["jq", jq],
  ["yq", yq],
  ["psql", psql],
  ["keys", keys],
  ["version-manager", versionManager],
  ["flock", flock],
  ["transfer", transfer],
  ["opener", opener],
  ["git-shown", shown],
  ["ffmpeg", ffmpeg],
  ["images", images],
  ["ghostscript", ghostscript],
  ["document", document],
  ["clipboard", clipboard],
  ["chooser", chooser],
  ["migration", migration],
  ["compiler", compiler],
  ["cmake", cmake],
  ["works", works],
  ["network-configuration", networkConfiguration],
  ["in-place", inPlace],
  ["test", nothing],
]);
