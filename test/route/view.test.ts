/** `vetsh run`: whatever path an agent starts a shell by, it is ours; and what an agent does to get around that. As root and as an ordinary user. */
import { expect, test } from "vitest";
import { tryWays, type Way } from "./ways.ts";

/** What each way comes to. `root`: where being root makes a difference, which is then what docs/threat-model.md says of root. */
type Row = { readonly out?: string; readonly err?: RegExp; readonly code?: number; readonly root?: "another" };
const HELD: Row = { out: "read-only\n", code: 0 };
const ROWS: Readonly<Record<Way, Row>> = {
  "the path of bash": HELD,
  "its other path": HELD,
  "the path of sh": HELD,
  "the path of dash": HELD,
  "an empty environment": HELD,
  "a login shell": HELD,
  "os.execv of python": HELD,
  "os.system of python": HELD,
  "a script": HELD,
  "a program of the system that is a script": { out: "/usr/bin/git\n", code: 0 },
  // What is copied is a shim. In a directory of its own it is one still.
  "a copy of the shell": HELD,
  // A static program loads nothing; what the shell would load is doubted.
  "the loader's variables": { code: 126, err: /nothing ran/ },
  "no variable of ours": HELD,
  "a denied line": { out: "", code: 126, err: /rule download-and-run/ },
  "a job left behind": { out: "left\n", code: 0 },
  // The sandbox was kept and entered, from inside the view.
  "the job, seen by the next": { out: "1\n" },
  // What the view covers is put back in there.
  "a sandbox of its own": { out: "read-only\nnested read-only\n0\n" },
  "the real shell inside": { out: "nested read-only\n", code: 0 },
  "writing the installation": { code: 1, err: /Read-only file system/ },
  "replacing a shim": { code: 1, err: /OSError/ },
  "reading the journal": { code: 1, err: /No such file/ },
  "the person's socket": { code: 1, err: /PermissionError|FileNotFoundError/ },
  "the file system of another process": { code: 1, err: /Permission denied/, root: "another" },
  "the memory of the broker": { code: 1, err: /PermissionError/, root: "another" },
  "unmounting": { code: 32, root: "another" },
  "unmounting in namespaces of its own": { code: 32, err: /not mounted/, root: "another" },
};

const people = process.getuid?.() === 0 ? [0, 65_534] : [process.getuid?.() ?? 0];
test.each(people)("uid %i: every way to a shell is seen, and no way out of the view", { timeout: 240_000 }, (uid) => {
  const { ways, told, attached, again } = tryWays(uid);
  const seen = (way: Way): Row => ({ ...(ROWS[way].out === undefined ? {} : { out: ways[way]?.out ?? "" }), ...(ROWS[way].code === undefined ? {} : { code: ways[way]?.code ?? -1 }) });
  for (const way of Object.keys(ROWS) as Way[]) {
    const { root, err, ...row } = ROWS[way];
    if (uid === 0 && root === "another") continue;
    expect(seen(way), `${way}: ${JSON.stringify(ways[way])}`).toEqual(row);
    if (err !== undefined) expect(ways[way]?.err, way).toMatch(err);
  }
  expect(told).toMatch(uid === 0 ? /every shell's path, but root can undo it/ : /every shell's path;/);
  expect(attached[0]).toMatchObject({ kind: "attached", agent: "python3" });
  // The broker was killed by the agent: `vetsh run` has started another one, which knows the view.
  expect(again).toMatchObject({ code: 0, out: "read-only\n" });
  expect(attached).toHaveLength(2);
});
