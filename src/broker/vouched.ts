import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import type { Specs } from "../analyse/index.ts";
import { LIMITS } from "../model/index.ts";
import { SHELL_START_VARIABLES } from "./start-effects.ts";

/**
 * Variables of the human's own environment, as `vetsh run` and `vetsh env` told the broker: their values are the human's
 * word, not the agent's. Without this, an SSL_CERT_FILE from a login script would put every command under review.
 * SECURITY: told over the control socket, which sandboxes hide. Kept as digests: values may be anything.
 */
export class VouchedEnvironment {
  readonly #path: string;
  readonly #digests: Set<string>;

  constructor(path: string, onError: (message: string) => void) {
    this.#path = path;
    this.#digests = new Set(read(path, onError));
  }

  /** In: digests of `NAME=VALUE`, from the human's program. Beyond LIMITS.vouchedVariables the oldest are forgotten. */
  add(digests: readonly string[]): void {
    const fresh = digests.filter((digest) => !this.#digests.has(digest));
    if (fresh.length === 0) return;
    for (const digest of fresh) this.#digests.add(digest);
    const kept = [...this.#digests].slice(-LIMITS.vouchedVariables);
    this.#digests.clear();
    for (const digest of kept) this.#digests.add(digest);
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }

  /** In: an inherited environment, the specs in force. Out: what of it could change what a command does, and nobody vouched for. */
  doubtful(env: ReadonlyMap<string, string>, specs: Specs): ReadonlyMap<string, string> {
    const doubtful = new Map<string, string>();
    for (const [name, value] of env) {
      const matters = specs.variables.exact.has(name) || SHELL_START_VARIABLES.has(name) || name.startsWith("BASH_FUNC_");
      if (matters && !(this.#digests.size > 0 && this.#digests.has(digestOf(name, value)))) doubtful.set(name, value);
    }
    return doubtful;
  }
}

/** In: a variable. Out: what stands for it in the broker's memory. */
export function digestOf(name: string, value: string): string {
  return createHash("sha256").update(`${name}=${value}`).digest("base64url");
}

function read(path: string, onError: (message: string) => void): readonly string[] {
  try {
    return z.array(z.string().max(64)).max(LIMITS.vouchedVariables).parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    // Missing: nobody vouched yet. Damaged: nobody did.
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) onError(`\`${path}\` cannot be used: ${String(error).split("\n")[0] ?? ""}`);
    return [];
  }
}
