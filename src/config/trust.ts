import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Layout } from "../model/index.ts";
import { readText } from "./files.ts";

const TRUSTED = z.strictObject({ version: z.literal(1), workspaces: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)) });

function fileOf(layout: Layout): string {
  return join(layout.root, "state", "trusted-workspaces.json");
}

/** In: the installation. Out: workspace → SHA-256 of the `.vetsh.toml` its owner trusted. A file that cannot be read trusts nobody. */
export function readTrust(layout: Layout): ReadonlyMap<string, string> {
  const file = readText(fileOf(layout), "user");
  if (file.state !== "text") return new Map();
  try {
    return new Map(Object.entries(TRUSTED.parse(JSON.parse(file.text)).workspaces));
  } catch {
    // Unreadable trust is no trust: the workspace then only tightens.
    return new Map();
  }
}

/** A human's word that this very text of a workspace's `.vetsh.toml` may loosen. Another text is not trusted. Throws on I/O errors. */
export function trustWorkspace(layout: Layout, workspace: string, sha256: string): void {
  const path = fileOf(layout);
  const workspaces = Object.fromEntries(new Map(readTrust(layout)).set(workspace, sha256));
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify({ version: 1, workspaces }, undefined, 2)}\n`, { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}
