/** What somebody who owns the journal, its key and our source could do to it. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { canonicalJson, type Json } from "../../../src/record/canonical.ts";
import { openSigner } from "../../../src/record/signing.ts";
import { checkpointKeyFile, journalDirectory } from "../../../src/record/index.ts";
import { joinLine } from "../../../src/record/entries.ts";
import { listSegments, segmentPath } from "../../../src/record/segments.ts";

type Line = Readonly<Record<string, Json>>;

export function files(state: string): readonly string[] {
  return listSegments(journalDirectory(state)).map((segment) => segmentPath(journalDirectory(state), segment));
}

/** Writes the whole journal anew: every line goes through `change`, then all hashes, links and signatures are made to fit. */
export function rewrite(state: string, change: (line: Line, index: number) => Line | undefined): void {
  const signer = openSigner(checkpointKeyFile(state));
  let prev = "0".repeat(64);
  let seq = 0;
  let index = 0;
  for (const file of files(state)) {
    let text = "";
    for (const old of readFileSync(file, "utf8").split("\n").slice(0, -1)) {
      const { hash: _hash, ...body } = JSON.parse(old) as Record<string, Json>;
      const changed = change(body, index++);
      if (changed === undefined) continue;
      const signed: Line = changed["kind"] === "checkpoint" ? { ...changed, ...signer.sign(seq - 1, prev, Number(changed["at"])) } : changed;
      const hashed = canonicalJson({ ...signed, prev, seq });
      prev = createHash("sha256").update(hashed).digest("hex");
      seq += 1;
      text += joinLine(hashed, prev);
    }
    writeFileSync(file, text);
  }
}

/** In: a line's members. Out: the line, its hash made to fit. */
export function rehashed({ hash: _hash, ...body }: Record<string, Json>): string {
  const hashed = canonicalJson(body);
  return joinLine(hashed, createHash("sha256").update(hashed).digest("hex")).trimEnd();
}

/** Until `restore`, no file of this process can grow: a limit of the kernel on its size stands for a full disk. */
export function withoutRoom(): { restore(): void } {
  const limit = (bytes: string): void => {
    const { status, stderr } = spawnSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}`], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  };
  // The kernel would end a process for this, unless it says that it listens.
  const listening = (): void => undefined;
  process.on("SIGXFSZ", listening);
  limit("1:unlimited");
  return { restore: () => { limit("unlimited:unlimited"); process.off("SIGXFSZ", listening); } };
}
