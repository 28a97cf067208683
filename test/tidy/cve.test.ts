import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDryRun, type DryRun } from "../../src/cli/dry-run.ts";
import { probe } from "../../src/sandbox/index.ts";
import { VERDICTS, type Layout, type Verdict } from "../../src/model/index.ts";

/** Cells of every table row of docs/cve.md: `\|` is a bar, `⏎` a line break, `U+202E` the character. */
const rows = readFileSync("docs/cve.md", "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
  .map((line) => line.slice(2, -2).split(/(?<!\\) ?\| ?/).map((cell) => cell.replaceAll("\\|", "|").trim()));
const lineOf = (cell: string): string => cell.replace(/^`+ ?| ?`+$/g, "").replaceAll("⏎", "\n").replaceAll("U+202E", "\u202e");
const bypasses = rows.filter((cells) => cells.length === 4 && cells[0] !== "published for").map(([, , line = "", answer = ""]) => ({ line: lineOf(line), answer }));
const everyday = rows.filter((cells) => cells.length === 2 && cells[1] !== "looks like").map(([line = ""]) => lineOf(line));

/** Where no sandbox works, what leans on one is reviewed: then only the bypasses can be held to the table. */
const { sandboxed } = await probe({ scratch: tmpdir(), bash: "/usr/bin/bash" });

const PLACE = { cwd: "/home/dev/repo", workspace: "/home/dev/repo" };

describe("docs/cve.md", () => {
  let dry: DryRun;
  let scratch = "";
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "vetsh-cve-"));
    const layout: Layout = {
      version: 1, root: join(scratch, "root"), home: "/home/dev", config: "/home/dev/.config/vetsh", managed: join(scratch, "none"), node: process.execPath, app: resolve("."),
      shells: { bash: "/usr/bin/bash", sh: "/usr/bin/sh", zsh: "/usr/bin/zsh", dash: "/usr/bin/dash" },
    };
    dry = await openDryRun(layout, (message) => expect.unreachable(message));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test("there are rows", () => {
    expect(bypasses.length).toBeGreaterThan(60);
    expect(everyday.length).toBeGreaterThan(10);
  });

  test.each(bypasses.map((row) => [row.line, row.answer] as const))("%j: %s", async (cmd, answer) => {
    const { decision, authority } = await dry.check({ cmd, ...PLACE });
    const [least = "", sandbox] = answer.split(", ");
    expect(VERDICTS).toContain(least);
    expect(VERDICTS.indexOf(decision)).toBeGreaterThanOrEqual(VERDICTS.indexOf(least as Verdict));
    if (decision === "allow") expect({ sandbox: authority.sandbox, network: authority.network }).toEqual({ sandbox, network: [] });
  });

  test.skipIf(!sandboxed).each(everyday.map((line) => [line]))("%j keeps passing", async (cmd) => {
    const { decision, reasons } = await dry.check({ cmd, ...PLACE });
    expect({ decision, reasons: decision === "allow" ? [] : reasons }).toEqual({ decision: "allow", reasons: [] });
  });
});
