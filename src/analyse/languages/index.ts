import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { curl } from "./curl.ts";
import { dd } from "./dd.ts";
import { find } from "./find.ts";
import { checkout, gitCommand, refspec, remote } from "./git.ts";
import { tar } from "./tar.ts";
import { xargs } from "./xargs.ts";

/** Code for tools whose arguments are a language: what a spec's `analyser = "NAME"` refers to. */
export type Analyser = (args: Arguments, call: Call) => void;

const nothing: Analyser = () => undefined;

export const ANALYSERS: ReadonlyMap<string, Analyser> = new Map<string, Analyser>([
  ["find", find],
  ["xargs", xargs],
  ["dd", dd],
  ["tar", tar],
  ["curl", curl],
  ["refspec", refspec],
  ["git-config", gitCommand],
  ["git-checkout", checkout],
  ["git-remote", remote],
  ["test", nothing],
]);
