import type { Call } from "./call.ts";
import { NOTHING, type Output } from "./output.ts";
import { only, type Field } from "./value.ts";

/** Signal 0 reaches nobody: kill(2) only says whether the process is there. */
function asksOnly({ args }: Call): boolean {
  const [first, second] = [only(args[0]), only(args[1])];
  return first === "-0" || (/^-[sn]$/.test(first ?? "") && second === "0");
}

/** The shell's own `kill` (bash(1), JOB CONTROL). */
export function kill(call: Call): Output | undefined {
  if (call.args.some((a) => /^-[lL]$/.test(only(a) ?? ""))) return undefined;
  if (asksOnly(call)) {
    call.add({ kind: "process", action: "look", target: undefined });
    return NOTHING;
  }
  const targets = call.args.filter((a, i) => i > 0 || !/^-/.test(a.texts[0]!));
  if (targets.some((a) => only(a) === "-1") || (targets.length === 1 && only(targets[0]) === "1")) call.add({ kind: "lose", what: "availability", target: "every process" });
  call.add({ kind: "process", action: "signal", target: targets.map(signalled).join(" ") });
  return NOTHING;
}

/** A process by its number, or by what was looked for to find it. */
function signalled(target: Field): string {
  return only(target) ?? (target.origin?.kind === "processes" ? (target.origin.detail ?? "?") : "?");
}
