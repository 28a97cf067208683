import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectTo } from "./attacks.ts";
import { bare, giveTo, git, inside, listenIn, makeBox, PEOPLE, planIn, removeBox, type Box, type Person } from "./box.ts";

let box: Box;
const READ_ONLY = { claim: { sandbox: "read-only" as const } };

/** True when the person can run a program where this machine has it. */
async function has(program: string): Promise<boolean> {
  return (await bare(box, `${program} --version >/dev/null 2>&1 && echo yes`)).out.includes("yes");
}

describe.each(PEOPLE)("everyday work as $name", (person: Person) => {
  beforeEach(() => {
    box = makeBox(person);
  });
  afterEach(() => removeBox(box));

  test("exit status, signals, input, output and arguments are the command's own", async () => {
    expect(await inside(box, "echo out; echo err >&2; cat; exit 42", { stdin: "typed" })).toEqual({ code: 42, signal: null, out: "out\ntyped", err: "err\n" });
    expect((await inside(box, "kill -SEGV $$")).code).toBe(139);
    expect((await inside(box, "echo $0; pwd; echo $VETSH_SANDBOX $TMPDIR")).out).toBe(`bash\n${box.workspace}\nworkspace /tmp\n`);
  });

  test("a commit in a checkout", async () => {
    const run = await inside(box, "echo more >> README.md && git add README.md && git commit -q -m second && git switch -q -c topic && git status --short && git log --oneline | wc -l");
    expect({ code: run.code, out: run.out.trim().split("\n").at(-1)?.trim() }).toEqual({ code: 0, out: "2" });
    expect(git(box.workspace, "log", "-1", "--format=%s").trim()).toBe("second");
  });

  test("a commit in a linked work tree, whose pointers cannot be bent", async () => {
    const tree = join(box.home, "tree");
    git(box.workspace, "worktree", "add", "-q", "-b", "side", tree);
    giveTo(person, box.base);
    const place = { workspace: tree };
    expect(await inside(box, "echo x > new && git add new && git commit -q -m third && git log --oneline | wc -l", { place })).toMatchObject({ code: 0, out: "2\n" });
    const common = join(box.workspace, ".git");
    await inside(box, `echo evil > ${common}/worktrees/tree/commondir; echo evil > ${common}/hooks/post-commit; echo '# evil' >> ${common}/config; echo evil > .git; mv ${common}/worktrees ${common}/w`, { place });
    expect(readFileSync(join(common, "worktrees/tree/commondir"), "utf8")).toBe("../..\n");
    expect(existsSync(join(common, "hooks/post-commit"))).toBe(false);
    expect(readFileSync(join(common, "config"), "utf8")).not.toContain("evil");
    expect(readFileSync(join(tree, ".git"), "utf8")).toMatch(/^gitdir: /);
    expect(await inside(box, `echo x > ${box.workspace}/new`, { place })).toMatchObject({ code: 1 });
  });

  test("a commit in a submodule", async () => {
    const parent = join(box.home, "parent");
    mkdirSync(parent);
    giveTo(person, parent);
    git(parent, "init", "-q", "-b", "main");
    git(parent, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", box.workspace, "sub");
    giveTo(person, box.base);
    const place = { workspace: join(parent, "sub") };
    const run = await inside(box, "git config user.email; git -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m inner && git log --oneline | wc -l", { place });
    expect(run).toMatchObject({ code: 0, out: "2\n" });
    await inside(box, `echo evil > ${parent}/.git/modules/sub/hooks/post-commit; echo evil >> ${parent}/.git/config`, { place });
    expect(existsSync(join(parent, ".git/modules/sub/hooks/post-commit"))).toBe(false);
    expect(readFileSync(join(parent, ".git/config"), "utf8")).not.toContain("evil");
  });

  test("a .git file that names somebody else's directory opens nothing", async () => {
    const project = join(box.home, "trick");
    mkdirSync(project);
    writeFileSync(join(project, ".git"), `gitdir: ${box.outside}\n`);
    for (const name of ["HEAD", "config", "gitdir"]) writeFileSync(join(box.outside, name), `${project}/.git\n`);
    mkdirSync(join(box.outside, "objects"));
    giveTo(person, box.base);
    await inside(box, "echo evil > $O/file", { place: { workspace: project } });
    expect(readFileSync(join(box.outside, "file"), "utf8")).toBe("theirs\n");
  });

  test("npm test of a small package, offline", async (context) => {
    if (!(await has("npm")) || !(await has("node"))) return context.skip("npm cannot be run by this person here");
    writeFileSync(join(box.workspace, "package.json"), JSON.stringify({ name: "small", version: "1.0.0", scripts: { test: "node test.js" } }));
    writeFileSync(join(box.workspace, "test.js"), "require('node:http').createServer((q,s)=>s.end('ok')).listen(0,'127.0.0.1',function(){fetch('http://127.0.0.1:'+this.address().port).then(r=>r.text()).then(t=>{console.log('test says',t);process.exit(0)})})");
    const run = await inside(box, "npm test --silent");
    expect(run).toMatchObject({ code: 0, out: "test says ok\n" });
  });

  test("make, with a compiler where there is one", async (context) => {
    if (!(await has("make"))) return context.skip("there is no make");
    writeFileSync(join(box.workspace, "Makefile"), "all: out\nout:\n\t@echo made > out\n\t@cat out\n");
    expect(await inside(box, "make && make -n")).toMatchObject({ code: 0, err: "" });
    expect(readFileSync(join(box.workspace, "out"), "utf8")).toBe("made\n");
    if (!(await has("gcc"))) return;
    expect((await inside(box, `printf 'int main(){return 7;}' > a.c && gcc -o a a.c && ./a`)).code).toBe(7);
  });

  test("python writes its caches and temporary files", async (context) => {
    if (!(await has("/usr/bin/python3"))) return context.skip("there is no python");
    writeFileSync(join(box.workspace, "lib.py"), "x = 5\n");
    const run = await inside(box, `/usr/bin/python3 -c 'import lib, tempfile, multiprocessing as m; f = tempfile.NamedTemporaryFile(); m.Lock(); print(lib.x, f.name.startswith("/tmp/"))'`);
    expect(run).toMatchObject({ code: 0, out: "5 True\n" });
  });

  test.each([READ_ONLY, {}])("here-documents, here-strings and process substitution, %o", async (ask) => {
    const long = "x".repeat(100_000);
    const run = await inside(box, `cat <<'E' | wc -c\n${long}\nE\ncat <<< hi; cat <(echo sub); echo a > /dev/null; echo b >&2; printf %s "$(sort <<< c)"`, ask);
    expect({ ...run, out: run.out.trim() }).toEqual({ code: 0, signal: null, out: "100001\nhi\nsub\nc", err: "b\n" });
  });

  test("files in /tmp last from one command to the next, are private to the session, and a workspace in /tmp is itself", async () => {
    expect((await inside(box, "echo kept > /tmp/file; mktemp > /tmp/name; cat /tmp/name")).out).toMatch(/^\/tmp\//);
    expect((await inside(box, "cat /tmp/file; test -f \"$(cat /tmp/name)\" && echo still")).out).toBe("kept\nstill\n");
    expect((await inside(box, "cat /tmp/file", READ_ONLY)).out).toBe("kept\n");
    expect(existsSync(join(box.root, "state/tmp/session/file"))).toBe(true);
    expect((await inside(box, "cat README.md", READ_ONLY)).out).toBe("hello\n");
  });

  test("a background job outlives its command when it was meant to, and only then", async () => {
    const script = "(sleep 0.5; echo done > job) > /dev/null 2>&1 & echo started";
    expect((await inside(box, script, { place: { background: true } })).out).toBe("started\n");
    await expect.poll(() => existsSync(join(box.workspace, "job")), { timeout: 10_000 }).toBe(true);
    rmSync(join(box.workspace, "job"));
    expect((await inside(box, script)).out).toBe("started\n");
    await pause(1_500);
    expect(existsSync(join(box.workspace, "job"))).toBe(false);
  });

  test("killing what started the sandbox ends the command", async () => {
    const { prefix } = await planIn(box);
    const identity = process.getuid?.() === 0 ? { uid: person.uid, gid: person.gid } : {};
    const child = spawn(prefix[0]!, [...prefix.slice(1), "bash", "-c", "echo up; while :; do echo tick >> ticks; sleep 0.05; done"], { cwd: box.workspace, env: { PATH: "/usr/bin:/bin" }, stdio: ["ignore", "pipe", "ignore"], ...identity });
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    // The pipe closes when the last process inside is gone.
    await closed;
    const size = readFileSync(join(box.workspace, "ticks"), "utf8").length;
    await pause(300);
    expect(readFileSync(join(box.workspace, "ticks"), "utf8").length).toBe(size);
  });

  test("more paths can be made writable, and no more than those", async () => {
    const run = await inside(box, "echo mine > $H/.config/tool/new; echo x >> $O/file; echo x > $O/new; echo x > $H/new; true", { claim: { sandbox: "custom", writable: [join(box.home, ".config/tool"), join(box.outside, "file")] } });
    expect(run.code).toBe(0);
    expect([".config/tool/new", "new"].map((name) => existsSync(join(box.home, name)))).toEqual([true, false]);
    expect([readFileSync(join(box.outside, "file"), "utf8"), existsSync(join(box.outside, "new"))]).toEqual(["theirs\nx\n", false]);
  });

  test("a protected path that was approved opens, its neighbours do not", async () => {
    await inside(box, "echo new > .git/hooks/pre-commit; git config user.name Other; echo evil > .husky/pre-commit", { claim: { sandbox: "custom", writable: [join(box.workspace, ".git/hooks/pre-commit")] } });
    expect(readFileSync(join(box.workspace, ".git/hooks/pre-commit"), "utf8")).toBe("new\n");
    expect(readFileSync(join(box.workspace, ".git/config"), "utf8")).not.toContain("Other");
    expect(readFileSync(join(box.workspace, ".husky/pre-commit"), "utf8")).not.toContain("evil");
    expect((await inside(box, "git config user.name Other", { claim: { sandbox: "custom", writable: [join(box.workspace, ".git/config")] } })).code).toBe(0);
  });

  test("an approved secret can be read, its neighbours cannot", async () => {
    writeFileSync(join(box.home, ".ssh/config"), "Host x\n");
    giveTo(person, box.base);
    const run = await inside(box, "cat $H/.ssh/config; cat $H/.ssh/id_test; ls $H/.ssh; echo $GH_TOKEN $NPM_TOKEN", { claim: { secrets: [join(box.home, ".ssh/config"), "$GH_TOKEN"] }, env: { GH_TOKEN: "one", NPM_TOKEN: "two" } });
    expect(run.out).toBe("Host x\none\n");
  });

  test("the host's network is there when a person opened it, and loopback inside always", async () => {
    const server = createServer((socket) => socket.on("error", () => undefined).end("hello\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    try {
      expect((await inside(box, `cat < /dev/tcp/127.0.0.1/${port}`, { claim: { network: "any" } })).out).toBe("hello\n");
      expect((await inside(box, `cat < /dev/tcp/127.0.0.1/${port}`, { claim: { network: ["localhost"] } })).code).toBe(1);
      expect((await inside(box, `cat < /dev/tcp/127.0.0.1/${port}`, { source: "human", claim: { network: ["localhost"] } })).out).toBe("hello\n");
    } finally {
      server.close();
    }
  });

  test("nested shells reach the broker, and a library path comes along while the loader's other variables do not", async () => {
    const server = await listenIn(box, "root/run/shim.sock");
    try {
      expect((await inside(box, connectTo("$ENV{R}/run/shim.sock"))).out).toBe("TOOK");
      expect((await inside(box, "ls $R/run; touch $R/run/x", READ_ONLY)).out).toBe("shim.sock\n");
    } finally {
      server.close();
    }
    const env = { LD_LIBRARY_PATH: "/opt/lib", LD_PRELOAD: "/nonexistent.so", SSH_AUTH_SOCK: "/x", EDITOR: "ed" };
    expect((await inside(box, "echo $LD_LIBRARY_PATH; echo $LD_PRELOAD$SSH_AUTH_SOCK; echo $EDITOR", { env })).out).toBe("/opt/lib\n\ned\n");
  });

  test("a command in the home directory, where there is no workspace", async () => {
    const workspace = join(box.root, "state/no-workspace");
    mkdirSync(workspace);
    giveTo(person, box.root);
    const run = await inside(box, "pwd; echo x > /tmp/x && cat /tmp/x; echo x > new; ls $R/state", { place: { workspace, cwd: box.home } });
    expect(run).toMatchObject({ code: 2, out: `${box.home}\nx\n` });
    expect(existsSync(join(box.home, "new"))).toBe(false);
  });

  test("a workspace behind a symbolic link, outside /tmp, with spaces and quotes in its name", async () => {
    const other = makeBox(person, "/var/tmp");
    try {
      const odd = join(other.home, "my 'odd' \"project\" $x");
      execFileSync("cp", ["-a", other.workspace, odd]);
      symlinkSync(odd, join(other.home, "link"));
      giveTo(person, other.base);
      const place = { workspace: join(other.home, "link") };
      expect(await inside(other, "pwd -P && echo x > new && git add new && git commit -q -m odd && ! touch .git/hooks/x", { place })).toMatchObject({ code: 0, out: `${odd}\n` });
    } finally {
      removeBox(other);
    }
  });
});
