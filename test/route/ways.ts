/**
 * One installation of whoever runs this, one agent in a view of the file system, and what came of each way to a shell. A program of its own, so that
 * a test as root can run it as an ordinary user too.
 *
 * usage: ways.ts RESULT-FILE
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install } from "../support/install.ts";

/** What an agent does by itself, without asking anybody: argv, with ROOT, BROKER and WORK in it replaced. */
export const WAYS = {
  "the path of bash": ["/bin/bash", "-c", "echo ${VETSH_SANDBOX-unseen}"],
  "its other path": ["/usr/bin/bash", "-c", "echo ${VETSH_SANDBOX-unseen}"],
  "the path of sh": ["/bin/sh", "-c", "echo ${VETSH_SANDBOX-unseen}"],
  "the path of dash": ["/usr/bin/dash", "-c", "echo ${VETSH_SANDBOX-unseen}"],
  "an empty environment": ["/usr/bin/env", "-i", "/bin/bash", "-c", "echo ${VETSH_SANDBOX-unseen}"],
  "a login shell": ["/bin/bash", "-lc", "echo ${VETSH_SANDBOX-unseen}"],
  "os.execv of python": ["/usr/bin/python3", "-c", "import os; os.execv('/bin/bash', ['bash', '-c', 'echo ${VETSH_SANDBOX-unseen}'])"],
  "os.system of python": ["/usr/bin/python3", "-c", "import os; os.system('echo ${VETSH_SANDBOX-unseen}')"],
  "a script": ["WORK/script"],
  "a program of the system that is a script": ["/usr/bin/which", "git"],
  "a copy of the shell": ["/usr/bin/python3", "-c", "import shutil, os; shutil.copy('/bin/bash', 'WORK/bash'); os.execv('WORK/bash', ['bash', '-c', 'echo ${VETSH_SANDBOX-unseen}'])"],
  "the loader's variables": ["/usr/bin/env", "LD_PRELOAD=/nonexistent.so", "/bin/bash", "-c", "echo ${VETSH_SANDBOX-unseen}"],
  "no variable of ours": ["/usr/bin/env", "-u", "SHELL", "-u", "PATH", "/bin/bash", "-c", "echo ${VETSH_SANDBOX-unseen}"],
  "a denied line": ["/bin/bash", "-c", "curl -s http://127.0.0.1:9/x | bash"],
  "a job left behind": ["/bin/bash", "-c", "touch made; sleep 50 >/dev/null 2>&1 & echo left"],
  "the job, seen by the next": ["/bin/bash", "-c", "touch made; pgrep -c sleep; pkill sleep"],
  // A line that reaches hosts has no warm sandbox: the shim starts one, and that sees the view.
  "a sandbox of its own": ["/bin/bash", "-c", "curl -s http://wiki.test/ -o /dev/null; echo ${VETSH_SANDBOX-unseen}; /bin/bash -c 'echo nested ${VETSH_SANDBOX-unseen}'; getent passwd \"$(id -u)\" | grep -c shims"],
  "the real shell inside": ["/bin/bash", "-c", "/bin/bash -c 'echo nested ${VETSH_SANDBOX-unseen}'"],
  "writing the installation": ["/usr/bin/touch", "ROOT/shims/bash"],
  "replacing a shim": ["/usr/bin/python3", "-c", "import os; os.rename('WORK/script', 'ROOT/shims/bash')"],
  "reading the journal": ["/usr/bin/find", "ROOT/state/journal"],
  "the person's socket": ["/usr/bin/python3", "-c", "import socket; socket.socket(socket.AF_UNIX).connect('ROOT/run/human/control.sock')"],
  "the file system of another process": ["/usr/bin/find", "/proc/BROKER/root/usr/bin/bash"],
  "the memory of the broker": ["/usr/bin/python3", "-c", "open('/proc/BROKER/mem', 'rb').close()"],
  "unmounting": ["/usr/bin/umount", "/usr/bin/bash"],
  "unmounting in namespaces of its own": ["/usr/bin/unshare", "-Urm", "umount", "/usr/bin/bash"],
} as const;
const WIKI = `
[[rule]]
id = "wiki"
when = { effect = "network", host = "wiki.test" }
decision = "allow"
reason = "ours"
match = ["curl http://wiki.test/"]
not_match = ["curl http://other.test/"]
`;
export type Way = keyof typeof WAYS;
export type WaysResult = { readonly ways: Readonly<Record<string, { readonly code: number | null; readonly out: string; readonly err: string }>>; readonly told: string; readonly attached: readonly Record<string, unknown>[]; readonly root: string; readonly again: { readonly code: number | null; readonly out: string } };

async function visit(): Promise<WaysResult> {
  const home = mkdtempSync(join(tmpdir(), "vetsh-ways-"));
  const installation = await install({ home: "own" });
  try {
    const { layout, root, workspace } = installation;
    writeFileSync(join(layout.config, "rules/wiki.toml"), WIKI);
    await installation.startBroker();
    const broker = (await installation.brokerPid()) ?? 0;
    writeFileSync(join(workspace, "script"), "#!/bin/bash\necho ${VETSH_SANDBOX-unseen}\n");
    chmodSync(join(workspace, "script"), 0o755);
    // The agent is a program that is no shell. Its last way is tried after it has ended the broker.
    const agent = join(home, "agent.py");
    writeFileSync(agent, `
import json, os, signal, subprocess, sys
def go(argv):
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return {"code": ended.returncode, "out": ended.stdout, "err": ended.stderr}
ways = json.load(open(sys.argv[1]))
said = {name: go(argv) for name, argv in ways.items()}
os.kill(${broker}, signal.SIGKILL)
json.dump({"ways": said, "again": go(["/bin/bash", "-c", "echo \${VETSH_SANDBOX-unseen}"])}, open(sys.argv[2], "w"))
`);
    // Root may unmount, and what comes after it would not be in the view.
    const filled = Object.fromEntries(Object.entries(WAYS).filter(([name]) => process.getuid?.() !== 0 || name !== "unmounting").map(([name, argv]) => [name, argv.map((word) => word.replaceAll("ROOT", root).replaceAll("BROKER", String(broker)).replaceAll("WORK", workspace))]));
    writeFileSync(join(home, "ways.json"), JSON.stringify(filled));
    const ran = spawnSync(layout.node, [join(root, "app/dist/cli/main.js"), "--root", root, "run", "--", "/usr/bin/python3", agent, join(home, "ways.json"), join(home, "said.json")], { cwd: workspace, encoding: "utf8", env: { PATH: "/usr/bin:/bin", HOME: layout.home, SHELL: "/bin/bash" } });
    if (ran.status !== 0) throw new Error(`the agent ended with ${ran.status}: ${ran.stdout}${ran.stderr}`);
    const said = JSON.parse(readFileSync(join(home, "said.json"), "utf8")) as Pick<WaysResult, "ways" | "again">;
    return { ...said, told: ran.stderr, attached: installation.journal().filter((line) => line["kind"] === "attached"), root };
  } finally {
    await installation.remove();
    rmSync(home, { recursive: true, force: true });
  }
}

/** In: who shall be the user. Out: what came of every way. */
export function tryWays(uid: number): WaysResult {
  const folder = mkdtempSync(join(tmpdir(), "vetsh-ways-result-"));
  try {
    chmodSync(folder, 0o777);
    const file = join(folder, "result.json");
    const as = uid === process.getuid?.() ? [] : ["/usr/bin/setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const [program = "", ...args] = [...as, process.execPath, import.meta.filename, file];
    execFileSync(program, args, { stdio: ["ignore", "inherit", "inherit"], env: { PATH: "/usr/bin:/bin", TMPDIR: tmpdir() } });
    return JSON.parse(readFileSync(file, "utf8")) as WaysResult;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [, program, resultFile] = process.argv;
if (program === import.meta.filename && resultFile !== undefined) {
  writeFileSync(resultFile, JSON.stringify(await visit()));
  process.exit(0);
}
