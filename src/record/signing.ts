/**
 * Checkpoints: from time to time the end of the chain is signed, so that what stands before it cannot be written anew without
 * the key, and, once a checkpoint was exported, not even with it.
 *
 * SECURITY: the key lies beside the journal and belongs to the same user. Whoever can rewrite the journal can sign a
 * rewritten one: only a checkpoint that is kept elsewhere (`verifyJournals(…, { against })`) tells.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from "node:crypto";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import type { CheckpointBody } from "./entries.ts";

/** Makes checkpoints. `key`: the public half, base64url of its 32 bytes. */
export type Signer = { readonly key: string; readonly sign: (seq: number, head: string, at: number) => CheckpointBody };

/** In: where the key lies. Out: what signs; a missing key is made (0600). Throws when the file is not a key of ours, or others can read it. */
export function openSigner(path: string): Signer {
  if (!existsSync(path)) {
    const made = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(path, made, { mode: 0o600, flag: "wx" });
  }
  const secret = readKey(path);
  const key = publicText(secret);
  return {
    key,
    sign: (covers, head, at) => ({ covers, head, at, key, signature: sign(null, signedText({ covers, head, at }), secret).toString("base64url") }),
  };
}

/** In: where the key lies. Out: its public half, undefined when there is none yet. Throws as `openSigner`. */
export function publicKeyOf(path: string): string | undefined {
  return existsSync(path) ? publicText(readKey(path)) : undefined;
}

/** In: a checkpoint from anywhere. Out: whether its own key signed exactly this. Whose key it is, is another question. */
export function isSigned({ covers, head, at, key, signature }: CheckpointBody): boolean {
  try {
    return verify(null, signedText({ covers, head, at }), createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: key }, format: "jwk" }), Buffer.from(signature, "base64url"));
  } catch (cause) {
    // What is no key has signed nothing.
    if (cause instanceof Error && "code" in cause) return false;
    throw cause;
  }
}

/** What is signed, spelt in one way only. */
function signedText({ covers, head, at }: { readonly covers: number; readonly head: string; readonly at: number }): Buffer {
  return Buffer.from(`vetsh checkpoint 1\n${covers}\n${head}\n${at}\n`);
}

function readKey(path: string): KeyObject {
  const stat = lstatSync(path);
  if (!stat.isFile() || (stat.mode & 0o077) !== 0) throw new Error(`\`${path}\` holds a key and is not a file of its owner alone: chmod 600 it, or remove it to have a new one made`);
  const key = createPrivateKey(readFileSync(path));
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`\`${path}\` is not an Ed25519 key: remove it to have a new one made`);
  return key;
}

function publicText(secret: KeyObject): string {
  const { x } = createPublicKey(secret).export({ format: "jwk" });
  if (x === undefined) throw new Error("an Ed25519 key without a public half");
  return x;
}
