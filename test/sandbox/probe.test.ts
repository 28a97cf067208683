import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { probeReading } from "../../src/sandbox/index.ts";
import { probeNow } from "../../src/sandbox/probe.ts";

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync("/tmp/vetsh-probe-");
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const place = () => ({ scratch, bash: "/bin/bash" });

/** Something that stands where bubblewrap is looked for. */
function stand(script: string): string {
  const file = join(scratch, "bwrap");
  writeFileSync(file, `#!/bin/bash\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}
const version = `if [ "$1" = --version ]; then echo bubblewrap 0.7.1; exit; fi`;
const pass = `while [ "$1" != -- ]; do shift; done; shift; exec "$@"`;

test("this host: every feature tried, and nothing left behind", async () => {
  expect(await probeNow(place(), ["/nonexistent", "/usr/bin/bwrap"])).toMatchObject({ sandboxed: true, bwrap: "/usr/bin/bwrap", disableUserns: true, gaps: [] });
  expect(readdirSync(scratch)).toEqual([]);
});

test("no bubblewrap: the remedy is to install it", async () => {
  expect(await probeNow(place(), ["/nonexistent"])).toEqual({ sandboxed: false, bwrap: undefined, version: undefined, disableUserns: false, gaps: [{ feature: "bubblewrap", required: true, reason: "bubblewrap is not installed (looked at /nonexistent)", remedy: "install it: `apt-get install bubblewrap`" }] });
});

test("one that confines nothing is found out, feature by feature", async () => {
  const found = await probeNow(place(), [stand(`${version}\n${pass}`)]);
  expect(found.sandboxed).toBe(false);
  expect(found.gaps.map((gap) => gap.feature)).toEqual(expect.arrayContaining(["write-refused", "network-refused"]));
});

test("one that lets writes through is found out although it says otherwise", async () => {
  const found = await probeNow(place(), [stand(`${version}\nprintf evil > ${scratch}/probe-*/canary; printf 'started=yes\\nwrite=refused\\nnetwork=refused\\nsettings=refused\\n'`)]);
  expect(found).toMatchObject({ sandboxed: false, gaps: [{ feature: "write-refused" }] });
});

test("an old one without --disable-userns is used, and the gap is named", async () => {
  const found = await probeNow(place(), [stand(`${version}\nfor word; do [ "$word" = --disable-userns ] && { echo 'Unknown option --disable-userns' >&2; exit 1; }; done\nexec /usr/bin/bwrap "$@"`)]);
  expect(found).toMatchObject({ sandboxed: true, version: "0.7.1", disableUserns: false, gaps: [{ feature: "nested-namespaces-refused", required: false }] });
});

test("one that cannot make namespaces: its words, escaped, and something to do", async () => {
  const found = await probeNow(place(), [stand(`${version}\nprintf 'bwrap: \\033[2KNo permissions\\n' >&2; exit 1`)]);
  expect(found.sandboxed).toBe(false);
  expect(found.gaps[0]?.reason).toContain("`bwrap: \\x1b[2KNo permissions`");
  expect(found.gaps[0]?.remedy).not.toBe("");
});

test("one inside a sandbox that forbids namespaces", async () => {
  const found = await probeNow(place(), [stand(`${version}\nexec /usr/bin/bwrap --ro-bind / / --dev /dev --proc /proc --unshare-user --disable-userns --cap-drop ALL -- /usr/bin/bwrap "$@"`)]);
  expect(found).toMatchObject({ sandboxed: false, gaps: [{ feature: "namespaces", required: true }] });
});

test("a scratch directory that is not there is a gap, not an exception", async () => {
  expect(await probeNow({ scratch: join(scratch, "none"), bash: "/bin/bash" }, ["/usr/bin/bwrap"])).toMatchObject({ sandboxed: false, gaps: [{ required: true }] });
});

describe("Landlock", () => {
  const tried = (init: string) => probeReading({ scratch, bash: "/bin/bash", init });

  test("one that holds nothing is found out, part by part, and nothing is left behind", async () => {
    const gap = await tried(stand('shift; n=$1; shift; shift "$n"; file=$1; shift; exec -a "$1" "$file" "${@:2}"'));
    expect(gap).toMatchObject({ feature: "landlock", required: false });
    for (const what of ["hidden", "write", "mode", "tcp", "udp", "signal", "change a file"]) expect(gap?.reason).toContain(what);
    expect(readdirSync(scratch)).toEqual(["bwrap"]);
  });

  test("one that says that it held although a file was changed", async () => {
    expect((await tried(stand(`printf evil > ${scratch}/probe-*/open; printf 'started\\nreads\\n'`)))?.reason).toContain("change a file");
  });

  test.each([["/nonexistent/vetsh-init", "ENOENT"], ["/bin/false", "does not hold commands here"]])("%s: a gap, not an exception", async (init, reason) => {
    expect((await tried(init))?.reason).toContain(reason);
  });
});
