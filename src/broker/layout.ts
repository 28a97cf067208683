import { lstatSync, readFileSync } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import { z } from "zod";
import type { Layout } from "../model/index.ts";
import { StartError } from "./start-error.ts";

const absolute = z.string().refine((path) => isAbsolute(path) && normalize(path) === path, "must be an absolute, normalised path");
const layoutSchema = z.object({
  version: z.literal(1),
  root: absolute,
  home: absolute,
  config: absolute,
  managed: absolute,
  node: absolute,
  app: absolute,
  shells: z.object({ bash: absolute, sh: absolute, zsh: absolute, dash: absolute }),
});

/** In: ROOT. Out: what its `layout.json` says, checked. Throws StartError that names the file and the field. */
export function readLayout(root: string): Layout {
  const path = join(root, "layout.json");
  const text = readText(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new StartError(`\`${path}\` is not JSON`, "run the installer again", cause);
  }
  const parsed = layoutSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StartError(`\`${path}\`: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a layout"}`, "run the installer again");
  }
  if (parsed.data.root !== normalize(root)) throw new StartError(`\`${path}\` belongs to the installation \`${parsed.data.root}\``, "an installation cannot be moved: run the installer with the new prefix");
  return parsed.data;
}

/** SECURITY: a layout that somebody else may write would choose our node and the real shells. */
function readText(path: string): string {
  try {
    const stat = lstatSync(path);
    const mine = stat.uid === 0 || stat.uid === process.getuid?.();
    if (!stat.isFile() || !mine || (stat.mode & 0o022) !== 0) {
      throw new StartError(`\`${path}\` can be written by others, or is not a plain file`, `remove it and run the installer again`);
    }
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(`\`${path}\` cannot be read`, "run the installer again", cause);
  }
}
