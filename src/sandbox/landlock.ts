import { isWithin } from "../model/index.ts";
import { approvedVariables, scrub } from "./environment.ts";
import type { HostProbe, PermitView, Place, Plan } from "./place.ts";

/**
 * In: what was permitted, on a host where no namespaces can be had. Out: the plan of a command that Landlock and a second system call filter
 * hold, or why they cannot hold it. Pure.
 * INVARIANT: only what may write nothing and reach nobody is held like this. Landlock takes no part away from what it gives, so a protected path in a
 * writable workspace would be writable; it knows ports and no hosts; modes, owners and times are no matter of it.
 */
export function reading({ claim }: PermitView, host: Pick<HostProbe, "landlock">, place: Place): { readonly plan: Plan } | { readonly cannot: readonly string[] } {
  const cannot = [
    ...(host.landlock === undefined ? ["Landlock does not hold here"] : []),
    ...(claim.sandbox === "read-only" ? [] : ["Landlock cannot keep a part of a writable directory read-only"]),
    ...(claim.network.length === 0 ? [] : ["Landlock knows ports, not hosts, and nothing of names that are looked up"]),
    ...(place.readable === undefined ? ["there are too many files beside hidden ones to name each"] : []),
  ];
  const { readable = [] } = place;
  if (cannot.length > 0 || host.landlock === undefined || readable.length === 0) return { cannot: cannot.length > 0 ? cannot : ["nothing can be read"] };
  return {
    plan: {
      prefix: [host.landlock.init, "--reading", String(readable.length), ...readable, place.shell],
      closeFds: true,
      unset: scrub(place.environment.keys(), approvedVariables(claim), place.inherit),
      set: ["VETSH_SANDBOX=read-only", ...withoutShims(place)],
      authority: { sandbox: "read-only", writable: [], network: [] },
      proxy: undefined, room: undefined, missing: [],
      notes: ["held by Landlock: names of hidden files can be seen, and so can other processes; shells that it starts are held as it is, and not recorded"],
    },
  };
}

/** A shim inside reaches no broker, and would run nothing: the real shells are there, and held like what starts them. */
function withoutShims({ environment, root, shell }: Place): readonly string[] {
  const path = environment.get("PATH")?.split(":").filter((directory) => directory !== `${root}/shims`).join(":");
  const library = environment.get("LD_LIBRARY_PATH");
  return [...(path === undefined ? [] : [`PATH=${path}`]), ...(isWithin(environment.get("SHELL") ?? "/", root) ? [`SHELL=${shell}`] : []), ...(library === undefined ? [] : [`LD_LIBRARY_PATH=${library}`])];
}

