import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { Layout } from "../../src/model/index.ts";

/** A throw-away installation with one default rule. */
export type Installation = { readonly layout: Layout; readonly write: (path: string, text: string, mode?: number) => string };

export const READ_RULE = '[[rule]]\nid = "read"\nwhen = { effect = "read" }\ndecision = "allow"\nreason = "only reads"\nmatch = ["cat a"]\nnot_match = ["touch a"]\n';

export function rule(id: string, effect: string, decision: string, more = ""): string {
  return `[[rule]]\nid = "${id}"\nwhen = { effect = "${effect}" }\ndecision = "${decision}"\nreason = "${id}"\nmatch = ["x"]\nnot_match = ["y"]\n${more}`;
}

export function install(): Installation {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "vetsh-config-")));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const layout: Layout = {
    version: 1, root: join(base, "root"), home: join(base, "home"), config: join(base, "config"), managed: join(base, "managed"),
    node: process.execPath, app: join(base, "app"), shells: { bash: "/bin/bash", sh: "/bin/sh", zsh: "/bin/zsh", dash: "/bin/dash" },
  };
  const write = (path: string, text: string, mode = 0o644): string => {
    const file = join(base, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  write("app/rules/policy/reads.toml", READ_RULE);
  write("app/rules/specs/a.toml", 'family = "a"\n');
  return { layout, write };
}
