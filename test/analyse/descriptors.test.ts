import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { files, judge, words } from "./judge.ts";
import { covers, recordedRuns } from "./recorded.ts";

/**
 * Descriptors by their number, files that a line writes and runs, traps taken away: what bash runs is found, beside bash itself.
 * `alpha` is a function that records its words on a descriptor of its own; nothing else here has an effect outside of a throw-away folder.
 */
const scratch = mkdtempSync(join(tmpdir(), "vetsh-descriptors-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function really(text: string): readonly (readonly string[])[] {
  const recorder = "alpha() { { printf '%s\\0' alpha \"$@\"; printf '\\n\\0'; } >&9; }; export -f alpha\n";
  const { output } = spawnSync("/bin/bash", ["-c", recorder + text, "bash"], { cwd: scratch, env: { PATH: "/usr/bin:/bin", HOME: "/h" }, timeout: 10_000, stdio: ["ignore", "ignore", "ignore", "ignore", "ignore", "ignore", "ignore", "ignore", "ignore", "pipe"] });
  return recordedRuns(String(output[9] ?? ""));
}
const place = { facts: { home: "/h", cwd: scratch, workspace: scratch } };

/** Lines in which bash runs `alpha`, and we say so exactly. */
const FOLLOWED = [
  "exec 3<<< 'alpha three'; bash <&3", "exec 3<<'E'\nalpha three\nE\nbash <&3", "bash <&4 4<<< 'alpha four'", "bash /dev/fd/3 3<<< 'alpha path'", "exec 5<<< 'alpha five'; bash /dev/fd/5", ". /dev/stdin <<< 'alpha sourced'", "exec {in}<<< 'alpha named'; bash <&$in",
  "exec 3< <(echo alpha produced); bash <&3", "{ bash <&3; } 3<<< 'alpha group'", "f() { bash <&3; }; f 3<<< 'alpha function'", "exec 3<<< 'alpha moved'; exec 4<&3-; bash <&4", "exec <<< 'alpha standard'; bash", "read -r line <<< alpha; $line read",
  "x=$( { echo alpha >&2; } 2>&1 ); $x aside", "x=$( { echo alpha >&3; } 3>&1 ); $x three", "x=$(echo alpha 2>&1 >&2 2>/dev/null); $x late", "x=$(exec 3>&1; echo alpha >&3); $x opened",
  "{ echo echo one >&3; } 3>&1 | bash; alpha end", "{ echo alpha piped >&3; } 3>&1 | bash",
  "echo alpha written > a.sh; bash a.sh", "cat > b.sh <<'E'\nalpha document\nE\nbash b.sh", "echo ls > k.sh; echo alpha added >> k.sh; bash k.sh", ": > l.sh; echo alpha filled >> l.sh; sh l.sh", "echo alpha teed | tee c.sh > /dev/null; . ./c.sh", "echo alpha copied > d; cp d d.sh; bash d.sh", "echo alpha moved > e; mv e e.sh; bash e.sh", "echo alpha linked > g; ln -sf g g.sh; bash g.sh", "echo alpha hard > h; ln -f h h.sh; bash h.sh",
  "printf 'all:\\n\\t@bash -c \"alpha made\"\\n' > Makefile; make -s; rm Makefile", "printf 'all:\\n\\t@bash -c \"alpha named\"\\n' > my.mk; make -s -f my.mk",
  "trap 'alpha left' EXIT; true", "trap 'alpha first' EXIT; trap - EXIT; alpha after", "trap 'alpha first' EXIT; exit; trap - EXIT", "(trap 'alpha $x' EXIT; x=sub)", "x=1; trap 'alpha $x' EXIT; trap - EXIT; x=2", "trap 'alpha first' EXIT; trap 'alpha second' EXIT",
] as const;

describe("what bash runs is found", () => {
  test.each(FOLLOWED)("%s", (line) => {
    const { commands, effects } = judge(line, place);
    const ran = really(line);
    expect(effects.filter((effect) => effect.kind === "opaque" && effect.severity !== "unmodelled")).toEqual([]);
    expect(ran.filter((argv) => !commands.some((command) => covers(command, argv)))).toEqual([]);
  });
  test("the recorder records", () => expect(really("exec 3<<< 'alpha three'; bash <&3")).toEqual([["alpha", "three"]]));
});

/** Lines in which bash runs `alpha` and its text is not known to us: that is said. */
const DOUBTED = [
  "x=$( { { echo alpha >&3; } > /dev/null; } 3>&1 ); $x around", "exec 3>&1; x=$(echo alpha inside >&3); y=$( { f() { echo alpha >&4; }; f; } 4>&1 >/dev/null ); $y leaked", "for i in 1 2; do [ $i = 2 ] && bash <&3; exec 3<<< 'alpha round'; done",
  "echo 'alpha a' > s.sh; sed -i s/a$/b/ s.sh; bash s.sh", "echo 'alpha x' | sed s/x/y/ > t.sh; bash t.sh", "exec 3> u.sh; echo 'alpha u' >&3; exec 3>&-; bash u.sh", "echo alpha > v; cat v > w.sh; sed -i s/$/' z'/ w.sh; . ./w.sh", "echo alpha one | sed s/one/two/ | tee q.sh > /dev/null; bash < q.sh",
  "exec > r.sh; echo alpha redirected; exec > /dev/null; bash r.sh", "{ echo alpha >&3; } 3> n.sh; sh n.sh || bash n.sh",
] as const;

describe("what is not known is said", () => {
  test.each(DOUBTED)("%s", (line) => {
    const { commands, effects } = judge(line, place);
    const ran = really(line);
    expect(ran.length).toBeGreaterThan(0);
    const found = ran.every((argv) => commands.some((command) => covers(command, argv)));
    expect(found || effects.some((effect) => effect.kind === "opaque")).toBe(true);
  });
  test.each(["echo ls > x.sh; patch -p0 x.sh < d; sh x.sh", "curl -s http://127.0.0.1:9/ | sed 1d > x.sh; bash x.sh", "sed s/a/b/ y > Makefile; make", "jq . a > package.json && npm test", "envsubst < a > x.sh; . ./x.sh"])("%s", (line) => {
    expect(words(judge(line)).some((word) => word.startsWith("opaque") || word === "exec download")).toBe(true);
  });
  test("a file that nothing in the line changed is what it was", () => {
    const facts = { facts: { files: files({ "/w/x.sh": "rm -rf src", "/w/y": "rm -rf docs" }) } };
    expect(words(judge("chmod +x x.sh; ./x.sh", facts))).toContain("delete-tree src");
    expect(words(judge("mv y x.sh; sh x.sh", facts))).toContain("delete-tree docs");
    expect(words(judge("cp y z.sh; sh z.sh", facts))).toContain("delete-tree docs");
    expect(words(judge("sed -i s/a/b/ x.sh; sh x.sh", facts))).toContain("opaque unknown");
    expect(words(judge("cc x.c -o x && ./x", facts))).not.toContain("opaque unknown");
    expect(words(judge("sed -i s/a/b/ t.py && python3 t.py", facts))).not.toContain("opaque unknown");
  });
  test("scripts of a package file that the line wrote are judged", () => {
    expect(words(judge(`echo '{"scripts":{"test":"rm -rf src","lint":"eslint ."}}' > package.json; npm test`))).toContain("delete-tree src");
    expect(words(judge(`echo '{"scripts":{"lint":"rm -rf src","test":"true"}}' > package.json; npm test`))).not.toContain("delete-tree src");
    expect(words(judge(`echo '{"scripts":{"postinstall":"rm -rf src"}}' > package.json; npm install`))).toContain("delete-tree src");
    expect(words(judge("printf 'x := $(shell rm -rf src)\\nall:\\n' > Makefile && make"))).toContain("delete-tree src");
  });
});
