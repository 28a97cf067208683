import type { Claim, Effect, PlanHash } from "../model/index.ts";

/** All that an approval binds to (I3). Bytes where the request was not valid UTF-8, so that two requests never look alike. */
export type PlanParts = {
  readonly shell: string;
  /** argv of the shell, argv[0] included, exactly as it will run. */
  readonly argv: readonly (string | Uint8Array)[];
  /** The script when it does not stand in argv: what was read of standard input or of a file. */
  readonly script: string | Uint8Array | undefined;
  readonly cwd: string;
  readonly workspace: string;
  /** Variables with their values, in the order of their names. */
  readonly environment: readonly (readonly [string, string])[];
  readonly canonical: string;
  readonly effects: readonly Effect[];
  /** Files whose text was judged, with its hash. */
  readonly scripts: readonly { readonly path: string; readonly sha256: string }[];
  readonly claim: Claim;
  readonly policy: string;
};

/** In: UTF-8 text. Out: its SHA-256 in lower-case hexadecimal. Injected, because decide imports no platform. */
export type Sha256 = (text: string) => string;

const VERSION = "vetsh-plan-2";

/** In: a plan. Out: its hash. Every part is length-delimited by JSON, so that no two plans share a text. */
export function planHashOf(parts: PlanParts, sha256: Sha256): PlanHash {
  const text = JSON.stringify([
    VERSION,
    parts.shell,
    parts.argv.map(exact),
    parts.script === undefined ? null : exact(parts.script),
    parts.cwd,
    parts.workspace,
    parts.environment,
    parts.canonical,
    parts.effects,
    parts.scripts.map((script) => [script.path, script.sha256]),
    [parts.claim.sandbox, parts.claim.writable, parts.claim.network, parts.claim.secrets, parts.claim.privileged],
    parts.policy,
  ]);
  // The one place where a digest becomes a PlanHash.
  return sha256(text) as PlanHash;
}

/** What an approval of one connection binds to: the plan of its command, where to, and what rules say of it. */
export type ConnectionParts = { readonly command: PlanHash; readonly host: string; readonly port: number; readonly effects: readonly Effect[]; readonly verdict: string };

/** In: a connection that a running command asks for. Out: its hash, which no plan of a line has. Which reading method it is does not matter. */
export function connectionHashOf({ command, host, port, effects, verdict }: ConnectionParts, sha256: Sha256): PlanHash {
  const sends = effects.some((effect) => effect.kind === "network" && effect.sends);
  // As above.
  return sha256(JSON.stringify(["vetsh-connection-1", command, host, port, sends, verdict])) as PlanHash;
}

/** Text as itself, bytes tagged and in hexadecimal: `["x","00ff"]` is no string. */
function exact(value: string | Uint8Array): unknown {
  return typeof value === "string" ? value : ["x", Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("")];
}
