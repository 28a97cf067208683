import { LIMITS } from "../model/index.ts";
import type { HostProbe, PermitView, Place, Plan } from "./place.ts";
import { plan } from "./plan.ts";

const known = new Map<string, Plan>();

/**
 * As `plan`, which is pure: what was made of the very same is not made again, and is the same object.
 * INVARIANT: all that goes in is compared: text as it is, and what is made of parts (the survey, settings) by being the same object, which nobody changes.
 */
export function planOnce(permit: PermitView, host: HostProbe, place: Place): Plan {
  // A way out has a socket of its own for each command; without namespaces what may be read is listed for each.
  if (permit.claim.network.length > 0 || place.wasStopped || !host.sandboxed) return plan(permit, host, place);
  const key = keyOf(permit, host, place);
  const made = known.get(key);
  if (made !== undefined) return made;
  const fresh = plan(permit, host, place);
  if (known.size >= LIMITS.plansRemembered) known.clear();
  known.set(key, fresh);
  return fresh;
}

/** SECURITY: the environment and the directory are the agent's: each text stands with its length, so that none runs into the next. */
function keyOf({ claim, source }: PermitView, host: HostProbe, { environment, proxySocket, guarded, ...others }: Place): string {
  let text = JSON.stringify([claim, source, guarded, proxySocket === "open"]) + identityOf(host);
  for (const [name, value] of Object.entries(others)) text += `${name} ${typeof value === "string" ? measured(value) : typeof value === "object" ? identityOf(value) : String(value)} `;
  for (const [name, value] of environment) text += measured(name) + measured(value);
  return text;
}

function measured(text: string): string {
  return `${text.length}:${text}`;
}

const identities = new WeakMap<object, number>();
let identitiesGiven = 0;

function identityOf(thing: object): string {
  let number = identities.get(thing);
  if (number === undefined) {
    number = identitiesGiven += 1;
    identities.set(thing, number);
  }
  return `#${number}`;
}
